//! `Idempotency-Key`: the same request is done once and answered alike, whatever happens in between.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::support::{Server, request};

const DEPLOYMENTS: &str = "/environments/shop/test/deployments";

/// Status, headers and body of a request with a key.
async fn ask(server: &Server, path: &str, key: &str, body: &str) -> (StatusCode, HeaderMap, Value) {
    let asked = request("POST", path).header("idempotency-key", key).body(Body::from(body.to_owned())).unwrap();
    let response = server.send(asked).await;
    let headers = response.headers().clone();
    let (status, body) = crate::support::read(response).await;
    (status, headers, body)
}

async fn count(server: &Server) -> usize {
    server.ask("GET", DEPLOYMENTS, "").await.1["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_is_done_once_and_answered_alike() {
    let server = Server::with_environment().await;
    let (status, headers, body) = ask(&server, DEPLOYMENTS, "one", "{}").await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    assert!(headers.get("idempotency-replayed").is_none());
    let (again, replayed, same) = ask(&server, DEPLOYMENTS, "one", "{}").await;
    assert_eq!((again, &same), (status, &body));
    assert_eq!(replayed["idempotency-replayed"], "true");
    assert_eq!(replayed["location"], headers["location"]);
    assert_eq!(replayed["content-type"], headers["content-type"]);
    assert_eq!(count(&server).await, 1);
    let (_, _, other) = ask(&server, DEPLOYMENTS, "two", r#"{"action": "restart"}"#).await;
    assert_ne!(other["id"], body["id"], "another key is another request");
}

#[tokio::test]
async fn a_key_that_was_sent_with_another_request_is_refused() {
    let server = Server::with_environment().await;
    assert_eq!(ask(&server, DEPLOYMENTS, "one", "{}").await.0, StatusCode::ACCEPTED);
    for (path, body) in [(DEPLOYMENTS, r#"{"rebuild": true}"#), ("/environments/shop/test/stages", "{}")] {
        let (status, _, problem) = ask(&server, path, "one", body).await;
        assert_eq!((status.as_u16(), &problem["code"]), (422, &"idempotency-key-reused".into()), "{path}");
    }
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_request_for_another_version_is_another_request() {
    let server = Server::with_environment().await;
    let add = async |if_match: &str| {
        let asked =
            request("POST", "/environments/shop/test/stages").header("idempotency-key", "one").header("if-match", if_match);
        let response = server.send(asked.body(Body::from(r#"{"name": "checks"}"#)).unwrap()).await;
        let tag = response.headers().get("etag").cloned();
        let (status, body) = crate::support::read(response).await;
        (status.as_u16(), tag, body["code"].as_str().map(str::to_owned))
    };
    let first = add("\"1\"").await;
    assert_eq!(first.0, 201, "{first:?}");
    assert_eq!(add("\"1\"").await, first, "the version is another one by now, and the request was done at its own");
    assert_eq!(add("\"2\"").await, (422, None, Some("idempotency-key-reused".to_owned())));
}

#[tokio::test]
async fn a_request_that_was_refused_may_be_mended_under_its_key() {
    let server = Server::with_environment().await;
    let stages = "/environments/shop/test/stages";
    assert_eq!(ask(&server, stages, "one", r#"{"name": ""}"#).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask(&server, stages, "one", r#"{"name": "checks"}"#).await.0, StatusCode::CREATED);
    // Without the key this is a name that is taken.
    assert_eq!(ask(&server, stages, "one", r#"{"name": "checks"}"#).await.0, StatusCode::CREATED);
    assert_eq!(ask(&server, stages, "two", r#"{"name": "checks"}"#).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn requests_with_one_key_at_the_same_time_make_one_deployment() {
    let server = Server::with_environment().await;
    let asked = (0..8).map(|_| ask(&server, DEPLOYMENTS, "one", "{}"));
    let answers = futures::future::join_all(asked).await;
    let mut accepted = 0;
    for (status, headers, body) in answers {
        if status == StatusCode::ACCEPTED {
            accepted += 1;
        } else {
            assert_eq!((status.as_u16(), &body["code"]), (409, &"idempotency-key-in-use".into()));
            assert_eq!(headers["retry-after"], "1");
        }
    }
    assert!(accepted >= 1);
    assert_eq!(count(&server).await, 1);
    assert_eq!(ask(&server, DEPLOYMENTS, "one", "{}").await.0, StatusCode::ACCEPTED);
}

/// What a server leaves that is killed after it accepted and before it kept the answer.
#[tokio::test]
async fn a_retry_whose_answer_was_lost_finds_its_deployment() {
    let server = Server::with_environment().await;
    let (_, _, first) = ask(&server, DEPLOYMENTS, "one", "{}").await;
    // Two more wait in the queue as one: the second was joined to the first.
    let restart = r#"{"action": "restart"}"#;
    let (_, _, queued) = ask(&server, DEPLOYMENTS, "two", restart).await;
    let (_, _, joined) = ask(&server, DEPLOYMENTS, "three", restart).await;
    assert_eq!((&joined["id"], &joined["joined"]), (&queued["id"], &true.into()));
    server.forget_answers().await;
    for (key, body, expected) in [("one", "{}", &first), ("two", restart, &queued), ("three", restart, &joined)] {
        let (status, headers, again) = ask(&server, DEPLOYMENTS, key, body).await;
        assert_eq!(
            (status, &again["id"], &again["joined"]),
            (StatusCode::ACCEPTED, &expected["id"], &expected["joined"]),
            "{key}"
        );
        assert!(headers.get("idempotency-replayed").is_none(), "{key}: its answer was lost");
    }
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_a_key_as_without() {
    let server = Server::with_environment().await;
    let large = format!("{{\"action\": \"{}\"}}", "x".repeat(1 << 20));
    for _ in 0..2 {
        let (status, headers, problem) = ask(&server, DEPLOYMENTS, "large", &large).await;
        assert_eq!((status.as_u16(), &problem["code"]), (413, &"body-too-large".into()), "{problem}");
        assert!(headers.get("idempotency-replayed").is_none(), "it was not read: there is nothing to keep of it");
    }
    assert_eq!(server.ask("POST", DEPLOYMENTS, &large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ask(&server, DEPLOYMENTS, "large", "{}").await.0, StatusCode::ACCEPTED, "the key is free still");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let server = Server::with_environment().await;
    for key in ["", "a b", "caf\u{e9}", &"x".repeat(256)] {
        let (status, _, problem) = ask(&server, DEPLOYMENTS, key, "{}").await;
        assert_eq!((status.as_u16(), &problem["code"]), (400, &"request-invalid".into()), "{key:?}");
    }
    let both = request("POST", DEPLOYMENTS).header("idempotency-key", "a").header("idempotency-key", "b").body(Body::empty());
    assert_eq!(server.send(both.unwrap()).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(count(&server).await, 0);
}
