//! The server killed in mid-deployment, and started again.

use std::time::Duration;

use crate::cluster::{Cleared, helm, namespace};
use crate::git::Repository;
use crate::process::eventually;
use crate::server::{Server, build, service};

/// Two builds that take a while, a job, and a container, in three stages.
fn environment(url: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: killed
name: test
pipeline: {{stages: [{{name: first}}, {{name: second}}, {{name: third}}]}}
services:
  - {{name: one, stage: first, application: {{git: {{url: "{url}", branch: main, root: one}}}}}}
  - {{name: cache, stage: second, container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}}}
  - name: prepare
    stage: second
    job:
      on: [start]
      source: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
      command: [/bin/sh, -c, "sleep 4"]
      maxDuration: 2m
  - {{name: two, stage: third, application: {{git: {{url: "{url}", branch: main, root: two}}}}}}
"#
    )
}

#[test]
fn b06_a_deployment_goes_on_after_kill_minus_nine() {
    let cleared = Cleared("killed", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    let dockerfile = |name: &str| {
        format!(
            "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${{BASE}}\nRUN sleep 4 && echo {name} > /name\nCMD [\"sleep\", \"infinity\"]\n"
        )
    };
    repository.commit(&[("one/Dockerfile", &dockerfile("one")), ("two/Dockerfile", &dockerfile("two"))]);
    let file = server.file(&environment(&repository.url()));
    server.slipway(["deploy", "--file", &file, "--detach"]).expect_code(0);
    let kills: usize = std::env::var("SLIPWAY_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut made = 0;
    // In the first build, the releases of the second stage, the second build, its release, wherever the time has come.
    for (name, phase) in [("one", "build"), ("one", "release"), ("prepare", "release"), ("two", "build"), ("two", "release")]
        .iter()
        .cycle()
        .take(kills)
    {
        let seen = eventually("a running step or the end", Duration::from_secs(120), || {
            let deployment = server.deployment("killed/test");
            let running = service(&deployment, name)[phase]["state"] == "running";
            let over = deployment["finishedAt"].is_string() || service(&deployment, name)[phase]["endedAt"].is_string();
            (running || over).then_some(running)
        });
        if seen {
            server.kill();
            made += 1;
            server.up();
        }
    }
    assert!(made >= 3, "only {made} kills hit a running step");
    let deployment = eventually("the end of the deployment", Duration::from_secs(180), || {
        let deployment = server.deployment("killed/test");
        deployment["finishedAt"].is_string().then_some(deployment)
    });
    assert_eq!(deployment["state"], "succeeded", "{deployment:#}");
    for name in ["one", "two"] {
        let (state, reason) = build(&deployment, name);
        assert!(state == "succeeded" || reason == "image-present", "{name}: {state} {reason}");
    }
    let namespace = namespace("killed", "test").expect("the environment has a namespace");
    let list = helm(["list", "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
    for release in list.as_array().expect("a list") {
        assert_eq!(release["status"], "deployed", "{list:#}");
    }
    assert_eq!(list.as_array().map(Vec::len), Some(4));
}
