//! An environment that runs, cloned: the same images, new passwords, nothing of its data.

use crate::cluster::{Cleared, kubectl, namespace};
use crate::git::Repository;
use crate::server::{Server, build};

const CANARY: &str = "canary-5c88a1";

fn file(url: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: clones
name: live
variables: {{GREETING: "hello from {{{{SLIPWAY_ENVIRONMENT_NAME}}}}"}}
secrets: [TOKEN]
services:
  - name: db
    database: {{type: redis, version: "7.2", storage: 64Mi}}
  - name: app
    application: {{git: {{url: "{url}", branch: main, root: app}}}}
    variables: {{DB_URL: "{{{{SLIPWAY_DATABASE_DB_URL}}}}"}}
    secrets: [TOKEN]
    ports: [{{internal: 8080, public: true, host: clones.example.test}}]
    probes: {{readiness: {{exec: {{command: ["true"]}}}}}}
"#
    )
}

/// What the pod of the application sees of a variable.
fn seen(environment: &str, variable: &str) -> String {
    let namespace = namespace("clones", environment).expect("the environment has a namespace");
    let arguments = ["exec", "--namespace", &namespace, "deployment/app", "--", "printenv", variable];
    kubectl(arguments).expect_code(0).stdout.trim().to_owned()
}

fn keys(environment: &str) -> String {
    let namespace = namespace("clones", environment).expect("the environment has a namespace");
    let script = "REDISCLI_AUTH=$REDIS_PASSWORD redis-cli --no-auth-warning keys '*'";
    kubectl(["exec", "--namespace", &namespace, "db-0", "--", "sh", "-c", script]).expect_code(0).stdout
}

/// Proves B1.
#[test]
fn b01_a_clone_runs_from_the_same_images_with_passwords_and_data_of_its_own() {
    let cleared = [Cleared("clones", "live"), Cleared("clones", "copy"), Cleared("clones", "part")];
    cleared.iter().for_each(Cleared::now);
    let server = Server::start();
    let repository = Repository::new();
    repository.commit(&[("app/Dockerfile", "FROM docker.io/library/debian:bookworm-slim\nCMD [\"sleep\", \"infinity\"]\n")]);
    server.slipway(["apply", "--file", &server.file(&file(&repository.url()))]).expect_code(0);
    server.set_secret("clones/live", "TOKEN", CANARY);
    let mut read = server.slipway(["deploy", "--environment", "clones/live", "--progress", "plain"]).expect_code(0).stderr;
    assert_eq!(build(&server.deployment("clones/live"), "app").0, "succeeded");
    let set = "REDISCLI_AUTH=$REDIS_PASSWORD redis-cli --no-auth-warning set mine 1";
    let live = namespace("clones", "live").expect("the environment has a namespace");
    kubectl(["exec", "--namespace", &live, "db-0", "--", "sh", "-c", set]).expect_code(0);

    let clone = ["clone", "copy", "--environment", "clones/live", "--with-secrets", "--deploy", "--progress", "plain"];
    let made = server.slipway(clone).expect_code(0);
    assert!(made.stdout.contains("clones/copy is a clone of clones/live, with db, app"), "{}", made.stdout);
    assert!(made.stderr.contains("left behind: the host name `clones.example.test` of the service `app`"), "{}", made.stderr);
    assert_eq!(build(&server.deployment("clones/copy"), "app").0, "skipped");
    assert_eq!(seen("copy", "GREETING"), "hello from copy");
    assert_eq!(seen("copy", "TOKEN"), CANARY);
    assert_ne!(seen("copy", "DB_URL"), seen("live", "DB_URL"));
    assert_eq!((keys("live").trim(), keys("copy").trim()), ("mine", ""));

    // Without its database the application is no environment; put in afterwards, it is one.
    let part = ["clone", "part", "--environment", "clones/live", "--service"];
    let refused = server.slipway(part.into_iter().chain(["app"])).expect_code(2);
    assert!(refused.stderr.contains("clone-incomplete"), "{}", refused.stderr);
    server.slipway(part.into_iter().chain(["db"])).expect_code(0);
    let service = ["service", "clone", "app", "--environment", "clones/live", "--to", "part", "--with-secrets"];
    server.slipway(service).expect_code(0);
    let deploy = ["deploy", "--environment", "clones/part", "--progress", "plain"];
    read += &server.slipway(deploy).expect_code(0).stderr;
    assert_eq!(seen("part", "TOKEN"), CANARY);

    read += &(made.stdout + &made.stderr);
    for environment in ["clones/copy", "clones/part"] {
        read += &server.slipway(["export", "--environment", environment]).expect_code(0).stdout;
        read += &server.slipway(["logs", "--environment", environment]).stdout;
    }
    assert!(!read.contains(CANARY), "{read}");
}
