//! Ending a deployment early.

use std::time::Duration;

use crate::cluster::{Cleared, helm, namespace};
use crate::process::eventually;
use crate::server::{Server, service};

#[test]
fn a_canceled_deployment_ends_canceled_and_takes_its_first_release_away() {
    let cleared = Cleared("canceled", "test");
    cleared.now();
    let server = Server::start();
    let file = server.file(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: canceled
name: test
services:
  - name: slow
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    probes: {readiness: {tcp: {port: 81}, period: 1s, timeout: 1s, failures: 3}}
  - name: after
    application: {git: {url: "http://127.0.0.1:1/none.git", branch: main}}
"#,
    );
    let mut following = server.command(["deploy", "--file", &file, "--progress", "plain"]).spawn().expect("the program starts");
    eventually("the rollout is watched", Duration::from_secs(60), || {
        let status = server.slipway(["status", "canceled/test", "--output", "json"]);
        (status.code == Some(0) && status.stdout.contains("\"waiting\"")).then_some(())
    });
    server.slipway(["cancel", "--environment", "canceled/test"]).expect_code(0);
    let ended = following.wait().expect("the program ends");
    assert_eq!(ended.code(), Some(5));
    let deployment = server.deployment("canceled/test");
    assert_eq!(deployment["state"], "canceled", "{deployment:#}");
    assert_eq!(service(&deployment, "slow")["state"], "canceled");
    assert_eq!(service(&deployment, "after")["release"]["state"], "canceled");
    let namespace = namespace("canceled", "test").expect("the environment has a namespace");
    let list = helm(["list", "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(list.as_array().map(Vec::len), Some(0), "{list:#}");
}
