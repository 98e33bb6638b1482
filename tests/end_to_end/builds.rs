//! What a build is given, and what it leaves: secrets, platforms, provenance, base images.

use crate::cluster::{Cleared, kubectl, namespace};
use crate::git::Repository;
use crate::process::{command, run};
use crate::server::{Server, build};

const BASE: &str = "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\n";
const CANARY: &str = "canary-e07b55d1";

/// Lets the tag of the base image stand for another image.
fn move_base(server: &Server) {
    let password = std::fs::read_to_string(server.home().join("registry-password")).expect("the server wrote it");
    let place = |image: &str| format!("docker://{}/hub/library/{image}", server.registry());
    let credentials = format!("slipway:{}", password.trim());
    let arguments =
        ["copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--src-creds", &credentials, "--dest-creds", &credentials];
    let (from, to) = (place("redis:7.2"), place("debian:bookworm-slim"));
    run(&mut command("skopeo", arguments.into_iter().chain([from.as_str(), to.as_str()]))).expect_code(0);
}

#[test]
fn b07_a_build_with_a_secret_and_two_platforms_runs_and_a_plan_tells_when_its_base_moved() {
    let cleared = Cleared("builds", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    let mount = "RUN --mount=type=secret,id=TOKEN,required=true";
    let dockerfile = format!(
        "{BASE}{mount} cat /run/secrets/TOKEN && test $(wc -c < /run/secrets/TOKEN) = {} && touch /seen\nCMD [\"sleep\", \"infinity\"]\n",
        CANARY.len()
    );
    repository.commit(&[("app/Dockerfile", &dockerfile)]);
    let file = server.file(&format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: builds\nname: test\nsecrets: [TOKEN]\nservices:\n  - name: app\n    application:\n      git: {{url: \"{}\", branch: main, root: app}}\n      build: {{secrets: [TOKEN], platforms: [linux/amd64, linux/arm64]}}\n",
        repository.url()
    ));
    let deploy = ["deploy", "--file", &file, "--progress", "plain"];
    let refused = server.slipway(deploy).expect_code(2);
    assert!(refused.stderr.contains("TOKEN"), "{}", refused.stderr);
    server.set_secret("builds/test", "TOKEN", CANARY);
    server.slipway(deploy).expect_code(0);
    assert_eq!(build(&server.deployment("builds/test"), "app").0, "succeeded");
    let log = server.slipway(["logs", "app", "--build", "--environment", "builds/test"]).expect_code(0).stdout;
    assert!(log.contains("***") && !log.contains(CANARY), "{log}");
    let namespace = namespace("builds", "test").expect("the environment has a namespace");
    kubectl(["exec", "--namespace", &namespace, "deployment/app", "--", "test", "-e", "/seen"]).expect_code(0);
    kubectl(["exec", "--namespace", &namespace, "deployment/app", "--", "test", "!", "-e", "/run/secrets/TOKEN"]).expect_code(0);

    let plan =
        |more: &[&str]| server.slipway(["plan", "--environment", "builds/test"].iter().chain(more).copied()).expect_code(0);
    assert!(!plan(&[]).stdout.contains("base "), "it stands for what was built on");
    move_base(&server);
    let told = plan(&[]).stdout;
    assert!(told.contains("warning: base debian:bookworm-slim moved: sha256:"), "{told}");
    let json = plan(&["--output", "json"]).json();
    assert!(json.to_string().contains(r#""state":"moved""#), "{json:#}");
    assert!(!plan(&["--rebuild"]).stdout.contains("base "), "a rebuild is on what the tag stands for");
}
