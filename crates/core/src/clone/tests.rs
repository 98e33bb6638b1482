//! What a clone has, and why there is none.

use super::{CloneRequest, Cloned, ClonedService, Refusal, ServiceCloneRequest, clone_environment, clone_service};
use crate::file::{ApplyOptions, Outer, ParseOptions, apply, parse_in};
use crate::model::{
    Environment, EnvironmentMode, FromProject, Name, Notification, PreviewWhen, Previews, Schedule, Variable, VariableName,
};
use crate::model::{ServiceKind, VariableValue};
use crate::pipeline_edit::RefusalCode;

const SHOP: &str = "
target: cluster
pipeline:
  onFailure: fail-fast
  stages: [{name: data, defaultFor: database, description: first}, {name: web, approval: required}, {name: last}]
variables: {LOG_LEVEL: info, GREETING: 'hello from {{SLIPWAY_ENVIRONMENT_NAME}}'}
secrets: [KEY, SIGNING_KEY]
services:
- name: db
  stage: data
  database: {type: postgresql, version: 15}
- name: api
  stage: web
  skipped: true
  application: {git: {url: 'https://git.example/api'}, build: {args: {LEVEL: '{{LOG_LEVEL}}'}}}
  ports: [{internal: 8080, public: true, host: api.example.com}]
  domains: [www.example.com]
  variables: {DB_URL: '{{SLIPWAY_DATABASE_DB_URL}}', TOKEN: {secret: KEY}}
- name: cache
  stage: web
  container: {image: {name: redis, tag: '7'}}
";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn environment(project: &str, environment: &str, more: &str) -> Environment {
    let text = format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: {project}\nname: {environment}\n{more}");
    let file = parse_in(&text, &ParseOptions::default(), Outer::Unknown).unwrap_or_else(|problems| panic!("{problems:?}"));
    apply(None, &file, ApplyOptions::default()).unwrap().environment
}

fn request(text: &str) -> CloneRequest {
    CloneRequest { name: name(text), project: None, target: None, mode: None, services: None }
}

fn cloned(source: &Environment, request: &CloneRequest) -> Result<Cloned, Refusal> {
    clone_environment(source, request, &FromProject::default())
}

fn into(into: &Environment, with_variables: bool) -> Result<ClonedService, Refusal> {
    let request = ServiceCloneRequest { service: name("api"), name: None, with_variables };
    clone_service(&environment("shop", "live", SHOP), &request, into, &FromProject::default())
}

#[test]
fn a_clone_is_the_same_but_for_its_name_and_its_host_names() {
    let source = environment("shop", "live", SHOP);
    let Cloned { environment: made, left_behind } = cloned(&source, &request("copy")).unwrap();
    let ServiceKind::Application(api) = &made.services[1].kind else { panic!("api is no application") };
    assert_eq!((api.workload.ports[0].host.as_ref(), api.workload.domains.len()), (None, 0));
    assert_eq!(
        left_behind,
        ["the host name `api.example.com` of the service `api`", "the host name `www.example.com` of the service `api`"]
    );
    let mut wanted = Environment { name: name("copy"), ..source.clone() };
    wanted.services[1] = made.services[1].clone();
    assert_eq!(made, wanted);
    assert!(made.services[1].skipped, "what is skipped stays so");
    assert_eq!(made.services[1].stage, source.services[1].stage);
}

#[test]
fn project_target_mode_and_services_are_by_choice() {
    let source = environment("shop", "live", SHOP);
    let wanted = CloneRequest {
        project: Some(name("mall")),
        target: Some("other".to_owned()),
        mode: Some(EnvironmentMode::Staging),
        services: Some(vec![name("cache"), name("db")]),
        ..request("copy")
    };
    let made = cloned(&source, &wanted).unwrap().environment;
    assert_eq!((made.project.as_str(), made.target.as_deref(), made.mode), ("mall", Some("other"), EnvironmentMode::Staging));
    let names: Vec<_> = made.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["db", "cache"], "in the order of the file");
    assert_eq!(made.pipeline, source.pipeline);
}

#[test]
fn what_takes_from_a_service_that_is_left_out_is_named() {
    let wanted = CloneRequest { services: Some(vec![name("api")]), ..request("copy") };
    let refusal = cloned(&environment("shop", "live", SHOP), &wanted).unwrap_err();
    assert_eq!(refusal.code(), RefusalCode::CloneIncomplete);
    assert_eq!(
        refusal.to_string(),
        "the variable `DB_URL` of the service `api` takes `SLIPWAY_DATABASE_DB_URL` from the service `db`, which would not be there"
    );
    assert_eq!(refusal.hint(), "clone `db` too, or take the variables out first");
}

#[test]
fn each_place_that_takes_from_a_service_is_seen() {
    let source = environment(
        "shop",
        "live",
        "
variables: {WIDE: '{{SLIPWAY_SERVICE_AWAY_HOST}}'}
services:
- name: make
  job: {source: {image: {name: a, tag: b}}}
- name: away
  container: {image: {name: a, tag: b}}
- name: one
  container: {image: {name: a, tag: b}}
  variables: {ALIAS: {alias: SLIPWAY_SERVICE_AWAY_VERSION}, OUTPUT: '{{SLIPWAY_JOB_MAKE_ID}}'}
  files: [{mount: /etc/a, content: 'host {{SLIPWAY_SERVICE_AWAY_HOST}}'}]
- name: two
  application: {git: {url: 'https://git.example/two'}, build: {args: {ARGUMENT: '{{SLIPWAY_SERVICE_AWAY_HOST}}'}}}
- name: three
  helm: {chart: {oci: 'oci://a.example/b', version: '1'}, values: {deep: [{host: '{{SLIPWAY_SERVICE_AWAY_HOST}}'}]}}
",
    );
    let wanted = CloneRequest { services: Some(["one", "two", "three"].map(name).to_vec()), ..request("copy") };
    let Refusal::LacksServices { lacks } = cloned(&source, &wanted).unwrap_err() else { panic!("not refused for its services") };
    let told: Vec<_> = lacks.iter().map(|lack| format!("{}: {}", lack.taker, lack.name)).collect();
    assert_eq!(
        told,
        [
            "the variable `WIDE` of the environment: SLIPWAY_SERVICE_AWAY_HOST",
            "the variable `ALIAS` of the service `one`: SLIPWAY_SERVICE_AWAY_VERSION",
            "the variable `OUTPUT` of the service `one`: SLIPWAY_JOB_MAKE_ID",
            "the file `/etc/a` of the service `one`: SLIPWAY_SERVICE_AWAY_HOST",
            "the build argument `ARGUMENT` of the service `two`: SLIPWAY_SERVICE_AWAY_HOST",
            "a value of the service `three`: SLIPWAY_SERVICE_AWAY_HOST",
        ]
    );
}

#[test]
fn a_service_that_is_not_there_is_not_cloned() {
    let source = environment("shop", "live", SHOP);
    let wanted = CloneRequest { services: Some(vec![name("ap")]), ..request("copy") };
    let refusal = cloned(&source, &wanted).unwrap_err();
    assert_eq!(refusal.to_string(), "there is no service `ap` in shop/live");
    assert_eq!(refusal.hint(), "the services are `db`, `api`, `cache`");
}

#[test]
fn what_only_the_old_project_gives_is_refused_by_its_place() {
    let source = environment(
        "shop",
        "live",
        "services: [{name: a, container: {image: {name: a, tag: b}}, variables: {X: '{{OF_PROJECT}}'}}]",
    );
    let refusal = cloned(&source, &request("copy")).unwrap_err();
    assert_eq!(refusal.code(), RefusalCode::CloneInvalid);
    let told = refusal.to_string();
    assert!(
        told.starts_with("the clone would not be right: services[0].variables.X: nothing defines `{{OF_PROJECT}}`"),
        "{told}"
    );
    let variable = Variable { name: VariableName::new("OF_PROJECT").unwrap(), value: VariableValue::Text("x".to_owned()) };
    let gives = FromProject { variables: vec![variable], secrets: Vec::new() };
    assert!(clone_environment(&source, &request("copy"), &gives).is_ok());
}

#[test]
fn a_clone_makes_no_previews_and_one_for_a_pull_request_tells_nobody() {
    let mut source = environment("shop", "live", SHOP);
    source.previews = Some(Previews { enabled: true, when: PreviewWhen::Opened, forks: false, time_to_live: None });
    source.schedules = vec![Schedule {
        timezone: "UTC".to_owned(),
        start: Some(crate::model::WeekdayTime { weekdays: vec!["monday".to_owned()], time: "07:30".to_owned() }),
        stop: None,
    }];
    source.notifications = vec![Notification {
        kind: "webhook".to_owned(),
        url: Some("https://hook.example/".to_owned()),
        events: Vec::new(),
        secret: Some("SIGNING_KEY".to_owned()),
    }];
    let same = cloned(&source, &request("copy")).unwrap().environment;
    assert_eq!((same.previews, same.schedules.len(), same.notifications.len()), (None, 1, 1));
    let preview = CloneRequest { mode: Some(EnvironmentMode::Preview), ..request("copy") };
    let quiet = cloned(&source, &preview).unwrap().environment;
    assert_eq!((quiet.schedules.len(), quiet.notifications.len()), (0, 0));
}

#[test]
fn a_service_goes_to_the_stage_of_the_same_name_with_its_secrets() {
    let other = environment(
        "shop",
        "test",
        "
variables: {LOG_LEVEL: debug}
secrets: [OWN]
pipeline: {stages: [{name: web}, {name: 3.DEFAULT APPLICATION}]}
services: [{name: db, stage: web, database: {type: redis, version: 7}}]
",
    );
    let made = into(&other, false).unwrap();
    assert_eq!(made.service.stage.as_str(), "web");
    assert_eq!(made.environment.services.last(), Some(&made.service));
    assert_eq!((made.environment.secrets, made.secrets), (vec!["OWN".to_owned(), "KEY".to_owned()], vec!["KEY".to_owned()]));
    assert_eq!((made.variables, made.left_behind.len()), (Vec::new(), 2));
    assert_eq!(made.environment.variables, other.variables, "what the other environment has is its own");
}

#[test]
fn c09_c10_without_the_stage_a_service_goes_where_a_new_one_goes() {
    let with = |stages: &str| {
        let more = format!(
            "variables: {{LOG_LEVEL: debug}}\npipeline: {{stages: {stages}}}\nservices: [{{name: db, stage: a, database: {{type: redis, version: 7}}}}]"
        );
        into(&environment("shop", "test", &more), false).unwrap().service.stage.to_string()
    };
    assert_eq!(with("[{name: 3.DEFAULT APPLICATION}, {name: a}]"), "3.DEFAULT APPLICATION");
    assert_eq!(with("[{name: a}, {name: b}]"), "b");
}

#[test]
fn a_name_that_is_taken_is_refused_and_another_one_is_not() {
    let live = environment("shop", "live", SHOP);
    let mut request = ServiceCloneRequest { service: name("cache"), name: None, with_variables: false };
    let refusal = clone_service(&live, &request, &live, &FromProject::default()).unwrap_err();
    assert_eq!(
        (refusal.code(), refusal.to_string().as_str()),
        (RefusalCode::ServiceExists, "shop/live has a service `cache` already")
    );
    request.name = Some(name("second"));
    let made = clone_service(&live, &request, &live, &FromProject::default()).unwrap();
    assert_eq!((made.service.name.as_str(), made.service.stage.as_str()), ("second", "web"));
}

#[test]
fn variables_that_the_other_environment_lacks_are_listed_or_go_along() {
    let live = environment(
        "shop",
        "live",
        "
variables: {LEVEL: '{{BASE}}', BASE: {secret: KEY}, UNUSED: x}
secrets: [KEY, OTHER]
services: [{name: api, container: {image: {name: a, tag: b}}, variables: {X: '{{LEVEL}}'}}]
",
    );
    let test = environment("shop", "test", "");
    let clone = |with_variables| {
        let request = ServiceCloneRequest { service: name("api"), name: None, with_variables };
        clone_service(&live, &request, &test, &FromProject::default())
    };
    let refusal = clone(false).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "shop/test lacks variables: the variable `X` of the service `api` takes `LEVEL`; the variable `LEVEL` of the environment takes \
         `BASE`"
    );
    let made = clone(true).unwrap();
    let names: Vec<_> = made.environment.variables.iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(names, ["LEVEL", "BASE"]);
    assert_eq!((made.environment.secrets, made.secrets), (vec!["KEY".to_owned()], vec!["KEY".to_owned()]));
}

#[test]
fn a_variable_that_stands_in_the_place_of_a_wider_one_takes_that_along() {
    let live = environment(
        "shop",
        "live",
        "variables: {LEVEL: info}\nservices: [{name: api, container: {image: {name: a, tag: b}}, variables: {LEVEL: {override: debug}, \
         SAME: '{{LEVEL}}'}}]",
    );
    let clone = |with_variables| {
        let request = ServiceCloneRequest { service: name("api"), name: None, with_variables };
        clone_service(&live, &request, &environment("shop", "test", ""), &FromProject::default())
    };
    let refusal = clone(false).unwrap_err();
    assert_eq!(refusal.to_string(), "shop/test lacks variables: the variable `LEVEL` of the service `api` takes `LEVEL`");
    assert_eq!(clone(true).unwrap().environment.variables, live.variables);
}

#[test]
fn a_service_that_takes_from_another_service_needs_one_of_that_name() {
    let refusal = into(&environment("shop", "test", "variables: {LOG_LEVEL: debug}"), true).unwrap_err();
    assert_eq!(refusal.hint(), "clone `db` too, or take the variables out first");
    let wrong = "variables: {LOG_LEVEL: debug}\nservices: [{name: db, container: {image: {name: a, tag: b}}}]";
    assert_eq!(into(&environment("shop", "test", wrong), true).unwrap_err().code(), RefusalCode::CloneIncomplete);
}
