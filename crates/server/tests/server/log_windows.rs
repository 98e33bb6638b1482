//! The log of a deployment through windows.

use crate::support::fakes::{LINES, Said};
use crate::support::{FILE, Server, TARGET};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A deployment that has ended, whose build has said so many lines.
async fn deployed(lines: usize) -> (Server, String) {
    let server = Server::saying(Said { lines: lines / 2, width: 0 }).await;
    assert_eq!(server.ask("POST", "/targets", TARGET).await.0, StatusCode::CREATED);
    assert_eq!(server.ask("POST", "/environments:apply", FILE).await.0, StatusCode::OK);
    server.gate.add_permits(1);
    let id = server.deploy().await;
    server.events(&format!("/deployments/{id}/events?lines=none"), None).await.until(|event| event.name == "end").await;
    (server, id)
}

fn positions(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|line| line["position"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_list_jumps_to_a_line_and_goes_on_from_there_both_ways() {
    let (server, id) = deployed(400).await;
    let (status, sections) = server.ask("GET", &format!("/deployments/{id}/log-sections"), "").await;
    assert_eq!(status, StatusCode::OK);
    let build = sections.as_array().unwrap().iter().find(|one| one["service"] == "api" && one["phase"] == "build").unwrap();
    let lines = build["lines"].as_u64().unwrap();
    assert!(lines >= 400, "{build}");
    let ask = async |query: String| {
        server.ask("GET", &format!("/deployments/{id}/logs?service=api&phase=build&limit=10&{query}"), "").await
    };
    let (_, middle) = ask("at=200".to_owned()).await;
    assert_eq!(positions(&middle), (200..210).collect::<Vec<_>>());
    let (_, after) = ask(format!("cursor={}", middle["nextCursor"].as_str().unwrap())).await;
    assert_eq!(positions(&after), (210..220).collect::<Vec<_>>());
    let (_, before) = ask(format!("before={}", middle["previousCursor"].as_str().unwrap())).await;
    assert_eq!(positions(&before), (190..200).collect::<Vec<_>>());
    assert_eq!(before["nextCursor"], before["items"][9]["number"].to_string());
    // Backwards to the beginning, forwards to the end.
    let mut first = before;
    while let Some(cursor) = first.get("previousCursor").cloned() {
        first = ask(format!("before={}", cursor.as_str().unwrap())).await.1;
    }
    assert_eq!((positions(&first)[0], &first["items"][0]["number"]), (1, &build["first"]));
    let (_, last) = ask(format!("at={lines}")).await;
    assert_eq!((positions(&last), last.get("nextCursor"), &last["items"][0]["number"]), (vec![lines], None, &build["last"]));
    assert_eq!(ask(format!("at={}", lines + 1)).await.1, json!({"items": []}));
}

#[tokio::test]
async fn a_page_of_a_phase_is_full_as_long_as_there_are_lines() {
    let (server, id) = deployed(2 * LINES).await;
    let (mut cursor, mut seen) = (String::new(), 0);
    loop {
        let (_, page) = server.ask("GET", &format!("/deployments/{id}/logs?phase=release&limit=1{cursor}"), "").await;
        seen += page["items"].as_array().unwrap().len();
        let Some(next) = page["nextCursor"].as_str() else { break };
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "lines of builds take no place");
        cursor = format!("&cursor={next}");
    }
    let (_, sections) = server.ask("GET", &format!("/deployments/{id}/log-sections"), "").await;
    let released = sections.as_array().unwrap().iter().filter(|one| one["phase"] == "release");
    assert_eq!(seen as u64, released.map(|one| one["lines"].as_u64().unwrap()).sum::<u64>());
}

#[tokio::test]
async fn places_that_do_not_go_together_are_refused() {
    let (server, id) = deployed(2).await;
    for query in ["at=1", "at=1&service=api", "cursor=1&before=2", "at=1&before=2&service=api&phase=build", "search=a&before=2"] {
        let (status, problem) = server.ask("GET", &format!("/deployments/{id}/logs?{query}"), "").await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("request-invalid")), "{query}");
    }
    assert_eq!(server.ask("GET", "/deployments/nothing/log-sections", "").await.0, StatusCode::NOT_FOUND);
}
