//! A new key for what is sealed: asked for over the API.

use axum::http::StatusCode;
use slipway_core::model::Name;
use slipway_ports::{Access, SecretText, Store as _};
use slipway_store::SqliteStore;

use crate::support::{FILE, Server};

/// An environment that wants a secret, and has it.
async fn with_a_secret() -> Server {
    let server = Server::with_environment().await;
    let file = FILE.replace("secrets: []", "secrets: [TOKEN]");
    assert_eq!(server.ask("POST", "/environments:apply", &file).await.0, StatusCode::OK);
    let (status, _) = server.ask("PUT", "/environments/shop/test/secrets/TOKEN", r#"{"value": "hunter2-hunter2"}"#).await;
    assert!(status.is_success(), "{status}");
    let credential = r#"{"registry": "docker.io", "user": "acme", "password": "hunter2-hunter2"}"#;
    assert_eq!(server.ask("PUT", "/projects/shop/credentials/hub", credential).await.0, StatusCode::OK);
    server
}

#[tokio::test]
async fn what_is_sealed_deploys_after_a_rotation_and_the_answer_shows_no_byte_of_it() {
    let server = with_a_secret().await;
    let key = std::fs::read(server.folder.path().join("key")).unwrap();
    let (status, rotated) = server.ask("POST", "/key:rotate", "").await;
    assert_eq!((status, &rotated), (StatusCode::OK, &serde_json::json!({"secrets": 1, "credentials": 1, "localSecrets": 0})));
    assert_ne!(std::fs::read(server.folder.path().join("key")).unwrap(), key);
    let id = server.deploy().await;
    server.gate.add_permits(8);
    server.events(&format!("/deployments/{id}/events"), None).await.until(|event| event.name == "end").await;
    let (_, view) = server.ask("GET", &format!("/deployments/{id}"), "").await;
    assert_eq!(view["state"], "succeeded", "{view}");
    let (one, other) = tokio::join!(server.ask("POST", "/key:rotate", ""), server.ask("POST", "/key:rotate", ""));
    assert_eq!((one.0, other.0), (StatusCode::OK, StatusCode::OK), "one after the other");
}

#[tokio::test]
async fn a_secret_that_another_key_sealed_is_named_and_stops_the_rotation() {
    let server = with_a_secret().await;
    let (database, key) = (server.folder.path().join("db"), server.folder.path().join("key"));
    let stranger = SqliteStore::open(&database, &server.folder.path().join("other")).await.unwrap();
    let name = |text: &str| Name::new(text).unwrap();
    let value = SecretText::new("hunter2-hunter2");
    stranger.put_secret(&Access::owner("root"), &name("shop"), Some(&name("test")), "TOKEN", &value).await.unwrap();
    let before = std::fs::read(&key).unwrap();
    let (status, problem) = server.ask("POST", "/key:rotate", "").await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &"secret-damaged".into()), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("`TOKEN` of shop/test"), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("again") && !problem.to_string().contains("hunter2"), "{problem}");
    assert_eq!(std::fs::read(&key).unwrap(), before);
    let (status, _) = server.ask("PUT", "/environments/shop/test/secrets/TOKEN", r#"{"value": "hunter2-hunter2"}"#).await;
    assert!(status.is_success(), "set again, as the hint says: {status}");
    assert_eq!(server.ask("POST", "/key:rotate", "").await.0, StatusCode::OK);
}
