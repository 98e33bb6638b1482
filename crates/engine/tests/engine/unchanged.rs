//! A service that has nothing to do is left alone, and one that has drifted is put right (B4).

use crate::support::*;
use slipway_core::deployment::{Outcome, SkipReason, StepState};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Port, PortProtocol, Variable, VariableName, VariableValue, Workload};
use slipway_core::plan::{Action, Request};
use slipway_engine::Does;
use slipway_ports::Store;

fn is_unchanged(state: Option<&StepState>) -> bool {
    matches!(state, Some(StepState::Skipped { reason: SkipReason::Unchanged, .. }))
}

fn since(bench: &Bench, before: usize) -> Vec<String> {
    let done = bench.world.journal().split_off(before);
    done.into_iter().filter(|entry| ["namespace", "release", "rollout"].iter().any(|word| entry.starts_with(word))).collect()
}

/// What a deployment of all would do to a service's release, as `plan` tells it.
async fn planned(bench: &Bench, service: &str) -> String {
    let request = Request::default();
    let preview = bench.engine.plan(&access(), &name("shop"), &name("demo"), Action::Deploy, &request).await.expect("a plan");
    let step = preview.steps.into_iter().rfind(|step| step.service.as_str() == service).expect("it has steps");
    match step.does {
        Does::Release { reason } => format!("release: {reason}"),
        Does::SkipRelease { reason } => format!("skip: {reason}"),
        other => panic!("{other:?}"),
    }
}

fn many() -> Vec<slipway_core::model::Service> {
    (0..50).map(|number| container(&format!("c{number}"))).collect()
}

#[tokio::test]
async fn b04_what_has_nothing_to_do_asks_nothing_of_helm_and_once_of_the_cluster() {
    let bench = Bench::with(&environment(many())).await;
    bench.deploy_to_the_end().await;
    let (before, surveys) = (bench.world.journal().len(), bench.world.surveys());
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
    for service in many() {
        assert!(is_unchanged(deployment.step(&release(service.name.as_str()))), "{}", service.name);
    }
    assert_eq!(since(&bench, before), [""; 0]);
    assert_eq!(bench.world.surveys() - surveys, 1, "one look for all of them");
}

#[tokio::test]
async fn b04_drift_is_shown_by_the_plan_and_put_right_by_the_next_deployment() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache"), container("queue")])).await;
    bench.deploy_to_the_end().await;
    assert_eq!(planned(&bench, "api").await, "skip: unchanged");
    bench.world.edit("api");
    bench.world.delete("cache");
    assert_eq!(planned(&bench, "api").await, "release: Deployment api was changed by kubectl-edit");
    assert_eq!(planned(&bench, "cache").await, "release: Deployment cache is gone");
    assert_eq!(planned(&bench, "queue").await, "skip: unchanged");
    let before = bench.world.journal().len();
    let (id, deployment) = bench.deploy_to_the_end().await;
    assert!(is_unchanged(deployment.step(&release("queue"))));
    let done = since(&bench, before);
    for put_right in ["release api", "release cache"] {
        assert!(done.iter().any(|entry| entry == put_right), "{put_right}: {done:?}");
    }
    let log = bench.log(&id).await;
    assert!(log.iter().any(|(_, line)| line.text.contains("Deployment cache is gone")), "the log says why: {log:?}");
    assert_eq!(planned(&bench, "api").await, "skip: unchanged");
}

#[tokio::test]
async fn b04_a_changed_variable_is_a_change_and_its_name_in_another_service_is_none() {
    let with = |value: &str| {
        let level = Variable { name: VariableName::new("LEVEL").unwrap(), value: VariableValue::Text(value.to_owned()) };
        let workload = Workload { variables: vec![level], ..Workload::default() };
        environment(vec![application_in("api", SHOP, "api", workload), container("cache")])
    };
    let bench = Bench::with(&with("info")).await;
    bench.deploy_to_the_end().await;
    bench.store.put_environment(&access(), &with("debug"), 1).await.unwrap();
    assert_eq!(planned(&bench, "api").await, "release: configuration changed");
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(state_of(&deployment, &release("api")), "succeeded");
    assert!(is_unchanged(deployment.step(&release("cache"))));
}

#[tokio::test]
async fn b04_a_secret_of_variables_that_was_deleted_is_put_there_again() {
    let level = Variable { name: VariableName::new("LEVEL").unwrap(), value: VariableValue::Text("info".to_owned()) };
    let workload = Workload { variables: vec![level], ..Workload::default() };
    let bench = Bench::with(&environment(vec![application_in("api", SHOP, "api", workload)])).await;
    bench.deploy_to_the_end().await;
    let secret = bench.world.secrets().into_keys().next().expect("it has variables");
    bench.world.lose_secret(&secret);
    assert_eq!(planned(&bench, "api").await, format!("release: Secret {secret} is gone"));
    bench.deploy_to_the_end().await;
    assert!(bench.world.secrets().contains_key(&secret));
}

#[tokio::test]
async fn b04_what_was_stopped_or_failed_since_is_released_again() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    bench.deploy_to_the_end().await;
    bench.act(Action::Stop).await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(state_of(&deployment, &release("cache")), "succeeded", "it was stopped");
    bench.act(Action::Delete).await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(state_of(&deployment, &release("cache")), "succeeded", "it was deleted");
}

#[tokio::test]
async fn b04_a_failed_release_that_was_put_back_leaves_the_one_before_it_to_compare_with() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    bench.world.fail("rollout api", Failure::permanent(Code::CrashLoop, "it ends with exit code 1"));
    assert_eq!(outcome(&bench.deploy_to_the_end().await.1), Outcome::Failed);
    bench.world.commit(SHOP, &commit(1));
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert!(is_unchanged(deployment.step(&release("api"))), "what runs is what is wanted");
}

#[tokio::test]
async fn b04_what_could_not_be_found_out_is_released() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    bench.deploy_to_the_end().await;
    bench.world.fail("survey", Failure::retry(Code::ClusterUnreachable, "the API server is away"));
    let (id, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(state_of(&deployment, &release("cache")), "succeeded");
    let log = bench.log(&id).await;
    assert!(log.iter().any(|(_, line)| line.text.contains("could not be looked at")), "{log:?}");
}

#[tokio::test]
async fn b04_an_issuer_of_the_target_releases_what_has_public_hosts_and_who_knows_their_urls() {
    let url = |service: &str| {
        let name = VariableName::new("URL").expect("a good name");
        Variable { name, value: VariableValue::Text(format!("{{{{SLIPWAY_SERVICE_{service}_URL}}}}")) }
    };
    let public = |protocol| Port { internal: 80, external: 80, protocol, public: true, path: "/".to_owned(), host: None };
    let of = |protocol| Workload { ports: vec![public(protocol)], ..Workload::default() };
    let knows = Workload { variables: vec![url("API")], ..Workload::default() };
    // On a cluster a public gRPC port has an address of its own, and no host.
    let knows_grpc = Workload { variables: vec![url("RPC")], ..Workload::default() };
    let bench = Bench::with(&environment(vec![
        application_in("api", SHOP, "api", of(PortProtocol::Http)),
        application_in("rpc", SHOP, "rpc", of(PortProtocol::Grpc)),
        application_in("web", SHOP, "web", knows),
        application_in("client", SHOP, "client", knows_grpc),
    ]))
    .await;
    let urls = || {
        let secrets = bench.world.secrets();
        let of = |service: &str| {
            let of = secrets.iter().filter(|(name, _)| name.starts_with(service));
            of.map(|(_, secret)| secret.data["URL"].expose().to_owned()).collect::<Vec<_>>()
        };
        (of("web-"), of("client-"))
    };
    bench.deploy_to_the_end().await;
    assert_eq!(urls(), (vec!["http://api.demo.test".to_owned()], vec!["http://rpc:80".to_owned()]));

    let mut target = bench.store.targets(&access()).await.expect("they are read").remove(0);
    target.cluster_issuer = Some("letsencrypt".to_owned());
    bench.store.put_target(&access(), &target).await.expect("it is stored");
    let (_, deployment) = bench.deploy_to_the_end().await;
    let unchanged = |service: &str| is_unchanged(deployment.step(&release(service)));
    assert_eq!(["api", "web", "rpc", "client"].map(unchanged), [false, false, true, true]);
    let (mut of_web, of_client) = urls();
    of_web.sort();
    assert_eq!(of_web, ["http://api.demo.test", "https://api.demo.test"]);
    assert_eq!(of_client, ["http://rpc:80"]);
}
