//! Previews of requests from forks: what nobody has looked at is not run, and what is run sees no secret.

use slipway_core::auto_deploy::{Changed, RequestWhat, What};
use slipway_core::deployment::{Outcome, Trigger};
use slipway_core::plan::{Action, Request, Version};
use slipway_ports::{CommitState, EffectKind, SecretText, Store as _};

use super::{FORK, Running, comment, hosted, notice, request, with_previews};
use crate::support::{access, commit, name};

#[tokio::test]
async fn a_fork_waits_for_somebody_who_may_write_and_gets_no_secret() {
    let mut environment = with_previews();
    environment.services.truncate(1);
    let running = Running::with(&environment).await;
    running.bench.store.put_secret(&access(), &name("shop"), None, "KEY", &SecretText::new("of project")).await.expect("kept");
    let fork = || request(RequestWhat::Opened, Some(FORK));
    let ignored = running.one("opened", fork()).await;
    assert_eq!(ignored.kind, EffectKind::Ignored);
    assert!(ignored.why.contains("from a fork") && ignored.why.contains("/slipway preview"), "{}", ignored.why);
    running.bench.world.request(hosted(3, Some(FORK)));
    let refused = running.one("by eve", comment("eve", false)).await;
    assert_eq!((refused.kind, &*refused.why), (EffectKind::Ignored, "eve may not write to the repository"));
    running.bench.world.writer("ada");
    let made = running.one("by ada", comment("ada", false)).await;
    assert_eq!(made.kind, EffectKind::Deployed);
    let deployment = running.bench.end_of(&made.deployment.clone().expect("one").0).await;
    assert_eq!(crate::support::outcome(&deployment), Outcome::Succeeded, "what is not there is empty, and no reason to stop");
    let preview = running.preview("demo-pr-7").await.expect("it is made").environment;
    assert!(preview.is_of_fork());
    assert_eq!(running.bench.store.secrets(&name("shop"), Some(&preview.name)).await.expect("read").get("KEY"), None);
    let secrets = running.bench.world.secrets();
    assert!(!secrets.is_empty());
    let texts = secrets.values().flat_map(|secret| secret.data.values().map(SecretText::expose)).collect::<Vec<_>>();
    assert!(texts.iter().all(|text| !text.contains("hunter2") && !text.contains("of project")), "{texts:?}");
    running.bench.world.commit(FORK, &commit(5));
    let pushed = running.one("pushed", request(RequestWhat::Updated, Some(FORK))).await;
    assert_eq!(pushed.kind, EffectKind::Ignored, "nobody has looked at it: {}", pushed.why);
}

#[tokio::test]
async fn of_a_fork_nothing_runs_that_nobody_has_looked_at() {
    let mut environment = with_previews();
    environment.services.truncate(1);
    let running = Running::with(&environment).await;
    running.bench.world.request(hosted(3, Some(FORK)));
    let made = running.one("asked", comment("ada", true)).await;
    assert_eq!((running.ends(&made).await, running.takes(&made).await), (Outcome::Succeeded, Version::Commit(commit(3))));
    running.bench.world.commit(FORK, &commit(5));
    running.bench.world.request(hosted(5, Some(FORK)));
    let preview = name("demo-pr-7");
    let trigger = Trigger { source: "cli".to_owned(), actor: access().actor, request: None, link: None };
    let again =
        running.bench.engine.deploy(&access(), &name("shop"), &preview, Action::Deploy, Request::default(), trigger).await;
    let again = running.bench.end_of(&again.expect("accepted").summary.id).await;
    assert_eq!(again.plan().services[0].version, Version::Commit(commit(3)), "however it is deployed again");
    let names = |commit: &str| {
        let text = format!("I read it.\n/slipway preview {}", &commit[..7]);
        notice(What::Comment { number: 7, text, by: "ada".to_owned(), may_write: true, link: None })
    };
    let late = running.one("late", names(&commit(3))).await;
    let brings = format!("the request brings {} by now; look at it, and comment again", commit(5));
    assert_eq!((late.kind, late.why), (EffectKind::Ignored, brings));
    let next = running.one("next", names(&commit(5))).await;
    assert_eq!((running.ends(&next).await, running.takes(&next).await), (Outcome::Succeeded, Version::Commit(commit(5))));
    running
        .until(async || running.bench.world.statuses(&commit(5)).iter().any(|(state, _)| *state == CommitState::Success))
        .await;
}

#[tokio::test]
async fn a_fork_that_is_trusted_is_followed_and_sees_no_secret_either() {
    let mut environment = with_previews();
    environment.services.truncate(1);
    environment.previews.as_mut().expect("they are on").forks = true;
    let running = Running::with(&environment).await;
    let made = running.one("opened", request(RequestWhat::Opened, Some(FORK))).await;
    assert_eq!((running.ends(&made).await, running.takes(&made).await), (Outcome::Succeeded, Version::Commit(commit(3))));
    assert!(running.bench.world.journal().contains(&format!("fetch {FORK} as robot")), "the host is the repository's own");
    running.bench.world.commit(FORK, &commit(5));
    running.bench.world.changed(&commit(3), &commit(5), Changed::Paths(vec!["main.rs".to_owned()]));
    let pushed = running.one("pushed", request(RequestWhat::Updated, Some(FORK))).await;
    assert_eq!((running.ends(&pushed).await, running.takes(&pushed).await), (Outcome::Succeeded, Version::Commit(commit(5))));
    let secrets = running.bench.world.secrets();
    let mut texts = secrets.values().flat_map(|secret| secret.data.values().map(SecretText::expose));
    assert!(texts.all(|text| !text.contains("hunter2")));
}
