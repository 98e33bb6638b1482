//! The pipeline edited by the API: stages, their order, where services are, and what of it a running deployment sees.

use crate::support::{FILE, Server, read, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

const STAGES: &str = "/environments/shop/test/stages";
const SERVICES: &str = "/environments/shop/test/services";

/// As a URL's path holds it.
fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn at(stage: &str) -> String {
    format!("{STAGES}/{}", encoded(stage))
}

/// Asks with `If-Match`; status, tag and body of the answer.
async fn tagged(server: &Server, method: &str, path: &str, if_match: &str, body: &Value) -> (StatusCode, Option<String>, Value) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let mut request = request(method, path);
    if !if_match.is_empty() {
        request = request.header("if-match", if_match);
    }
    let response = server.send(request.body(body).unwrap()).await;
    let tag = response.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
    let (status, body) = read(response).await;
    (status, tag, body)
}

async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let (status, _, body) = tagged(server, method, path, "", &body).await;
    (status, body)
}

/// An edit that is done; what changed, as text.
async fn done(server: &Server, method: &str, path: &str, body: Value) -> String {
    let (status, edited) = ask(server, method, path, body).await;
    assert!(status.is_success(), "{method} {path}: {edited}");
    let changes: Vec<_> = edited["changes"].as_array().unwrap().iter().map(|change| change.as_str().unwrap()).collect();
    changes.join("; ")
}

/// `name: services` of each stage of an answer.
fn shown(stages: &Value) -> Vec<String> {
    let line = |stage: &Value| {
        let services = stage["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap());
        format!("{}: {}", stage["name"].as_str().unwrap(), services.collect::<Vec<_>>().join(" ")).trim_end().to_owned()
    };
    stages.as_array().unwrap().iter().map(line).collect()
}

async fn stages(server: &Server) -> Vec<String> {
    shown(&server.ask("GET", STAGES, "").await.1)
}

#[tokio::test]
async fn stages_are_listed_with_their_services_and_the_version_of_the_environment() {
    let server = Server::with_environment().await;
    let (status, tag, stages) = tagged(&server, "GET", STAGES, "", &Value::Null).await;
    assert_eq!((status, tag.as_deref()), (StatusCode::OK, Some("\"1\"")));
    assert_eq!(
        stages[3],
        json!({"order": 3, "name": "3.DEFAULT APPLICATION", "description": "", "defaultFor": "application", "approval": "none",
               "services": [{"name": "api", "kind": "application", "skipped": false}]})
    );
    let (_, tag, environment) = tagged(&server, "GET", "/environments/shop/test", "", &Value::Null).await;
    assert_eq!((tag.as_deref(), &environment["version"]), (Some("\"1\""), &json!(1)));
    assert_eq!(server.ask("GET", "/environments/shop/nothing/stages", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_pipeline_is_edited_verb_by_verb() {
    let server = Server::with_environment().await;
    let new = json!({"name": "edge", "description": "what the outside sees", "approval": "required",
                     "position": {"before": "3.DEFAULT APPLICATION"}});
    let (status, tag, added) = tagged(&server, "POST", STAGES, "", &new).await;
    assert_eq!((status, tag.as_deref(), &added["version"]), (StatusCode::CREATED, Some("\"2\""), &json!(2)));
    assert_eq!(added["changes"], json!(["stage `edge` is new, after `2.DEFAULT CONTAINER`, and waits for approval"]));
    let edge = &added["stages"][3];
    assert_eq!((&edge["description"], &edge["approval"]), (&json!("what the outside sees"), &json!("required")));
    assert_eq!(edge["defaultFor"], Value::Null);

    // Several changes in one go, all of the name that the path has.
    let change = json!({"name": "front", "description": "", "approval": "none", "position": "first"});
    assert_eq!(
        done(&server, "PATCH", &at("edge"), change).await,
        "stage `edge` has no description any more; stage `edge` waits for no approval any more; stage `edge` is the first now; \
         stage `edge` is called `front` now"
    );
    assert_eq!(
        done(&server, "PATCH", &format!("{SERVICES}/api"), json!({"stage": "front", "skipped": true})).await,
        "service `api` moves from stage `3.DEFAULT APPLICATION` to `front`; service `api` is skipped now"
    );
    assert_eq!(
        done(&server, "DELETE", &format!("{}?moveServicesTo=1.DEFAULT%20JOB", at("front")), Value::Null).await,
        "stage `front` is deleted; `api` moves to stage `1.DEFAULT JOB`"
    );
    assert_eq!(
        done(&server, "DELETE", &at("3.DEFAULT APPLICATION"), Value::Null).await,
        "stage `3.DEFAULT APPLICATION` is deleted; a new application goes to the last stage, `2.DEFAULT CONTAINER`, from now on"
    );
    let order = json!({"stages": ["2.DEFAULT CONTAINER", "0.DEFAULT DATABASE", "1.DEFAULT JOB"]});
    assert_eq!(done(&server, "PUT", &format!("{STAGES}:order"), order).await, "the stages are in another order");
    assert_eq!(stages(&server).await, ["2.DEFAULT CONTAINER: cache", "0.DEFAULT DATABASE:", "1.DEFAULT JOB: api"]);
    assert_eq!(
        done(&server, "PATCH", &format!("{SERVICES}/api"), json!({"skipped": false})).await,
        "service `api` is not skipped any more"
    );
    let (_, environment) = server.ask("GET", "/environments/shop/test", "").await;
    assert_eq!((&environment["version"], &environment["services"][1]["skipped"]), (&json!(8), &json!(false)));
}

#[tokio::test]
async fn a_stage_may_be_called_anything_that_is_printable() {
    let server = Server::with_environment().await;
    let long = "é".repeat(64);
    let names = ["a/b", "..", ".", "100% & more?", "#1", ":order", "-x", "{stage}", "ünï ¢0dę", "\"quoted\"", "%2F", "+", &long];
    for name in names {
        done(&server, "POST", STAGES, json!({"name": name})).await;
        done(&server, "PATCH", &format!("{SERVICES}/api"), json!({"stage": name})).await;
        assert_eq!(
            done(&server, "PATCH", &at(name), json!({"description": "by path"})).await,
            format!("stage `{name}` has another description")
        );
        let by_query = format!("{STAGES}?stage={}", encoded(name));
        done(&server, "PATCH", &by_query, json!({"name": "for a while"})).await;
        done(&server, "PATCH", &at("for a while"), json!({"name": name})).await;
        assert_eq!(stages(&server).await.last().unwrap(), &format!("{name}: api"));
        let (status, refused) = ask(&server, "DELETE", &by_query, Value::Null).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("stage-not-empty")), "{refused}");
        done(&server, "DELETE", &format!("{by_query}&moveServicesTo=1.DEFAULT%20JOB"), Value::Null).await;
    }
    assert_eq!(stages(&server).await.len(), 4);
}

#[tokio::test]
async fn each_refusal_has_its_status_its_code_and_what_to_do_next() {
    let server = Server::with_environment().await;
    let last = at("3.DEFAULT APPLICATION");
    let order = format!("{STAGES}:order");
    let service = format!("{SERVICES}/api");
    for (method, path, body, status, code) in [
        ("POST", STAGES, json!({"name": "1.DEFAULT JOB"}), 409, "stage-name-taken"),
        ("POST", STAGES, json!({"name": " edge"}), 422, "stage-invalid"),
        ("POST", STAGES, json!({"name": "a\tb"}), 422, "stage-invalid"),
        ("POST", STAGES, json!({"name": "a".repeat(65)}), 422, "stage-invalid"),
        ("POST", STAGES, json!({"name": "edge", "description": "a".repeat(1001)}), 422, "stage-invalid"),
        ("POST", STAGES, json!({"name": "edge", "position": {"after": "nowhere"}}), 404, "stage-not-found"),
        ("PATCH", &at("nowhere"), json!({"name": "edge"}), 404, "stage-not-found"),
        ("PATCH", &last, json!({"name": "1.DEFAULT JOB"}), 409, "stage-name-taken"),
        ("PATCH", &last, json!({"position": {"after": "3.DEFAULT APPLICATION"}}), 422, "stage-order-invalid"),
        ("DELETE", &last, Value::Null, 409, "stage-not-empty"),
        ("DELETE", &format!("{last}?moveServicesTo=nowhere"), Value::Null, 404, "stage-not-found"),
        ("PUT", &order, json!({"stages": ["1.DEFAULT JOB"]}), 422, "stage-order-invalid"),
        ("PATCH", &service, json!({"stage": "nowhere"}), 404, "stage-not-found"),
        ("PATCH", &format!("{SERVICES}/web"), json!({"skipped": true}), 404, "service-not-found"),
        ("PATCH", &format!("{SERVICES}/No"), json!({"skipped": true}), 404, "service-not-found"),
    ] {
        let (found, refused) = ask(&server, method, path, body).await;
        assert_eq!((found.as_u16(), &refused["code"]), (status, &json!(code)), "{method} {path}: {refused}");
        assert_eq!(refused["type"], json!(format!("https://slipway.dev/errors/{code}")));
        assert!(code == "stage-invalid" || code.ends_with("-found") || refused["hint"].is_string(), "{refused}");
    }
    let (_, refused) = ask(&server, "DELETE", &last, Value::Null).await;
    assert_eq!(refused["detail"], json!("the stage `3.DEFAULT APPLICATION` has services: `api`"));
    let (_, _, stages) = tagged(&server, "GET", STAGES, "", &Value::Null).await;
    assert_eq!(stages.as_array().unwrap().len(), 4, "nothing of it was done");
}

#[tokio::test]
async fn a_body_that_says_more_less_or_something_else_is_refused() {
    let server = Server::with_environment().await;
    let stage = at("1.DEFAULT JOB");
    let order = format!("{STAGES}:order");
    let service = format!("{SERVICES}/api");
    for (method, path, body) in [
        ("POST", STAGES, ""),
        ("POST", STAGES, "{}"),
        ("POST", STAGES, "[]"),
        ("POST", STAGES, "nonsense"),
        ("POST", STAGES, r#"{"name": 1}"#),
        ("POST", STAGES, r#"{"name": "a", "defaultFor": "job"}"#),
        ("POST", STAGES, r#"{"name": "a", "name": "b"}"#),
        ("POST", STAGES, r#"{"name": "a", "approval": "perhaps"}"#),
        ("POST", STAGES, r#"{"name": "a", "position": "middle"}"#),
        ("POST", STAGES, r#"{"name": "a", "position": {"before": "1.DEFAULT JOB", "after": "2.DEFAULT CONTAINER"}}"#),
        ("PATCH", &stage, ""),
        ("PATCH", &stage, "{}"),
        ("PATCH", &stage, r#"{"stage": "a"}"#),
        ("PATCH", STAGES, r#"{"name": "a"}"#),
        ("DELETE", STAGES, ""),
        ("DELETE", &format!("{stage}?stage=2.DEFAULT%20CONTAINER"), ""),
        ("DELETE", &format!("{stage}?moveServices=2.DEFAULT%20CONTAINER"), ""),
        ("PUT", &order, ""),
        ("PUT", &order, r#"["1.DEFAULT JOB"]"#),
        ("PATCH", &service, ""),
        ("PATCH", &service, r#"{"skipped": "yes"}"#),
        ("PATCH", &service, r#"{"name": "web"}"#),
    ] {
        let (status, refused) = server.ask(method, path, body).await;
        assert_eq!(
            (status, &refused["code"]),
            (StatusCode::BAD_REQUEST, &json!("request-invalid")),
            "{method} {path} {body}: {refused}"
        );
    }
    assert_eq!(server.ask("PUT", STAGES, "").await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_edit_for_another_version_than_the_one_there_is_is_refused() {
    let server = Server::with_environment().await;
    let stage = at("1.DEFAULT JOB");
    let named = |name: &str| json!({"name": name});
    let (status, tag, _) = tagged(&server, "PATCH", &stage, "\"1\"", &named("jobs")).await;
    assert_eq!((status, tag.as_deref()), (StatusCode::OK, Some("\"2\"")));
    for stale in ["\"1\"", "\"3\", \"1\"", "W/\"2\"", "\"x\""] {
        let (status, tag, refused) = tagged(&server, "PATCH", &at("jobs"), stale, &named("work")).await;
        assert_eq!((status, tag), (StatusCode::PRECONDITION_FAILED, None), "{stale}");
        assert_eq!(
            (&refused["code"], &refused["type"]),
            (&json!("version-stale"), &json!("https://slipway.dev/errors/version-stale"))
        );
    }
    // The version is looked at first: to whom it is stale, no other refusal means anything.
    assert_eq!(tagged(&server, "PATCH", &stage, "\"1\"", &named("jobs")).await.0, StatusCode::PRECONDITION_FAILED);
    assert_eq!(tagged(&server, "PATCH", &at("jobs"), "2", &named("work")).await.0, StatusCode::BAD_REQUEST);
    for current in ["\"2\"", "*", "\"1\", \"2\""] {
        let (status, tag, same) = tagged(&server, "PATCH", &at("jobs"), current, &named("jobs")).await;
        assert_eq!((status, tag.as_deref(), &same["changes"]), (StatusCode::OK, Some("\"2\""), &json!([])), "nothing changed");
    }
    let other = [
        ("DELETE", at("jobs"), Value::Null),
        ("POST", STAGES.to_owned(), named("edge")),
        ("PUT", format!("{STAGES}:order"), json!({"stages": []})),
        ("PATCH", format!("{SERVICES}/api"), json!({"skipped": true})),
    ];
    for (method, path, body) in other {
        assert_eq!(tagged(&server, method, &path, "\"1\"", &body).await.0, StatusCode::PRECONDITION_FAILED, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_edits_at_the_same_time_none_is_lost_and_with_if_match_one_wins() {
    let server = Server::with_environment().await;
    let add = |number: usize, if_match: &'static str| {
        let (router, body) = (server.router.clone(), Body::from(json!({"name": format!("s{number}")}).to_string()));
        let mut request = request("POST", STAGES);
        if !if_match.is_empty() {
            request = request.header("if-match", if_match);
        }
        let request = request.body(body).unwrap();
        tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await.unwrap().status() })
    };
    let all: Vec<_> = (0..32).map(|number| add(number, "")).collect();
    for answer in all {
        assert_eq!(answer.await.unwrap(), StatusCode::CREATED);
    }
    let (_, tag, listed) = tagged(&server, "GET", STAGES, "", &Value::Null).await;
    assert_eq!((tag.as_deref(), listed.as_array().unwrap().len()), (Some("\"33\""), 36));
    let all: Vec<_> = (100..116).map(|number| add(number, "\"33\"")).collect();
    let mut won = 0;
    for answer in all {
        match answer.await.unwrap() {
            StatusCode::CREATED => won += 1,
            status => assert_eq!(status, StatusCode::PRECONDITION_FAILED),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn c10_a_service_that_comes_by_file_after_the_edits_goes_where_they_left_its_default() {
    let server = Server::with_environment().await;
    done(&server, "PATCH", &at("0.DEFAULT DATABASE"), json!({"name": "data"})).await;
    done(&server, "PATCH", &at("data"), json!({"name": "0.DEFAULT DATABASE"})).await;
    done(&server, "DELETE", &at("1.DEFAULT JOB"), Value::Null).await;
    done(&server, "POST", STAGES, json!({"name": "1.DEFAULT JOB", "position": "first"})).await;
    done(&server, "PATCH", &at("2.DEFAULT CONTAINER"), json!({"position": "last"})).await;
    done(&server, "PATCH", &format!("{SERVICES}/api"), json!({"stage": "1.DEFAULT JOB"})).await;
    let more = "  - {name: db, database: {type: redis, version: 7}}\n\
                \x20 - {name: job, job: {source: {image: {name: a, tag: b}}}}\n\
                \x20 - {name: queue, container: {image: {name: a, tag: b}}}\n\
                \x20 - {name: web, application: {git: {url: \"https://git.example/web.git\"}}}\n";
    let (status, applied) = server.ask("POST", "/environments:apply", &format!("{FILE}{more}")).await;
    assert_eq!(status, StatusCode::OK, "{applied}");
    assert_eq!(
        stages(&server).await,
        ["1.DEFAULT JOB: api", "0.DEFAULT DATABASE:", "3.DEFAULT APPLICATION: web", "2.DEFAULT CONTAINER: cache db job queue"]
    );
}

/// Stages with the services that take part, of a deployment.
async fn of_deployment(server: &Server, id: &str) -> Vec<String> {
    shown(&server.ask("GET", &format!("/deployments/{id}"), "").await.1["stages"])
}

#[tokio::test]
async fn c11_an_edit_during_a_deployment_is_for_those_that_are_accepted_after_it() {
    let server = Server::with_environment().await;
    let running = server.deploy().await;
    let queued = server.deploy().await;
    let mut events = server.events(&format!("/deployments/{running}/events"), None).await;
    events.until(|event| event.name == "service" && event.data["name"] == "api" && event.data["phase"] == "building").await;

    let before = ["0.DEFAULT DATABASE:", "1.DEFAULT JOB:", "2.DEFAULT CONTAINER: cache", "3.DEFAULT APPLICATION: api"];
    done(&server, "PATCH", &at("3.DEFAULT APPLICATION"), json!({"name": "apps", "position": "first"})).await;
    done(&server, "DELETE", &format!("{}?moveServicesTo=1.DEFAULT%20JOB", at("2.DEFAULT CONTAINER")), Value::Null).await;
    done(&server, "POST", STAGES, json!({"name": "edge"})).await;
    assert_eq!(of_deployment(&server, &running).await, before);
    server.gate.add_permits(1);
    for id in [&running, &queued] {
        let last = server.events(&format!("/deployments/{id}/events"), None).await.until(|event| event.name == "end").await;
        let last = last.into_iter().rfind(|event| event.name == "deployment").unwrap();
        assert_eq!(last.data["state"], "succeeded");
        assert_eq!(of_deployment(&server, id).await, before, "what was accepted before the edit");
    }

    done(&server, "PATCH", &format!("{SERVICES}/cache"), json!({"skipped": true})).await;
    let next = server.deploy().await;
    server.events(&format!("/deployments/{next}/events"), None).await.until(|event| event.name == "end").await;
    let after = ["apps: api", "0.DEFAULT DATABASE:", "1.DEFAULT JOB:", "edge:"];
    assert_eq!(of_deployment(&server, &next).await, after, "a skipped service takes no part");
}
