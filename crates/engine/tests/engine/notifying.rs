//! Deployments that somebody wants to be told of, over a world in memory and a receiver of the test's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Bench, access, application, environment, name, within};
use async_trait::async_trait;
use serde_json::Value;
use slipway_core::deployment::{Actor, Timestamp};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Environment, EnvironmentMode, Notification};
use slipway_core::notification::{Event, Filter, MOST_ATTEMPTS, Message};
use slipway_engine::{Clock, EngineError, Messenger, Settings, Told};
use slipway_ports::testing::{MemoryStore, World};
use slipway_ports::{
    Answer, CancellationToken, MessageDelivery, MessageState, Notifications as _, Notifier, Post, Receiver, ReceiverAddress,
    ReceiverKind, SecretText, Store as _,
};
use tokio::sync::watch;

/// Milliseconds.
const DAY: i64 = 24 * 3_600_000;

/// What was posted: where to, under which id, and what.
type Posted = (String, String, Value);

/// Hears what is posted, and answers as the test says.
struct Ear {
    posted: watch::Sender<Vec<Posted>>,
    /// By URL, the next answer first; without one it takes what it is told.
    answers: Mutex<BTreeMap<String, Vec<Answer>>>,
    /// Never answers.
    hanging: Option<&'static str>,
}

impl Ear {
    fn new() -> Arc<Self> {
        Self::with_hanging(None)
    }

    fn with_hanging(hanging: Option<&'static str>) -> Arc<Self> {
        Arc::new(Self { posted: watch::channel(Vec::new()).0, answers: Mutex::default(), hanging })
    }

    fn answer(&self, url: &str, statuses: &[u16]) {
        let answers = statuses.iter().map(|status| Answer { status: Some(*status), line: "x".to_owned(), retry_after: None });
        self.answers.lock().expect("no test panics with it").insert(url.to_owned(), answers.collect());
    }

    fn posted(&self) -> Vec<Posted> {
        self.posted.borrow().clone()
    }

    /// What was posted to a URL, by its types.
    fn types(&self, url: &str) -> Vec<String> {
        let of = self.posted().into_iter().filter(|(to, ..)| to == url);
        of.map(|(_, _, body)| body["type"].as_str().unwrap_or("text").to_owned()).collect()
    }

    /// Returns once so much was posted.
    async fn hears(&self, count: usize) {
        within(self.posted.subscribe().wait_for(|posted| posted.len() >= count)).await.expect("it lives");
    }

    fn messenger(self: &Arc<Self>) -> Messenger {
        Messenger { notifier: self.clone(), page: "http://127.0.0.1:7878/".to_owned() }
    }
}

#[async_trait]
impl Notifier for Ear {
    async fn post(&self, post: &Post) -> Answer {
        let url = post.address.url.expose().to_owned();
        let body = serde_json::from_str(&post.body).expect("JSON");
        self.posted.send_modify(|posted| posted.push((url.clone(), post.id.clone(), body)));
        if self.hanging == Some(url.as_str()) {
            std::future::pending::<()>().await;
        }
        let mut answers = self.answers.lock().expect("no test panics with it");
        let next = answers.get_mut(&url).filter(|answers| !answers.is_empty()).map(|answers| answers.remove(0));
        next.unwrap_or(Answer { status: Some(204), line: String::new(), retry_after: None })
    }

    fn check(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

fn receiver(called: &str, filter: Filter) -> Receiver {
    Receiver {
        id: format!("id-{called}"),
        name: name(called),
        kind: ReceiverKind::Webhook,
        shown: format!("https://{called}"),
        filter,
        made_by: Actor("tester".to_owned()),
        made_at: Timestamp(1),
    }
}

async fn make(store: &MemoryStore, called: &str, filter: Filter) {
    let address = ReceiverAddress { url: SecretText::new(format!("https://{called}")), secret: Some(SecretText::new("s")) };
    store.put_receiver(&access(), &receiver(called, filter), &address).await.expect("kept");
}

fn named(kind: &str, url: Option<&str>, secret: Option<&str>, events: &[&str]) -> Notification {
    Notification {
        kind: kind.to_owned(),
        url: url.map(str::to_owned),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        secret: secret.map(str::to_owned),
    }
}

fn shop() -> Environment {
    environment(vec![application("api")])
}

/// Tells until `story` returns.
async fn while_telling<T>(bench: &Bench, ear: &Arc<Ear>, story: impl Future<Output = T>) -> T {
    let stop = CancellationToken::new();
    let (engine, messenger, stops) = (bench.engine.clone(), ear.messenger(), stop.clone());
    let keeping = tokio::spawn(async move { engine.keep_notifying(&messenger, &stops).await });
    let told = story.await;
    stop.cancel();
    keeping.await.expect("it ends");
    told
}

async fn last(bench: &Bench, receiver: &str) -> MessageDelivery {
    bench.store.message_deliveries(receiver, 1).await.expect("read").remove(0)
}

/// Returns when nothing of it is open any more. Whoever waits lets the paused clock go on.
async fn settled(bench: &Bench) {
    while !bench.store.open_messages().await.expect("read").is_empty() || !bench.store.occasions().await.expect("read").is_empty()
    {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn those_whom_it_concerns_are_told_in_order_and_others_are_not() {
    let mut environment = shop();
    environment.mode = EnvironmentMode::Production;
    environment.secrets = vec!["CHAT".to_owned(), "KEY".to_owned()];
    environment.notifications = vec![
        named("slack", None, Some("CHAT"), &[]),
        named("webhook", Some("https://named"), Some("KEY"), &["succeeded"]),
        named("webhook", Some("https://quiet"), None, &["failed"]),
    ];
    let bench = Bench::with(&environment).await;
    bench.secret("CHAT", "https://chat").await;
    bench.secret("KEY", "hunter2").await;
    make(&bench.store, "all", Filter::default()).await;
    let filter = |projects: &[&str], modes: &[EnvironmentMode]| Filter {
        projects: projects.iter().map(|text| text.parse().unwrap()).collect(),
        modes: modes.to_vec(),
        events: vec![Event::Started],
    };
    make(&bench.store, "some", filter(&["sh?p"], &[EnvironmentMode::Production])).await;
    make(&bench.store, "others", filter(&["mall"], &[])).await;
    make(&bench.store, "staging", filter(&[], &[EnvironmentMode::Staging])).await;
    let ear = Ear::new();
    let id = while_telling(&bench, &ear, async {
        let (id, _) = bench.deploy_to_the_end().await;
        settled(&bench).await;
        id
    })
    .await;
    assert_eq!(ear.types("https://all"), ["deployment.started", "deployment.succeeded"]);
    assert_eq!(ear.types("https://some"), ["deployment.started"]);
    assert_eq!(ear.types("https://named"), ["deployment.succeeded"]);
    assert_eq!(ear.types("https://chat"), ["text", "text"]);
    assert_eq!(ear.posted().len(), 6);
    let (_, _, body) = ear.posted().into_iter().find(|(to, ..)| to == "https://all").expect("it is told");
    assert_eq!((&body["data"]["number"], &body["data"]["mode"]), (&1.into(), &"production".into()));
    assert_eq!(body["data"]["url"], format!("http://127.0.0.1:7878/deployments/{id}"));
    assert_eq!(body["data"].get("finishedAt"), None, "it is told as it was then");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_with_its_reason() {
    let bench = Bench::with(&shop()).await;
    make(&bench.store, "all", Filter { events: vec![Event::Failed], ..Filter::default() }).await;
    bench.world.fail("build api", Failure::permanent(Code::BuildFailed, "the Dockerfile says so"));
    let ear = Ear::new();
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        settled(&bench).await;
    })
    .await;
    let (_, _, body) = &ear.posted()[0];
    assert_eq!(body["type"], "deployment.failed");
    assert_eq!(
        body["data"]["failures"],
        serde_json::json!([{ "service": "api", "phase": "build", "code": "build-failed", "message": "the Dockerfile says so" }])
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_arrive_is_told_again_later_and_later_under_its_id() {
    let bench = Bench::with(&shop()).await;
    make(&bench.store, "all", Filter { events: vec![Event::Succeeded], ..Filter::default() }).await;
    let ear = Ear::new();
    ear.answer("https://all", &[500, 301, 404]);
    let begun = tokio::time::Instant::now();
    let mut at = Vec::new();
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        for count in 1..=4 {
            ear.posted.subscribe().wait_for(|posted| posted.len() >= count).await.expect("it lives");
            at.push(begun.elapsed().as_secs());
            if count == 3 {
                let standing = bench.store.receiver_standings().await.expect("read")["id-all"];
                assert!(standing.failing_since.is_some() && standing.gone_at.is_none());
            }
        }
        settled(&bench).await;
    })
    .await;
    for (pause, advised) in [(at[1] - at[0], 5), (at[2] - at[1], 300), (at[3] - at[2], 1_800)] {
        assert!((advised..=advised + advised / 10 + 1).contains(&pause), "{at:?}");
    }
    let posted = ear.posted();
    assert!(posted.iter().all(|each| *each == posted[0]), "the same id and the same body, every time");
    let delivery = last(&bench, "id-all").await;
    assert!(matches!(delivery.state, MessageState::Delivered { .. }) && delivery.attempts == 4, "{delivery:?}");
    assert!(bench.store.receiver_standings().await.expect("read").is_empty(), "it is well again");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_fails_for_days_is_marked_and_stays() {
    let bench = Bench::with(&shop()).await;
    make(&bench.store, "all", Filter { events: vec![Event::Succeeded], ..Filter::default() }).await;
    let ear = Ear::new();
    ear.answer("https://all", &[503; 100]);
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        settled(&bench).await;
        let delivery = last(&bench, "id-all").await;
        assert!(matches!(delivery.state, MessageState::Failed { .. }) && delivery.attempts == MOST_ATTEMPTS, "{delivery:?}");
        assert!(bench.store.receiver_standings().await.expect("read")["id-all"].failing_since.is_some());
        ear.answer("https://all", &[]);
        bench.deploy_to_the_end().await;
        settled(&bench).await;
    })
    .await;
    assert_eq!(ear.posted().len(), MOST_ATTEMPTS as usize + 1, "it is told of the next deployment");
    assert!(bench.store.receiver_standings().await.expect("read").is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_more_is_told_no_more_until_a_ping_arrives() {
    let bench = Bench::with(&shop()).await;
    make(&bench.store, "all", Filter::default()).await;
    let ear = Ear::new();
    ear.answer("https://all", &[410, 500]);
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        settled(&bench).await;
        bench.deploy_to_the_end().await;
        settled(&bench).await;
    })
    .await;
    assert_eq!(ear.posted().len(), 1, "what was open is given up, and nothing new is made");
    let ping = async || bench.engine.ping(&ear.messenger(), &access(), "id-all").await;
    let failed = ping().await.expect("it is tried");
    assert!(matches!((failed.state, &failed.message), (MessageState::Failed { .. }, Message::Ping { .. })), "{failed:?}");
    assert!(
        bench.store.receiver_standings().await.expect("read")["id-all"].gone_at.is_some(),
        "a try that fails changes nothing"
    );
    let arrived = ping().await.expect("it is tried");
    assert!(matches!(arrived.state, MessageState::Delivered { .. }) && last(&bench, "id-all").await == arrived);
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        settled(&bench).await;
    })
    .await;
    assert_eq!(ear.types("https://all")[3..], ["deployment.started", "deployment.succeeded"]);
    let unknown = bench.engine.ping(&ear.messenger(), &access(), "id-none").await;
    assert!(matches!(unknown, Err(EngineError::NotFound(_))), "{unknown:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_holds_up_nobody() {
    let bench = Bench::with(&shop()).await;
    make(&bench.store, "hangs", Filter::default()).await;
    make(&bench.store, "lives", Filter::default()).await;
    let ear = Ear::with_hanging(Some("https://hangs"));
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        bench.deploy_to_the_end().await;
        ear.hears(5).await;
    })
    .await;
    assert_eq!(ear.types("https://lives").len(), 4);
    assert_eq!(ear.types("https://hangs").len(), 1, "one at a time");
}

#[tokio::test(start_paused = true)]
async fn what_a_receiver_wishes_is_waited_for() {
    let bench = Bench::with(&shop()).await;
    make(&bench.store, "all", Filter { events: vec![Event::Started], ..Filter::default() }).await;
    let ear = Ear::new();
    let busy = Answer { status: Some(429), line: "slower".to_owned(), retry_after: Some(Duration::from_secs(900)) };
    ear.answers.lock().expect("no test panics with it").insert("https://all".to_owned(), vec![busy]);
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        ear.posted.subscribe().wait_for(|posted| posted.len() == 1).await.expect("it lives");
        let first = tokio::time::Instant::now();
        ear.posted.subscribe().wait_for(|posted| posted.len() == 2).await.expect("it lives");
        assert!(first.elapsed() >= Duration::from_secs(899), "{:?}", first.elapsed());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_neither_hurries_a_message_nor_holds_it_up() {
    let now = Arc::new(AtomicI64::new(1_000 * DAY));
    let clock = now.clone();
    let clock = Clock::new(move || Timestamp(clock.load(Ordering::SeqCst)));
    let bench = Bench::with_settings(&shop(), Settings { clock: clock.clone(), ..Settings::default() }).await;
    make(&bench.store, "all", Filter { events: vec![Event::Succeeded], ..Filter::default() }).await;
    let ear = Ear::new();
    ear.answer("https://all", &[500; 4]);
    let begun = tokio::time::Instant::now();
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        ear.hears(1).await;
        for (count, jump) in [(1, 400 * DAY), (2, -800 * DAY), (3, 400 * DAY)] {
            now.fetch_add(jump, Ordering::SeqCst);
            ear.posted.subscribe().wait_for(|posted| posted.len() > count).await.expect("it lives");
        }
    })
    .await;
    let elapsed = begun.elapsed().as_secs();
    assert!((2_105..=2_400).contains(&elapsed), "5 s, 5 min and 30 min, with their spread: {elapsed}");
    // A server that starts when the clock was set back by years waits no longer than a pause.
    now.fetch_add(-100 * DAY, Ordering::SeqCst);
    let count = ear.posted().len();
    let begun = tokio::time::Instant::now();
    while_telling(&bench, &ear, async {
        ear.posted.subscribe().wait_for(|posted| posted.len() > count).await.expect("it lives");
    })
    .await;
    assert!(begun.elapsed() <= Duration::from_secs(7_200 + 720), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_a_value_is_told_as_the_reason_and_waited_for() {
    let mut environment = shop();
    environment.notifications = vec![named("slack", None, Some("CHAT"), &["succeeded"])];
    let bench = Bench::with(&environment).await;
    let ear = Ear::new();
    let told = bench.engine.told(&access()).await.expect("read").remove(0);
    assert!(matches!(&told, Told::Environment(receiver) if receiver.project == name("shop")));
    assert!(told.id().starts_with("shop.demo."), "{}", told.id());
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        loop {
            let deliveries = bench.store.message_deliveries(&told.id(), 1).await.expect("read");
            if let Some(line) = deliveries.first().and_then(|delivery| delivery.last.as_ref()).map(|answer| &answer.line) {
                assert_eq!(line, "the secret `CHAT` has no value; `slipway secret set` gives it one");
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        bench.secret("CHAT", "https://chat").await;
        settled(&bench).await;
    })
    .await;
    assert_eq!(ear.types("https://chat"), ["text"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_open_is_given_up_when_its_receiver_leaves_the_configuration() {
    let mut environment = shop();
    environment.notifications = vec![named("webhook", Some("https://named"), None, &["succeeded"])];
    let bench = Bench::with(&environment).await;
    let ear = Ear::new();
    ear.answer("https://named", &[500]);
    let id = bench.engine.told(&access()).await.expect("read")[0].id();
    while_telling(&bench, &ear, async {
        bench.deploy_to_the_end().await;
        ear.hears(1).await;
        environment.notifications.clear();
        bench.store.put_environment(&access(), &environment, 1).await.expect("stored");
        settled(&bench).await;
    })
    .await;
    let delivery = last(&bench, &id).await;
    assert!(matches!(delivery.state, MessageState::Failed { .. }) && ear.posted().len() == 1, "{delivery:?}");
}

/// Whatever write a server dies before, the next one tells what happened: at least once, and under the same id.
#[test]
fn b06_a_kill_before_any_write_leaves_nothing_untold() {
    let mut repeated = 0;
    let mut writes = 0;
    loop {
        let (world, store, ear) = (Arc::<World>::default(), Arc::<MemoryStore>::default(), Ear::new());
        let is_cut = runtime().block_on(async {
            let bench = Bench::over(world.clone(), store.clone()).and(&shop()).await;
            make(&store, "one", Filter::default()).await;
            make(&store, "two", Filter { events: vec![Event::Succeeded], ..Filter::default() }).await;
            store.cut_after(writes);
            let story = async {
                bench.deploy_to_the_end().await;
                settled(&bench).await;
            };
            let (engine, messenger) = (bench.engine.clone(), ear.messenger());
            tokio::spawn(async move { engine.keep_notifying(&messenger, &CancellationToken::new()).await });
            // The runtime ends with this, and drops whatever waits.
            tokio::select! {
                () = story => false,
                () = store.until_cut() => true,
            }
        });
        store.mend();
        let deployment = runtime().block_on(async {
            let bench = Bench::over(world.clone(), store.clone());
            bench.engine.recover().await.expect("it goes on");
            let newest = store.deployments(&access(), &name("shop"), &name("demo"), None, 1).await.expect("read").remove(0);
            while_telling(&bench, &ear, async {
                bench.end_of(&newest.id).await;
                settled(&bench).await;
            })
            .await;
            newest.id
        });
        let posted = ear.posted();
        let told: BTreeSet<_> =
            posted.iter().map(|(to, id, body)| (to.as_str(), body["type"].as_str().unwrap(), id.as_str())).collect();
        let what: Vec<_> = told.iter().map(|(to, kind, _)| (*to, *kind)).collect();
        let all = [
            ("https://one", "deployment.started"),
            ("https://one", "deployment.succeeded"),
            ("https://two", "deployment.succeeded"),
        ];
        assert_eq!(what, all, "{deployment}, cut after {writes} writes: each once by its id");
        repeated += posted.len() - told.len();
        if !is_cut {
            break;
        }
        writes += 1;
    }
    assert!(writes > 8 && repeated > 0, "{writes} writes, {repeated} messages that came again");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime can be made")
}
