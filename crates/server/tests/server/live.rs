//! What pages follow: an environment, the list of all, a deployment without its log.

use crate::support::{Event, Events, FILE, Server};
use axum::http::StatusCode;
use serde_json::json;
use slipway_core::running::RunningStatus;
use slipway_ports::RunningService;

const SHOP: &str = "/environments/shop/test";

fn has(name: &'static str) -> impl Fn(&Event) -> bool {
    move |event| event.name == name
}

/// A head of a deployment in this state.
fn head(state: &'static str) -> impl Fn(&Event) -> bool {
    move |event| event.name == "deployment" && event.data["state"] == state
}

fn service(status: RunningStatus) -> RunningService {
    let (ready, wanted) = (u32::from(status == RunningStatus::Running), 1);
    RunningService { status, reason: None, ready, wanted, addresses: Vec::new(), pods: Vec::new(), last_run: None }
}

async fn until_end(events: &mut Events) -> Vec<Event> {
    let all = events.until(has("end")).await;
    assert!(events.next().await.is_none(), "nothing follows the end");
    all
}

#[tokio::test]
async fn an_environment_is_told_and_then_whatever_changes_of_it() {
    let server = Server::with_environment().await;
    let mut events = server.events(&format!("{SHOP}/events"), None).await;
    assert_eq!(events.next().await.unwrap().name, "begin");
    let first = events.until(has("environment")).await.pop().unwrap();
    assert_eq!((&first.data["name"], &first.data["version"]), (&json!("test"), &json!(1)));
    assert_eq!(first.data["stages"][3]["services"], json!([{"name": "api", "kind": "application", "skipped": false}]));
    events.until(has("running")).await;
    // Somebody else edits it, by the pipeline and by a file.
    let patched = server.ask("PATCH", &format!("{SHOP}/services/api"), r#"{"skipped": true}"#).await;
    assert_eq!(patched.0, StatusCode::OK);
    let edited = events.until(has("environment")).await.pop().unwrap();
    assert_eq!((&edited.data["version"], &edited.data["stages"][3]["services"][0]["skipped"]), (&json!(2), &json!(true)));
    let file = FILE.replace("\"7.2\"", "\"7.4\"");
    assert_eq!(server.ask("POST", "/environments:apply", &file).await.0, StatusCode::OK);
    assert_eq!(events.until(has("environment")).await.pop().unwrap().data["version"], 3);
    server.world.runs("cache", Some(service(RunningStatus::Running)));
    let change = events.until(has("change")).await.pop().unwrap();
    assert_eq!(change.data["services"][0]["name"], "cache");
}

#[tokio::test]
async fn the_heads_of_its_deployments_are_told_as_they_change() {
    let server = Server::with_environment().await;
    let mut events = server.events(&format!("{SHOP}/events"), None).await;
    events.until(has("running")).await;
    let id = server.deploy().await;
    let running = events.until(head("running")).await.pop().unwrap();
    assert_eq!((&running.data["id"], &running.data["trigger"]["source"]), (&json!(id), &json!("api")));
    assert!(running.data.get("stages").is_none(), "its services have a stream of their own");
    let next = server.deploy().await;
    let queued = events.until(head("queued")).await.pop().unwrap();
    assert_eq!((&queued.data["id"], &queued.data["number"]), (&json!(next), &json!(2)));
    assert_eq!(server.ask("POST", &format!("/deployments/{next}/cancel"), "{}").await.0, StatusCode::ACCEPTED);
    assert_eq!(events.until(head("canceled")).await.pop().unwrap().data["id"], json!(next));
    server.gate.add_permits(1);
    let done = events.until(head("succeeded")).await.pop().unwrap();
    assert_eq!(done.data["id"], json!(id));
    assert!(done.data["startedAt"].is_string() && done.data["finishedAt"].is_string());
}

#[tokio::test]
async fn who_comes_back_is_told_what_has_changed_and_nothing_else() {
    let server = Server::with_environment().await;
    let path = format!("{SHOP}/events");
    let mut events = server.events(&path, None).await;
    let last = events.until(has("running")).await.pop().unwrap().id;
    drop(events);
    let id = server.deploy().await;
    server.gate.add_permits(1);
    let mut other = server.events(&path, None).await;
    let all = other.until(head("succeeded")).await;
    assert!(all.iter().any(|event| event.name == "environment"), "who comes anew gets all of it");
    let mut back = server.events(&path, last.as_deref()).await;
    let told = back.next().await.unwrap();
    assert_eq!((told.name.as_str(), &told.data["id"], &told.data["state"]), ("deployment", &json!(id), &json!("succeeded")));
    // Nothing more is told before the next change.
    assert_eq!(server.ask("PATCH", &format!("{SHOP}/services/api"), r#"{"skipped": true}"#).await.0, StatusCode::OK);
    let next = back.next().await.unwrap();
    assert_eq!((next.name.as_str(), &next.data["version"]), ("environment", &json!(2)));
    let ids = |event: &Event| event.id.clone();
    assert_ne!(ids(&told), ids(&next));
    // Of an id that this server never gave nothing is known.
    assert_eq!(server.events(&path, Some("elsewhere-7")).await.next().await.unwrap().name, "begin");
    assert_eq!(server.ask("GET", "/environments/shop/other/events", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_runs_goes_on_after_the_last_event_that_was_seen() {
    let server = Server::with_environment().await;
    let path = format!("{SHOP}/running/events");
    server.world.runs("api", Some(service(RunningStatus::Running)));
    let mut events = server.events(&path, None).await;
    let seen = events.until(|event| event.data["services"][0]["status"] == "running").await.pop().unwrap();
    drop(events);
    server.world.runs("cache", Some(service(RunningStatus::Starting)));
    let mut other = server.events(&path, None).await;
    other.until(|event| event.data["services"].as_array().unwrap().iter().any(|one| one["status"] == "starting")).await;
    let mut back = server.events(&path, seen.id.as_deref()).await;
    let change = back.next().await.unwrap();
    assert_eq!((change.name.as_str(), &change.data["services"][0]["name"]), ("change", &json!("cache")));
    assert_eq!(change.data["services"].as_array().unwrap().len(), 1, "what was seen before is not told again");
}

#[tokio::test]
async fn the_list_tells_each_environment_again_when_it_has_changed() {
    let server = Server::with_environment().await;
    let mut list = server.events("/events", None).await;
    assert_eq!(list.next().await.unwrap().name, "begin");
    let first = list.next().await.unwrap();
    assert_eq!((&first.data["name"], &first.data["services"]), (&json!("test"), &json!(2)));
    assert_eq!(first.data.get("running"), None, "nobody watches it");
    let other = FILE.replace("name: test", "name: other");
    assert_eq!(server.ask("POST", "/environments:apply", &other).await.0, StatusCode::OK);
    assert_eq!(list.next().await.unwrap().data["name"], "other");
    server.world.runs("cache", Some(service(RunningStatus::Running)));
    let mut board = server.events(&format!("{SHOP}/events"), None).await;
    let watched = list.until(|event| event.data["running"].is_string()).await.pop().unwrap();
    assert_eq!(watched.data["name"], "test");
    board.until(has("running")).await;
    let id = server.deploy().await;
    let deployed = list.until(|event| event.data["lastDeployment"]["state"] == "running").await.pop().unwrap();
    assert_eq!(deployed.data["lastDeployment"]["id"], json!(id));
}

#[tokio::test]
async fn a_deployment_without_its_log_is_followed_to_its_end() {
    let server = Server::with_environment().await;
    let id = server.deploy().await;
    let path = format!("/deployments/{id}/events?lines=none");
    let mut events = server.events(&path, None).await;
    events.until(|event| event.name == "service" && event.data["phase"] == "building").await;
    let mut second = server.events(&path, None).await;
    let seen = second.until(has("deployment")).await.pop().unwrap();
    server.gate.add_permits(1);
    let all = until_end(&mut events).await;
    assert!(all.iter().all(|event| event.name != "log"));
    let last = all.iter().rfind(|event| event.name == "deployment").unwrap();
    assert_eq!(last.data["outcome"], "succeeded");
    assert_eq!(until_end(&mut second).await.last().map(|event| event.name.clone()).as_deref(), Some("end"));
    // After the end too, from wherever one was.
    for last_id in [None, seen.id.as_deref()] {
        let all = until_end(&mut server.events(&path, last_id).await).await;
        assert!(all.iter().any(|event| event.data["outcome"] == "succeeded"));
    }
    assert_eq!(server.ask("GET", "/deployments/nothing/events?lines=none", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_the_lines_that_are_wanted_come_with_the_events() {
    let server = Server::with_environment().await;
    let id = server.deploy().await;
    server.gate.add_permits(1);
    let texts = |all: Vec<Event>| {
        let lines = all.into_iter().filter(|event| event.name == "log");
        lines.map(|event| (event.data["service"].to_string(), event.data["phase"].to_string())).collect::<Vec<_>>()
    };
    let of = |lines: &str| format!("/deployments/{id}/events{lines}");
    let all = texts(server.events(&of(""), None).await.until(has("end")).await);
    for (lines, service, phase) in
        [("?lines=api/build", "api", "build"), ("?lines=api/release", "api", "release"), ("?lines=cache", "cache", "")]
    {
        let wanted = |(of, during): &&(String, String)| of.contains(service) && during.contains(phase);
        let expected: Vec<_> = all.iter().filter(wanted).cloned().collect();
        assert_eq!(texts(server.events(&of(lines), None).await.until(has("end")).await), expected, "{lines}");
    }
    for odd in ["?lines=", "?lines=api/running", "?lines=API", "?line=none"] {
        assert_eq!(server.ask("GET", &of(odd), "").await.0, StatusCode::BAD_REQUEST, "{odd}");
    }
}
