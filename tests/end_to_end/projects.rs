//! What a project gives reaches the pods of all its environments.

use std::time::Duration;

use crate::cluster::{Cleared, kubectl, namespace};
use crate::process::eventually;
use crate::server::Server;

const CANARY: &str = "canary-7d41c9";

const PROJECT: &str = "apiVersion: slipway.dev/v1
kind: Project
name: shared
variables:
  LEVEL: info
  GREETING: '{{LEVEL}} in {{SLIPWAY_ENVIRONMENT_NAME}}'
  KEY: {secret: TOKEN}
secrets: [TOKEN]
";

fn file(name: &str, variables: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: shared
name: {name}
variables: {variables}
services:
  - name: cache
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
"#
    )
}

/// What the pod of the cache sees of a variable, once it is this.
fn sees(environment: &str, variable: &str, value: &str) {
    let namespace = namespace("shared", environment).expect("the environment has a namespace");
    eventually(&format!("{variable} of {environment} is {value}"), Duration::from_secs(60), || {
        let said = kubectl(["exec", "--namespace", &namespace, "deployment/cache", "--", "printenv", variable]);
        (said.stdout.trim() == value).then_some(())
    });
}

#[test]
fn variables_and_secrets_of_a_project_reach_the_pods_of_all_its_environments() {
    let cleared = [Cleared("shared", "one"), Cleared("shared", "two")];
    cleared.iter().for_each(Cleared::now);
    let server = Server::start();
    let project = |text: &str| server.slipway(["project", "apply", "--file", &server.file(text)]);
    let deploy = |name, variables| {
        let path = server.file(&file(name, variables));
        server.slipway(["deploy", "--file", &path, "--progress", "plain"])
    };
    project(PROJECT).expect_code(0);
    let refused = deploy("one", "{}").expect_code(2);
    assert!(refused.stderr.contains("slipway secret set TOKEN --project shared"), "{}", refused.stderr);
    server.feed(&["secret", "set", "TOKEN", "--project", "shared"], CANARY);
    let mut read = deploy("one", "{}").expect_code(0).stderr;
    read += &deploy("two", "{LEVEL: {override: debug}, OWN: '{{GREETING}}'}").expect_code(0).stderr;
    sees("one", "GREETING", "info in one");
    sees("two", "OWN", "debug in two");
    sees("two", "KEY", CANARY);

    // Who changes it changes it for all; what does not change is left alone.
    let before = server.slipway(["history", "--environment", "shared/one", "--output", "json"]).expect_code(0).json();
    assert_eq!(before.as_array().map(Vec::len), Some(1), "the refused one was none: {before:#}");
    project(&PROJECT.replace("LEVEL: info", "LEVEL: warn")).expect_code(0);
    read += &deploy("one", "{}").expect_code(0).stderr;
    sees("one", "GREETING", "warn in one");
    let needed = project(&PROJECT.replace("GREETING", "WELCOME")).expect_code(2);
    assert!(needed.stderr.contains("shared/two") && needed.stderr.contains("project-needed"), "{}", needed.stderr);

    for environment in ["one", "two"] {
        let namespace = namespace("shared", environment).expect("the environment has a namespace");
        read += &kubectl(["get", "pods,deployments,events,configmaps", "--namespace", &namespace, "--output", "yaml"]).stdout;
        read += &server.slipway(["logs", "--environment", &format!("shared/{environment}")]).stdout;
    }
    for arguments in [&["project", "list"][..], &["project", "export", "shared"], &["secret", "list", "--project", "shared"]] {
        read += &server.slipway(arguments.iter().copied()).expect_code(0).stdout;
    }
    assert!(!read.contains(CANARY), "{read}");
}
