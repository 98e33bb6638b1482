//! Nothing to do costs nothing, and drift is seen and put right (B4), on real releases and pods.

use serde_json::Value;

use crate::cluster::{Cleared, helm, kubectl, namespace};
use crate::server::{Server, service};

const ENVIRONMENT: &str = "unchanged/test";

fn file(level: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: unchanged
name: test
services:
  - name: db
    database: {{type: redis, version: "7.2", storage: 64Mi}}
  - name: web
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
    ports: [{{internal: 6379, protocol: tcp}}]
    variables: {{LEVEL: {level}, DATABASE: "{{{{SLIPWAY_DATABASE_DB_URL}}}}"}}
  - name: scaled
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
    instances: {{min: 1, max: 2}}
  - name: nightly
    job:
      schedule: {{cron: "0 3 * * *", timezone: Europe/Paris}}
      source: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
      command: [/bin/true]
"#
    )
}

const SERVICES: [&str; 4] = ["db", "web", "scaled", "nightly"];

fn release<'a>(deployment: &'a Value, name: &str) -> (&'a str, &'a str) {
    let release = &service(deployment, name)["release"];
    (release["state"].as_str().unwrap_or_default(), release["reason"].as_str().unwrap_or_default())
}

fn revisions(namespace: &str) -> String {
    let list = helm(["list", "--namespace", namespace, "--output", "json"]).expect_code(0).json();
    list.as_array().expect("a list").iter().map(|each| format!("{}:{} ", each["name"], each["revision"])).collect()
}

fn deploy(server: &Server) -> Value {
    server.slipway(["deploy", "--environment", ENVIRONMENT]).expect_code(0);
    server.deployment(ENVIRONMENT)
}

fn planned(server: &Server) -> String {
    server.slipway(["plan", "--environment", ENVIRONMENT]).expect_code(0).stdout
}

#[test]
fn b04_what_is_unchanged_is_left_alone_and_what_somebody_changed_is_put_right() {
    let _cleared = Cleared("unchanged", "test");
    let server = Server::start();
    server.slipway(["deploy", "--file", &server.file(&file("info"))]).expect_code(0);
    let namespace = namespace("unchanged", "test").expect("it is deployed");
    let before = revisions(&namespace);

    let again = deploy(&server);
    for name in SERVICES {
        assert_eq!(release(&again, name), ("skipped", "unchanged"), "{name}");
    }
    assert_eq!(revisions(&namespace), before, "Helm was not called");

    // Somebody edits one object and deletes another; what an autoscaler does is no drift.
    let selected = ["--namespace", namespace.as_str()];
    kubectl(["set", "env", "deployment/web", "EDITED=by-hand"].into_iter().chain(selected)).expect_code(0);
    kubectl(["delete", "service", "db"].into_iter().chain(selected)).expect_code(0);
    kubectl(["scale", "deployment/scaled", "--replicas=2"].into_iter().chain(selected)).expect_code(0);
    kubectl(["rollout", "status", "deployment/scaled", "--timeout=60s"].into_iter().chain(selected)).expect_code(0);
    let plan = planned(&server);
    assert!(plan.contains("Deployment web was changed by kubectl"), "{plan}");
    assert!(plan.contains("Service db is gone"), "{plan}");
    let right = deploy(&server);
    assert_eq!(release(&right, "web").0, "succeeded");
    assert_eq!(release(&right, "db").0, "succeeded");
    assert_eq!(release(&right, "scaled"), ("skipped", "unchanged"));
    assert_eq!(release(&right, "nightly"), ("skipped", "unchanged"));
    let template = "jsonpath={.spec.template.spec.containers[0].env}";
    let variables = kubectl(["get", "deployment", "web", "--output", template].into_iter().chain(selected)).expect_code(0);
    assert!(!variables.stdout.contains("EDITED"), "{}", variables.stdout);
    kubectl(["get", "service", "db"].into_iter().chain(selected)).expect_code(0);

    // A changed variable touches the service that sees it, and no other.
    server.slipway(["deploy", "--file", &server.file(&file("debug"))]).expect_code(0);
    let changed = server.deployment(ENVIRONMENT);
    assert_eq!(release(&changed, "web").0, "succeeded");
    for name in ["db", "scaled", "nightly"] {
        assert_eq!(release(&changed, name), ("skipped", "unchanged"), "{name}");
    }

    // After a restart nothing is released; after a stop everything is.
    server.slipway(["restart", "--service", "web", "--environment", ENVIRONMENT]).expect_code(0);
    assert_eq!(release(&deploy(&server), "web"), ("skipped", "unchanged"));
    server.slipway(["stop", "--service", "web", "--environment", ENVIRONMENT]).expect_code(0);
    assert_eq!(release(&deploy(&server), "web").0, "succeeded");
}
