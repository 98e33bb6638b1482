//! What a job writes in its pod reaches a service of a later stage, and nothing else.

use std::time::Duration;

use crate::cluster::{Cleared, kubectl, namespace};
use crate::process::eventually;
use crate::server::{Server, service};

const ENVIRONMENT: &str = "outputs/test";
const CANARY: &str = "canary-0b1de7";

fn file(password: &str, name: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: outputs
name: test
services:
  - name: seed
    job:
      on: [start]
      source: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
      maxDuration: 2m
    variables: {{P: {password}}}
    command:
      - /bin/sh
      - -c
      - |
        cat > /slipway-output/output.json <<END
        {{"pass-word": {{"value": "$P", "sensitive": true}}, "port": {{"value": 5432, "sensitive": false}}}}
        END
  - name: cache
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
    variables: {{URL: "redis://{{{{SLIPWAY_JOB_SEED_{name}}}}}@db"}}
"#
    )
}

/// The pod of the cache, and a variable in it.
fn cache(namespace: &str, variable: &str) -> (String, String) {
    let pods = ["get", "pods", "--namespace", namespace, "--selector", "app.kubernetes.io/instance=cache", "--output"];
    let name = eventually("the pod before is gone", Duration::from_secs(60), || {
        let names = kubectl(pods.into_iter().chain(["jsonpath={.items[*].metadata.name}"])).expect_code(0).stdout;
        (names.split_whitespace().count() == 1).then_some(names)
    });
    let said = kubectl(["exec", "--namespace", namespace, &name, "--", "printenv", variable]).expect_code(0);
    (name, said.stdout.trim().to_owned())
}

#[test]
fn outputs_of_a_job_reach_later_stages_and_nothing_that_anybody_reads() {
    let cleared = Cleared("outputs", "test");
    cleared.now();
    let server = Server::start();
    let deploy = |password: &str, name: &str| {
        let path = server.file(&file(password, name));
        server.slipway(["deploy", "--file", &path, "--progress", "plain"])
    };
    let first = deploy(CANARY, "PASS_WORD").expect_code(0);
    let namespace = namespace("outputs", "test").expect("the environment has a namespace");
    let (pod, url) = cache(&namespace, "URL");
    assert_eq!(url, format!("redis://{CANARY}@db"));
    assert_eq!(cache(&namespace, "SLIPWAY_JOB_SEED_PORT").1, "5432");

    // The job's own variable is plain on purpose: the canary that counts is the output, so it may stand in the Secrets alone.
    let shown = kubectl(["get", "pods,jobs,events", "--namespace", &namespace, "--output", "yaml"]).expect_code(0).stdout;
    assert!(!shown.contains(CANARY), "{shown}");
    let job = kubectl(["get", "pods", "--namespace", &namespace, "--selector", "job-name", "--output", "name"]).expect_code(0);
    assert_eq!(job.stdout, "", "the pod that showed the output is gone");
    let facts = server.slipway(["status", ENVIRONMENT, "--output", "json"]).expect_code(0).stdout;
    let log = server.slipway(["logs", "--environment", ENVIRONMENT]).stdout;
    for (what, text) in [("status", &facts), ("log", &log), ("progress", &first.stdout), ("progress", &first.stderr)] {
        assert!(!text.contains(CANARY), "{what}: {text}");
    }

    // The same output: the same pod. Another: a new pod, with the new value.
    deploy(CANARY, "PASS_WORD").expect_code(0);
    assert_eq!(cache(&namespace, "URL").0, pod);
    deploy("another-one", "PASS_WORD").expect_code(0);
    let (rolled, url) = cache(&namespace, "URL");
    assert_ne!(rolled, pod);
    assert_eq!(url, "redis://another-one@db");

    // One that nobody wrote fails who needs it; the job itself has done its part.
    let failed = deploy(CANARY, "TOKEN");
    assert_eq!(failed.code, Some(4), "{}", failed.stderr);
    let deployment = server.deployment(ENVIRONMENT);
    assert_eq!(service(&deployment, "seed")["state"], "succeeded");
    assert_eq!(service(&deployment, "cache")["release"]["failure"]["code"], "output-missing", "{deployment:#}");
    assert_eq!(cache(&namespace, "URL").0, rolled, "what served before serves");
}
