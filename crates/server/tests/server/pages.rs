//! Lists in pages.

use axum::http::StatusCode;
use serde_json::Value;

use crate::support::{FILE, Server};

/// The names of all items, page after page.
async fn names(server: &Server, path: &str, limit: usize) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = server.ask("GET", &format!("{path}?limit={limit}{cursor}"), "").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap();
        assert!((1..=limit).contains(&items.len()), "{page}");
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
}

#[tokio::test]
async fn every_list_comes_in_pages_that_leave_nothing_out() {
    let server = Server::with_environment().await;
    // The order of project and name is not that of a path: `-` is before `/`.
    for (project, name) in [("shop", "b"), ("shop-2", "a"), ("shop", "a-b"), ("a", "z")] {
        let file = FILE.replace("project: shop", &format!("project: {project}")).replace("name: test", &format!("name: {name}"));
        assert_eq!(server.ask("POST", "/environments:apply", &file).await.0, StatusCode::OK);
    }
    for name in ["one", "two", "three"] {
        let body = r#"{"registry": "ghcr.io", "user": "robot", "password": "x"}"#;
        assert_eq!(server.ask("PUT", &format!("/projects/shop/credentials/{name}"), body).await.0, StatusCode::OK);
        let target = format!(
            r#"{{"name": "{name}", "kubeconfig": "/k", "context": "c", "domain": "{{service}}.x", "requestPercent": 1}}"#
        );
        assert_eq!(server.ask("POST", "/targets", &target).await.0, StatusCode::CREATED);
    }
    for limit in [1, 2, 3, 100] {
        assert_eq!(names(&server, "/environments", limit).await, ["z", "a-b", "b", "test", "a"], "{limit}");
        assert_eq!(names(&server, "/projects/shop/credentials", limit).await, ["one", "three", "two"], "{limit}");
        assert_eq!(names(&server, "/targets", limit).await, ["dev", "one", "three", "two"], "{limit}");
    }
}

#[tokio::test]
async fn a_cursor_that_is_none_is_told() {
    let server = Server::with_environment().await;
    for path in ["/environments", "/targets", "/projects/shop/credentials", "/environments/shop/test/deployments"] {
        let (status, problem) = server.ask("GET", &format!("{path}?cursor=%25"), "").await;
        assert_eq!((status.as_u16(), &problem["code"]), (400, &Value::from("cursor-invalid")), "{path}");
    }
}
