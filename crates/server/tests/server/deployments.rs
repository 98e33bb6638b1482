//! Deployments by the API: accepted, followed, resumed, canceled.

use crate::support::fakes::LINES;
use crate::support::{Event, Server};
use axum::http::StatusCode;

fn is_end(event: &Event) -> bool {
    event.name == "end"
}

#[tokio::test]
async fn a_deployment_is_accepted_and_followed_to_its_end() {
    let server = Server::with_environment().await;
    let id = server.deploy().await;
    let mut events = server.events(&format!("/deployments/{id}/events"), None).await;
    let first = events.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["id"]), ("deployment", &id.clone().into()));
    events.until(|event| event.name == "service" && event.data["name"] == "api" && event.data["phase"] == "building").await;
    server.gate.add_permits(1);
    let rest = events.until(is_end).await;
    assert!(events.next().await.is_none(), "nothing follows the end");
    let last = rest.iter().rfind(|event| event.name == "deployment").unwrap();
    assert_eq!((&last.data["state"], &last.data["outcome"]), (&"succeeded".into(), &"succeeded".into()));
    assert_eq!(rest[rest.len() - 2].name, "deployment", "every line comes before the end");
    let (_, view) = server.ask("GET", &format!("/deployments/{id}"), "").await;
    assert_eq!(view["stages"].as_array().unwrap().len(), 4, "empty stages too");
    let api = &view["stages"][3]["services"][0];
    assert_eq!((&api["build"]["state"], &api["release"]["state"]), (&"succeeded".into(), &"succeeded".into()));
    assert!(api["build"]["startedAt"].as_str().unwrap().ends_with('Z'), "times are RFC 3339");
}

/// Facts and lines that a client has learned, from the ids of what it was sent.
fn learned(events: &[Event]) -> (Vec<u64>, Vec<u64>) {
    let lines = events.iter().filter(|event| event.name == "log").map(|event| event.data["number"].as_u64().unwrap());
    let facts = events.iter().filter(|event| event.name != "log").filter_map(Event::seen).map(|(version, _)| version);
    (facts.collect(), lines.collect())
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let server = Server::with_environment().await;
    let id = server.deploy().await;
    let path = format!("/deployments/{id}/events");
    let mut live = server.events(&path, None).await;
    let mut all = live.until(|event| event.name == "log" && event.data["text"] == "before 5").await;
    // One that comes in the middle, while lines are on their way.
    let cut = all.last().unwrap().id.clone();
    let mut resumed = server.events(&path, cut.as_deref()).await;
    server.gate.add_permits(1);
    let in_the_middle = [all.clone(), resumed.until(is_end).await].concat();
    all.extend(live.until(is_end).await);

    let (facts, lines) = learned(&all);
    assert!(facts.windows(2).all(|pair| pair[1] == pair[0] + 1), "each fact once, in order: {facts:?}");
    assert!(lines.is_sorted() && lines.len() >= 2 * LINES, "{lines:?}");
    assert_eq!(learned(&in_the_middle), (facts.clone(), lines.clone()));

    // And one that comes after the end, having seen any beginning.
    for cut in 0..all.len() {
        let Some(id) = all[..=cut].iter().rev().find_map(|event| event.id.clone()) else { continue };
        let rest = server.events(&path, Some(&id)).await.until(is_end).await;
        let whole = [all[..=cut].to_vec(), rest].concat();
        assert_eq!(learned(&whole), (facts.clone(), lines.clone()), "cut after {cut}: {id}");
    }
    // A cursor of another deployment counts as none.
    let fresh = server.events(&path, Some("9999-1")).await.until(is_end).await;
    assert_eq!((fresh[0].name.as_str(), &fresh[0].data["state"]), ("deployment", &"succeeded".into()));
    assert_eq!(learned(&fresh).1, lines);
}

#[tokio::test]
async fn the_log_is_read_in_pages_and_by_phase() {
    let server = Server::with_environment().await;
    server.gate.add_permits(1);
    let id = server.deploy().await;
    server.events(&format!("/deployments/{id}/events"), None).await.until(is_end).await;
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, page) = server.ask("GET", &format!("/deployments/{id}/logs?service=api&phase=build&limit=7{cursor}"), "").await;
        lines.extend(page["items"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected = ["before", "after"].map(|word| (0..LINES).map(move |line| format!("{word} {line}")));
    let expected: Vec<String> = expected.into_iter().flatten().collect();
    let said: Vec<&String> = lines.iter().filter(|line| expected.contains(line)).collect();
    assert_eq!(said, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_log_is_searched_in_pages_for_plain_text() {
    let server = Server::with_environment().await;
    server.gate.add_permits(1);
    let id = server.deploy().await;
    server.events(&format!("/deployments/{id}/events"), None).await.until(is_end).await;
    let (mut lines, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("/deployments/{id}/logs?service=api&phase=build&search=EFORE%201&limit=4{cursor}");
        let (status, page) = server.ask("GET", &path, "").await;
        assert_eq!(status, StatusCode::OK);
        for line in page["items"].as_array().unwrap() {
            lines.push((line["number"].as_u64().unwrap(), line["text"].as_str().unwrap().to_owned()));
        }
        pages += 1;
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = std::iter::once(1).chain(10..20).map(|line| format!("before {line}")).collect();
    assert_eq!((lines.iter().map(|(_, text)| text).collect::<Vec<_>>(), pages), (expected.iter().collect(), 3));
    assert!(lines.is_sorted_by(|one, other| one.0 < other.0));
    let of = async |query: &str| server.ask("GET", &format!("/deployments/{id}/logs?{query}"), "").await;
    assert_eq!(of("search=before%20%25").await.1["items"], serde_json::json!([]));
    assert_eq!(of("search=before&phase=release").await.1["items"], serde_json::json!([]));
    assert_eq!(of("search=").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(of(&format!("search={}", "x".repeat(1001))).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_canceled_deployment_ends_canceled_and_can_not_be_canceled_again() {
    let server = Server::with_environment().await;
    let id = server.deploy().await;
    let mut events = server.events(&format!("/deployments/{id}/events"), None).await;
    events.until(|event| event.name == "service" && event.data["phase"] == "building").await;
    let cancel = format!("/deployments/{id}/cancel");
    assert_eq!(server.ask("POST", &cancel, r#"{"service": null}"#).await.0, StatusCode::ACCEPTED);
    let rest = events.until(is_end).await;
    let last = rest.iter().rfind(|event| event.name == "deployment").unwrap();
    assert_eq!(last.data["state"], "canceled");
    assert_eq!(server.ask("POST", &cancel, "").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn whoever_follows_a_queued_deployment_hears_that_it_was_canceled() {
    let server = Server::with_environment().await;
    let running = server.deploy().await;
    let queued = server.deploy().await;
    let mut events = server.events(&format!("/deployments/{queued}/events"), None).await;
    assert_eq!(events.next().await.unwrap().data["state"], "queued");
    assert_eq!(server.ask("POST", &format!("/deployments/{queued}/cancel"), "").await.0, StatusCode::ACCEPTED);
    let rest = events.until(is_end).await;
    let last = rest.iter().rfind(|event| event.name == "deployment").unwrap();
    assert_eq!(last.data["state"], "canceled");
    server.gate.add_permits(1);
    server.events(&format!("/deployments/{running}/events"), None).await.until(is_end).await;
}

#[tokio::test]
async fn a_history_is_paged_from_the_newest() {
    let server = Server::with_environment().await;
    server.gate.add_permits(3);
    for _ in 0..3 {
        let id = server.deploy().await;
        server.events(&format!("/deployments/{id}/events"), None).await.until(is_end).await;
    }
    let path = "/environments/shop/test/deployments?limit=2";
    let (_, first) = server.ask("GET", path, "").await;
    let numbers = |page: &serde_json::Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|item| item["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&first), [3, 2]);
    let (_, second) = server.ask("GET", &format!("{path}&cursor={}", first["nextCursor"].as_str().unwrap()), "").await;
    assert_eq!((numbers(&second), &second["nextCursor"]), (vec![1], &serde_json::Value::Null));
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let server = Server::with_environment().await;
    let id = server.deploy().await;
    let mut events = server.events(&format!("/deployments/{id}/events"), None).await;
    events.next().await.unwrap();
    server.shutdown.cancel();
    while let Some(event) = events.next().await {
        assert!(!is_end(&event), "the deployment has not ended, so the client must come back");
    }
}

#[tokio::test]
async fn the_lines_of_pods_come_as_they_are_and_following_ends_with_the_server() {
    let server = Server::with_environment().await;
    let path = "/environments/shop/test/services/cache/logs";
    let lines = server.events(path, None).await.until(is_end).await;
    let texts: Vec<_> = lines.iter().filter(|event| event.name == "line").map(|event| event.data["text"].clone()).collect();
    assert_eq!(texts, ["one", "two", "also two", "three"]);
    let mut following = server.events(&format!("{path}?follow=true"), None).await;
    following.until(|event| event.data["text"] == "two").await;
    server.shutdown.cancel();
    while following.next().await.is_some() {}
    assert_eq!(server.ask("GET", "/environments/shop/test/services/nothing/logs", "").await.0, StatusCode::NOT_FOUND);
}
