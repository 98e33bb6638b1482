//! `slipway simulate`: data for programs, a waterfall for people, refusals, and the durations that a server remembers.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::{Value, json};

const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: staging
pipeline:
  stages: [{name: data}, {name: apps, approval: required}]
services:
  - {name: db, stage: data, database: {type: postgresql, version: \"15\"}}
  - {name: api, stage: apps, application: {git: {url: https://git.example/shop.git, branch: main}}}
  - {name: old, stage: apps, skipped: true, container: {image: {name: docker.io/library/redis, tag: \"7\"}}}
  - {name: worker, stage: apps, application: {git: {url: https://git.example/shop.git, branch: main}}}
  - {name: web, stage: apps, application: {git: {url: https://git.example/web.git, branch: main}}}
";

const DURATIONS: &str = r#"{
  "db": {"release": 10},
  "api": {"build": 30.5, "release": 5},
  "worker": {"build": 99, "release": 2},
  "web": {"build": 20, "release": 4},
  "old": {"release": 1000}
}"#;

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("slipway.yaml", FILE);
        folder.write("D.json", DURATIONS);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn simulate(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        command.arg("simulate").args(arguments).current_dir(self.0.path());
        command.env("SLIPWAY_HOME", self.0.path().join("home")).env("HOME", self.0.path());
        for name in ["SLIPWAY_ENVIRONMENT", "KUBECONFIG", "NO_COLOR"] {
            command.env_remove(name);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }

    fn simulated(&self, arguments: &[&str]) -> Value {
        let run = self.simulate(&[&["--file", "slipway.yaml", "--output", "json"], arguments].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.json()
    }
}

#[test]
fn a_simulation_is_json_and_needs_no_server() {
    let simulated = Folder::new().simulated(&["--durations", "D.json"]);
    let step = |service: &str, stage: &str, phase: &str, state: &str, start: Value, end: Value| json!({"service": service, "stage": stage, "phase": phase, "state": state, "start": start, "end": end});
    let expected = json!({"makespan": 45.5, "steps": [
        step("db", "data", "release", "succeeded", json!(0), json!(10)),
        step("api", "apps", "build", "succeeded", json!(10), json!(40.5)),
        step("api", "apps", "release", "succeeded", json!(40.5), json!(45.5)),
        step("worker", "apps", "build", "skipped", json!(40.5), json!(40.5)),
        step("worker", "apps", "release", "succeeded", json!(40.5), json!(42.5)),
        step("web", "apps", "build", "succeeded", json!(10), json!(30)),
        step("web", "apps", "release", "succeeded", json!(40.5), json!(44.5)),
    ]});
    assert_eq!(simulated, expected);
}

#[test]
fn mode_and_windows_can_be_other_than_the_files() {
    let folder = Folder::new();
    let makespan = |arguments: &[&str]| folder.simulated(&[&["--durations", "D.json"], arguments].concat())["makespan"].clone();
    assert_eq!(makespan(&["--mode", "phased"]), json!(45.5));
    assert_eq!(makespan(&["--mode", "eager"]), json!(35.5));
    assert_eq!(makespan(&["--max-parallel-builds", "1"]), json!(65.5));
    assert_eq!(makespan(&["--max-parallel-deploys", "1"]), json!(51.5));
    assert_eq!(makespan(&["--mode", "eager", "--max-parallel-builds", "1", "--max-parallel-deploys", "1"]), json!(54.5));
}

#[test]
fn a_failure_is_simulated_and_is_no_failure_of_the_command() {
    let folder = Folder::new();
    folder.write("D.json", r#"{"db": {"release": 3, "release_fails": true}, "api": {"build": 5}}"#);
    let simulated = folder.simulated(&["--durations", "D.json"]);
    assert_eq!(simulated["makespan"], json!(3));
    let states: Vec<_> = simulated["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "skipped", "skipped", "skipped", "skipped", "skipped", "skipped"]);
    assert_eq!(simulated["steps"][1]["start"], Value::Null);
}

#[test]
fn a_person_sees_a_waterfall_and_what_the_other_mode_would_take() {
    let run = Folder::new().simulate(&["--durations", "D.json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @r#"
    shop/staging: phased, at most 7 builds and 7 releases at a time
    data
    * db     release ━━━━━━━━━━━━━━━━                                                              10s
    apps
    * api    build                   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━              30s
    * api    release                                                                 ━━━━━━━━━    5.0s
      worker build                                                         · same image as api
      worker release                                                                 ────         2.0s
      web    build                   ────────────────────────────────                              20s
      web    release                                                                 ───────      4.0s
    * critical path: each began when the one before it ended
    takes 45s in phased mode; eager mode would take 35s, 10s less
    "#);
}

#[test]
fn refused_durations_are_shown_with_their_lines() {
    let folder = Folder::new();
    folder.write("D.json", "{\n  \"db\": {\"release\": -10},\n  \"apo\": {},\n  \"web\": {\"build\": \"4s\", \"pods\": 1}\n}\n");
    let run = folder.simulate(&["--durations", "D.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_snapshot!(run.stderr, @r#"
    D.json:2:21  db.release
      2 |   "db": {"release": -10},
        |                     ^
        = expected a number of seconds from 0 to 1000000000, found `-10`

    D.json:3:10  apo
      3 |   "apo": {},
        |          ^
        = there is no service `apo` in shop/staging; did you mean `api`?

    D.json:4:20  web.build
      4 |   "web": {"build": "4s", "pods": 1}
        |                    ^
        = expected a number of seconds from 0 to 1000000000, found `"4s"`

    D.json:4:34  web.pods
      4 |   "web": {"build": "4s", "pods": 1}
        |                                  ^
        = unknown key `pods`; expected one of `build`, `release`, `build_fails`, `release_fails`

    refused: D.json has 4 problems
    "#);
    let run = folder.simulate(&["--durations", "D.json", "--output", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (2, ""));
    let paths: Vec<_> = run.json().as_array().unwrap().iter().map(|problem| problem["path"].clone()).collect();
    assert_eq!(paths, ["db.release", "apo", "web.build", "web.pods"]);
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let folder = Folder::new();
    assert_eq!(folder.simulate(&[]).code, 2, "there are no durations");
    assert_eq!(folder.simulate(&["--durations", "D.json", "--max-parallel-builds", "0"]).code, 2);
    assert_eq!(folder.simulate(&["--durations", "D.json", "--mode", "quick"]).code, 2);
    assert_eq!(folder.simulate(&["--durations", "none.json"]).code, 6);
    assert_eq!(folder.simulate(&["--durations", "D.json", "--file", "none.yaml"]).code, 6);
    assert_eq!(folder.simulate(&["--durations", "-", "--file", "-"]).code, 2);
    assert_eq!(folder.simulate(&["--durations", "last"]).code, 7, "there is no server");
}

/// A server that has these answers, by path, and no others.
fn serve(folder: &Folder, answers: HashMap<String, Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    folder.write("home/server.json", &json!({"address": address, "registry": "127.0.0.1:1", "pid": 1}).to_string());
    folder.write("home/token", "0123456789abcdef");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let path = head.next().unwrap().split(' ').nth(1).unwrap().to_owned();
            let headers: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
            assert!(headers.iter().any(|line| line.eq_ignore_ascii_case("authorization: Bearer 0123456789abcdef")));
            let (status, body) = match answers.get(path.trim_start_matches("/api/v1")) {
                Some(answer) => ("200 OK", answer.clone()),
                None => (
                    "404 Not Found",
                    json!({"type": "about:blank", "title": "not found", "status": 404, "detail": path, "code": "not-found"}),
                ),
            };
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}",
                body.len()
            );
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        }
    });
}

/// A deployment with these steps of `api`: state and seconds of its build and of its release.
fn deployment(number: u64, action: &str, build: (&str, u64), release: (&str, u64)) -> Value {
    let step = |(state, seconds): (&str, u64)| json!({"state": state, "startedAt": "2026-07-01T10:00:00Z", "endedAt": format!("2026-07-01T10:00:{seconds:02}.250Z"), "key": "k1"});
    let service = json!({"name": "api", "stage": 0, "kind": "application", "version": "c0ffee0", "state": "succeeded",
        "build": step(build), "release": step(release)});
    json!({"id": format!("id-{number}"), "number": number, "project": "shop", "environment": "staging", "target": "dev",
        "action": action, "state": "succeeded", "acceptedAt": "2026-07-01T10:00:00Z", "trigger": {"source": "cli", "actor": "me"},
        "stages": [{"order": 0, "name": "apps", "state": "succeeded", "services": [service]}]})
}

#[test]
fn the_last_durations_are_those_of_the_newest_steps_that_were_done() {
    let folder = Folder::new();
    let deployments = [
        deployment(4, "restart", ("succeeded", 1), ("succeeded", 1)),
        deployment(3, "deploy", ("skipped", 2), ("failed", 9)),
        deployment(2, "deploy", ("succeeded", 30), ("succeeded", 5)),
        deployment(1, "deploy", ("succeeded", 50), ("succeeded", 50)),
    ];
    let mut answers: HashMap<_, _> = deployments
        .iter()
        .map(|deployment| (format!("/deployments/{}", deployment["id"].as_str().unwrap()), deployment.clone()))
        .collect();
    answers.insert("/environments/shop/staging/deployments?limit=100".to_owned(), json!({"items": deployments}));
    answers.insert("/environments/shop/empty/deployments?limit=100".to_owned(), json!({"items": []}));
    serve(&folder, answers);
    let run = folder.simulate(&["--durations", "last", "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_snapshot!(run.stderr, @r#"
    no duration is known yet, and 0 is taken: release of db, build of web, release of web, release of worker
    "#);
    let simulated = run.json();
    let times = |place: usize| (simulated["steps"][place]["start"].clone(), simulated["steps"][place]["end"].clone());
    assert_eq!((times(1), times(2)), ((json!(0), json!(30.25)), (json!(30.25), json!(35.5))));
    let run = folder.simulate(&["--durations", "last", "--environment", "shop/empty"]);
    assert_eq!(run.code, 6);
    assert_snapshot!(run.stderr, @r#"
    error: no step of shop/empty has succeeded yet, so no duration is known
    hint: deploy it first with `slipway deploy`, or give a file with `--durations FILE`
    "#);
    assert_eq!(folder.simulate(&["--durations", "last", "--environment", "shop/nothing"]).code, 6);
}
