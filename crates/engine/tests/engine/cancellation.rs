//! Deployments that somebody cancels, at every step of them.

use std::time::Duration;

use crate::support::{Bench, SHOP, access, application, build, commit, container, environment, name, outcome, release, state_of};
use slipway_core::deployment::{CancelScope, Fact, Outcome, RunState};
use slipway_core::failure::{Code, Failure};
use slipway_engine::EngineError;

impl Bench {
    async fn cancel(&self, id: &str, scope: CancelScope) {
        self.engine.cancel(&access(), id, scope, false).await.expect("it can be canceled");
    }
}

#[tokio::test]
async fn a_first_release_that_is_canceled_is_uninstalled() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.hold("rollout api");
    let id = bench.deploy().await;
    bench.begun("rollout api").await;
    bench.cancel(&id, CancelScope::Deployment).await;
    let deployment = bench.end_of(&id).await;
    assert_eq!(outcome(&deployment), Outcome::Canceled);
    assert_eq!(state_of(&deployment, &build("api")), "succeeded");
    assert_eq!(state_of(&deployment, &release("api")), "canceled");
    assert_eq!(bench.world.journal().last().map(String::as_str), Some("uninstall api"));
}

#[tokio::test]
async fn a_later_release_that_is_canceled_goes_back_and_what_was_released_stays() {
    let bench = Bench::with(&environment(vec![container("cache"), application("api")])).await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    bench.world.edit("cache");
    bench.world.hold("rollout api");
    let id = bench.deploy().await;
    bench.begun_times("rollout api", 2).await;
    bench.cancel(&id, CancelScope::Deployment).await;
    let deployment = bench.end_of(&id).await;
    assert_eq!(outcome(&deployment), Outcome::Canceled);
    assert_eq!(state_of(&deployment, &release("cache")), "succeeded");
    assert_eq!(bench.world.journal().last().map(String::as_str), Some("rollback api"));
    assert_eq!(bench.world.count("rollback cache") + bench.world.count("uninstall cache"), 0);
}

#[tokio::test]
async fn a_canceled_build_ends_and_nothing_is_released() {
    let bench = Bench::with(&environment(vec![application("api"), application("web")])).await;
    bench.world.hold("build api");
    bench.world.hold("build web");
    let id = bench.deploy().await;
    bench.begun("build api").await;
    bench.begun("build web").await;
    bench.cancel(&id, CancelScope::Deployment).await;
    let deployment = bench.end_of(&id).await;
    assert_eq!(outcome(&deployment), Outcome::Canceled);
    for step in [build("api"), build("web"), release("api"), release("web")] {
        assert_eq!(state_of(&deployment, &step), "canceled", "{step}");
    }
    assert!(!bench.world.journal().iter().any(|entry| entry.starts_with("release")));
}

#[tokio::test]
async fn a_deployment_can_be_canceled_at_every_step() {
    let services = || environment(vec![container("cache"), application("api")]);
    let model = Bench::with(&services()).await;
    model.deploy_to_the_end().await;
    let journal = model.world.journal();
    // What comes before is done before the deployment is accepted.
    let accepted = journal.iter().position(|entry| entry.starts_with("mirror")).expect("the container is mirrored first");
    for what in &journal[accepted..] {
        let bench = Bench::with(&services()).await;
        bench.world.hold(what);
        let id = bench.deploy().await;
        bench.begun(what).await;
        bench.cancel(&id, CancelScope::Deployment).await;
        bench.world.let_go(what);
        let deployment = bench.end_of(&id).await;
        assert_eq!(outcome(&deployment), Outcome::Canceled, "canceled at {what}");
        assert_no_orphan(&bench, &deployment, what);
    }
}

/// Every release that the world was asked for either ended well or was taken away again.
fn assert_no_orphan(bench: &Bench, deployment: &slipway_core::deployment::Deployment, at: &str) {
    for service in ["cache", "api"] {
        let released = bench.world.count(&format!("release {service}"));
        let removed = bench.world.count(&format!("uninstall {service}"));
        match state_of(deployment, &release(service)) {
            "succeeded" => assert_eq!((released, removed), (1, 0), "{service}, canceled at {at}"),
            "canceled" => assert_eq!(released, removed, "{service}, canceled at {at}: {:?}", bench.world.journal()),
            other => panic!("the release of {service} is {other} when canceled at {at}"),
        }
    }
}

#[tokio::test]
async fn a_release_that_is_canceled_before_helm_has_it_never_reaches_helm() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    bench.world.hold("namespace shop-demo-ca2976bf");
    let id = bench.deploy().await;
    bench.begun("namespace shop-demo-ca2976bf").await;
    bench.cancel(&id, CancelScope::Deployment).await;
    bench.world.let_go("namespace shop-demo-ca2976bf");
    let deployment = bench.end_of(&id).await;
    assert_eq!(bench.world.count("release cache"), 0);
    assert_eq!(state_of(&deployment, &release("cache")), "canceled");
}

#[tokio::test]
async fn canceling_one_service_counts_as_its_failure_and_the_others_go_on() {
    let bench = Bench::with(&environment(vec![application("api"), application("web")])).await;
    bench.world.hold("build api");
    let id = bench.deploy().await;
    bench.begun("build api").await;
    bench.cancel(&id, CancelScope::Service(name("api"))).await;
    let deployment = bench.end_of(&id).await;
    assert_eq!(outcome(&deployment), Outcome::Failed);
    assert_eq!(state_of(&deployment, &build("api")), "canceled");
    assert_eq!(state_of(&deployment, &release("api")), "canceled");
    assert_eq!(state_of(&deployment, &release("web")), "succeeded");
}

#[tokio::test]
async fn a_queued_deployment_is_canceled_in_its_place_and_the_next_one_runs() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.hold("rollout api");
    let first = bench.deploy().await;
    bench.begun("rollout api").await;
    let queued = bench.deploy().await;
    let last = bench.deploy_as("another").await;
    bench.cancel(&queued, CancelScope::Deployment).await;
    let canceled = bench.deployment(&queued).await;
    assert_eq!(outcome(&canceled), Outcome::Canceled, "it has ended at once");
    assert!(!bench.facts(&queued).await.contains(&Fact::Started));
    assert_eq!(bench.deployment(&first).await.state(), RunState::Running, "the running one goes on");
    bench.world.let_go("rollout api");
    assert_eq!(outcome(&bench.end_of(&first).await), Outcome::Succeeded);
    let last = bench.end_of(&last).await;
    assert_eq!(outcome(&last), Outcome::Succeeded);
    assert_eq!(state_of(&last, &release("api")), "skipped", "it is compared with what the one before has released");
}

#[tokio::test]
async fn canceling_twice_is_harmless_and_canceling_what_has_finished_is_refused() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    bench.world.hold("rollout cache");
    bench.world.hold("uninstall cache");
    let id = bench.deploy().await;
    bench.begun("rollout cache").await;
    bench.cancel(&id, CancelScope::Deployment).await;
    bench.begun("uninstall cache").await;
    bench.cancel(&id, CancelScope::Deployment).await;
    bench.world.let_go("uninstall cache");
    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Canceled);
    let again = bench.engine.cancel(&access(), &id, CancelScope::Deployment, false).await;
    assert!(matches!(again, Err(EngineError::Refused(_))), "{again:?}");
    let requests = bench.facts(&id).await.into_iter().filter(|fact| matches!(fact, Fact::CancelRequested { .. })).count();
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn an_unknown_service_or_deployment_cannot_be_canceled() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    bench.world.hold("rollout cache");
    let id = bench.deploy().await;
    bench.begun("rollout cache").await;
    let nobody = bench.engine.cancel(&access(), &id, CancelScope::Service(name("nobody")), false).await;
    assert!(matches!(nobody, Err(EngineError::Refused(_))), "{nobody:?}");
    let nothing = bench.engine.cancel(&access(), "nothing", CancelScope::Deployment, false).await;
    assert!(matches!(nothing, Err(EngineError::NotFound(_))), "{nothing:?}");
    bench.world.let_go("rollout cache");
    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Succeeded);
}

#[tokio::test]
async fn a_cancel_ends_the_wait_for_another_attempt() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    let bench = Bench::patient(bench.world, bench.store, Duration::from_secs(3600));
    bench.world.fail("build api", Failure::retry(Code::BuilderUnavailable, "the builder does not answer"));
    let id = bench.deploy().await;
    bench.line(&id, "trying again").await;
    bench.cancel(&id, CancelScope::Deployment).await;
    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Canceled);
    assert_eq!(bench.world.count("build api"), 1);
}
