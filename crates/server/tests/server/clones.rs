//! Clones by the API.

use crate::support::{FILE, Server, read, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

const CLONE: &str = "/environments/shop/test/clone";
const CLONE_API: &str = "/environments/shop/test/services/api/clone";
const VALUE: &str = "canary-9f21c0";

/// `shop/test` with a secret that has a value, a variable of its own, and a host name of its own.
async fn server() -> Server {
    let server = Server::with_environment().await;
    let file = FILE
        .replace("secrets: []", "secrets: [KEY, OTHER]\nvariables: {LEVEL: info}")
        .replace("public: true}]", "public: true, host: api.example.com}]\n    variables: {X: '{{LEVEL}}', CACHE: '{{SLIPWAY_SERVICE_CACHE_HOST}}'}\n    secrets: [KEY]");
    assert_eq!(server.ask("POST", "/environments:apply", &file).await.0, StatusCode::OK);
    let value = json!({ "value": VALUE }).to_string();
    assert_eq!(server.ask("PUT", "/environments/shop/test/secrets/KEY", &value).await.0, StatusCode::NO_CONTENT);
    server
}

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or_default())
}

async fn empty(server: &Server, name: &str, more: &str) {
    let file = format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: shop\nname: {name}\n{more}");
    assert_eq!(server.ask("POST", "/environments:apply", &file).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_clone_is_answered_with_what_was_made() {
    let server = server().await;
    let sent = request("POST", CLONE).body(Body::from(r#"{"name": "copy", "withSecrets": true}"#)).unwrap();
    let response = server.send(sent).await;
    assert_eq!(response.headers()["location"], "/api/v1/environments/shop/copy");
    assert_eq!(response.headers()["etag"], "\"1\"");
    let (status, made) = read(response).await;
    assert_eq!(status, StatusCode::CREATED);
    let stage = |name: &str, stage: &str| json!({"name": name, "stage": stage});
    assert_eq!(
        made,
        json!({
            "project": "shop", "name": "copy", "version": 1,
            "services": [stage("api", "3.DEFAULT APPLICATION"), stage("cache", "2.DEFAULT CONTAINER")],
            "variables": ["LEVEL"],
            "secrets": [{"name": "KEY", "set": true}, {"name": "OTHER", "set": false}],
            "leftBehind": ["the host name `api.example.com` of the service `api`"],
        })
    );
    let (_, shown) = server.ask("GET", "/environments/shop/copy", "").await;
    assert_eq!((&shown["version"], shown["services"].as_array().unwrap().len()), (&json!(1), 2));
    assert!(!made.to_string().contains(VALUE));
    let (_, without) = server.ask("POST", CLONE, r#"{"name": "bare", "mode": "staging", "services": ["cache"]}"#).await;
    assert_eq!(
        (&without["secrets"][0]["set"], &without["services"]),
        (&json!(false), &json!([stage("cache", "2.DEFAULT CONTAINER")]))
    );
}

#[tokio::test]
async fn each_refusal_has_its_code_and_makes_nothing() {
    let server = server().await;
    let ask = async |body: &str| server.ask("POST", CLONE, body).await;
    assert_eq!(code(&ask(r#"{"name": "test"}"#).await), (409, "environment-exists"));
    assert_eq!(code(&ask(r#"{"name": "copy", "services": ["api"]}"#).await), (422, "clone-incomplete"));
    assert_eq!(code(&ask(r#"{"name": "copy", "services": ["none"]}"#).await), (404, "service-not-found"));
    assert_eq!(code(&ask(r#"{"name": "copy", "target": "mars"}"#).await), (422, "refused"));
    assert_eq!(code(&ask(r#"{"name": "Not a name"}"#).await), (400, "request-invalid"));
    assert_eq!(code(&ask("{}").await), (400, "request-invalid"));
    assert_eq!(code(&server.ask("POST", "/environments/shop/none/clone", r#"{"name": "copy"}"#).await), (404, "not-found"));
    let (_, all) = server.ask("GET", "/environments", "").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_is_put_into_another_environment() {
    let server = server().await;
    empty(&server, "other", "").await;
    let ask = async |body: &str| server.ask("POST", CLONE_API, body).await;
    let missing = ask(r#"{"environment": "other"}"#).await;
    assert_eq!(code(&missing), (422, "clone-incomplete"));
    assert!(missing.1["detail"].as_str().unwrap().contains("`CACHE` of the service `api` takes `SLIPWAY_SERVICE_CACHE_HOST`"));
    let cache = "/environments/shop/test/services/cache/clone";
    assert_eq!(server.ask("POST", cache, r#"{"environment": "other"}"#).await.0, StatusCode::CREATED);
    assert_eq!(code(&server.ask("POST", cache, r#"{"environment": "other"}"#).await), (409, "service-exists"));
    let lacking = ask(r#"{"environment": "other"}"#).await;
    assert_eq!(
        lacking.1["detail"].as_str().unwrap(),
        "shop/other lacks variables: the variable `X` of the service `api` takes `LEVEL`"
    );
    let (status, made) = ask(r#"{"environment": "other", "name": "second", "withVariables": true, "withSecrets": true}"#).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["services"], json!([{"name": "second", "stage": "3.DEFAULT APPLICATION"}]));
    assert_eq!((&made["variables"], &made["secrets"]), (&json!(["LEVEL"]), &json!([{"name": "KEY", "set": true}])));
    assert_eq!(made["version"], 3);
    assert_eq!(code(&ask(r#"{"environment": "none"}"#).await), (404, "not-found"));
    let unknown = server.ask("POST", "/environments/shop/test/services/none/clone", r#"{"environment": "other"}"#).await;
    assert_eq!(code(&unknown), (404, "service-not-found"));
}

#[tokio::test]
async fn b06_a_request_with_a_key_is_answered_the_same_also_when_its_answer_is_lost() {
    let server = server().await;
    empty(&server, "other", "variables: {LEVEL: info}\nservices: [{name: cache, container: {image: {name: redis, tag: '7'}}}]")
        .await;
    let ask = async |path: &str, body: &'static str, key: &str| {
        read(server.send(request("POST", path).header("idempotency-key", key).body(Body::from(body)).unwrap()).await).await
    };
    for (path, body, key) in [(CLONE, r#"{"name": "copy"}"#, "one"), (CLONE_API, r#"{"environment": "other"}"#, "two")] {
        let first = ask(path, body, key).await;
        assert_eq!(first.0, StatusCode::CREATED, "{}", first.1);
        assert_eq!(ask(path, body, key).await, first);
        server.forget_answers().await;
        assert_eq!(ask(path, body, key).await, first, "as after a kill between the write and the answer");
        assert_eq!(ask(path, body, "another").await.0, StatusCode::CONFLICT);
        assert_eq!(server.ask("POST", path, body).await.0, StatusCode::CONFLICT);
    }
}
