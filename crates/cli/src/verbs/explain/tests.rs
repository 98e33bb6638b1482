//! The tree as a person reads it.

use serde_json::{Value, json};

use super::*;

/// A moment, by its milliseconds.
fn at(milliseconds: i64) -> Value {
    json!(Timestamp::from_millisecond(1_767_225_600_000 + milliseconds).unwrap())
}

fn piece(from: i64, to: i64, doing: &str, text: &str) -> Value {
    json!({"from": at(from), "to": at(to), "milliseconds": to - from, "doing": doing, "text": text})
}

fn with_parts(mut piece: Value, parts: &[(&str, i64, i64)]) -> Value {
    let part = |(activity, from, to): &(&str, i64, i64)| json!({"activity": activity, "from": at(*from), "to": at(*to), "milliseconds": to - from});
    piece["parts"] = parts.iter().map(part).collect();
    piece
}

fn link(service: &str, phase: &str, from: i64, to: i64, text: &str) -> Value {
    let mut link = piece(from, to, "running", text);
    link["step"] = json!({"service": service, "phase": phase});
    link
}

fn view(state: &str, until: i64, stages: &Value, path: &Value) -> ExplanationView {
    let view = json!({
        "id": "0198", "number": 14, "project": "shop", "environment": "staging", "target": "dev", "action": "deploy",
        "state": state, "acceptedAt": at(0), "trigger": {"source": "cli", "actor": "root"}, "until": at(until),
        "queued": piece(0, 42_000, "queued", "queued behind deployment 13"), "stages": stages, "criticalPath": path,
    });
    serde_json::from_value(view).unwrap()
}

fn failed() -> ExplanationView {
    let queued = piece(0, 42_000, "queued", "queued behind deployment 13");
    let before = "waiting for the stages before: the release of db in `0.DEFAULT DATABASE` was the last to end";
    let stages = json!([
        {"order": 0, "name": "0.DEFAULT DATABASE", "state": "succeeded", "beganAt": at(42_010), "endedAt": at(104_010), "services": [
            {"name": "db", "version": "15", "state": "succeeded", "steps": [
                {"phase": "release", "state": "succeeded", "revision": 3, "pieces": [
                    queued, piece(42_000, 42_010, "ready", "ready, to be begun by the server"),
                    piece(42_010, 60_010, "running", "running, until the server was restarted"),
                    piece(60_010, 104_010, "running", "running, attempt 2")]}]}]},
        {"order": 1, "name": "1.DEFAULT JOB", "state": "succeeded", "services": []},
        {"order": 2, "name": "2.APPLICATIONS", "state": "failed", "beganAt": at(104_020), "endedAt": at(150_000), "services": [
            {"name": "api", "version": "c0ffee0", "state": "failed", "steps": [
                {"phase": "build", "state": "failed", "pieces": [
                    queued, piece(42_000, 104_010, "earlier-stages", before),
                    piece(104_010, 120_000, "window", "waiting for a free place, 1 at a time: the end of the build of web made room"),
                    with_parts(piece(120_000, 150_000, "running", "running"), &[("fetching", 120_000, 120_300), ("building", 120_300, 149_990),
                               ("pushing", 149_990, 150_000)])],
                 "failure": {"kind": "permanent", "code": "build-failed", "message": "`RUN make` exited with 2", "hint": "run it at home",
                             "lastLines": ["cc main.c", "no such file"]}},
                {"phase": "release", "state": "skipped", "reason": "earlier-failure", "pieces": [queued],
                 "explanation": "earlier failure: the build of api failed in `2.APPLICATIONS`",
                 "root": {"service": "api", "phase": "build", "stage": "2.APPLICATIONS", "text": ""}}]},
            {"name": "web", "version": "c0ffee0", "state": "succeeded", "steps": [
                {"phase": "build", "state": "skipped", "reason": "image-present", "explanation": "image present", "pieces": [
                    queued, piece(42_000, 104_010, "earlier-stages", before), piece(104_010, 104_300, "running", "running")]}]}]},
        {"order": 3, "name": "3.LATER", "state": "skipped", "services": [
            {"name": "docs", "version": "1.2", "state": "skipped", "steps": [
                {"phase": "release", "state": "skipped", "reason": "earlier-failure", "pieces": [queued],
                 "explanation": "earlier failure: the build of api failed in `2.APPLICATIONS`"}]}]},
    ]);
    let path = json!([
        queued,
        link("db", "release", 42_010, 60_010, "running, until the server was restarted"),
        link("db", "release", 60_010, 104_010, "running, attempt 2"),
        with_parts(link("api", "build", 104_020, 150_000, "running"), &[("building", 120_300, 149_990)]),
    ]);
    view("failed", 150_000, &stages, &path)
}

#[test]
fn b07_a_failed_deployment_is_a_tree_of_what_happened_and_why() {
    insta::assert_snapshot!(draw(&failed(), Paint::when(false)).join("\n"), @r"
    deployment 14 of shop/staging failed after 2m 30s
    deploy, asked for by root by way of cli at 2026-01-01T00:00:00Z
    ├─ queued behind deployment 13 for 42s
    ├─ 0.DEFAULT DATABASE succeeded in 1m 02s
    │  └─ db 15
    │     └─ release succeeded in 1m 02s, 2 attempts, revision 3
    │        ├─ +42s         18s  running, until the server was restarted
    │        └─ +1m 00s      44s  running, attempt 2
    ├─ 1.DEFAULT JOB has no service
    ├─ 2.APPLICATIONS failed after 45s
    │  ├─ api c0ffee0
    │  │  ├─ build failed after 30s
    │  │  │  ├─ +42s      1m 02s  waiting for the stages before: the release of db in `0.DEFAULT DATABASE` was the last to end
    │  │  │  ├─ +1m 44s      15s  waiting for a free place, 1 at a time: the end of the build of web made room
    │  │  │  ├─ +2m 00s      30s  running: fetching 0.3s, building 29s
    │  │  │  └─ `RUN make` exited with 2
    │  │  │     | cc main.c
    │  │  │     | no such file
    │  │  │     hint: run it at home
    │  │  │     code: build-failed
    │  │  └─ release skipped: earlier failure: the build of api failed in `2.APPLICATIONS`
    │  └─ web c0ffee0
    │     └─ build skipped: image present
    │        ├─ +42s      1m 02s  waiting for the stages before: the release of db in `0.DEFAULT DATABASE` was the last to end
    │        └─ +1m 44s     0.2s  running
    ├─ 3.LATER never began
    │  └─ docs 1.2
    │     └─ release skipped: earlier failure: the build of api failed in `2.APPLICATIONS`
    └─ critical path, 2m 30s
       ├─ +0.0s        42s  deployment queued behind deployment 13
       ├─ +42s         18s  release of db running, until the server was restarted
       ├─ +1m 00s      44s  release of db running, attempt 2
       └─ +1m 44s      45s  build of api running: building 29s
    ");
}

#[test]
fn b07_a_running_deployment_tells_what_it_waits_for() {
    let stages = json!([{"order": 0, "name": "all", "state": "running", "beganAt": at(42_000), "services": [
        {"name": "api", "version": "c0ffee0", "state": "queued", "steps": [
            {"phase": "release", "state": "queued", "pieces": [
                piece(42_000, 54_000, "window", "waiting for a free place, 7 at a time")]}]},
        {"name": "web", "version": "c0ffee0", "state": "running", "steps": [
            {"phase": "release", "state": "running", "pieces": [piece(42_000, 54_000, "running", "running")]}]}]}]);
    let view = view("running", 54_000, &stages, &json!([link("web", "release", 42_000, 54_000, "running")]));
    insta::assert_snapshot!(draw(&view, Paint::when(false)).join("\n"), @r"
    deployment 14 of shop/staging running for 54s
    deploy, asked for by root by way of cli at 2026-01-01T00:00:00Z
    ├─ queued behind deployment 13 for 42s
    ├─ all running for 12s
    │  ├─ api c0ffee0
    │  │  └─ release waits
    │  │     └─ +42s         12s  waiting for a free place, 7 at a time, so far
    │  └─ web c0ffee0
    │     └─ release running for 12s
    │        └─ +42s         12s  running, so far
    └─ critical path so far, 54s
       └─ +42s         12s  release of web running
    ");
}

#[test]
fn one_service_is_explained_alone_and_another_is_not_found() {
    let view = only(failed(), "web").unwrap();
    let names: Vec<_> = view.stages.iter().flat_map(|stage| &stage.services).map(|service| service.name.as_str()).collect();
    assert_eq!((names, view.stages.len(), view.critical_path.len()), (vec!["web"], 1, 4));
    let stop = only(failed(), "nothing").unwrap_err();
    assert_eq!(stop.exit, Exit::NotFound);
    insta::assert_snapshot!(stop.message, @"deployment 14 has no service `nothing`");
}
