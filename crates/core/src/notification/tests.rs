use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::deployment::{Phase, Timestamp};
use crate::model::{EnvironmentMode, Name};
use crate::pattern::Pattern;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn told(event: Event, reasons: &[&str]) -> DeploymentMessage {
    let failure = |reason: &&str| FailedStep {
        service: name("api"),
        phase: Phase::Build,
        code: "build-failed".to_owned(),
        reason: (*reason).to_owned(),
    };
    DeploymentMessage {
        event,
        at: Timestamp(1_614_265_330_000),
        place: Place {
            deployment: "0197".to_owned(),
            number: 7,
            project: name("shop"),
            environment: name("staging"),
            mode: EnvironmentMode::Staging,
            url: "http://127.0.0.1:7878/deployments/0197".to_owned(),
        },
        action: "deploy".to_owned(),
        asker: Asker {
            source: "cli".to_owned(),
            actor: "ada <a@b>".to_owned(),
            link: Some("https://git.example/c/1".to_owned()),
        },
        accepted_at: Timestamp(1_614_265_200_000),
        started_at: Some(Timestamp(1_614_265_205_000)),
        failures: reasons.iter().map(failure).collect(),
        more_failures: 0,
    }
}

fn slack(message: DeploymentMessage) -> String {
    let body: Value = serde_json::from_str(&Message::Deployment(Box::new(message)).slack_body()).unwrap();
    body["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_webhook_is_told_type_time_and_data() {
    let message = Message::Deployment(Box::new(told(Event::Failed, &["no Dockerfile"])));
    let body: Value = serde_json::from_str(&message.webhook_body()).unwrap();
    assert_eq!(
        body,
        json!({
            "type": "deployment.failed",
            "timestamp": "2021-02-25T15:02:10Z",
            "data": {
                "deployment": "0197", "number": 7, "project": "shop", "environment": "staging", "mode": "staging",
                "action": "deploy", "state": "failed",
                "trigger": { "source": "cli", "actor": "ada <a@b>", "link": "https://git.example/c/1" },
                "acceptedAt": "2021-02-25T15:00:00Z", "startedAt": "2021-02-25T15:00:05Z", "finishedAt": "2021-02-25T15:02:10Z",
                "failures": [{ "service": "api", "phase": "build", "code": "build-failed", "message": "no Dockerfile" }],
                "moreFailures": 0, "url": "http://127.0.0.1:7878/deployments/0197",
            },
        })
    );
    let started: Value = serde_json::from_str(&Message::Deployment(Box::new(told(Event::Started, &[]))).webhook_body()).unwrap();
    assert_eq!((&started["type"], &started["data"]["state"]), (&json!("deployment.started"), &json!("running")));
    assert_eq!(started["data"].get("finishedAt"), None);
    let ping = Message::Ping { at: Timestamp(0), by: "ada".to_owned() };
    assert_eq!(ping.webhook_body(), r#"{"data":{"by":"ada"},"timestamp":"1970-01-01T00:00:00Z","type":"ping"}"#);
}

#[test]
fn slack_is_told_a_line_and_one_for_each_failure() {
    assert_eq!(
        slack(told(Event::Failed, &["<!channel> a & b\nsecond"])),
        ":x: *shop/staging* (staging): <http://127.0.0.1:7878/deployments/0197|deploy #7> failed after 2 min 5 s, asked for by \
         ada &lt;a@b&gt; (cli)\n• *api* build: &lt;!channel&gt; a &amp; b second (`build-failed`)"
    );
    let queued = DeploymentMessage { started_at: None, ..told(Event::Canceled, &[]) };
    assert!(slack(queued).contains("#7> canceled, asked"));
    assert!(slack(told(Event::Started, &[])).contains("#7> started, asked"));
}

#[test]
fn a_list_that_is_empty_covers_everything_and_all_lists_must_cover() {
    let all = Filter::default();
    let some = Filter {
        projects: vec![Pattern::new("shop-*").unwrap(), Pattern::new("mall").unwrap()],
        modes: vec![EnvironmentMode::Production],
        events: vec![Event::Failed, Event::Canceled],
    };
    let production = EnvironmentMode::Production;
    for event in Event::ALL {
        assert!(all.covers(&name("any"), EnvironmentMode::Preview, event));
        let is_bad = matches!(event, Event::Failed | Event::Canceled);
        assert_eq!(some.covers(&name("mall"), production, event), is_bad);
        assert_eq!(some.covers(&name("shop-eu"), production, event), is_bad);
        assert!(!some.covers(&name("shop"), production, event));
        assert!(!some.covers(&name("mall"), EnvironmentMode::Staging, event));
        assert_eq!(event.as_str().parse(), Ok(event));
    }
    assert!("ended".parse::<Event>().is_err());
}

#[test]
fn the_pauses_are_those_of_standard_webhooks_and_come_to_an_end() {
    let seconds: Vec<u64> = (1..).map_while(|attempts| pause_after(attempts, "msg_a")).map(|pause| pause.as_secs()).collect();
    let advised = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    assert_eq!(seconds.len(), advised.len());
    for (pause, advised) in seconds.iter().zip(advised) {
        assert!((advised..=advised + advised / 10).contains(pause), "{pause} {advised}");
    }
    assert_eq!(u32::try_from(advised.len()), Ok(MOST_ATTEMPTS - 1));
    assert_eq!((pause_after(0, "msg_a"), pause_after(MOST_ATTEMPTS, "msg_a")), (None, None));
}

proptest! {
    #[test]
    fn a_pause_is_the_same_for_all_who_ask_and_within_its_bound(attempts in 0_u32..20, id in "[a-z0-9_]{0,40}") {
        let pause = pause_after(attempts, &id);
        prop_assert_eq!(pause, pause_after(attempts, &id));
        prop_assert!(pause.unwrap_or_default() <= longest_pause_after(attempts));
    }

    /// Whatever a failure says, the text has two angle brackets, those of the link to the deployment, and an end.
    #[test]
    fn no_reason_makes_a_link_or_a_mention(reasons in prop::collection::vec(".{0,500}", 0..40), actor in ".{0,60}") {
        let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
        let mut message = told(Event::Failed, &reasons);
        message.asker.actor = actor;
        let text = slack(message);
        prop_assert_eq!((text.matches('<').count(), text.matches('>').count()), (1, 1));
        prop_assert!(text.chars().count() <= 3_100, "{}", text.chars().count());
        prop_assert!(text.lines().count() <= reasons.len() + 2);
        let told = text.matches("(`build-failed`)").count();
        let untold: usize = text.rsplit_once("\n… and ").and_then(|(_, more)| more.strip_suffix(" more")?.parse().ok()).unwrap_or(0);
        prop_assert_eq!(told + untold, reasons.len(), "all failures are told or counted");
    }

    #[test]
    fn a_message_reads_back_as_it_was_stored(reason in any::<String>()) {
        let message = Message::Deployment(Box::new(told(Event::Failed, &[&reason])));
        let stored = serde_json::to_string(&message).unwrap();
        let read: Message = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(read.webhook_body(), message.webhook_body());
    }
}
