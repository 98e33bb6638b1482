//! The past of an environment, by the API.

use crate::support::{FILE, Server};
use axum::http::StatusCode;
use serde_json::{Value, json};

const PATH: &str = "/environments/shop/test/deployments";

async fn deploy_to_the_end(server: &Server) {
    let id = server.deploy().await;
    server.events(&format!("/deployments/{id}/events"), None).await.until(|event| event.name == "end").await;
}

#[tokio::test]
async fn a_history_tells_who_asked_and_which_versions_changed() {
    let server = Server::with_environment().await;
    server.gate.add_permits(4);
    deploy_to_the_end(&server).await;
    deploy_to_the_end(&server).await;
    let newer = FILE.replace("tag: \"7.2\"", "tag: \"7.4\"");
    assert_eq!(server.ask("POST", "/environments:apply", &newer).await.0, StatusCode::OK);
    deploy_to_the_end(&server).await;

    let (_, page) = server.ask("GET", PATH, "").await;
    let items = page["items"].as_array().unwrap();
    let changes: Vec<&Value> = items.iter().map(|item| &item["changes"]).collect();
    let first = json!([{"service": "cache", "to": "7.2"}, {"service": "api", "to": "ccccccc"}]);
    assert_eq!(changes, [&json!([{"service": "cache", "from": "7.2", "to": "7.4"}]), &json!([]), &first]);
    for item in items {
        assert_eq!(
            (&item["trigger"]["source"], &item["state"], &item["action"]),
            (&"api".into(), &"succeeded".into(), &"deploy".into())
        );
        assert!(
            item["trigger"]["actor"].is_string() && item["startedAt"].is_string() && item["finishedAt"].is_string(),
            "{item}"
        );
    }
    // A page compares with what comes before it, too.
    let (_, page) = server.ask("GET", &format!("{PATH}?limit=1"), "").await;
    assert_eq!((&page["items"][0]["changes"], &page["nextCursor"]), (changes[0], &"3".into()));
    let (_, page) = server.ask("GET", &format!("{PATH}?limit=1&cursor=3"), "").await;
    assert_eq!((&page["items"][0]["changes"], &page["nextCursor"]), (&json!([]), &"2".into()));
}
