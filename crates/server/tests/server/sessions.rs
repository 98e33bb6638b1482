//! Signing in with a browser, and what a session may do.

use crate::support::{HOST, Server, TOKEN, read};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

async fn ask(server: &Server, (method, path): (&str, &str), bearer: Option<&str>, body: &str) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}")).header("host", HOST);
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    read(server.send(request.body(Body::from(body.to_owned())).unwrap()).await).await
}

async fn code(server: &Server) -> String {
    let (status, given) = ask(server, ("POST", "/sessions/codes"), Some(TOKEN), "").await;
    assert_eq!(status, StatusCode::CREATED, "{given}");
    assert_eq!(given["page"], format!("http://{HOST}/"));
    given["code"].as_str().unwrap().to_owned()
}

async fn sign_in(server: &Server, body: Value) -> (StatusCode, Value) {
    ask(server, ("POST", "/sessions"), None, &body.to_string()).await
}

async fn session(server: &Server) -> String {
    let (status, session) = sign_in(server, json!({"code": code(server).await})).await;
    assert_eq!(status, StatusCode::CREATED, "{session}");
    session["token"].as_str().unwrap().to_owned()
}

/// As the server signs, over another content.
fn forged(token: &str, content: &str) -> String {
    let sign = |key: &[u8], content: &[u8]| {
        let mut code = Hmac::<Sha256>::new_from_slice(key).unwrap();
        code.update(content);
        code.finalize().into_bytes()
    };
    let signature = sign(&sign(token.as_bytes(), b"slipway sessions 1"), content.as_bytes());
    format!("{content}.{}", signature.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[tokio::test]
async fn a_code_of_the_command_line_becomes_a_session_once() {
    let server = Server::with_environment().await;
    let code = code(&server).await;
    let (status, session) = sign_in(&server, json!({"code": code})).await;
    assert_eq!(status, StatusCode::CREATED);
    let token = session["token"].as_str().unwrap();
    assert_eq!(ask(&server, ("GET", "/environments/shop/test"), Some(token), "").await.0, StatusCode::OK);
    let (_, caller) = ask(&server, ("GET", "/session"), Some(token), "").await;
    assert_eq!(
        (&caller["actor"], &caller["expiresAt"].as_str().unwrap()[..17]),
        (&session["actor"], &session["expiresAt"].as_str().unwrap()[..17])
    );
    let (status, again) = sign_in(&server, json!({"code": code})).await;
    assert_eq!((status, &again["code"]), (StatusCode::UNAUTHORIZED, &json!("sign-in-refused")));
}

#[tokio::test]
async fn the_token_of_the_server_brings_in_too_and_is_no_session_itself() {
    let server = Server::start().await;
    assert_eq!(sign_in(&server, json!({"token": format!(" {TOKEN}\n")})).await.0, StatusCode::CREATED);
    assert_eq!(ask(&server, ("GET", "/session"), Some(TOKEN), "").await.1.get("expiresAt"), None);
    for wrong in [json!({"token": "0123456789abcde"}), json!({"token": ""}), json!({"code": TOKEN}), json!({"code": ""})] {
        let (status, problem) = sign_in(&server, wrong.clone()).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("sign-in-refused")), "{wrong}");
    }
    for odd in [json!({}), json!({"token": TOKEN, "code": "a"}), json!({"user": "root"}), json!([])] {
        assert_eq!(sign_in(&server, odd.clone()).await.0, StatusCode::BAD_REQUEST, "{odd}");
    }
}

#[tokio::test]
async fn a_session_that_has_ended_or_was_altered_is_refused() {
    let server = Server::start().await;
    let year = 365 * 24 * 60 * 60;
    let now = jiff::Timestamp::now().as_second();
    let refused = |bearer: String| {
        let server = &server;
        async move {
            let (status, problem) = ask(server, ("GET", "/version"), Some(&bearer), "").await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{bearer}");
            problem["code"].as_str().unwrap().to_owned()
        }
    };
    let nonce = "00112233445566778899aabbccddeeff";
    let good = forged(TOKEN, &format!("{}.{nonce}", now + year));
    assert_eq!(ask(&server, ("GET", "/version"), Some(&good), "").await.0, StatusCode::OK, "this test signs as the server does");
    assert_eq!(refused(forged(TOKEN, &format!("{}.{nonce}", now - 1))).await, "session-expired");
    assert_eq!(refused(forged("another token", &format!("{}.{nonce}", now + year))).await, "token-wrong");
    let session = session(&server).await;
    let (expiry, rest) = session.split_once('.').unwrap();
    let later = expiry.parse::<u64>().unwrap() + 1;
    for altered in [format!("{later}.{rest}"), session[1..].to_owned(), format!("{session}0"), session.to_uppercase()] {
        assert_eq!(refused(altered).await, "token-wrong");
    }
}

#[tokio::test]
async fn a_session_does_nothing_that_a_page_never_needs() {
    let server = Server::with_environment().await;
    let session = session(&server).await;
    for route in [
        ("POST", "/shutdown"),
        ("POST", "/key:rotate"),
        ("POST", "/sessions/codes"),
        ("GET", "/environments/shop/test/services/api/exec"),
        ("GET", "/environments/shop/test/services/api/ports/80"),
    ] {
        let (status, problem) = ask(&server, route, Some(&session), "").await;
        assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("owner-only")), "{route:?}");
    }
    assert!(!server.shutdown.is_cancelled());
}

#[tokio::test]
async fn signing_in_from_another_site_is_refused_with_the_right_code_too() {
    let server = Server::start().await;
    let body = json!({"code": code(&server).await}).to_string();
    for (name, value) in [("host", "evil.example:7878"), ("origin", "https://evil.example"), ("origin", "null")] {
        let mut request = Request::builder().method("POST").uri("/api/v1/sessions").header(name, value);
        if name != "host" {
            request = request.header("host", HOST);
        }
        let (status, _) = read(server.send(request.body(Body::from(body.clone())).unwrap()).await).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(ask(&server, ("POST", "/sessions"), None, &body).await.0, StatusCode::CREATED, "the code was not used up");
    assert_eq!(ask(&server, ("GET", "/sessions"), None, "").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn many_wrong_attempts_are_not_heard_any_more() {
    let server = Server::start().await;
    let mut last = (StatusCode::OK, Value::Null);
    for attempt in 0..21 {
        last = sign_in(&server, json!({"code": attempt.to_string()})).await;
    }
    assert_eq!((last.0, &last.1["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("too-many-attempts")));
}
