//! Restart, rollback, named versions, approval, joined requests, stop and delete, on real releases and pods.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cleared, helm, kubectl, namespace};
use crate::git::Repository;
use crate::process::eventually;
use crate::server::{Server, build, service};

const ENVIRONMENT: &str = "actions/test";

fn file(url: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: actions
name: test
pipeline: {{stages: [{{name: data}}, {{name: apps, approval: required}}]}}
services:
  - name: store
    stage: data
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
    storage: [{{mount: /data, size: 64Mi}}]
  - name: drain
    stage: apps
    job:
      on: [stop]
      source: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
      command: [/bin/sh, -c, "echo drained"]
      maxDuration: 2m
  - {{name: api, stage: apps, application: {{git: {{url: "{url}", branch: main, root: api}}}}}}
"#
    )
}

fn dockerfile(version: &str) -> String {
    format!(
        "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${{BASE}}\nRUN echo {version} > /version\n\
         CMD [\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; while :; do sleep 1; done\"]\n"
    )
}

/// The pods of a service, as `uid image` each.
fn pods(namespace: &str, service: &str) -> Vec<String> {
    let selector = format!("app.kubernetes.io/instance={service}");
    let path = r#"jsonpath={range .items[*]}{.metadata.uid}{" "}{.spec.containers[0].image}{"\n"}{end}"#;
    let said = kubectl(["get", "pods", "--namespace", namespace, "--selector", &selector, "--output", path]).expect_code(0);
    said.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn image(pod: &str) -> &str {
    pod.split_once(' ').expect("a pod has a uid and an image").1
}

fn revision(namespace: &str, release: &str) -> u64 {
    let list = helm(["list", "--namespace", namespace, "--filter", &format!("^{release}$"), "--output", "json"]).expect_code(0);
    let list = list.json();
    assert_eq!(list[0]["status"], "deployed", "{list:#}");
    list[0]["revision"].as_str().and_then(|text| text.parse().ok()).expect("a release has a revision")
}

fn awaits(deployment: &Value) -> bool {
    // There is none before the first was accepted.
    let stages = deployment["stages"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    stages.iter().any(|stage| stage["approval"]["state"] == "awaited")
}

/// Approves whatever the newest deployment waits for, as often as it does, until a command that follows it has ended.
fn with_approval(server: &Server, arguments: &[&str]) {
    let mut following = server.command(arguments.iter().copied()).spawn().expect("the program starts");
    eventually("the deployment waits for approval", Duration::from_secs(180), || {
        awaits(&server.deployment(ENVIRONMENT)).then_some(())
    });
    server.slipway(["approve", "--environment", ENVIRONMENT]).expect_code(0);
    let ended = following.wait().expect("the program ends");
    assert_eq!(ended.code(), Some(0), "{arguments:?}");
}

#[test]
fn c01_actions_go_by_the_stages_bring_versions_back_stop_and_remove() {
    let cleared = Cleared("actions", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    repository.commit(&[("api/Dockerfile", &dockerfile("one"))]);
    let path = server.file(&file(&repository.url()));
    let on = ["--environment", ENVIRONMENT, "--progress", "plain"];

    // Approval: the second stage is not entered before somebody gives it.
    server.slipway(["apply", "--file", &path]).expect_code(0);
    with_approval(&server, &["deploy", "--environment", ENVIRONMENT, "--progress", "plain"]);
    let namespace = namespace("actions", "test").expect("the environment has a namespace");
    let first = server.deployment(ENVIRONMENT);
    assert_eq!(first["state"], "succeeded", "{first:#}");
    assert_eq!(service(&first, "drain")["release"]["reason"], "nothing-to-run", "it runs on a stop");
    let one = pods(&namespace, "api");

    // Restart: new pods of the same release.
    let (before, store) = (revision(&namespace, "api"), pods(&namespace, "store"));
    server.slipway(["restart", "--service", "api"].into_iter().chain(on)).expect_code(0);
    let restarted = eventually("the old pod is gone", Duration::from_secs(60), || {
        let pods = pods(&namespace, "api");
        (pods.len() == 1 && pods != one).then_some(pods)
    });
    assert_eq!(image(&restarted[0]), image(&one[0]));
    assert_eq!(revision(&namespace, "api"), before, "a restart makes no revision");
    assert_eq!(pods(&namespace, "store"), store, "only the named service is restarted");

    // A new version, then back: the image of the first deployment, with nothing built.
    repository.commit(&[("api/Dockerfile", &dockerfile("two"))]);
    with_approval(&server, &["deploy", "--environment", ENVIRONMENT, "--progress", "plain"]);
    let two = server.deployment(ENVIRONMENT);
    assert_eq!(build(&two, "api").0, "succeeded");
    with_approval(&server, &["rollback", "--environment", ENVIRONMENT, "--progress", "plain"]);
    let back = server.deployment(ENVIRONMENT);
    assert_eq!((back["action"].as_str(), build(&back, "api").1), (Some("rollback"), "image-present"), "{back:#}");
    let rolled = eventually("the pod of the first version", Duration::from_secs(60), || {
        let pods = pods(&namespace, "api");
        (pods.len() == 1 && image(&pods[0]) == image(&one[0])).then_some(pods)
    });
    assert_ne!(service(&two, "api")["version"], service(&back, "api")["version"]);
    assert_eq!(service(&first, "api")["version"], service(&back, "api")["version"]);

    // A version that is named, by the first digits of its commit; and the deployed one kept.
    let version = service(&two, "api")["version"].as_str().expect("it has a version").to_owned();
    let named = format!("api@{version}");
    with_approval(&server, &["deploy", "--service", &named, "--environment", ENVIRONMENT, "--progress", "plain"]);
    assert_eq!(service(&server.deployment(ENVIRONMENT), "api")["version"], version.as_str());
    assert_ne!(pods(&namespace, "api"), rolled);

    // Requests of one actor are joined while they are queued; the running deployment waits for approval meanwhile.
    let detached = |arguments: &[&str]| {
        let all = arguments.iter().copied().chain(["--detach", "--environment", ENVIRONMENT]);
        server.slipway(all).expect_code(0).stdout.trim().to_owned()
    };
    let running = detached(&["deploy"]);
    eventually("it waits for approval", Duration::from_secs(120), || awaits(&server.deployment(ENVIRONMENT)).then_some(()));
    let queued = detached(&["deploy", "--service", "store"]);
    assert_ne!(running, queued);
    assert_eq!(detached(&["deploy", "--service", "store"]), queued, "its place and its id");
    // A queued one is canceled; a stage that is refused ends the running one.
    server.slipway(["cancel", &queued]).expect_code(0);
    server.slipway(["approve", &running, "--refuse"]).expect_code(0);
    eventually("both have ended", Duration::from_secs(60), || {
        let said = server.slipway(["history", "--environment", ENVIRONMENT, "--output", "json"]).expect_code(0).json();
        let history = said.as_array().expect("a list").clone();
        let ended = [&running, &queued]
            .iter()
            .all(|id| history.iter().any(|head| head["id"] == id.as_str() && head["state"] == "canceled"));
        ended.then_some(())
    });

    // Stop: nothing runs, the volume stays, the job for it has run. The stages go in reverse order.
    server.slipway(["stop"].into_iter().chain(on)).expect_code(0);
    let stopped = server.deployment(ENVIRONMENT);
    let ended = |name: &str| service(&stopped, name)["release"]["endedAt"].as_str().expect("it has ended").to_owned();
    let began = |name: &str| service(&stopped, name)["release"]["startedAt"].as_str().expect("it has begun").to_owned();
    assert!(ended("api") <= began("store"), "{stopped:#}");
    assert_eq!(pods(&namespace, "api"), [] as [String; 0]);
    assert_eq!(pods(&namespace, "store"), [] as [String; 0]);
    assert_eq!(service(&stopped, "drain")["state"], "succeeded");
    revision(&namespace, "api");
    let claims = kubectl(["get", "persistentvolumeclaims", "--namespace", &namespace, "--output", "name"]).expect_code(0).stdout;
    assert_eq!(claims.lines().count(), 1, "{claims}");
    with_approval(&server, &["deploy", "--current", "--environment", ENVIRONMENT, "--progress", "plain"]);
    assert_eq!(pods(&namespace, "store").len(), 1);
    assert_eq!(service(&server.deployment(ENVIRONMENT), "api")["version"], version.as_str(), "--current keeps it");

    // Delete: it has to be meant, and then nothing is left, not even the namespace.
    let refused = server.slipway(["delete", "--environment", ENVIRONMENT]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    server.slipway(["delete", "--yes"].into_iter().chain(on)).expect_code(0);
    assert_eq!(crate::cluster::namespace("actions", "test"), None);
}
