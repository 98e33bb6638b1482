//! Environments, targets and secrets by the API.

use crate::support::{FILE, Server, read, request};
use axum::body::Body;
use axum::http::StatusCode;

#[tokio::test]
async fn a_refused_file_lists_every_problem_with_its_place() {
    let server = Server::start().await;
    let file = "apiVersion: slipway.dev/v1\nkind: Environment\nname: Bad\nunknown: 1\nservices: []\n";
    let (status, problem) = server.ask("POST", "/environments:apply", file).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let places: Vec<_> = problem["problems"].as_array().unwrap().iter().map(|p| (p["line"].clone(), p["path"].clone())).collect();
    assert_eq!(places, [(3.into(), "name".into()), (4.into(), "unknown".into())]);
    assert_eq!(server.ask("GET", "/environments", "").await.1, serde_json::json!({"items": []}));
}

#[tokio::test]
async fn a_file_is_applied_once_and_then_changes_nothing() {
    let server = Server::with_environment().await;
    let (status, applied) = server.ask("POST", "/environments:apply", FILE).await;
    assert_eq!((status, &applied["version"], &applied["changes"]), (StatusCode::OK, &1.into(), &serde_json::json!([])));
    let (_, environment) = server.ask("GET", "/environments/shop/test", "").await;
    let services: Vec<_> = environment["services"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(services, ["cache", "api"], "in execution order");
    assert_eq!(environment["services"][1]["urls"], serde_json::json!(["http://api.localhost"]));
}

/// The next runs of `shop/test`, without the moments.
async fn next_runs(server: &Server) -> serde_json::Value {
    let (_, mut view) = server.ask("GET", "/environments/shop/test", "").await;
    let mut runs = view["nextRuns"].take();
    let moments: Vec<_> =
        runs.as_array_mut().into_iter().flatten().map(|run| run.as_object_mut().unwrap().remove("at").unwrap()).collect();
    let moments: Vec<jiff::Timestamp> = moments.iter().map(|at| at.as_str().unwrap().parse().unwrap()).collect();
    assert!(moments.is_sorted() && moments.iter().all(|at| *at > jiff::Timestamp::now()), "{moments:?}");
    assert!(moments.iter().all(|at| at.as_second() % 3600 == 1800), "each at half past: {moments:?}");
    runs
}

#[tokio::test]
async fn the_next_three_runs_of_the_schedules_in_force_are_told_and_the_rule_that_they_come_from() {
    let server = Server::with_environment().await;
    assert_eq!(next_runs(&server).await, serde_json::Value::Null);
    let daily = "{weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday], time: '19:30'}";
    let rules = format!(
        "apiVersion: slipway.dev/v1\nkind: Project\nname: shop\n\
         schedules: [{{environments: 'te?t', timezone: Europe/Paris, stop: {daily}}}, {{environments: '*', start: {daily}}}]\n"
    );
    assert_eq!(server.ask("POST", "/projects:apply", &rules).await.0, StatusCode::OK);
    let of_rule = serde_json::json!({"action": "stop", "timezone": "Europe/Paris", "rule": "te?t"});
    assert_eq!(next_runs(&server).await, serde_json::json!([of_rule, of_rule, of_rule]));
    let own = format!("{FILE}schedules: [{{start: {daily}}}]\n");
    assert_eq!(server.ask("POST", "/environments:apply", &own).await.0, StatusCode::OK);
    let of_own = serde_json::json!({"action": "start", "timezone": "UTC"});
    assert_eq!(next_runs(&server).await, serde_json::json!([of_own, of_own, of_own]));
    let (_, project) = server.ask("GET", "/projects/shop", "").await;
    let environments: Vec<_> = project["schedules"].as_array().unwrap().iter().map(|rule| &rule["environments"]).collect();
    assert_eq!(environments, ["te?t", "*"]);
    assert_eq!(project["schedules"][0]["stop"]["time"], "19:30");
}

#[tokio::test]
async fn a_service_left_out_is_refused_without_prune() {
    let server = Server::with_environment().await;
    let shorter = FILE.split("  - name: cache").next().unwrap();
    let (status, problem) = server.ask("POST", "/environments:apply", shorter).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["problems"][0]["message"].as_str().unwrap().contains("cache"), "{problem}");
    let (status, would) = server.ask("POST", "/environments:validate?prune=true", shorter).await;
    assert_eq!((status, &would["removed"], &would["version"]), (StatusCode::OK, &serde_json::json!(["cache"]), &1.into()));
    let (status, applied) = server.ask("POST", "/environments:apply?prune=true", shorter).await;
    assert_eq!((status, &applied["removed"], &applied["version"]), (StatusCode::OK, &serde_json::json!(["cache"]), &2.into()));
}

#[tokio::test]
async fn a_secret_must_be_declared_and_never_comes_back() {
    let server = Server::with_environment().await;
    let place = "/environments/shop/test/secrets/STRIPE_KEY";
    let (status, problem) = server.ask("PUT", place, r#"{"value": "hunter2-hunter2"}"#).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    let declared = FILE.replace("secrets: []", "secrets: [STRIPE_KEY]");
    server.ask("POST", "/environments:apply", &declared).await;
    let (status, problem) = server.ask("POST", "/environments/shop/test/deployments", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "a missing secret stops a deployment before it starts: {problem}");
    assert_eq!(server.ask("PUT", place, r#"{"value": "hunter2-hunter2"}"#).await.0, StatusCode::NO_CONTENT);
    server.gate.add_permits(1);
    let id = server.deploy().await;
    for path in ["/environments", "/environments/shop/test", &format!("/deployments/{id}"), &format!("/deployments/{id}/logs")] {
        let (status, body) = server.ask("GET", path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!body.to_string().contains("hunter2"), "{path}");
    }
}

#[tokio::test]
async fn the_first_target_is_the_default_one_and_nonsense_is_refused() {
    let server = Server::with_environment().await;
    let (_, targets) = server.ask("GET", "/targets", "").await;
    assert_eq!((&targets["items"][0]["name"], &targets["items"][0]["default"]), (&"dev".into(), &true.into()));
    for body in [
        r#"{"kubeconfig": "relative", "context": "a", "domain": "{service}.x", "requestPercent": 100}"#,
        r#"{"kubeconfig": "/k", "context": "a", "domain": "{service}.x", "requestPercent": 0}"#,
        r#"{"kubeconfig": "/k", "context": "a", "domain": "one-for-all.x", "requestPercent": 1}"#,
        r#"{"kubeconfig": "/k", "context": "local", "domain": "{service}.x", "requestPercent": 1}"#,
        r#"{"kubeconfig": "/nothing/is/here", "domain": "{service}.x", "requestPercent": 1}"#,
    ] {
        assert_eq!(server.ask("POST", "/targets", body).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
}

#[tokio::test]
async fn a_plan_says_what_would_be_done_and_begins_nothing() {
    let server = Server::with_environment().await;
    let (status, plan) = server.ask("POST", "/environments/shop/test/plan", "").await;
    assert_eq!(status, StatusCode::OK);
    let api = &plan["stages"][3]["services"][0];
    assert_eq!((&api["name"], &api["version"]), (&"api".into(), &"ccccccc".into()));
    assert_eq!((&api["steps"][0]["does"], &api["steps"][1]["does"]), (&"build".into(), &"release".into()), "{plan}");
    assert_eq!(server.ask("GET", "/environments/shop/test/deployments", "").await.1["items"], serde_json::json!([]));
}

#[tokio::test]
async fn doctor_asks_every_part() {
    let server = Server::with_environment().await;
    let (_, doctor) = server.ask("GET", "/doctor", "").await;
    let names: Vec<_> = doctor["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["git", "builder", "registry", "helm", "target dev", "TLS dev"]);
}

#[tokio::test]
async fn a_target_with_an_issuer_gives_public_hosts_tls_and_doctor_looks_at_it() {
    let server = Server::with_environment().await;
    let tls = async || {
        let (_, doctor) = server.ask("GET", "/doctor", "").await;
        let check = doctor["checks"].as_array().unwrap().iter().find(|check| check["name"] == "TLS dev").cloned().unwrap();
        (check["status"].as_str().unwrap().to_owned(), check["message"].as_str().unwrap().to_owned())
    };
    let url = async || {
        let (_, environment) = server.ask("GET", "/environments/shop/test", "").await;
        let services = environment["services"].as_array().unwrap().clone();
        services.iter().find_map(|service| service["urls"][0].as_str().map(str::to_owned)).expect("a service is public")
    };
    let add = async |issuer: &str| {
        let body = format!(
            r#"{{"name": "dev", "kubeconfig": "/k", "context": "dev", "domain": "{{service}}.shop.example", "requestPercent": 10, "clusterIssuer": {issuer}}}"#
        );
        server.ask("POST", "/targets", &body).await
    };
    assert_eq!(add("null").await.0, StatusCode::CREATED);
    assert_eq!(url().await, "http://api.shop.example");
    let (status, message) = tls().await;
    assert_eq!(status, "ok");
    assert!(message.contains("served without") && message.contains("`letsencrypt`"), "{message}");

    let (status, problem) = add(r#""nobody""#).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &"target-invalid".into()));
    assert!(problem["detail"].as_str().unwrap().contains("it has `letsencrypt`, `slow`"), "{problem}");

    let (status, target) = add(r#""letsencrypt""#).await;
    assert_eq!((status, &target["clusterIssuer"]), (StatusCode::CREATED, &"letsencrypt".into()));
    assert_eq!(url().await, "https://api.shop.example");
    assert_eq!(tls().await, ("ok".to_owned(), "the ClusterIssuer `letsencrypt` signs certificates".to_owned()));

    assert_eq!(add(r#""slow""#).await.0, StatusCode::CREATED, "it may come to be ready");
    assert_eq!(tls().await, ("problem".to_owned(), "the ClusterIssuer `slow` is not ready: no account yet".to_owned()));
}

#[tokio::test]
async fn a_credential_is_set_listed_and_forgotten_and_what_is_secret_never_comes_back() {
    let server = Server::with_environment().await;
    let place = "/projects/shop/credentials";
    let put = async |name: &str, body: &str| server.ask("PUT", &format!("{place}/{name}"), body).await;
    let (status, set) = put("robot", r#"{"git": "GitHub.com/acme", "password": "hunter2-hunter2"}"#).await;
    let shown = serde_json::json!({
        "name": "robot", "kind": "git", "place": "https://github.com/acme", "login": "password", "user": "x-access-token"
    });
    assert_eq!((status, &set), (StatusCode::OK, &shown));
    let (status, set) = put("hub", r#"{"registry": "ghcr.io", "user": "acme", "password": "hunter2-hunter2"}"#).await;
    assert_eq!((status, &set["place"]), (StatusCode::OK, &"ghcr.io".into()));
    for body in [
        "{}",
        r#"{"git": "ftp://x", "password": "hunter2-hunter2"}"#,
        r#"{"git": "https://x", "registry": "x", "password": "hunter2-hunter2"}"#,
        r#"{"git": "ssh://git@x", "privateKey": "hunter2-hunter2"}"#,
        r#"{"registry": "ghcr.io", "password": "hunter2-hunter2"}"#,
    ] {
        let (status, problem) = put("bad", body).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &"credential-invalid".into()), "{body}");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
    let (_, listed) = server.ask("GET", place, "").await;
    assert_eq!(listed["items"].as_array().unwrap().iter().map(|each| each["name"].clone()).collect::<Vec<_>>(), ["hub", "robot"]);
    assert!(!listed.to_string().contains("hunter2"), "{listed}");
    assert_eq!(server.ask("GET", "/projects/other/credentials", "").await.1, serde_json::json!({"items": []}));
    assert_eq!(server.ask("DELETE", &format!("{place}/hub"), "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(server.ask("DELETE", &format!("{place}/hub"), "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_is_applied_with_a_version_overwrites_no_other_one() {
    let server = Server::with_environment().await;
    let apply = async |header: &str, value: &str, file: String| {
        let request = request("POST", "/environments:apply").header(header, value).body(Body::from(file)).unwrap();
        let response = server.send(request).await;
        let tag = response.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
        let (status, body) = read(response).await;
        (status.as_u16(), tag, body["code"].as_str().map(str::to_owned))
    };
    let changed = FILE.replace("7.2", "7.4");
    let exists = (412, None, Some("environment-exists".to_owned()));
    assert_eq!(apply("if-none-match", "*", changed.clone()).await, exists);
    assert_eq!(apply("if-match", "\"1\"", changed.clone()).await, (200, Some("\"2\"".to_owned()), None));
    let stale = (412, None, Some("version-stale".to_owned()));
    assert_eq!(apply("if-match", "\"1\"", FILE.to_owned()).await, stale, "somebody else was first");
    assert_eq!(server.ask("GET", "/environments/shop/test", "").await.1["version"], 2);
    let other = FILE.replace("name: test", "name: other");
    assert_eq!(apply("if-match", "\"1\"", other.clone()).await, stale, "there is none");
    assert_eq!(apply("if-none-match", "\"1\"", other.clone()).await.0, 400);
    assert_eq!(apply("if-none-match", "*", other).await, (200, Some("\"1\"".to_owned()), None));
}

#[tokio::test]
async fn secrets_are_listed_by_name_and_whether_they_have_a_value() {
    let server = Server::with_environment().await;
    server.ask("POST", "/environments:apply", &FILE.replace("secrets: []", "secrets: [A_KEY, B_KEY]")).await;
    server.ask("PUT", "/environments/shop/test/secrets/B_KEY", r#"{"value": "hunter2-hunter2"}"#).await;
    let (status, secrets) = server.ask("GET", "/environments/shop/test/secrets", "").await;
    let expected = serde_json::json!([{"name": "A_KEY", "set": false}, {"name": "B_KEY", "set": true}]);
    assert_eq!((status, secrets), (StatusCode::OK, expected));
    assert_eq!(server.ask("GET", "/environments/shop/none/secrets", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_schema_of_the_file_is_served() {
    let (status, schema) = Server::start().await.ask("GET", "/schema", "").await;
    assert_eq!((status, &schema["title"]), (StatusCode::OK, &"Slipway environment file".into()));
}
