//! Webhooks by the API, and what hosts post to them.

use crate::support::{HOST, Server, read};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use slipway_hosts::{Host, LARGEST, sign};
use slipway_ports::SecretText;

const PUSH: &str = include_str!("../../../adapters/hosts/samples/github-push.json");

/// A webhook of GitHub, its path and its secret.
async fn made(server: &Server) -> (String, SecretText) {
    let (status, made) = server.ask("POST", "/webhooks", r#"{"host": "github"}"#).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["url"], format!("http://{HOST}/hooks/{id}"));
    (id, SecretText::new(made["secret"].as_str().unwrap().to_owned()))
}

/// What GitHub posts, which carries no token of the API.
fn post(id: &str, delivery: &str, secret: &SecretText, body: impl Into<Vec<u8>>) -> Request<Body> {
    let body = body.into();
    let (name, signature) = sign(Host::GitHub, secret, &body);
    let request =
        Request::post(format!("/hooks/{id}")).header(header::HOST, HOST).header(header::CONTENT_TYPE, "application/json");
    let request = request.header("X-GitHub-Event", "push").header("X-GitHub-Delivery", delivery).header(name, signature);
    request.body(Body::from(body)).unwrap()
}

async fn deliveries(server: &Server, id: &str) -> Value {
    server.ask("GET", &format!("/webhooks/{id}/deliveries"), "").await.1
}

#[tokio::test]
async fn a_webhook_tells_its_secret_once_and_is_forgotten_with_what_it_told() {
    let server = Server::start().await;
    let (id, secret) = made(&server).await;
    let (_, listed) = server.ask("GET", "/webhooks", "").await;
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["host"]), (&json!(id), &json!("github")));
    assert!(!listed.to_string().contains(secret.expose()));
    assert_eq!(server.send(post(&id, "one", &secret, PUSH)).await.status(), StatusCode::ACCEPTED);
    assert_eq!(server.ask("DELETE", &format!("/webhooks/{id}"), "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(server.ask("DELETE", &format!("/webhooks/{id}"), "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(server.ask("GET", &format!("/webhooks/{id}/deliveries"), "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(server.send(post(&id, "two", &secret, PUSH)).await.status(), StatusCode::NOT_FOUND);
    let (status, refused) = server.ask("POST", "/webhooks", r#"{"host": "sourceforge"}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refused["detail"].as_str().unwrap().contains("expected github, gitlab"), "{refused}");
}

#[tokio::test]
async fn what_a_host_tells_is_kept_once_and_answered_at_once() {
    let server = Server::start().await;
    let (id, secret) = made(&server).await;
    let (status, taken) = read(server.send(post(&id, "one", &secret, PUSH)).await).await;
    assert_eq!((status, taken), (StatusCode::ACCEPTED, json!({"delivery": "one", "known": false})));
    let (status, taken) = read(server.send(post(&id, "one", &secret, PUSH)).await).await;
    assert_eq!((status, taken), (StatusCode::ACCEPTED, json!({"delivery": "one", "known": true})));
    let kept = deliveries(&server, &id).await;
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept:#}");
    assert!(kept[0]["tells"][0].as_str().unwrap().contains("push to "), "{kept:#}");
    assert_eq!((&kept[0]["effects"], &kept[0]["settledAt"]), (&json!([]), &Value::Null), "nobody works on it here");
}

#[tokio::test]
async fn what_proves_nothing_or_does_not_read_is_refused_and_not_kept() {
    let server = Server::start().await;
    let (id, secret) = made(&server).await;
    let another = SecretText::new("another".to_owned());
    let unsigned = Request::post(format!("/hooks/{id}")).header(header::HOST, HOST).body(Body::from(PUSH)).unwrap();
    let mut form = post(&id, "form", &secret, PUSH);
    form.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    let mut anonymous = post(&id, "x", &secret, PUSH);
    anonymous.headers_mut().remove("x-github-delivery");
    let mut elsewhere = post(&id, "rebound", &secret, PUSH);
    elsewhere.headers_mut().insert(header::HOST, "evil.example".parse().unwrap());
    let cases = [
        (unsigned, StatusCode::UNAUTHORIZED, "signature-missing"),
        (post(&id, "forged", &another, PUSH), StatusCode::UNAUTHORIZED, "signature-wrong"),
        (form, StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type"),
        (anonymous, StatusCode::BAD_REQUEST, "delivery-missing"),
        (post(&id, "text", &secret, "no JSON"), StatusCode::BAD_REQUEST, "not-json"),
        (post(&id, "empty", &secret, "{}"), StatusCode::BAD_REQUEST, "malformed"),
        (post(&id, "large", &secret, vec![b' '; LARGEST + 1]), StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        (elsewhere, StatusCode::FORBIDDEN, "Host header"),
        (post("nothing", "lost", &secret, PUSH), StatusCode::NOT_FOUND, "no such webhook"),
    ];
    for (request, status, word) in cases {
        let (found, problem) = read(server.send(request).await).await;
        assert_eq!(found, status, "{word}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{word}: {problem}");
        assert!(!problem.to_string().contains(secret.expose()));
    }
    assert_eq!(deliveries(&server, &id).await, json!([]));
}

#[tokio::test]
async fn the_secret_of_a_webhook_is_not_the_token_of_the_api() {
    let server = Server::start().await;
    let (_, secret) = made(&server).await;
    let request = Request::get("/api/v1/webhooks").header(header::HOST, HOST);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {}", secret.expose()));
    assert_eq!(server.send(request.body(Body::empty()).unwrap()).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_pipeline_names_an_image_and_shows_the_secret_itself() {
    let server = Server::start().await;
    let (status, made) = server.ask("POST", "/webhooks", r#"{"host": "pipeline", "project": "shop"}"#).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let call = |token: &str| {
        let request =
            Request::post(format!("/hooks/{id}")).header(header::HOST, HOST).header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        request.body(Body::from(r#"{"image": "registry.example/shop/api:1.5"}"#)).unwrap()
    };
    for _ in 0..2 {
        let (status, taken) = read(server.send(call(secret)).await).await;
        assert_eq!((status, &taken["known"]), (StatusCode::ACCEPTED, &json!(false)), "each call counts: {taken}");
    }
    assert_eq!(server.send(call("another")).await.status(), StatusCode::UNAUTHORIZED);
    let kept = deliveries(&server, id).await;
    assert_eq!((kept.as_array().unwrap().len(), &kept[0]["tells"][0]), (2, &json!("image registry.example/shop/api:1.5")));
}
