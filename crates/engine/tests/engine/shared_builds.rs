//! One build for all who want its image (B1), whoever of them goes away.

use crate::support::{
    Bench, SHOP, access, application, application_in, build, environment, failure_of, name, outcome, release, state_of, within,
};
use slipway_core::deployment::{CancelScope, Fact, Outcome};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Bytes, Environment, ServiceKind, Workload};
use slipway_core::plan::BuildPlan;
use slipway_ports::testing::World;
use slipway_ports::{Activity, RepositoryTag, Store};

/// What the log of one who joins begins with.
const JOINED: &str = "the image is being built already";

/// `shop/demo` and `shop/staging`, whose `api` is the same image.
async fn two_environments(change: impl FnOnce(&mut Environment)) -> Bench {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    let mut other = environment(vec![application("api")]);
    other.name = name("staging");
    change(&mut other);
    bench.store.put_environment(&access(), &other, 0).await.expect("an environment is stored");
    bench.world.hold("build api");
    bench
}

/// A deployment that builds the image, and one that waits for it.
async fn leader_and_follower(bench: &Bench) -> (String, String) {
    let leader = bench.deploy().await;
    bench.begun("build api").await;
    let follower = bench.deploy_of("staging").await;
    bench.line(&follower, JOINED).await;
    (leader, follower)
}

async fn cancel(bench: &Bench, id: &str, scope: CancelScope) {
    bench.engine.cancel(&access(), id, scope, false).await.expect("it can be canceled");
}

#[tokio::test]
async fn b01_a_build_goes_on_for_others_when_whoever_began_it_is_canceled() {
    let bench = two_environments(|_| {}).await;
    let (leader, follower) = leader_and_follower(&bench).await;
    cancel(&bench, &leader, CancelScope::Deployment).await;
    let canceled = bench.end_of(&leader).await;
    assert_eq!(outcome(&canceled), Outcome::Canceled);
    assert_eq!(state_of(&canceled, &build("api")), "canceled");
    bench.line(&leader, "the build goes on for others").await;
    bench.world.let_go("build api");
    let served = bench.end_of(&follower).await;
    assert_eq!(outcome(&served), Outcome::Succeeded);
    assert_eq!(state_of(&served, &release("api")), "succeeded");
    assert_eq!(bench.world.count("build api"), 1);
}

#[tokio::test]
async fn b01_a_build_that_nobody_waits_for_any_more_stops() {
    let bench = two_environments(|_| {}).await;
    let (leader, follower) = leader_and_follower(&bench).await;
    for id in [&follower, &leader] {
        cancel(&bench, id, CancelScope::Deployment).await;
        assert_eq!(outcome(&bench.end_of(id).await), Outcome::Canceled);
    }
    // Nobody let the build go: it has ended because it was told to, and the next one builds anew.
    bench.world.let_go("build api");
    assert_eq!(outcome(&bench.deploy_to_the_end().await.1), Outcome::Succeeded);
    assert_eq!(bench.world.count("build api"), 2);
}

#[tokio::test]
async fn b01_who_waits_for_a_build_sees_its_log_and_what_it_does_from_the_beginning() {
    let bench = two_environments(|_| {}).await;
    let (leader, follower) = leader_and_follower(&bench).await;
    assert_eq!(bench.engine.activities(&follower).get(&build("api")), Some(&Activity::Building));
    bench.world.let_go("build api");
    for id in [&leader, &follower] {
        assert_eq!(outcome(&bench.end_of(id).await), Outcome::Succeeded);
        let log = bench.log(id).await;
        for words in ["source https://git.test/shop.git at 1111111", "building api"] {
            assert_eq!(log.iter().filter(|(_, line)| line.text.contains(words)).count(), 1, "{words}: {log:?}");
        }
    }
}

#[tokio::test]
async fn b01_a_shared_build_that_fails_fails_for_all_with_its_log() {
    let bench = two_environments(|_| {}).await;
    let (leader, follower) = leader_and_follower(&bench).await;
    let lines = ["make: *** [all] Error 2".to_owned()];
    let broken = Failure::permanent(Code::BuildFailed, "step `RUN make` failed with exit code 2").with_last_lines(lines.into());
    bench.world.fail("build api", broken.clone());
    bench.world.let_go("build api");
    for id in [&leader, &follower] {
        let deployment = bench.end_of(id).await;
        assert_eq!(failure_of(deployment.step(&build("api"))), &broken);
        assert!(bench.log(id).await.iter().any(|(_, line)| line.text == "building api"));
    }
    assert_eq!(bench.world.count("build api"), 1);
}

#[tokio::test]
async fn b01_who_has_other_limits_builds_anew_when_the_shared_build_fails() {
    let bench = two_environments(|other| {
        let ServiceKind::Application(application) = &mut other.services[0].kind else { panic!("it is an application") };
        application.build.memory = Bytes::mebi(8 << 10);
    })
    .await;
    let (leader, follower) = leader_and_follower(&bench).await;
    bench.world.fail("build api", Failure::permanent(Code::BuildOutOfMemory, "it needed more memory than the limit"));
    bench.world.let_go("build api");
    assert_eq!(failure_of(bench.end_of(&leader).await.step(&build("api"))).code, Code::BuildOutOfMemory);
    assert_eq!(outcome(&bench.end_of(&follower).await), Outcome::Succeeded);
    assert_eq!(bench.world.count("build api"), 2);
}

#[tokio::test]
async fn b01_another_service_of_the_deployment_takes_over_the_build_of_one_that_is_canceled() {
    let worker = application_in("worker", SHOP, "api", Workload::default());
    let bench = Bench::with(&environment(vec![application("api"), worker])).await;
    bench.world.hold("build api");
    let id = bench.deploy().await;
    bench.begun("build api").await;
    cancel(&bench, &id, CancelScope::Service(name("api"))).await;
    bench.fact(&id, |fact| matches!(fact, Fact::StepStarted { step, .. } if *step == build("worker"))).await;
    bench.line(&id, JOINED).await;
    bench.world.let_go("build api");
    let deployment = bench.end_of(&id).await;
    assert_eq!(state_of(&deployment, &build("api")), "canceled");
    assert_eq!(state_of(&deployment, &release("worker")), "succeeded");
    assert_eq!(bench.world.count("build api"), 1);
}

/// Waits until a line of the log holds a text.
async fn logged(bench: &Bench, id: &str, text: &str) {
    within(async {
        while !bench.log(id).await.iter().any(|(_, line)| line.text.contains(text)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn b01_what_another_server_builds_into_the_registry_is_waited_for_and_not_built_again() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.hold(World::OTHERS_BUILD);
    let id = bench.deploy().await;
    logged(&bench, &id, "another server builds the image").await;
    logged(&bench, &id, "#7 compiling").await;
    let deployment = bench.deployment(&id).await;
    let plan = deployment.plan().service(&name("api")).expect("it takes part").build.clone();
    let Some(BuildPlan::Image(plan)) = plan else { panic!("it is built: {plan:?}") };
    bench.world.leave_image(&RepositoryTag { repository: plan.repository, tag: plan.key.to_string() });
    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Succeeded);
    assert_eq!(bench.world.count("build api"), 0);
}

#[tokio::test]
async fn b01_when_the_build_of_another_server_leaves_no_image_it_is_built_here() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.hold(World::OTHERS_BUILD);
    let id = bench.deploy().await;
    logged(&bench, &id, "another server builds the image").await;
    bench.world.let_go(World::OTHERS_BUILD);
    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Succeeded);
    assert_eq!(bench.world.count("build api"), 1);
}
