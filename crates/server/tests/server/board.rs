//! The board of an environment.

use crate::support::{Server, request};
use axum::http::StatusCode;
use serde_json::{Value, json};

const BOARD: &str = "/environments/shop/test/board";

/// The card of a service.
fn card<'a>(board: &'a Value, name: &str) -> &'a Value {
    let stages = board["stages"].as_array().unwrap().iter();
    let mut cards = stages.flat_map(|stage| stage["services"].as_array().unwrap());
    cards.find(|card| card["name"] == name).unwrap()
}

async fn finished(server: &Server, id: &str) {
    let end = |event: &crate::support::Event| event.name == "end";
    server.events(&format!("/deployments/{id}/events"), None).await.until(end).await;
}

#[tokio::test]
async fn a_board_shows_what_is_wanted_what_is_deployed_and_what_was_last_done() {
    let server = Server::with_environment().await;
    let (status, board) = server.ask("GET", BOARD, "").await;
    assert_eq!((status, board["stages"].as_array().unwrap().len()), (StatusCode::OK, 4));
    let api = card(&board, "api");
    assert_eq!((&api["wanted"], api.get("deployed"), api.get("lastDeployment")), (&json!("main"), None, None));
    assert_eq!(card(&board, "cache")["wanted"], "7.2");
    assert!(api["urls"][0].as_str().unwrap().starts_with("http"), "{api}");

    server.gate.add_permits(1);
    let id = server.deploy().await;
    finished(&server, &id).await;
    let (_, board) = server.ask("GET", BOARD, "").await;
    let api = card(&board, "api");
    assert_eq!((&api["deployed"], &card(&board, "cache")["deployed"]), (&json!("ccccccc"), &json!("7.2")));
    assert_eq!((&api["lastDeployment"]["id"], &api["lastDeployment"]["state"]), (&json!(id), &json!("succeeded")));
    assert!(api["lastDeployment"]["at"].is_string());

    // A later deployment of one service is the last of that one alone, and a canceled build changes nothing of what is deployed.
    let body = r#"{"services": [{"name": "api"}], "rebuild": true}"#;
    let (_, second) = server.ask("POST", "/environments/shop/test/deployments", body).await;
    let second = second["id"].as_str().unwrap().to_owned();
    assert_eq!(server.ask("POST", &format!("/deployments/{second}/cancel"), "{}").await.0, StatusCode::ACCEPTED);
    finished(&server, &second).await;
    let (_, board) = server.ask("GET", BOARD, "").await;
    let (api, cache) = (card(&board, "api"), card(&board, "cache"));
    assert_eq!((&api["lastDeployment"]["number"], &api["lastDeployment"]["state"]), (&json!(2), &json!("canceled")));
    assert_eq!((&api["deployed"], &cache["lastDeployment"]["number"]), (&json!("ccccccc"), &json!(1)));
}

#[tokio::test]
async fn a_board_has_the_version_of_its_environment_as_its_tag() {
    let server = Server::with_environment().await;
    let answer = server.send(request("GET", BOARD).body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.headers()["etag"], "\"1\"");
    assert_eq!(server.ask("GET", "/environments/shop/other/board", "").await.0, StatusCode::NOT_FOUND);
}
