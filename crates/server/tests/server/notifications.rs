//! Notifications by the API, and what receivers are told.

use std::sync::Arc;

use crate::support::{FILE, Server};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use slipway_ports::{SecretText, signature, signing_key};
use tokio::sync::watch;

type Heard = Arc<watch::Sender<Vec<(HeaderMap, Bytes)>>>;

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    heard.send_modify(|heard| heard.push((headers, body)));
    StatusCode::NO_CONTENT
}

/// A receiver on loopback: its URL, and what it heard.
async fn receiver() -> (String, Heard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?key=hunter2", listener.local_addr().unwrap());
    let heard: Heard = Arc::new(watch::channel(Vec::new()).0);
    let router = Router::new().fallback(hear).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, heard)
}

async fn heard(heard: &Heard, count: usize) -> Vec<(HeaderMap, Bytes)> {
    heard.subscribe().wait_for(|heard| heard.len() >= count).await.unwrap().clone()
}

async fn make(server: &Server, new: &Value) -> (StatusCode, Value) {
    server.ask("POST", "/notifications", &new.to_string()).await
}

#[tokio::test]
async fn a_webhook_tells_its_secret_once_and_its_messages_are_signed_by_it() {
    let server = Server::with_environment().await;
    let (url, ear) = receiver().await;
    let new = json!({
        "kind": "webhook", "name": "ops", "url": url, "projects": ["sh*"], "modes": ["development"], "events": ["started"],
    });
    let (status, made) = make(&server, &new).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(made["url"], url.split_once('?').unwrap().0);
    assert_eq!((&made["projects"], &made["modes"], &made["events"]), (&new["projects"], &new["modes"], &new["events"]));
    let (_, listed) = server.ask("GET", "/notifications", "").await;
    assert_eq!(listed["items"][0]["name"], "ops");
    assert!(!listed.to_string().contains(secret) && !listed.to_string().contains("hunter2"), "{listed}");

    let id = server.deploy().await;
    let (headers, body) = heard(&ear, 1).await.remove(0);
    let header = |name: &str| headers[name].to_str().unwrap();
    let key = signing_key(&SecretText::new(secret)).unwrap();
    let signed = signature(&key, header("webhook-id"), header("webhook-timestamp"), &body);
    assert_eq!(header("webhook-signature"), signed);
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["type"], &told["data"]["deployment"]), (&json!("deployment.started"), &json!(id)));
    assert!(told["data"]["url"].as_str().unwrap().ends_with(&format!("/deployments/{id}")), "{told}");

    let notification = made["id"].as_str().unwrap();
    let (status, pinged) = server.ask("POST", &format!("/notifications/{notification}/ping"), "").await;
    assert_eq!((status, &pinged["state"], &pinged["status"]), (StatusCode::OK, &json!("delivered"), &json!(204)), "{pinged}");
    let (_, deliveries) = server.ask("GET", &format!("/notifications/{notification}/deliveries"), "").await;
    assert_eq!((&deliveries[0]["event"], &deliveries[0]["id"]), (&json!("ping"), &pinged["id"]));
    let first = &deliveries[1];
    assert_eq!((first["event"].as_str(), first["id"].as_str()), (Some("deployment.started"), Some(header("webhook-id"))));
    assert_eq!(first["tells"], "deploy of shop/test #1 started");

    assert_eq!(server.ask("DELETE", &format!("/notifications/{notification}"), "").await.0, StatusCode::NO_CONTENT);
    for (method, path) in [("DELETE", ""), ("GET", "/deliveries"), ("POST", "/ping")] {
        let (status, _) = server.ask(method, &format!("/notifications/{notification}{path}"), "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}

#[tokio::test]
async fn what_an_environment_names_is_listed_tried_and_not_deleted() {
    let server = Server::with_environment().await;
    let (url, ear) = receiver().await;
    let more = format!("notifications:\n- {{kind: slack, url: '{url}', events: [failed]}}\n");
    let (status, applied) = server.ask("POST", "/environments:apply", &format!("{FILE}{more}")).await;
    assert_eq!(status, StatusCode::OK, "{applied}");
    let (_, listed) = server.ask("GET", "/notifications", "").await;
    let named = &listed["items"][0];
    assert_eq!(
        (&named["environment"], &named["events"], &named["name"]),
        (&json!("shop/test"), &json!(["failed"]), &Value::Null)
    );
    assert!(
        !listed.to_string().contains("hunter2") && !listed.to_string().contains("/hook"),
        "of Slack's URL the host alone: {listed}"
    );
    let id = named["id"].as_str().unwrap();
    assert!(id.starts_with("shop.test."), "{id}");
    assert_eq!(server.ask("POST", &format!("/notifications/{id}/ping"), "").await.1["state"], "delivered");
    let (_, body) = heard(&ear, 1).await.remove(0);
    let text: Value = serde_json::from_slice(&body).unwrap();
    assert!(text["text"].as_str().unwrap().ends_with("tries whether Slipway is heard here."), "{text}");
    let (status, refused) = server.ask("DELETE", &format!("/notifications/{id}"), "").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(refused["detail"].as_str().unwrap().contains("the configuration of shop/test names it"), "{refused}");
}

#[tokio::test]
async fn what_can_not_be_told_is_refused_with_its_reason() {
    let server = Server::start().await;
    let good = json!({ "kind": "slack", "name": "chat", "url": "https://hooks.slack.example/services/hunter2" });
    let (status, made) = make(&server, &good).await;
    assert_eq!((status, &made["url"]), (StatusCode::CREATED, &json!("https://hooks.slack.example")));
    assert_eq!(made.get("secret"), None, "Slack checks no signature");
    let (status, taken) = make(&server, &good).await;
    assert_eq!((status, &taken["detail"]), (StatusCode::CONFLICT, &json!("there is a notification `chat` already")));
    for (key, value, why) in [
        ("kind", json!("mail"), "expected `webhook` or `slack`"),
        ("name", json!("No"), "lower-case letters"),
        ("url", json!("http://169.254.169.254/"), "is a metadata address"),
        ("url", json!("http://metadata.google.internal/"), "is a metadata address"),
        ("url", json!("ftp://a"), "begins with `https://` or `http://`"),
        ("url", json!("https://me:hunter2@hooks.example/"), "must not carry a user's name or password"),
        ("events", json!(["ended"]), "expected `started`, `succeeded`, `failed` or `canceled`"),
        ("modes", json!(["prod"]), "`prod` is no mode"),
        ("projects", json!(["a b"]), "is not a pattern"),
        ("filter", json!({}), "unknown field `filter`"),
    ] {
        let mut bad = good.clone();
        bad["name"] = json!("other");
        bad[key] = value;
        let (status, refused) = make(&server, &bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(why) && !detail.contains("hunter2"), "{key}: {detail}");
    }
    let (_, listed) = server.ask("GET", "/notifications", "").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let (status, _) = server.ask("GET", "/notifications/shop.test.000000000000/deliveries", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
