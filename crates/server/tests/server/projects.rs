//! Projects by the API: what they give their environments.

use crate::support::{FILE, Server, read, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;

const PROJECT: &str = "apiVersion: slipway.dev/v1
kind: Project
name: shop
variables:
  LEVEL: info
  KEY: {secret: STRIPE_KEY}
secrets: [STRIPE_KEY]
";

/// The environment, with a service that takes from the project.
fn taking() -> String {
    FILE.replace("secrets: []", "secrets: []\nvariables: {OWN: '{{LEVEL}}'}")
}

#[tokio::test]
async fn a_project_needs_no_making_and_is_listed_once_it_has_an_environment() {
    let server = Server::start().await;
    assert_eq!(server.ask("GET", "/projects", "").await.1, json!({"items": []}));
    let nothing = json!({"name": "shop", "version": 0, "variables": [], "secrets": [], "previewLimit": 20, "environments": []});
    assert_eq!(server.ask("GET", "/projects/shop", "").await, (StatusCode::OK, nothing));
    let server = Server::with_environment().await;
    let (_, projects) = server.ask("GET", "/projects", "").await;
    assert_eq!((&projects["items"][0]["name"], &projects["items"][0]["environments"]), (&"shop".into(), &json!(["test"])));
}

#[tokio::test]
async fn an_environment_takes_what_its_project_gives_and_nothing_else() {
    let server = Server::with_environment().await;
    let (status, problem) = server.ask("POST", "/environments:apply", &taking()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["problems"][0]["message"].as_str().unwrap().contains("nothing defines `{{LEVEL}}`"), "{problem}");
    let (status, applied) = server.ask("POST", "/projects:apply", PROJECT).await;
    let changes = json!(["variable `LEVEL` is new", "variable `KEY` is new", "secret `STRIPE_KEY` is new"]);
    assert_eq!((status, &applied["version"], &applied["changes"]), (StatusCode::OK, &1.into(), &changes));
    let (_, would) = server.ask("POST", "/projects:validate", &PROJECT.replace("info", "warn")).await;
    assert_eq!((&would["version"], &would["changes"]), (&1.into(), &json!(["variable `LEVEL` is changed"])));
    let (_, again) = server.ask("POST", "/projects:apply", PROJECT).await;
    assert_eq!((&again["version"], &again["changes"]), (&1.into(), &json!([])));
    assert_eq!(server.ask("POST", "/environments:apply", &taking()).await.0, StatusCode::OK);
    let export = request("GET", "/environments/shop/test/file").header("accept", "application/json");
    let (_, exported) = read(server.send(export.body(Body::empty()).unwrap()).await).await;
    assert!(!exported.to_string().contains("STRIPE_KEY"), "the file of an environment holds only its own: {exported}");
}

#[tokio::test]
async fn what_an_environment_takes_can_not_be_taken_away() {
    let server = Server::with_environment().await;
    server.ask("POST", "/projects:apply", PROJECT).await;
    server.ask("POST", "/environments:apply", &taking()).await;
    let (status, problem) = server.ask("POST", "/projects:apply", &PROJECT.replace("LEVEL", "LEVELS")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &"project-needed".into()));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("shop/test, variables.OWN: nothing defines `{{LEVEL}}`; did you mean `LEVELS`?"), "{detail}");
    assert_eq!(server.ask("POST", "/projects:validate", &PROJECT.replace("LEVEL", "LEVELS")).await.0, StatusCode::CONFLICT);
    let circle = PROJECT.replace("LEVEL: info", "LEVEL: '{{OTHER}}'\n  OTHER: x");
    assert_eq!(server.ask("POST", "/projects:apply", &circle).await.0, StatusCode::OK, "it is no circle");
    assert_eq!(server.ask("GET", "/projects/shop", "").await.1["version"], 2);
}

#[tokio::test]
async fn a_file_of_a_project_that_is_wrong_lists_every_problem_with_its_place() {
    let server = Server::start().await;
    let file = "apiVersion: slipway.dev/v1\nkind: Environment\nname: shop\nservices: []\n";
    let (status, problem) = server.ask("POST", "/projects:apply", file).await;
    assert_eq!(
        (status, &problem["detail"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"the file of the project has 2 problems".into())
    );
    assert_eq!((&problem["problems"][0]["line"], &problem["problems"][1]["path"]), (&2.into(), &"services".into()));
}

#[tokio::test]
async fn a_file_of_a_project_with_a_version_overwrites_no_other_one() {
    let server = Server::start().await;
    let send = async |file: String, tag: &str| {
        let sent = request("POST", "/projects:apply").header("If-Match", tag).body(Body::from(file)).unwrap();
        read(server.send(sent).await).await
    };
    assert_eq!(send(PROJECT.to_owned(), "\"0\"").await.0, StatusCode::OK);
    let (status, problem) = send(PROJECT.replace("info", "warn"), "\"0\"").await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert!(problem["detail"].as_str().unwrap().contains("the project is at version 1"), "{problem}");
    assert_eq!(send(PROJECT.replace("info", "warn"), "\"1\"").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_secret_of_a_project_serves_all_its_environments_and_never_comes_back() {
    let server = Server::with_environment().await;
    server.ask("POST", "/projects:apply", PROJECT).await;
    let place = "/projects/shop/secrets/STRIPE_KEY";
    let (status, problem) = server.ask("POST", "/environments/shop/test/deployments", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("`slipway secret set STRIPE_KEY --project shop` sets one"), "{problem}");
    assert_eq!(server.ask("PUT", "/projects/shop/secrets/OTHER", r#"{"value": "x"}"#).await.0, StatusCode::NOT_FOUND);
    assert_eq!(server.ask("PUT", place, r#"{"value": "hunter2-hunter2"}"#).await.0, StatusCode::NO_CONTENT);
    server.gate.add_permits(1);
    let id = server.deploy().await;
    let listed = json!([{"name": "STRIPE_KEY", "set": true}]);
    assert_eq!(server.ask("GET", "/projects/shop/secrets", "").await.1, listed);
    for path in ["/projects", "/projects/shop", &format!("/deployments/{id}"), &format!("/deployments/{id}/logs")] {
        let (status, body) = server.ask("GET", path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!body.to_string().contains("hunter2"), "{path}");
    }
}
