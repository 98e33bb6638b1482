//! Clones: what of a running environment goes along, whose it is, and what is made anew.

use crate::support::{Bench, SHOP, access, application_in, database, environment, name, outcome};
use slipway_core::clone::{CloneRequest, Refusal, ServiceCloneRequest};
use slipway_core::deployment::{Actor, Outcome};
use slipway_core::model::{Environment, FromProject, Project, Variable, VariableName, VariableValue, Workload};
use slipway_core::plan::Action;
use slipway_engine::{Change, Cloning, EngineError};
use slipway_ports::{Access, SecretText, Store};

const WITH_SECRETS: Cloning = Cloning { with_secrets: true, request: None };

/// A request that can be told from others.
fn asked(request: &str) -> Cloning {
    Cloning { with_secrets: true, request: Some(request.to_owned()) }
}

fn shop() -> Environment {
    let url = Variable {
        name: VariableName::new("DATABASE_URL").expect("a good name"),
        value: VariableValue::Text("{{SLIPWAY_DATABASE_DB_URL}}".to_owned()),
    };
    let workload = Workload { secrets: vec!["TOKEN".to_owned()], variables: vec![url], ..Workload::default() };
    let mut shop = environment(vec![database(), application_in("api", SHOP, "api", workload)]);
    shop.secrets = vec!["TOKEN".to_owned(), "OTHER".to_owned()];
    shop
}

fn copy() -> CloneRequest {
    CloneRequest { name: name("copy"), project: None, target: None, mode: None, services: None }
}

fn api() -> ServiceCloneRequest {
    ServiceCloneRequest { service: name("api"), name: None, with_variables: false }
}

/// `shop/demo`, deployed, with values of its secrets.
async fn deployed() -> Bench {
    let bench = Bench::with(&shop()).await;
    bench.secret("TOKEN", "the token").await;
    bench.secret("OTHER", "the other").await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
    bench
}

async fn secrets(bench: &Bench, environment: &str) -> Vec<String> {
    let all = bench.store.secrets(&name("shop"), Some(&name(environment))).await.expect("readable");
    all.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()
}

async fn cloned(bench: &Bench, how: &Cloning) -> Result<(), EngineError> {
    bench.engine.clone_environment(&access(), (&name("shop"), &name("demo")), &copy(), how).await.map(drop)
}

async fn password(bench: &Bench, environment: &str) -> String {
    let all = bench.store.secrets(&name("shop"), Some(&name(environment))).await.expect("readable");
    all["slipway:database:db"].expose().to_owned()
}

#[tokio::test]
async fn b01_a_clone_builds_nothing_and_has_passwords_of_its_own() {
    let bench = deployed().await;
    cloned(&bench, &WITH_SECRETS).await.expect("the name is free");
    assert_eq!(secrets(&bench, "copy").await, ["OTHER=the other", "TOKEN=the token"]);
    let id =
        bench.ask("copy", Action::Deploy, slipway_core::plan::Request::default(), "tester").await.expect("accepted").summary.id;
    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Succeeded);
    assert_eq!(bench.world.count("build api"), 1);
    assert_ne!(password(&bench, "copy").await, password(&bench, "demo").await);
}

#[tokio::test]
async fn values_of_secrets_stay_unless_they_are_asked_for() {
    let bench = deployed().await;
    cloned(&bench, &Cloning::default()).await.expect("the name is free");
    assert!(secrets(&bench, "copy").await.is_empty());
    let refused = bench.ask("copy", Action::Deploy, slipway_core::plan::Request::default(), "tester").await.unwrap_err();
    assert!(refused.to_string().starts_with("these secrets have no value: TOKEN, OTHER"), "{refused}");
}

#[tokio::test]
async fn a_name_that_is_taken_is_left_as_it_is() {
    let bench = deployed().await;
    let taken = CloneRequest { name: name("demo"), ..copy() };
    for how in [WITH_SECRETS, asked("one")] {
        let refused = bench.engine.clone_environment(&access(), (&name("shop"), &name("demo")), &taken, &how).await.unwrap_err();
        assert_eq!(refused, EngineError::EnvironmentExists("shop/demo".to_owned()));
    }
    cloned(&bench, &Cloning::default()).await.expect("the name is free");
    cloned(&bench, &WITH_SECRETS).await.expect_err("it is taken now");
    assert!(secrets(&bench, "copy").await.is_empty(), "what is refused leaves no value behind");
}

#[tokio::test]
async fn b06_a_request_whose_answer_was_lost_finds_what_it_made() {
    let bench = deployed().await;
    for _ in 0..2 {
        cloned(&bench, &asked("one")).await.expect("it is done, or was");
    }
    cloned(&bench, &asked("two")).await.expect_err("another request finds the name taken");
    let second = ServiceCloneRequest { name: Some(name("second")), ..api() };
    let put = async |request: &str| {
        let (shop, demo, copy) = (name("shop"), name("demo"), name("copy"));
        bench.engine.clone_service(&access(), (&shop, &demo), &second, (&shop, &copy), &asked(request)).await
    };
    let made = put("three").await.expect("the name is free");
    assert_eq!(put("three").await.as_ref(), Ok(&made));
    assert_eq!(made.stored.version, 2);
    let EngineError::NotCloned(refusal) = put("four").await.unwrap_err() else { panic!("refused for something else") };
    assert!(matches!(*refusal, Refusal::ServiceExists { .. }));
    assert_eq!(bench.store.environment(&access(), &name("shop"), &name("copy")).await, Ok(made.stored));
}

#[tokio::test]
async fn both_projects_have_to_be_covered() {
    let bench = deployed().await;
    let (from, elsewhere) = ((name("shop"), name("demo")), CloneRequest { project: Some(name("mall")), ..copy() });
    for projects in ["shop", "mall"] {
        let some = Access { actor: Actor("mallory".to_owned()), projects: Some(vec![name(projects)]) };
        let refused = bench.engine.clone_environment(&some, (&from.0, &from.1), &elsewhere, &WITH_SECRETS).await.unwrap_err();
        assert!(matches!(refused, EngineError::NotFound(_)), "{projects}: {refused}");
    }
    bench.store.environment(&access(), &name("mall"), &name("copy")).await.expect_err("nothing was made");
    bench.engine.clone_environment(&access(), (&from.0, &from.1), &elsewhere, &WITH_SECRETS).await.expect("the owner sees both");
    let given = bench.store.secrets(&name("mall"), Some(&name("copy"))).await.expect("readable");
    assert_eq!(given.keys().collect::<Vec<_>>(), ["OTHER", "TOKEN"]);
}

#[tokio::test]
async fn a_target_that_the_server_does_not_know_is_refused() {
    let bench = deployed().await;
    let request = CloneRequest { target: Some("mars".to_owned()), ..copy() };
    let answer = bench.engine.clone_environment(&access(), (&name("shop"), &name("demo")), &request, &WITH_SECRETS).await;
    assert!(answer.unwrap_err().to_string().contains("`mars`"));
}

#[tokio::test]
async fn a_service_brings_the_values_that_the_other_environment_has_not() {
    let bench = deployed().await;
    let mut other = environment(vec![database()]);
    (other.name, other.secrets) = (name("other"), vec!["TOKEN".to_owned()]);
    bench.store.put_environment(&access(), &other, 0).await.expect("stored");
    bench
        .store
        .put_secret(&access(), &name("shop"), Some(&name("other")), "TOKEN", &SecretText::new("its own"))
        .await
        .expect("kept");
    let mut changes = bench.engine.changes();
    let made = bench
        .engine
        .clone_service(&access(), (&name("shop"), &name("demo")), &api(), (&name("shop"), &name("other")), &WITH_SECRETS)
        .await
        .expect("it is not there");
    assert_eq!((made.stored.version, made.cloned.secrets), (2, vec!["TOKEN".to_owned()]));
    assert_eq!(changes.recv().await, Ok(Change::Environment { project: name("shop"), name: name("other") }));
    assert_eq!(secrets(&bench, "other").await, ["TOKEN=its own"]);
}

#[tokio::test]
async fn a_secret_of_the_first_project_becomes_one_of_the_environment_in_another_project() {
    let mut shop = shop();
    shop.secrets.clear();
    let bench = Bench::with(&shop).await;
    let gives = FromProject { variables: Vec::new(), secrets: vec!["TOKEN".to_owned()] };
    bench.store.put_project(&access(), &Project { gives, ..Project::bare(name("shop")) }, 0).await.expect("stored");
    bench.store.put_secret(&access(), &name("shop"), None, "TOKEN", &SecretText::new("of the project")).await.expect("kept");
    let mut other = environment(vec![database()]);
    other.project = name("mall");
    bench.store.put_environment(&access(), &other, 0).await.expect("stored");
    let into = (&name("mall"), &name("demo"));
    let made = bench.engine.clone_service(&access(), (&name("shop"), &name("demo")), &api(), into, &WITH_SECRETS).await;
    assert_eq!(made.expect("it is not there").stored.environment.secrets, ["TOKEN"]);
    let given = bench.store.secrets(&name("mall"), Some(&name("demo"))).await.expect("readable");
    assert_eq!(given["TOKEN"].expose(), "of the project");
}
