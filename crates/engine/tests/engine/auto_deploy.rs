//! What a delivery of a webhook brings about (C13), over a world in memory.

use std::time::Duration;

use crate::support::{Bench, SHOP, access, application, commit, container, environment, name};
use slipway_core::auto_deploy::{Changed, Notice, Teller, What};
use slipway_core::deployment::Timestamp;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Environment, PathFilter, ServiceKind};
use slipway_core::plan::Action;
use slipway_ports::{CancellationToken, Delivery, Effect, EffectKind, NewDelivery, Store as _, Webhooks as _};

/// An environment `demo` whose application `api` follows the default branch.
fn following() -> Environment {
    let mut environment = environment(vec![application("api")]);
    let ServiceKind::Application(api) = &mut environment.services[0].kind else { unreachable!("it was made as one") };
    api.auto_deploy = true;
    api.paths = PathFilter { matches: Vec::new(), excludes: vec!["**/*.md".to_owned()] };
    environment
}

fn push(after: Option<u8>) -> Notice {
    Notice {
        repository: vec![SHOP.to_owned(), "git@git.test:shop.git".to_owned()],
        repository_name: "acme/shop".to_owned(),
        sender: Some("ada".to_owned()),
        what: What::Push {
            branch: "main".to_owned(),
            before: None,
            after: after.map(commit),
            forced: false,
            commits: 1,
            link: Some("https://git.test/shop/compare".to_owned()),
        },
    }
}

async fn tell(bench: &Bench, id: &str, notices: Vec<Notice>) {
    let at = Timestamp(now());
    let new = NewDelivery { webhook: "hook".to_owned(), id: id.to_owned(), event: "push".to_owned(), notices, at };
    assert!(bench.store.take_delivery(&new).await.expect("taken"));
    bench.engine.tell_of_delivery();
}

/// Milliseconds, as the engine's clock has them.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later");
    i64::try_from(since.as_millis()).expect("it is not that late")
}

async fn settled(bench: &Bench, id: &str) -> Vec<Effect> {
    let looking = async {
        loop {
            let all = bench.store.deliveries(&access(), "hook", 100).await.expect("read");
            let found = all.into_iter().find(|delivery: &Delivery| delivery.told.id == id).expect("it was taken");
            if let Some((_, effects)) = found.settled {
                return effects;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it is settled")
}

/// Runs the work on deliveries beside what a test does.
async fn beside<T>(bench: &Bench, test: impl Future<Output = T>) -> T {
    let stop = CancellationToken::new();
    let (engine, stops) = (bench.engine.clone(), stop.clone());
    let working = tokio::spawn(async move { engine.keep_following(&stops).await });
    let result = test.await;
    stop.cancel();
    working.await.expect("it ends");
    result
}

#[tokio::test]
async fn c13_a_push_deploys_the_service_that_follows_and_says_who_asked() {
    let bench = Bench::with(&following()).await;
    bench.with_webhook().await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    bench.world.changed(&commit(1), &commit(2), Changed::Paths(vec!["main.rs".to_owned()]));
    let effects = beside(&bench, async {
        tell(&bench, "one", vec![push(Some(2))]).await;
        settled(&bench, "one").await
    })
    .await;
    let [effect] = &effects[..] else { panic!("one effect: {effects:#?}") };
    assert_eq!((effect.kind, &*effect.why), (EffectKind::Deployed, "`api`: main.rs changed"));
    let (id, number) = effect.deployment.clone().expect("a deployment");
    let deployment = bench.end_of(&id).await;
    assert_eq!(number, 2);
    assert_eq!(deployment.plan().action, Action::Deploy);
    let trigger = deployment.trigger();
    assert_eq!((&*trigger.source, &*trigger.actor.0), ("push", "acme/shop main"));
    assert_eq!(trigger.link.as_deref(), Some("https://git.test/shop/compare"));
}

#[tokio::test]
async fn c13_a_push_of_excluded_files_alone_deploys_nothing() {
    let bench = Bench::with(&following()).await;
    bench.with_webhook().await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    bench.world.changed(&commit(1), &commit(2), Changed::Paths(vec!["README.md".to_owned()]));
    let effects = beside(&bench, async {
        tell(&bench, "one", vec![push(Some(2))]).await;
        settled(&bench, "one").await
    })
    .await;
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].kind, EffectKind::Ignored);
    assert!(effects[0].why.contains("README.md"), "{}", effects[0].why);
    let all = bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 10).await.expect("read");
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn c13_what_was_never_deployed_or_is_stopped_is_not_brought_up() {
    let bench = Bench::with(&following()).await;
    bench.with_webhook().await;
    bench.world.changed(&commit(1), &commit(2), Changed::Paths(vec!["main.rs".to_owned()]));
    beside(&bench, async {
        tell(&bench, "early", vec![push(Some(1))]).await;
        assert!(settled(&bench, "early").await[0].why.contains("never deployed"));
        bench.deploy_to_the_end().await;
        bench.act(Action::Stop).await;
        bench.world.commit(SHOP, &commit(2));
        tell(&bench, "late", vec![push(Some(2))]).await;
        let late = settled(&bench, "late").await;
        assert!(late[0].kind == EffectKind::Ignored && late[0].why.contains("is stopped"), "{late:#?}");
    })
    .await;
}

#[tokio::test]
async fn c13_of_a_burst_the_latest_is_deployed_and_says_what_it_superseded() {
    let bench = Bench::with(&following()).await;
    bench.with_webhook().await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(9));
    bench.world.changed(&commit(1), &commit(9), Changed::Paths(vec!["main.rs".to_owned()]));
    for number in 0..50 {
        tell(&bench, &format!("push-{number}"), vec![push(Some(9))]).await;
    }
    beside(&bench, async {
        for number in 0..49 {
            let effects = settled(&bench, &format!("push-{number}")).await;
            assert_eq!(effects[0].kind, EffectKind::Superseded, "{effects:#?}");
            assert!(effects[0].why.starts_with("delivery 50 tells"), "{}", effects[0].why);
        }
        assert_eq!(settled(&bench, "push-49").await[0].kind, EffectKind::Deployed);
    })
    .await;
    let all = bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 10).await.expect("read");
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn a_deleted_branch_a_tag_and_a_foreign_repository_deploy_nothing_and_say_so() {
    let bench = Bench::with(&following()).await;
    bench.with_webhook().await;
    bench.deploy_to_the_end().await;
    let tag = Notice { what: What::Tag { tag: "v1".to_owned(), after: Some(commit(2)) }, ..push(None) };
    let foreign = Notice { repository: vec!["https://git.test/other.git".to_owned()], ..push(Some(2)) };
    beside(&bench, async {
        for (id, notice, word) in [("gone", push(None), "was deleted"), ("tag", tag, "tag"), ("foreign", foreign, "no service")] {
            tell(&bench, id, vec![notice]).await;
            let effects = settled(&bench, id).await;
            assert!(effects[0].kind == EffectKind::Ignored && effects[0].why.contains(word), "{effects:#?}");
        }
    })
    .await;
}

#[tokio::test]
async fn b06_a_delivery_that_was_worked_on_before_a_kill_is_settled_by_the_same_deployment() {
    let bench = Bench::with(&following()).await;
    bench.with_webhook().await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    bench.world.changed(&commit(1), &commit(2), Changed::Paths(vec!["main.rs".to_owned()]));
    let work = async |bench: &Bench| {
        beside(bench, async {
            bench.engine.tell_of_delivery();
            settled(bench, "one").await
        })
        .await
    };
    tell(&bench, "one", vec![push(Some(2))]).await;
    let first = work(&bench).await;
    // As a server leaves it that was killed after it had asked and before it had settled.
    bench.store.unsettle("one");
    let again = Bench::over(bench.world.clone(), bench.store.clone());
    let second = work(&again).await;
    assert_eq!(first[0].deployment, second[0].deployment);
    let all = again.store.deployments(&access(), &name("shop"), &name("demo"), None, 10).await.expect("read");
    assert_eq!(all.len(), 2, "nobody asked twice");
}

#[tokio::test(start_paused = true)]
async fn a_git_host_that_is_away_is_asked_again() {
    let bench = Bench::with(&following()).await;
    bench.with_webhook().await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    bench.world.changed(&commit(1), &commit(2), Changed::Paths(vec!["main.rs".to_owned()]));
    bench
        .world
        .fail(&format!("compare {SHOP} {} {}", commit(1), commit(2)), Failure::retry(Code::RepositoryUnreachable, "it is away"));
    let effects = beside(&bench, async {
        tell(&bench, "one", vec![push(Some(2))]).await;
        settled(&bench, "one").await
    })
    .await;
    assert_eq!(effects[0].kind, EffectKind::Deployed, "{effects:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_push_that_no_delivery_told_of_is_found_and_one_that_was_told_of_is_not_done_twice() {
    let bench = Bench::with(&following()).await;
    bench.deploy_to_the_end().await;
    let stop = CancellationToken::new();
    let (engine, stops) = (bench.engine.clone(), stop.clone());
    let polling = tokio::spawn(async move { engine.keep_polling(Duration::from_secs(300), &stops).await });
    let looks = async |count| bench.world.begun_times(&format!("tips {SHOP}"), count).await;
    looks(2).await;
    assert_eq!(bench.world.count(&format!("compare {SHOP} {} {}", commit(1), commit(2))), 0);
    bench.world.commit(SHOP, &commit(2));
    bench.world.changed(&commit(1), &commit(2), Changed::Paths(vec!["main.rs".to_owned()]));
    looks(5).await;
    let all = bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 10).await.expect("read");
    assert_eq!(all.len(), 2, "found once, whatever is looked at again");
    let found = bench.end_of(&all[0].id).await;
    assert_eq!((&*found.trigger().source, &*found.trigger().actor.0), ("poll", "shop main"));
    // Set back to where it was and forward again, the branch is deployed each time.
    bench.world.changed(&commit(2), &commit(1), Changed::Paths(vec!["main.rs".to_owned()]));
    for (tip, count) in [(1, 3), (2, 4)] {
        bench.world.commit(SHOP, &commit(tip));
        looks(5 + 3 * (count - 2)).await;
        let all = bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 10).await.expect("read");
        assert_eq!(all.len(), count);
        bench.end_of(&all[0].id).await;
    }
    stop.cancel();
    polling.await.expect("it ends");
}

#[tokio::test]
async fn c13_an_image_that_a_pipeline_names_is_deployed_by_its_tag_where_it_is_followed() {
    let mut environment = environment(vec![container("cache"), container("other")]);
    let ServiceKind::Container(cache) = &mut environment.services[0].kind else { unreachable!("it was made as one") };
    cache.auto_deploy = true;
    let bench = Bench::with(&environment).await;
    bench.with_webhook().await;
    bench.deploy_to_the_end().await;
    let image = |image: &str, teller| Notice {
        repository: Vec::new(),
        repository_name: "docker.io/library/redis".to_owned(),
        sender: None,
        what: What::Image { image: image.to_owned(), teller },
    };
    beside(&bench, async {
        tell(&bench, "foreign", vec![image("docker.io/library/nginx:1", Teller::Pipeline)]).await;
        assert_eq!(settled(&bench, "foreign").await[0].kind, EffectKind::Ignored);
        tell(&bench, "by-registry", vec![image("docker.io/library/redis:8", Teller::Registry)]).await;
        let other = settled(&bench, "by-registry").await;
        assert_eq!(other[0].kind, EffectKind::Ignored, "of a registry only the configured tag counts: {other:#?}");
        tell(&bench, "configured", vec![image("docker.io/library/redis:7", Teller::Registry)]).await;
        let [moved] = &settled(&bench, "configured").await[..] else { panic!("one effect") };
        assert_eq!(
            (moved.kind, &moved.services[..]),
            (EffectKind::Deployed, &[name("cache")][..]),
            "its tag may name another image"
        );
        bench.end_of(&moved.deployment.as_ref().expect("a deployment").0).await;
        tell(&bench, "new", vec![image("docker.io/library/redis:8", Teller::Pipeline)]).await;
        let [effect] = &settled(&bench, "new").await[..] else { panic!("one effect") };
        assert_eq!((effect.kind, &effect.services[..]), (EffectKind::Deployed, &[name("cache")][..]));
        let deployment = bench.end_of(&effect.deployment.as_ref().expect("a deployment").0).await;
        assert_eq!(deployment.plan().services[0].version.short(), "8");
        assert_eq!((&*deployment.trigger().source, &*deployment.trigger().actor.0), ("image", "docker.io/library/redis"));
    })
    .await;
}
