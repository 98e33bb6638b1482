//! Who may ask, and how refusals look.

use crate::support::{HOST, Server, TOKEN, read, request};
use axum::body::Body;
use axum::http::{Request, StatusCode};

const ROUTES: [(&str, &str); 23] = [
    ("GET", "/version"),
    ("POST", "/shutdown"),
    ("GET", "/doctor"),
    ("GET", "/targets"),
    ("POST", "/targets"),
    ("GET", "/environments"),
    ("POST", "/environments:apply"),
    ("POST", "/environments:validate"),
    ("GET", "/environments/a/b"),
    ("POST", "/environments/a/b/plan"),
    ("PUT", "/environments/a/b/secrets/S"),
    ("GET", "/environments/a/b/services/c/logs"),
    ("GET", "/environments/a/b/services/c/exec"),
    ("GET", "/environments/a/b/services/c/ports/80"),
    ("POST", "/environments/a/b/services/c/runs"),
    ("GET", "/environments/a/b/services/c/runs/d/events"),
    ("GET", "/environments/a/b/running"),
    ("GET", "/environments/a/b/running/events"),
    ("POST", "/environments/a/b/deployments"),
    ("GET", "/deployments/x"),
    ("GET", "/deployments/x/events"),
    ("POST", "/deployments/x/cancel"),
    ("GET", "/nothing-is-here"),
];

/// Sends a request with exactly these headers and returns status and code of the problem.
async fn refused(server: &Server, (method, path): (&str, &str), headers: &[(&str, &str)]) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
    let (status, problem) = read(response).await;
    for key in ["type", "title", "detail", "code"] {
        assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}: {key} in {problem}");
    }
    assert_eq!(problem["status"], status.as_u16());
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_route_wants_the_token() {
    let server = Server::start().await;
    for route in ROUTES {
        let without = refused(&server, route, &[("host", HOST)]).await;
        assert_eq!(without, (StatusCode::UNAUTHORIZED, "token-missing".to_owned()), "{route:?}");
        for wrong in ["Bearer nonsense", "Bearer 0123456789abcde", "Bearer ", "Basic 0123456789abcdef"] {
            let (status, _) = refused(&server, route, &[("host", HOST), ("authorization", wrong)]).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{route:?} {wrong}");
        }
    }
    assert!(!server.shutdown.is_cancelled());
}

#[tokio::test]
async fn a_foreign_page_is_refused_even_with_the_token() {
    let server = Server::start().await;
    let token = format!("Bearer {TOKEN}");
    let token = ("authorization", token.as_str());
    for route in ROUTES {
        for host in ["evil.example:7878", "127.0.0.1:80", "localhost"] {
            let found = refused(&server, route, &[("host", host), token]).await;
            assert_eq!(found, (StatusCode::FORBIDDEN, "host-refused".to_owned()), "{route:?} {host}");
        }
        for origin in ["https://evil.example", "null", "http://127.0.0.1:80", "https://127.0.0.1:7878"] {
            let found = refused(&server, route, &[("host", HOST), ("origin", origin), token]).await;
            assert_eq!(found, (StatusCode::FORBIDDEN, "origin-refused".to_owned()), "{route:?} {origin}");
        }
    }
    assert_eq!(refused(&server, ROUTES[0], &[token]).await.1, "host-refused");
}

#[tokio::test]
async fn the_owner_passes_from_the_command_line_and_from_the_own_page() {
    let server = Server::start().await;
    let response =
        server.send(request("GET", "/version").header("origin", "http://localhost:7878").body(Body::empty()).unwrap()).await;
    let (status, version) = read(response).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(version["pid"], std::process::id());
}

#[tokio::test]
async fn what_does_not_read_is_a_problem_with_its_reason() {
    let server = Server::start().await;
    let huge = "x".repeat((1 << 20) + 1);
    for (method, path, body, status) in [
        ("GET", "/nothing-is-here", "", StatusCode::NOT_FOUND),
        ("DELETE", "/version", "", StatusCode::METHOD_NOT_ALLOWED),
        ("POST", "/targets", "{", StatusCode::BAD_REQUEST),
        ("POST", "/targets", r#"{"unknown": 1}"#, StatusCode::BAD_REQUEST),
        ("POST", "/environments:apply?prune=perhaps", "", StatusCode::BAD_REQUEST),
        ("POST", "/environments:apply", huge.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        ("GET", "/environments/shop/nothing", "", StatusCode::NOT_FOUND),
        ("GET", "/environments/UPPER/case", "", StatusCode::NOT_FOUND),
        ("GET", "/deployments/nothing", "", StatusCode::NOT_FOUND),
        ("GET", "/deployments/nothing/events", "", StatusCode::NOT_FOUND),
        ("POST", "/deployments/nothing/cancel", "{}", StatusCode::NOT_FOUND),
    ] {
        let response = server.send(request(method, path).body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
        let (found, problem) = read(response).await;
        assert_eq!(found, status, "{method} {path}: {problem}");
    }
}

#[tokio::test]
async fn a_shutdown_that_is_asked_for_is_begun() {
    let server = Server::start().await;
    assert_eq!(server.ask("POST", "/shutdown", "{}").await.0, StatusCode::ACCEPTED);
    assert!(server.shutdown.is_cancelled());
}
