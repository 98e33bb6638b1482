//! The image key without a server, and the one that a deployment seals.

use std::collections::BTreeMap;

use crate::support::{Bench, SHOP, access, application, application_in, container, environment, name};
use slipway_core::model::{
    Environment, Port, PortProtocol, Service, ServiceKind, Variable, VariableName, VariableValue, Workload,
};
use slipway_core::plan::{Action, BuildPlan, PlannedBuild, Request};
use slipway_engine::{BuildKeyError, build_key};

const DOCKERFILE: &str = "FROM scratch\nARG GREETING\nARG CACHE_VERSION\nARG OWN\nARG WEB\nARG UNSET\n";

fn variable(name: &str, value: &str) -> Variable {
    Variable { name: VariableName::new(name).expect("this is a name"), value: VariableValue::Text(value.to_owned()) }
}

/// An environment in which the arguments of `api` take what they can.
fn environment_with(api: impl FnOnce(&mut Service)) -> Environment {
    let workload = Workload { variables: vec![variable("OWN", "{{SLIPWAY_SERVICE_API_VERSION}}")], ..Workload::default() };
    let mut services = vec![application_in("api", SHOP, "api", workload), application("web"), container("cache")];
    api(&mut services[0]);
    let mut environment = environment(services);
    environment.variables = vec![
        variable("GREETING", "hello from {{SLIPWAY_PROJECT_NAME}}"),
        variable("CACHE_VERSION", "{{SLIPWAY_SERVICE_CACHE_VERSION}}"),
        variable("WEB", "{{SLIPWAY_SERVICE_WEB_VERSION}} at {{SLIPWAY_SERVICE_WEB_HOST}}"),
    ];
    environment
}

async fn planned(bench: &Bench) -> PlannedBuild {
    let plan = bench.engine.plan(&access(), &name("shop"), &name("demo"), Action::Deploy, &Request::default()).await;
    let plan = plan.expect("the plan is made").plan;
    let api = plan.services.into_iter().find(|service| service.name == name("api"));
    match api.and_then(|api| api.build) {
        Some(BuildPlan::Image(build)) => build,
        other => panic!("it is not built: {other:?}"),
    }
}

#[tokio::test]
async fn b02_the_key_without_a_server_is_the_one_that_a_deployment_seals() {
    let changes: [fn(&mut Service); 4] = [
        |_| {},
        |api| settings(api).target = Some("runtime".to_owned()),
        |api| settings(api).platforms = vec!["linux/arm64".to_owned()],
        |api| settings(api).dockerfile_inline = Some("FROM scratch\nARG GREETING=nothing\n".to_owned()),
    ];
    let mut keys = std::collections::BTreeSet::new();
    for change in changes {
        let environment = environment_with(change);
        let bench = Bench::with(&environment).await;
        bench.world.dockerfile("api", DOCKERFILE);
        let planned = planned(&bench).await;
        let offline = build_key(&*bench.world, &environment, "api").await.expect("there is a key");
        assert_eq!((&offline.key, &offline.commit), (&planned.key, &planned.commit));
        let args =
            offline.inputs.iter().filter_map(|input| Some((input.name.strip_prefix("arg ")?.to_owned(), input.value.clone())));
        assert_eq!(args.collect::<BTreeMap<_, _>>(), planned.args);
        keys.insert(offline.key);
    }
    assert_eq!(keys.len(), changes.len());
}

fn settings(service: &mut Service) -> &mut slipway_core::model::BuildSettings {
    match &mut service.kind {
        ServiceKind::Application(application) => &mut application.build,
        _ => panic!("`api` is an application"),
    }
}

#[tokio::test]
async fn c14_the_arguments_without_a_server_are_what_the_dockerfile_declares() {
    let environment = environment_with(|_| {});
    let bench = Bench::with(&environment).await;
    bench.world.dockerfile("api", DOCKERFILE);
    let key = build_key(&*bench.world, &environment, "api").await.expect("there is a key");
    let inputs: Vec<_> = key.inputs.iter().map(|input| (input.name.as_str(), input.value.as_str())).collect();
    let expected =
        [("arg CACHE_VERSION", "7"), ("arg GREETING", "hello from shop"), ("arg OWN", "1111111"), ("arg WEB", "1111111 at web")];
    assert_eq!(inputs[4..], expected);
    assert_eq!(bench.world.count(&format!("fetch {SHOP}")), 1, "two services of one repository share its fetch");
}

#[tokio::test]
async fn an_argument_that_takes_what_a_target_decides_is_refused_and_not_guessed() {
    let port =
        Port { internal: 8080, external: 8080, protocol: PortProtocol::Http, public: true, path: "/".to_owned(), host: None };
    let public = Workload { ports: vec![port], ..Workload::default() };
    let mut environment = environment(vec![application("api"), application_in("web", SHOP, "web", public)]);
    environment.variables = vec![variable("ORIGIN", "{{SLIPWAY_SERVICE_WEB_URL}}/x")];
    let bench = Bench::with(&environment).await;
    assert!(build_key(&*bench.world, &environment, "api").await.is_ok(), "no argument takes it");
    bench.world.dockerfile("api", "FROM scratch\nARG ORIGIN\n");
    let error = build_key(&*bench.world, &environment, "api").await.expect_err("the domain is the target's");
    assert_eq!(error.to_string(), "`ARG ORIGIN` takes the public URL of `web`, which only a server can tell");
}

#[tokio::test]
async fn a_service_that_there_is_not_and_one_that_is_not_built_have_no_key() {
    let environment = environment(vec![application("api"), container("cache")]);
    let bench = Bench::with(&environment).await;
    let error = build_key(&*bench.world, &environment, "apy").await.expect_err("there is no such service");
    assert_eq!(error.to_string(), "there is no service `apy`; there are `api`, `cache`");
    let error = build_key(&*bench.world, &environment, "cache").await.expect_err("it brings its image");
    assert_eq!(error, BuildKeyError::NotBuilt(name("cache")));
}
