//! The page: who may see it, and behind which addresses.

use crate::support::{HOST, Server, TOKEN};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use slipway_server::{Files, PublicUrl, Site};

const HTML: &str = "<html><head><title>Slipway</title>";

async fn server(public_url: Option<&str>, is_built: bool) -> Server {
    let files = [("index.html", HTML), ("assets/main-1a.js", "script")].map(|(path, text)| (path.to_owned(), text.into()));
    let files = Files::Given(if is_built { files.into() } else { [].into() });
    let public_url = public_url.map(|url| url.parse::<PublicUrl>().unwrap());
    Server::at(Site::new(HOST.parse().unwrap(), public_url, files)).await
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = server.send(request.body(Body::empty()).unwrap()).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

#[tokio::test]
async fn the_page_needs_no_token_and_the_api_does() {
    let server = server(None, true).await;
    for path in ["/", "/shop/staging/deployments/12", "/apis"] {
        let page = get(&server, path, &[("host", HOST)]).await;
        assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "<html><head><base href=\"/\"><title>Slipway</title>"));
    }
    assert_eq!(get(&server, "/assets/main-1a.js", &[("host", HOST)]).await.body, "script");
    for path in ["/api", "/api/", "/api/v1", "/api/v1/version", "/api/v2/version", "/api/v1/nothing-is-here"] {
        let refused = get(&server, path, &[("host", HOST)]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        let owner = ("authorization", format!("Bearer {TOKEN}"));
        let found = get(&server, path, &[("host", HOST), (owner.0, &owner.1)]).await;
        assert_ne!(found.headers["content-type"], "text/html; charset=utf-8", "{path} is no page");
    }
}

#[tokio::test]
async fn every_answer_binds_the_browser() {
    let server = server(None, true).await;
    for path in ["/", "/assets/main-1a.js", "/assets/gone.js", "/api/v1/version"] {
        let answer = get(&server, path, &[("host", HOST)]).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
    }
}

#[tokio::test]
async fn nobody_else_shows_the_page() {
    let server = server(Some("https://ci.example/slipway"), true).await;
    for host in ["evil.example", "ci.example.evil", "127.0.0.1:80", "localhost"] {
        let refused = get(&server, "/", &[("host", host)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{host}");
        assert!(refused.body.contains("host-refused"), "{}", refused.body);
    }
    let framed = get(&server, "/", &[("host", HOST), ("origin", "https://evil.example")]).await;
    assert_eq!(framed.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn behind_a_proxy_the_prefix_may_be_there_or_not() {
    let server = server(Some("https://ci.example/slipway"), true).await;
    let owner = format!("Bearer {TOKEN}");
    for host in ["ci.example", HOST] {
        for path in ["/slipway", "/slipway/", "/slipway/shop/staging", "/", "/shop/staging"] {
            let page = get(&server, path, &[("host", host), ("origin", "https://ci.example")]).await;
            assert_eq!(page.body, "<html><head><base href=\"/slipway/\"><title>Slipway</title>", "{host} {path}");
        }
        for path in ["/slipway/assets/main-1a.js", "/assets/main-1a.js"] {
            assert_eq!(get(&server, path, &[("host", host)]).await.body, "script", "{host} {path}");
        }
        for path in ["/slipway/api/v1/version", "/api/v1/version"] {
            assert_eq!(get(&server, path, &[("host", host)]).await.status, StatusCode::UNAUTHORIZED, "{host} {path}");
            let version = get(&server, path, &[("host", host), ("authorization", &owner)]).await;
            assert_eq!(version.status, StatusCode::OK, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn no_path_leads_to_other_files() {
    let server = server(Some("https://ci.example/slipway"), true).await;
    for path in [
        "/assets/../../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/slipway/assets/../../Cargo.toml",
        "/slipway/assets/..%2f..%2fCargo.toml",
        "/assets//etc/passwd",
    ] {
        let answer = get(&server, path, &[("host", HOST)]).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NOT_FOUND, "there is no such file\n"), "{path}");
    }
    // An escaped `api` is no route, so nothing of the API comes without the token.
    let escaped = get(&server, "/%61pi/v1/version", &[("host", HOST)]).await;
    assert_eq!(escaped.headers["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_server_without_its_page_says_how_it_is_built_and_its_api_works() {
    let server = server(None, false).await;
    let missing = get(&server, "/", &[("host", HOST)]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.body.contains("make web"), "{}", missing.body);
    assert_eq!(server.ask("GET", "/version", "").await.0, StatusCode::OK);
}
