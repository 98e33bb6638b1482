//! Why a plan builds, told by what other environments of the project were last to build.

use crate::support::{Bench, SHOP, access, application, commit, environment, name};
use slipway_core::deployment::Phase;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Environment, Variable, VariableName, VariableValue};
use slipway_core::plan::{Action, Request};
use slipway_engine::Does;
use slipway_ports::Store as _;

/// `shop/NAME` with an application whose Dockerfile declares `API_URL` and `MODE`, and these variables.
fn with_variables(environment_name: &str, variables: &[(&str, &str)]) -> Environment {
    let variable = |(name, value): &(&str, &str)| Variable {
        name: VariableName::new(*name).expect("this is a name"),
        value: VariableValue::Text((*value).to_owned()),
    };
    Environment {
        name: name(environment_name),
        variables: variables.iter().map(variable).collect(),
        ..environment(vec![application("api")])
    }
}

/// A project in which `demo` is deployed with these variables.
async fn deployed(variables: &[(&str, &str)]) -> Bench {
    let bench = Bench::with(&with_variables("demo", variables)).await;
    bench.world.dockerfile("api", "FROM scratch\nARG API_URL\nARG MODE\n");
    bench.deploy_to_the_end().await;
    bench
}

async fn put(bench: &Bench, environment: &Environment) {
    bench.store.put_environment(&access(), environment, 0).await.expect("it is stored");
}

/// What the plan of an environment says of the build of `api`.
async fn build_of(bench: &Bench, environment: &str) -> String {
    let plan = bench.engine.plan(&access(), &name("shop"), &name(environment), Action::Deploy, &Request::default()).await;
    let steps = plan.expect("there is a plan").steps;
    match steps.into_iter().find(|step| step.phase == Phase::Build).expect("it is built").does {
        Does::Build { reason } => format!("build: {reason}"),
        Does::SkipBuild { reason } => format!("skip: {reason}"),
        other => panic!("it is neither built nor left: {other:?}"),
    }
}

#[tokio::test]
async fn c14_a_variable_that_no_argument_declares_shares_the_image_and_the_plan_says_with_whom() {
    let bench = deployed(&[("API_URL", "https://a"), ("COLOUR", "red")]).await;
    put(&bench, &with_variables("staging", &[("API_URL", "https://a"), ("COLOUR", "blue")])).await;
    assert_eq!(build_of(&bench, "staging").await, "skip: image present, built for demo");
    let id = bench.deploy_of("staging").await;
    bench.end_of(&id).await;
    assert_eq!(bench.world.count("build api"), 1);
    assert_eq!(build_of(&bench, "staging").await, "skip: image present", "it is its own by now");
}

#[tokio::test]
async fn c14_an_argument_that_differs_builds_again_and_the_plan_says_which_without_its_value() {
    let bench = deployed(&[("API_URL", "https://a")]).await;
    put(&bench, &with_variables("staging", &[("API_URL", "https://secretive")])).await;
    assert_eq!(build_of(&bench, "staging").await, "build: ARG API_URL differs from demo");
    put(&bench, &with_variables("test", &[("API_URL", "https://b"), ("MODE", "slow")])).await;
    assert_eq!(build_of(&bench, "test").await, "build: ARG API_URL, ARG MODE differ from demo");
    let id = bench.deploy_of("staging").await;
    bench.end_of(&id).await;
    put(&bench, &with_variables("test-2", &[("API_URL", "https://secretive"), ("MODE", "slow")])).await;
    assert_eq!(build_of(&bench, "test-2").await, "build: ARG MODE differs from staging", "the nearest is named");
}

#[tokio::test]
async fn after_a_new_commit_the_plan_says_what_changed_here_and_why_the_image_of_another_does_not_do() {
    let bench = deployed(&[("API_URL", "https://a")]).await;
    put(&bench, &with_variables("staging", &[("API_URL", "https://b")])).await;
    let id = bench.deploy_of("staging").await;
    bench.end_of(&id).await;
    bench.world.commit(SHOP, &commit(2));
    assert_eq!(build_of(&bench, "staging").await, "build: context changed", "nobody has built this yet");
    bench.deploy_to_the_end().await;
    assert_eq!(build_of(&bench, "staging").await, "build: context changed; ARG API_URL differs from demo");
}

#[tokio::test]
async fn a_stop_hides_nothing_and_what_failed_to_build_counts_by_what_it_was_to_be() {
    let bench = deployed(&[("API_URL", "https://a")]).await;
    bench.act(Action::Stop).await;
    put(&bench, &with_variables("staging", &[("API_URL", "https://b")])).await;
    assert_eq!(build_of(&bench, "staging").await, "build: ARG API_URL differs from demo");
    bench.world.fail("build api", Failure::permanent(Code::BuildFailed, "`RUN make` exited with 2"));
    let id = bench.deploy_of("staging").await;
    bench.end_of(&id).await;
    put(&bench, &with_variables("test", &[("API_URL", "https://b")])).await;
    assert_eq!(build_of(&bench, "test").await, "build: first build", "staging's image would do, and is not there");
}

#[tokio::test]
async fn environments_of_other_projects_are_not_asked() {
    let bench = deployed(&[("API_URL", "https://a")]).await;
    let other = Environment { project: name("other"), ..with_variables("staging", &[("API_URL", "https://b")]) };
    put(&bench, &other).await;
    let plan = bench.engine.plan(&access(), &name("other"), &name("staging"), Action::Deploy, &Request::default()).await;
    let does = plan.expect("there is a plan").steps.remove(0).does;
    assert_eq!(does, Does::Build { reason: "first build".to_owned() });
}
