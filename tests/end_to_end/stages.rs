//! The pipeline edited by command, and what deployments make of it.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cleared, helm, namespace};
use crate::process::eventually;
use crate::server::{Server, service};

const CACHE: &str = "container: {image: {name: docker.io/library/redis, tag: \"7.2\"}}";

/// A job that runs to its end.
fn job(command: &str) -> String {
    format!(
        "job: {{on: [start], source: {{image: {{name: docker.io/library/redis, tag: \"7.2\"}}}}, command: [/bin/sh, -c, \"{command}\"], maxDuration: 2m}}"
    )
}

/// `stage: services` of each stage of a deployment.
fn stages(deployment: &Value) -> Vec<String> {
    let line = |stage: &Value| {
        let services = stage["services"].as_array().expect("a stage has services");
        let names: Vec<_> = services.iter().map(|service| service["name"].as_str().expect("a name")).collect();
        format!("{}: {}", stage["name"].as_str().expect("a name"), names.join(" ")).trim_end().to_owned()
    };
    deployment["stages"].as_array().expect("a deployment has stages").iter().map(line).collect()
}

/// When the release of a service began or ended; without the `Z`, so that a whole second sorts before its parts.
fn time<'a>(deployment: &'a Value, name: &str, when: &str) -> &'a str {
    let time = service(deployment, name)["release"][when].as_str();
    time.unwrap_or_else(|| panic!("{name} has no {when}: {deployment:#}")).trim_end_matches('Z')
}

fn deploy(server: &Server, environment: &str) -> Value {
    server.slipway(["deploy", "--environment", environment, "--progress", "plain"]).expect_code(0);
    server.deployment(environment)
}

#[test]
fn c11_edits_during_a_deployment_are_for_the_next_one_and_a_skipped_service_takes_no_part() {
    let cleared = Cleared("edited", "test");
    cleared.now();
    let server = Server::start();
    let file = server.file(&format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: edited\nname: test\n\
         pipeline: {{stages: [{{name: first}}, {{name: second}}]}}\n\
         services:\n- {{name: slow, stage: first, {}}}\n- {{name: cache, stage: second, {CACHE}}}\n",
        job("sleep 12")
    ));
    let mut following = server.command(["deploy", "--file", &file, "--progress", "plain"]).spawn().expect("the program starts");
    eventually("the job runs", Duration::from_secs(60), || {
        let status = server.slipway(["status", "edited/test", "--output", "json"]);
        let status = (status.code == Some(0)).then(|| status.json())?;
        let deployment = &status["deployment"];
        (deployment.is_object() && service(deployment, "slow")["release"]["state"] == "running").then_some(())
    });
    let edits: [&[&str]; 4] = [
        &["stage", "rename", "first", "all/at once"],
        &["stage", "add", "before", "--first"],
        &["service", "move", "cache", "all/at once"],
        &["stage", "delete", "second"],
    ];
    for edit in edits {
        server.slipway([edit, &["--environment", "edited/test"]].concat()).expect_code(0);
    }
    let during = server.deployment("edited/test");
    assert_eq!(service(&during, "slow")["release"]["state"], "running", "the edits were made during the deployment");
    assert_eq!(stages(&during), ["first: slow", "second: cache"]);
    assert_eq!(following.wait().expect("the program ends").code(), Some(0));

    let sealed = server.deployment("edited/test");
    assert_eq!(sealed["state"], "succeeded", "{sealed:#}");
    assert_eq!(stages(&sealed), ["first: slow", "second: cache"]);
    assert!(time(&sealed, "slow", "endedAt") <= time(&sealed, "cache", "startedAt"), "{sealed:#}");

    let next = deploy(&server, "edited/test");
    assert_eq!(stages(&next), ["before:", "all/at once: slow cache"]);
    assert!(time(&next, "cache", "startedAt") < time(&next, "slow", "endedAt"), "one stage now: {next:#}");

    server.slipway(["service", "skip", "cache", "--environment", "edited/test"]).expect_code(0);
    let without = deploy(&server, "edited/test");
    assert_eq!(stages(&without), ["before:", "all/at once: slow"]);
    let namespace = namespace("edited", "test").expect("the environment has a namespace");
    let status = helm(["status", "cache", "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(status["info"]["status"], "deployed", "what runs of a skipped service goes on: {status:#}");
}

#[test]
fn c10_a_new_service_of_a_type_whose_default_stage_was_renamed_or_deleted_is_deployed_in_the_last_stage() {
    let cleared = Cleared("defaults", "test");
    cleared.now();
    let server = Server::start();
    let head = "apiVersion: slipway.dev/v1\nkind: Environment\nproject: defaults\nname: test\nservices:\n";
    let cache = format!("- {{name: cache, {CACHE}}}\n");
    let file = server.file(&format!("{head}{cache}"));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);
    assert_eq!(stages(&server.deployment("defaults/test"))[2], "2.DEFAULT CONTAINER: cache");

    // Renamed and renamed back; deleted and added again: the role is gone for ever.
    let edits: [&[&str]; 5] = [
        &["stage", "rename", "2.DEFAULT CONTAINER", "caches"],
        &["stage", "rename", "caches", "2.DEFAULT CONTAINER"],
        &["stage", "delete", "1.DEFAULT JOB"],
        &["stage", "add", "1.DEFAULT JOB", "--after", "0.DEFAULT DATABASE"],
        &["stage", "add", "last", "--after", "3.DEFAULT APPLICATION"],
    ];
    for edit in edits {
        server.slipway([edit, &["--environment", "defaults/test"]].concat()).expect_code(0);
    }
    let refused = server.slipway(["stage", "delete", "2.DEFAULT CONTAINER", "--environment", "defaults/test"]).expect_code(2);
    assert!(refused.stderr.contains("stage-not-empty") && refused.stderr.contains("`cache`"), "{}", refused.stderr);

    let file = server.file(&format!("{head}{cache}- {{name: queue, {CACHE}}}\n- {{name: once, {}}}\n", job("true")));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);
    let deployment = server.deployment("defaults/test");
    assert_eq!(
        stages(&deployment),
        ["0.DEFAULT DATABASE:", "1.DEFAULT JOB:", "2.DEFAULT CONTAINER: cache", "3.DEFAULT APPLICATION:", "last: queue once"]
    );
    for name in ["queue", "once"] {
        assert!(time(&deployment, "cache", "endedAt") <= time(&deployment, name, "startedAt"), "{deployment:#}");
    }
}
