//! What is wrong outside ends the right service with its own code, message and hint, and leaves what ran before running.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cleared, kubectl, namespace};
use crate::git::Repository;
use crate::process::eventually;
use crate::server::{Server, service};

const BASE: &str = "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\n";

fn failure(deployment: &Value, name: &str, phase: &str) -> (String, String, String) {
    let failure = &service(deployment, name)[phase]["failure"];
    let text = |key: &str| failure[key].as_str().unwrap_or_default().to_owned();
    (text("code"), text("message"), text("hint"))
}

fn pod_uid(namespace: &str, name: &str) -> String {
    let selector = format!("app.kubernetes.io/instance={name}");
    kubectl(["get", "pods", "--namespace", namespace, "--selector", &selector, "--output", "jsonpath={.items[*].metadata.uid}"])
        .expect_code(0)
        .stdout
}

#[test]
fn b08_each_mistake_ends_its_own_service_and_what_ran_before_goes_on() {
    let cleared = Cleared("bad-input", "test");
    cleared.now();
    let server = Server::start_with(&["--rollout-timeout", "80s"]);
    let repository = Repository::new();
    repository.link("nested/lib", "1111111111111111111111111111111111111111");
    repository.commit(&[
        ("fails/Dockerfile", &format!("{BASE}RUN echo about to break && exit 3\n")),
        ("unparsable/Dockerfile", &format!("{BASE}RUNN true\n")),
        ("empty/README", "no Dockerfile here\n"),
        ("nested/Dockerfile", &format!("{BASE}COPY lib /lib\n")),
        ("large/Dockerfile", &format!("{BASE}COPY model.bin /\n")),
        ("large/.gitattributes", "*.bin filter=lfs\n"),
        ("large/model.bin", &format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 9\n", "0".repeat(64))),
        // The byte of a program's head that says for which machine it is.
        (
            "foreign/Dockerfile",
            &format!(
                "{BASE}RUN (head -c 18 /bin/true; printf '\\000'; tail -c +20 /bin/true) > /x && chmod +x /x\nRUN [\"/x\"]\n"
            ),
        ),
    ]);
    let url = repository.url();
    let good = r#"
  - name: good
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    stage: all
"#;
    let head = "apiVersion: slipway.dev/v1\nkind: Environment\nproject: bad-input\nname: test\npipeline: {stages: [{name: all}, {name: later}]}\nservices:";
    let file = server.file(&format!("{head}{good}"));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);
    let namespace = namespace("bad-input", "test").expect("the environment has a namespace");
    let before = pod_uid(&namespace, "good");

    let bad = format!(
        r#"{head}{good}
  - {{name: no-repository, stage: all, application: {{git: {{url: "http://127.0.0.1:1/none.git", branch: main}}}}}}
  - {{name: no-branch, stage: all, application: {{git: {{url: "{url}", branch: absent}}}}}}
  - {{name: no-dockerfile, stage: all, application: {{git: {{url: "{url}", branch: main, root: empty}}}}}}
  - {{name: unparsable, stage: all, application: {{git: {{url: "{url}", branch: main, root: unparsable}}}}}}
  - {{name: fails, stage: all, application: {{git: {{url: "{url}", branch: main, root: fails}}}}}}
  - {{name: foreign, stage: all, application: {{git: {{url: "{url}", branch: main, root: foreign}}, build: {{platforms: [linux/s390x]}}}}}}
  - {{name: nested, stage: all, application: {{git: {{url: "{url}", branch: main, root: nested}}}}}}
  - {{name: large, stage: all, application: {{git: {{url: "{url}", branch: main, root: large}}}}}}
  - {{name: no-registry, stage: all, container: {{image: {{name: 127.0.0.1:1/none, tag: "1"}}}}}}
  - {{name: no-image, stage: all, container: {{image: {{name: docker.io/library/redis, tag: absent}}}}}}
  - name: never-ready
    stage: all
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
    probes: {{readiness: {{http: {{path: /, port: 81}}, period: 1s, timeout: 1s, failures: 3}}}}
  - name: crashes
    stage: all
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
    entrypoint: [/bin/sh, -c, "echo cannot find my settings; exit 4"]
  - name: after
    stage: later
    container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
"#
    );
    let file = server.file(&bad);
    let said = server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(3);
    assert!(said.stderr.contains("build-failed"), "{}", said.stderr);

    let deployment = server.deployment("bad-input/test");
    assert_eq!(deployment["state"], "failed");
    for (name, phase, code, word) in [
        ("no-repository", "build", "repository-unreachable", "127.0.0.1"),
        ("no-branch", "build", "revision-not-found", "absent"),
        ("no-dockerfile", "build", "dockerfile-not-found", "Dockerfile"),
        ("unparsable", "build", "dockerfile-invalid", "RUNN"),
        ("fails", "build", "build-failed", "3"),
        ("foreign", "build", "emulation-missing", "linux/s390x"),
        ("nested", "build", "submodule-invalid", "nested/lib"),
        ("large", "build", "lfs-unavailable", "Git LFS"),
        ("no-registry", "release", "registry-unavailable", "127.0.0.1:1"),
        ("no-image", "release", "image-not-found", "absent"),
        ("never-ready", "release", "probe-failed", "ready"),
        ("crashes", "release", "crash-loop", "crashes"),
    ] {
        let (found, message, hint) = failure(&deployment, name, phase);
        assert_eq!(found, code, "{name}: {message}");
        assert!(message.contains(word), "{name}: {message}");
        assert!(!hint.is_empty(), "{name} has no hint: {message}");
    }
    let lines = service(&deployment, "fails")["build"]["failure"]["lastLines"].to_string();
    assert!(lines.contains("about to break"), "{lines}");
    let lines = service(&deployment, "crashes")["release"]["failure"]["lastLines"].to_string();
    assert!(lines.contains("cannot find my settings"), "{lines}");
    assert_eq!(service(&deployment, "good")["release"]["reason"], "unchanged");
    assert_eq!(service(&deployment, "after")["release"]["reason"], "earlier-failure");
    assert_eq!(pod_uid(&namespace, "good"), before, "what ran before runs on");
}

#[test]
fn i8_a_failed_deployment_leaves_the_previous_version_serving() {
    let cleared = Cleared("previous", "test");
    cleared.now();
    let server = Server::start_with(&["--rollout-timeout", "20s"]);
    let file = |command: &str| {
        server.file(&format!(
            "apiVersion: slipway.dev/v1\nkind: Environment\nproject: previous\nname: test\nservices:\n  - name: cache\n    container: {{image: {{name: docker.io/library/redis, tag: \"7.2\"}}}}\n{command}"
        ))
    };
    server.slipway(["deploy", "--file", &file(""), "--progress", "plain"]).expect_code(0);
    let namespace = namespace("previous", "test").expect("the environment has a namespace");
    let before = pod_uid(&namespace, "cache");
    // It is ready for a moment: the previous pod must not go for that.
    let broken = file("    entrypoint: [/bin/sh, -c, \"sleep 1; exit 4\"]\n");
    server.slipway(["deploy", "--file", &broken, "--progress", "plain"]).expect_code(4);
    eventually("only the previous pod is left", Duration::from_secs(60), || {
        (pod_uid(&namespace, "cache") == before).then_some(())
    });
    let status = crate::cluster::helm(["status", "cache", "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(status["info"]["status"], "deployed", "{status:#}");
}

#[test]
fn a_cluster_that_is_gone_is_told_as_that() {
    let server = Server::start();
    let gone = server.home().join("gone.kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: gone\nclusters: [{name: gone, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: gone, context: {cluster: gone, user: nobody}}]\nusers: [{name: nobody, user: {}}]\n";
    std::fs::write(&gone, text).expect("the file can be written");
    let said = server.slipway(["target", "add", "--kubeconfig", &gone.display().to_string()]).expect_code(7);
    assert!(said.stderr.contains("cluster-unreachable"), "{}", said.stderr);
    // A cluster that went away after it was added.
    let kept = server.home().join("kept.kubeconfig");
    std::fs::copy(crate::cluster::kubeconfig(), &kept).expect("the kubeconfig can be copied");
    server.slipway(["target", "add", "--kubeconfig", &kept.display().to_string()]).expect_code(0);
    let real = std::fs::read_to_string(&kept).expect("the copy is there");
    let broken: Vec<String> = real
        .lines()
        .map(|line| match line.split_once("server:") {
            Some((before, _)) => format!("{before}server: https://127.0.0.1:1"),
            None => line.to_owned(),
        })
        .collect();
    std::fs::write(&kept, broken.join("\n")).expect("the file can be written");
    let file = server.file("apiVersion: slipway.dev/v1\nkind: Environment\nproject: gone\nname: test\nservices:\n  - name: cache\n    container: {image: {name: docker.io/library/redis, tag: \"7.2\"}}\n");
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(4);
    let deployment = server.deployment("gone/test");
    let (code, _, hint) = failure(&deployment, "cache", "release");
    assert_eq!(code, "cluster-unreachable", "{deployment:#}");
    assert!(!hint.is_empty());
}
