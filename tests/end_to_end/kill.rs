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

/// What a service does when the server is killed, in the order in which a deployment comes by.
const MOMENTS: [(&str, &str); 10] = [
    ("one", "building"),
    ("one", "pushing"),
    ("one", "releasing"),
    ("one", "waiting"),
    ("cache", "mirroring"),
    ("prepare", "releasing"),
    ("prepare", "waiting"),
    ("two", "building"),
    ("two", "pushing"),
    ("two", "waiting"),
];

/// How much later than that the server is killed; so the same moment is not the same each time.
const DELAYS: [u64; 5] = [0, 700, 150, 1500, 350];

/// How many times the server is killed.
fn wanted() -> usize {
    std::env::var("SLIPWAY_TEST_KILLS").map_or(5, |text| text.parse().expect("SLIPWAY_TEST_KILLS is a number"))
}

/// Waits until a service does this; `false` when it did it meanwhile, or never will.
fn comes_to(server: &Server, name: &str, activity: &str) -> bool {
    eventually("a running step or its end", Duration::from_secs(180), || {
        let deployment = server.deployment("killed/test");
        let service = service(&deployment, name);
        let phase = if matches!(activity, "building" | "pushing") { "build" } else { "release" };
        let over = deployment["finishedAt"].is_string() || service[phase]["endedAt"].is_string();
        let found = service["phase"] == activity;
        (found || over).then_some(found)
    })
}

/// A finished deployment in which nothing was lost and nothing done twice.
fn check(server: &Server, round: usize, made: usize) {
    let deployment = eventually("the end of the deployment", Duration::from_secs(240), || {
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
    let releases = list.as_array().expect("a list");
    assert_eq!(releases.len(), 4, "{list:#}");
    for release in releases {
        assert_eq!(release["status"], "deployed", "{list:#}");
        let revision: usize = release["revision"].as_str().and_then(|text| text.parse().ok()).expect("a revision");
        assert!(revision <= round + made, "more than one revision for each deployment and each kill: {list:#}");
    }
}

#[test]
fn b06_deployments_go_on_after_kill_minus_nine_at_many_moments() {
    let cleared = Cleared("killed", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    let wanted = wanted();
    let mut made = Vec::new();
    let mut rounds = 0;
    while made.len() < wanted {
        rounds += 1;
        assert!(rounds <= wanted + 3, "{rounds} deployments, and only these kills hit a running step: {made:?}");
        let dockerfile = |name: &str| {
            format!(
                "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${{BASE}}\nRUN sleep 4 && echo {name} {rounds} > /name\nCMD [\"sleep\", \"infinity\"]\n"
            )
        };
        repository.commit(&[("one/Dockerfile", &dockerfile("one")), ("two/Dockerfile", &dockerfile("two"))]);
        let file = server.file(&environment(&repository.url()));
        server.slipway(["deploy", "--file", &file, "--detach"]).expect_code(0);
        for (name, activity) in MOMENTS {
            if made.len() < wanted && comes_to(&server, name, activity) {
                std::thread::sleep(Duration::from_millis(DELAYS[made.len() % DELAYS.len()]));
                server.kill();
                made.push(format!("{name} {activity}"));
                server.up();
            }
        }
        check(&server, rounds, made.len());
    }
    println!("{} kills in {rounds} deployments: {}", made.len(), made.join(", "));
}
