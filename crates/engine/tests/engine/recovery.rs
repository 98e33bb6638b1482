//! Servers that die in the middle of a deployment, and the ones that take over.

use std::sync::Arc;

use crate::support::{Bench, access, application, build, container, environment, failure_of, outcome, release, state_of};
use slipway_core::deployment::{CancelScope, Fact, Outcome, Phase, RunState, StepId};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::Environment;
use slipway_ports::testing::{MemoryStore, World};

/// What outlives a server.
struct Left {
    world: Arc<World>,
    store: Arc<MemoryStore>,
    id: String,
}

/// Runs a server with all its tasks until `story` returns, and drops it with no farewell.
fn die_after<F>(environment: &Environment, story: impl FnOnce(Arc<Bench>) -> F) -> Left
where
    F: Future<Output = String>,
{
    let runtime = runtime();
    let (bench, id) = runtime.block_on(async {
        let bench = Arc::new(Bench::with(environment).await);
        let id = story(bench.clone()).await;
        (bench, id)
    });
    let left = Left { world: bench.world.clone(), store: bench.store.clone(), id };
    drop(bench);
    // A runtime of one thread drops every task where it stands.
    drop(runtime);
    left
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

async fn facts_of(bench: &Bench, id: &str, wanted: impl Fn(&Fact) -> bool) -> usize {
    bench.facts(id).await.into_iter().filter(|fact| wanted(fact)).count()
}

fn succeeded(wanted: StepId) -> impl Fn(&Fact) -> bool {
    move |fact| matches!(fact, Fact::StepSucceeded { step, .. } if *step == wanted)
}

#[test]
fn b06_a_build_in_flight_is_begun_again_and_completed_once() {
    let left = die_after(&environment(vec![application("api"), application("web")]), |bench| async move {
        bench.world.hold("build api");
        let id = bench.deploy().await;
        bench.begun("build api").await;
        bench.fact(&id, succeeded(build("web"))).await;
        id
    });
    left.world.let_go("build api");
    runtime().block_on(async {
        let bench = Bench::over(left.world.clone(), left.store.clone());
        assert_eq!(bench.deployment(&left.id).await.state(), RunState::Running, "it waits for a server");
        assert_eq!(bench.engine.recover().await, Ok(1));
        let deployment = bench.end_of(&left.id).await;
        assert_eq!(outcome(&deployment), Outcome::Succeeded);
        assert_eq!(facts_of(&bench, &left.id, succeeded(build("api"))).await, 1, "one completed build");
        let interrupted = |fact: &Fact| matches!(fact, Fact::StepInterrupted { step } if *step == build("api"));
        assert_eq!(facts_of(&bench, &left.id, interrupted).await, 1);
        assert_eq!(left.world.count("build api"), 2, "the first attempt died, the second completed");
        assert_eq!(left.world.count("build web"), 1, "what was built is not built again");
    });
}

#[test]
fn b06_a_build_that_was_pushed_before_its_end_was_on_record_is_found() {
    let environment = environment(vec![application("api")]);
    let left = die_after(&environment, |bench| async move {
        bench.world.hold("build api");
        let id = bench.deploy().await;
        bench.begun("build api").await;
        bench.world.hold("presence");
        bench.world.let_go("build api");
        // Two looks before the build; the third is the one after the push.
        bench.begun_times("presence", 3).await;
        id
    });
    left.world.let_go("presence");
    runtime().block_on(async {
        let bench = Bench::over(left.world.clone(), left.store.clone());
        assert_eq!(bench.engine.recover().await, Ok(1));
        let deployment = bench.end_of(&left.id).await;
        assert_eq!(outcome(&deployment), Outcome::Succeeded);
        assert_eq!(left.world.count("build api"), 1);
        assert_eq!(state_of(&deployment, &build("api")), "skipped");
    });
}

#[test]
fn b06_a_release_in_flight_is_released_again_and_watched_to_its_end() {
    let left = die_after(&environment(vec![container("cache")]), |bench| async move {
        bench.world.hold("rollout cache");
        let id = bench.deploy().await;
        bench.begun("rollout cache").await;
        id
    });
    left.world.let_go("rollout cache");
    runtime().block_on(async {
        let bench = Bench::over(left.world.clone(), left.store.clone());
        assert_eq!(bench.engine.recover().await, Ok(1));
        assert_eq!(outcome(&bench.end_of(&left.id).await), Outcome::Succeeded);
        assert_eq!(left.world.count("release cache"), 2, "at most one more revision for each kill");
        assert_eq!(left.world.count("rollout cache"), 2);
    });
}

/// Wherever the server dies, the next one comes to the same result.
#[test]
fn b06_a_server_may_die_at_every_step() {
    let services = || environment(vec![container("cache"), application("api")]);
    let journal = {
        let left = die_after(&services(), |bench| async move { bench.deploy_to_the_end().await.0 });
        left.world.journal()
    };
    let accepted = journal.iter().position(|entry| entry.starts_with("mirror")).expect("the container is mirrored first");
    for what in &journal[accepted..] {
        let at = what.clone();
        let left = die_after(&services(), |bench| async move {
            bench.world.hold(&at);
            let id = bench.deploy().await;
            bench.begun(&at).await;
            id
        });
        left.world.let_go(what);
        runtime().block_on(async {
            let bench = Bench::over(left.world.clone(), left.store.clone());
            assert_eq!(bench.engine.recover().await, Ok(1), "killed at {what}");
            let deployment = bench.end_of(&left.id).await;
            assert_eq!(outcome(&deployment), Outcome::Succeeded, "killed at {what}");
            for service in ["cache", "api"] {
                assert_eq!(state_of(&deployment, &release(service)), "succeeded", "killed at {what}");
                assert!(left.world.count(&format!("release {service}")) <= 2, "killed at {what}");
            }
            let built = |fact: &Fact| matches!(fact, Fact::StepSucceeded { step, .. } if step.phase == Phase::Build);
            assert_eq!(facts_of(&bench, &left.id, built).await, 1, "killed at {what}");
        });
    }
}

#[test]
fn a_queued_deployment_is_taken_over_and_keeps_its_place() {
    let left = die_after(&environment(vec![container("cache")]), |bench| async move {
        bench.world.hold("rollout cache");
        let first = bench.deploy().await;
        bench.begun("rollout cache").await;
        let second = bench.deploy().await;
        format!("{first} {second}")
    });
    let (first, second) = left.id.split_once(' ').expect("two ids");
    left.world.let_go("rollout cache");
    runtime().block_on(async {
        let bench = Bench::over(left.world.clone(), left.store.clone());
        assert_eq!(bench.engine.recover().await, Ok(2));
        let (first, second) = (bench.end_of(first).await, bench.end_of(second).await);
        assert_eq!((outcome(&first), outcome(&second)), (Outcome::Succeeded, Outcome::Succeeded));
        let RunState::Finished { at, .. } = first.state() else { panic!("it has finished") };
        assert!(second.started_at() >= Some(at));
    });
}

#[test]
fn what_was_being_canceled_is_canceled_by_the_next_server() {
    let left = die_after(&environment(vec![application("api"), application("web")]), |bench| async move {
        bench.world.hold("rollout api");
        bench.world.hold("uninstall api");
        let id = bench.deploy().await;
        bench.begun("rollout api").await;
        bench.fact(&id, succeeded(release("web"))).await;
        bench.engine.cancel(&access(), &id, CancelScope::Deployment, false).await.expect("it can be canceled");
        bench.begun("uninstall api").await;
        id
    });
    left.world.let_go("rollout api");
    left.world.let_go("uninstall api");
    runtime().block_on(async {
        let bench = Bench::over(left.world.clone(), left.store.clone());
        assert_eq!(bench.engine.recover().await, Ok(1));
        let deployment = bench.end_of(&left.id).await;
        assert_eq!(outcome(&deployment), Outcome::Canceled);
        assert_eq!(state_of(&deployment, &release("api")), "canceled");
        assert_eq!(state_of(&deployment, &release("web")), "succeeded");
        assert_eq!(left.world.count("release api"), 1, "it is not released again");
        assert_eq!(left.world.count("uninstall api"), 2, "the next server takes the release away");
    });
}

/// The rollout would succeed now: a release that failed is not tried again, and has failed for the reason that was on record.
#[test]
fn b06_a_release_that_was_being_put_back_is_put_back_by_the_next_server_and_not_released_again() {
    let left = die_after(&environment(vec![container("cache")]), |bench| async move {
        bench.deploy_to_the_end().await;
        bench.world.edit("cache");
        bench.world.fail("rollout cache", Failure::permanent(Code::CrashLoop, "it ends with exit code 1"));
        bench.world.hold("rollback cache");
        let id = bench.deploy().await;
        bench.begun("rollback cache").await;
        id
    });
    left.world.let_go("rollback cache");
    runtime().block_on(async {
        let bench = Bench::over(left.world.clone(), left.store.clone());
        assert_eq!(bench.engine.recover().await, Ok(1));
        let deployment = bench.end_of(&left.id).await;
        assert_eq!(outcome(&deployment), Outcome::Failed);
        assert_eq!(failure_of(deployment.step(&release("cache"))).code, Code::CrashLoop);
        assert_eq!(left.world.count("release cache"), 2, "once by each deployment");
        assert_eq!(left.world.count("rollback cache"), 2, "the next server goes on with it");
        assert_eq!(facts_of(&bench, &left.id, |fact| matches!(fact, Fact::StepInterrupted { .. })).await, 0);
    });
}

#[test]
fn a_server_with_nothing_left_to_do_recovers_nothing() {
    let left = die_after(&environment(vec![container("cache")]), |bench| async move { bench.deploy_to_the_end().await.0 });
    let before = left.world.journal();
    runtime().block_on(async {
        let bench = Bench::over(left.world.clone(), left.store.clone());
        assert_eq!(bench.engine.recover().await, Ok(0));
    });
    assert_eq!(left.world.journal(), before);
}
