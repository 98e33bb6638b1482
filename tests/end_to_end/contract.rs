//! The rules of the pipeline, each on the real system with as few services as it takes.
//!
//! What ran when is read off `slipway explain`, whose pieces begin with the acceptance of the deployment and touch each other.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cleared, helm, kubectl, namespace};
use crate::git::Repository;
use crate::process::eventually;
use crate::server::{Server, build, service};

const BASE: &str = "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\n";
const IDLE: &str = "CMD [\"sleep\", \"infinity\"]\n";
const WINDOW: usize = 7;

/// A Dockerfile whose build takes so many seconds and whose image is like no other.
fn dockerfile(seconds: usize, mark: &str) -> String {
    format!("{BASE}RUN sleep {seconds} && echo {mark} > /mark\n{IDLE}")
}

/// The head of an environment file.
fn head(project: &str, pipeline: &str) -> String {
    format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: {project}\nname: test\npipeline: {pipeline}\n")
}

fn application(name: &str, stage: &str, url: &str) -> String {
    format!("  - {{name: {name}, stage: {stage}, application: {{git: {{url: \"{url}\", branch: main, root: {name}}}}}}}\n")
}

fn container(name: &str, stage: &str) -> String {
    format!("  - {{name: {name}, stage: {stage}, container: {{image: {{name: docker.io/library/redis, tag: \"7.2\"}}}}}}\n")
}

/// A deployment of an environment, explained.
struct Explained(Value);

/// When a step ran, in milliseconds since the deployment was accepted.
#[derive(Debug, Clone, Copy)]
struct Ran {
    from: i64,
    to: i64,
}

impl Explained {
    fn newest(server: &Server, environment: &str) -> Self {
        let number = server.deployment(environment)["number"].to_string();
        let said = server.slipway(["explain", &number, "--environment", environment, "--output", "json"]);
        Self(said.expect_code(0).json())
    }

    fn pieces(&self, name: &str, phase: &str) -> &[Value] {
        let steps = service(&self.0, name)["steps"].as_array().expect("a service has steps");
        let step = steps.iter().find(|step| step["phase"] == phase).unwrap_or_else(|| panic!("{name} has no {phase}"));
        step["pieces"].as_array().expect("a step has pieces")
    }

    fn ran(&self, name: &str, phase: &str) -> Option<Ran> {
        let mut from = 0;
        for piece in self.pieces(name, phase) {
            let milliseconds = piece["milliseconds"].as_i64().expect("a piece has a length");
            if piece["doing"] == "running" {
                return Some(Ran { from, to: from + milliseconds });
            }
            from += milliseconds;
        }
        None
    }

    fn expect_ran(&self, name: &str, phase: &str) -> Ran {
        self.ran(name, phase).unwrap_or_else(|| panic!("the {phase} of {name} did not run: {:#}", self.0))
    }
}

/// The most that ran at a time.
fn most_at_once(runs: &[Ran]) -> usize {
    runs.iter().map(|run| runs.iter().filter(|other| other.from <= run.from && run.from < other.to).count()).max().unwrap_or(0)
}

/// Seven at a time, and the next one within a moment of the first end, while the others of the first seven go on.
fn assert_sliding(what: &str, mut runs: Vec<Ran>) {
    assert_eq!(most_at_once(&runs), WINDOW, "{what}: {runs:?}");
    runs.sort_by_key(|run| run.from);
    let first_end = runs.iter().map(|run| run.to).min().expect("some ran");
    let last_of_the_first = runs[..WINDOW].iter().map(|run| run.to).max().expect("some ran");
    let eighth = runs[WINDOW].from;
    assert!((first_end..first_end + 500).contains(&eighth), "{what}: the eighth began {} ms after an end", eighth - first_end);
    assert!(eighth < last_of_the_first, "{what}: the eighth waited for all of the first seven: {runs:?}");
}

/// Proves C1, C2, C3, C4, C7 and B7.
#[test]
fn c04_stages_in_order_builds_before_releases_and_seven_at_a_time() {
    let cleared = Cleared("windows", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    let names: Vec<String> = (0..9).map(|number| format!("app{number}")).collect();
    let files: Vec<(String, String)> = names
        .iter()
        .enumerate()
        .map(|(number, name)| (format!("{name}/Dockerfile"), dockerfile(1 + 2 * (number % 3), name)))
        .collect();
    repository.commit(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    let url = repository.url();
    let applications: String = names.iter().map(|name| application(name, "first", &url)).collect();
    let text = head("windows", "{stages: [{name: first}, {name: second}]}") + "services:\n" + &applications;
    let file = server.file(&(text + &container("cache", "second")));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);

    let explained = Explained::newest(&server, "windows/test");
    let builds: Vec<Ran> = names.iter().map(|name| explained.expect_ran(name, "build")).collect();
    let releases: Vec<Ran> = names.iter().map(|name| explained.expect_ran(name, "release")).collect();
    let last_build = builds.iter().map(|run| run.to).max().expect("some ran");
    let last_release = releases.iter().map(|run| run.to).max().expect("some ran");
    assert!(releases.iter().all(|run| run.from >= last_build), "C3: {builds:?} {releases:?}");
    assert!(explained.expect_ran("cache", "release").from >= last_release, "C1: {releases:?}");
    assert_sliding("C4", builds);
    assert_sliding("C7", releases);

    let placed: Vec<&str> = explained.0["stages"]
        .as_array()
        .expect("stages")
        .iter()
        .flat_map(|stage| stage["services"].as_array().expect("services"))
        .map(|service| service["name"].as_str().expect("a name"))
        .collect();
    let wanted: Vec<&str> = names.iter().map(String::as_str).chain(["cache"]).collect();
    assert_eq!(placed, wanted, "C2: every service once");
    let namespace = namespace("windows", "test").expect("the environment has a namespace");
    let list = helm(["list", "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(list.as_array().map(Vec::len), Some(10), "C7: a Helm release for each service");
    let images = kubectl(["get", "pods", "--namespace", &namespace, "--output", "jsonpath={.items[*].spec.containers[*].image}"]);
    let images: Vec<&str> = images.stdout.split_whitespace().collect();
    assert!(images.iter().all(|image| image.starts_with(&server.registry())), "C7: {images:?}");
    explains_itself(&server, &explained);
}

/// B7: what the eighth build waited for, and a critical path that is as long as the deployment.
fn explains_itself(server: &Server, explained: &Explained) {
    let waits: Vec<&Value> = explained.pieces("app7", "build").iter().filter(|piece| piece["doing"] == "window").collect();
    assert_eq!(waits.len(), 1, "{:#}", explained.0);
    assert_eq!(waits[0]["waitedFor"]["phase"], "build");
    let path = explained.0["criticalPath"].as_array().expect("a critical path");
    assert!(path.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]), "{path:#?}");
    assert_eq!((&path[0]["from"], &path[path.len() - 1]["to"]), (&explained.0["acceptedAt"], &explained.0["finishedAt"]));
    let number = explained.0["number"].to_string();
    let tree = server.slipway(["explain", &number, "app7", "--environment", "windows/test"]).expect_code(0).stdout;
    assert!(tree.contains("waiting for a free place, 7 at a time: the end of the build of app"), "{tree}");
    assert!(tree.contains("critical path"), "{tree}");
    server.slipway(["explain", &number, "nothing", "--environment", "windows/test"]).expect_code(6);
}

/// Proves C5 and C14.
#[test]
fn c14_a_variable_that_no_arg_names_builds_nothing() {
    let cleared = Cleared("arguments", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    let greets = format!("{BASE}ARG GREETING\nRUN echo ${{GREETING}} > /greeting\n{IDLE}");
    repository.commit(&[("plain/Dockerfile", &dockerfile(0, "plain")), ("greets/Dockerfile", &greets)]);
    let url = repository.url();
    let deploy = |greeting: &str| {
        let variables = format!("variables: {{GREETING: {greeting}}}\nservices:\n");
        let services = application("plain", "all", &url) + &application("greets", "all", &url);
        let file = server.file(&(head("arguments", "{stages: [{name: all}]}") + &variables + &services));
        server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);
        server.deployment("arguments/test")
    };
    let first = deploy("one");
    assert_eq!((build(&first, "plain").0, build(&first, "greets").0), ("succeeded", "succeeded"));
    let second = deploy("two");
    assert_eq!(build(&second, "plain"), ("skipped", "image-present"), "no ARG names the variable");
    assert_eq!(build(&second, "greets").0, "succeeded", "an ARG does");
    // The running service has the new value all the same.
    let namespace = namespace("arguments", "test").expect("the environment has a namespace");
    eventually("the pod with the new value", Duration::from_secs(60), || {
        let said = kubectl(["exec", "--namespace", &namespace, "deployment/plain", "--", "printenv", "GREETING"]);
        (said.stdout.trim() == "two").then_some(())
    });
    let third = deploy("two");
    for name in ["plain", "greets"] {
        assert_eq!(build(&third, name), ("skipped", "image-present"), "nothing changed");
    }
    let history = server.slipway(["history", "--environment", "arguments/test", "--output", "json"]).expect_code(0).json();
    let changes: Vec<_> =
        history.as_array().expect("a list").iter().map(|item| item["changes"].as_array().map(Vec::len)).collect();
    assert_eq!(changes, [Some(0), Some(0), Some(2)], "versions are commits: {history:#}");
    let steps = server.slipway(["history", "2", "--environment", "arguments/test"]).expect_code(0).stdout;
    assert!(steps.contains("image present"), "{steps}");
}

#[test]
fn c12_services_that_build_one_image_build_it_once() {
    let cleared = Cleared("shared", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    repository.commit(&[("app/Dockerfile", &dockerfile(2, "shared"))]);
    let url = repository.url();
    let one = |name: &str, stage: &str| application(name, stage, &url).replace(&format!("root: {name}"), "root: app");
    let text = head("shared", "{stages: [{name: first}, {name: second}]}") + "services:\n";
    let file = server.file(&(text + &one("leader", "first") + &one("beside", "first") + &one("later", "second")));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);
    let deployment = server.deployment("shared/test");
    assert_eq!(build(&deployment, "leader").0, "succeeded");
    for name in ["beside", "later"] {
        assert_eq!(build(&deployment, name), ("skipped", "shared-build"), "{deployment:#}");
        let explained = Explained::newest(&server, "shared/test");
        let waited = explained.pieces(name, "build").iter().find(|piece| piece["doing"] == "shared-build");
        assert_eq!(waited.map(|piece| piece["waitedFor"]["service"].clone()), Some("leader".into()));
    }
    let namespace = namespace("shared", "test").expect("the environment has a namespace");
    let images = kubectl(["get", "pods", "--namespace", &namespace, "--output", "jsonpath={.items[*].spec.containers[*].image}"]);
    let images: std::collections::BTreeSet<&str> = images.stdout.split_whitespace().collect();
    assert_eq!(images.len(), 1, "{images:?}");
}

#[test]
fn b03_eager_builds_run_ahead_and_releases_keep_their_order() {
    let cleared = Cleared("eager", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    repository.commit(&[("quick/Dockerfile", &dockerfile(0, "quick")), ("slow/Dockerfile", &dockerfile(25, "slow"))]);
    let url = repository.url();
    let pipeline = "{mode: eager, stages: [{name: first}, {name: second}]}";
    let services = container("cache", "first") + &application("slow", "second", &url) + &application("quick", "second", &url);
    let file = server.file(&(head("eager", pipeline) + "services:\n" + &services));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);
    let explained = Explained::newest(&server, "eager/test");
    let (cache, slow) = (explained.expect_ran("cache", "release"), explained.expect_ran("slow", "build"));
    let quick = (explained.expect_ran("quick", "build"), explained.expect_ran("quick", "release"));
    assert!(slow.from < cache.to && quick.0.from < cache.to, "builds of the later stage run while the earlier one is released");
    assert!(quick.1.from >= cache.to, "no release before those of the earlier stage");
    assert!(quick.1.from < slow.to, "its image was there: it did not wait for the other build");
    assert!(explained.expect_ran("slow", "release").from >= slow.to);
}

#[test]
fn b08_fail_fast_begins_nothing_new_and_finish_stage_does_what_the_stage_can() {
    let cleared = Cleared("policies", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    repository.commit(&[
        ("fails/Dockerfile", &format!("{BASE}RUN echo about to break && exit 3\n")),
        ("runs/Dockerfile", &dockerfile(6, "runs")),
        ("waits/Dockerfile", &dockerfile(0, "waits")),
    ]);
    let url = repository.url();
    let deploy = |policy: &str| {
        let pipeline = format!("{{onFailure: {policy}, maxParallelBuilds: 2, stages: [{{name: first}}, {{name: second}}]}}");
        let services: String = ["fails", "runs", "waits"].map(|name| application(name, "first", &url)).concat();
        let file = server.file(&(head("policies", &pipeline) + "services:\n" + &services + &container("after", "second")));
        let said = server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(3);
        assert!(said.stderr.contains("about to break"), "{}", said.stderr);
        server.deployment("policies/test")
    };
    let state = |deployment: &Value, name: &str, phase: &str| {
        let step = &service(deployment, name)[phase];
        (step["state"].as_str().unwrap_or_default().to_owned(), step["reason"].as_str().unwrap_or_default().to_owned())
    };
    let skipped = ("skipped".to_owned(), "earlier-failure".to_owned());
    let succeeded = ("succeeded".to_owned(), String::new());

    let fast = deploy("fail-fast");
    assert_eq!(fast["state"], "failed");
    assert_eq!(state(&fast, "runs", "build"), succeeded, "what runs may finish");
    for (name, phase) in
        [("waits", "build"), ("waits", "release"), ("runs", "release"), ("fails", "release"), ("after", "release")]
    {
        assert_eq!(state(&fast, name, phase), skipped, "{name} {phase}");
    }
    let finished = deploy("finish-stage");
    assert_eq!(finished["state"], "failed");
    for (name, phase) in [("waits", "build"), ("waits", "release"), ("runs", "release")] {
        assert_eq!(state(&finished, name, phase), succeeded, "{name} {phase}");
    }
    for (name, phase) in [("fails", "release"), ("after", "release")] {
        assert_eq!(state(&finished, name, phase), skipped, "{name} {phase}");
    }
    // B7: the reason is named.
    let number = finished["number"].to_string();
    let tree = server.slipway(["explain", &number, "after", "--environment", "policies/test"]).expect_code(0).stdout;
    assert!(tree.contains("earlier failure: the build of fails failed in `first`"), "{tree}");
}
