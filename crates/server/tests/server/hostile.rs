//! No request makes the server fail: whatever comes is answered, and what is refused says why as problem details.

use std::cell::Cell;

use crate::support::{FILE, Server, request};
use axum::body::Body;
use axum::http::{Response, header};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::{Value, json};

/// A request, as far as it is random.
#[derive(Debug, Clone)]
struct Asked {
    method: &'static str,
    path: String,
    last_event_id: Option<String>,
    body: Vec<u8>,
}

fn text() -> impl Strategy<Value = String> {
    let known = [
        "",
        "shop",
        "test",
        "api",
        "cache",
        "-",
        "..",
        "a/b",
        "\0",
        "\u{202e}",
        "{service}",
        "{service}.localhost",
        "/k",
        "/dev/zero",
        "/",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => (any::<char>(), 0_usize..5000).prop_map(|(character, count)| character.to_string().repeat(count)),
    ]
}

/// A value of any shape, with the keys that bodies have.
fn value() -> impl Strategy<Value = Value> {
    let keys = [
        "service",
        "value",
        "name",
        "kubeconfig",
        "context",
        "domain",
        "requestPercent",
        "isDefault",
        "prune",
        "ingressPort",
        "x",
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (0..200).prop_map(Value::from),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, move |inner| {
        let entry = (prop::sample::select(keys.to_vec()).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            3 => prop::collection::vec(entry, 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

fn target() -> impl Strategy<Value = Value> {
    (text(), text(), text(), prop_oneof![2 => 1..101, 1 => any::<i32>()]).prop_map(|(kubeconfig, context, domain, percent)| {
        json!({"kubeconfig": kubeconfig, "context": context, "domain": domain, "requestPercent": percent})
    })
}

/// The environment file with some of its characters changed.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), 0_usize..8, "[a-z0-9: {}\\[\\]\"'\n&*-]{0,4}|\\PC");
    prop::collection::vec(edit, 0..4).prop_map(|edits| {
        let mut characters: Vec<char> = FILE.chars().collect();
        for (index, removed, inserted) in edits {
            let start = index.index(characters.len() + 1);
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, inserted.chars());
        }
        characters.into_iter().collect::<String>().into_bytes()
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => value().prop_map(|value| value.to_string().into_bytes()),
        2 => target().prop_map(|value| value.to_string().into_bytes()),
        3 => file(),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => prop::sample::select(vec!["", "{", "null", "{\"value\":1e999}", "{\"service\":\"api\"}", "{\"value\":\"x\"}"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(vec!["[", "{\"a\":", "- ", "{a: "]).prop_map(|open| open.repeat(100_000).into_bytes()),
        1 => Just(vec![b'a'; (1 << 20) + 1]),
    ]
}

/// A part of a path as it is sent: encoded, or not well.
fn segment() -> impl Strategy<Value = String> {
    let known = ["shop", "test", "api", "cache", "nothing", "..", "%2e%2e", "%00", "%ff", "%", "%2F", "a%0d%0ab", "", "{id}"];
    prop_oneof![
        6 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9._~!$&'()*+,;=:@%-]{0,12}",
        1 => Just("a".repeat(5000)),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["cursor", "limit", "service", "phase", "tail", "prune", "follow", "x"]);
    let value = prop::sample::select(vec![
        "0",
        "1",
        "-1",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "true",
        "build",
        "api",
        "%ff",
        "%",
        "",
    ]);
    prop::collection::vec((name, value).prop_map(|(name, value)| format!("{name}={value}")), 0..3)
        .prop_map(|pairs| pairs.join("&"))
}

/// Every path of the API but the one that ends it; `{id}` stands for a deployment that there is.
fn path() -> impl Strategy<Value = String> {
    let environment = (segment(), segment()).prop_map(|(project, name)| format!("/environments/{project}/{name}"));
    let known = prop::sample::select(vec!["/environments/shop/test".to_owned()]);
    let environment = prop_oneof![2 => known, 1 => environment];
    let below = prop_oneof![
        Just(String::new()),
        Just("/plan".to_owned()),
        Just("/deployments".to_owned()),
        segment().prop_map(|secret| format!("/secrets/{secret}")),
        segment().prop_map(|service| format!("/services/{service}/logs")),
    ];
    let id = prop_oneof![2 => Just("{id}".to_owned()), 1 => segment()];
    let of_deployment = (id, prop::sample::select(vec!["", "/events", "/cancel", "/logs"]));
    prop_oneof![
        6 => (environment, below).prop_map(|(environment, below)| environment + &below),
        4 => of_deployment.prop_map(|(id, below)| format!("/deployments/{id}{below}")),
        4 => prop::sample::select(vec!["/version", "/targets", "/environments", "/environments:apply", "/environments:validate"])
            .prop_map(str::to_owned),
        1 => prop::collection::vec(segment(), 0..5).prop_map(|segments| format!("/{}", segments.join("/"))),
    ]
}

/// A method with a path that takes it, and a body that may be right.
fn fitting() -> BoxedStrategy<(&'static str, String, Vec<u8>)> {
    let environment = "/environments/shop/test";
    let nothing = || Just(Vec::new()).boxed();
    let json = |value: BoxedStrategy<Value>| value.prop_map(|value| value.to_string().into_bytes()).boxed();
    let secret = json(text().prop_map(|value| json!({"value": value})).boxed());
    let scope = json(prop::option::of(text()).prop_map(|service| json!({"service": service})).boxed());
    let routes: Vec<(&'static str, String, BoxedStrategy<Vec<u8>>)> = vec![
        ("GET", "/doctor".to_owned(), nothing()),
        ("POST", "/targets".to_owned(), json(target().boxed())),
        ("POST", "/environments:apply".to_owned(), file().boxed()),
        ("POST", "/environments:validate".to_owned(), file().boxed()),
        ("POST", format!("{environment}/plan"), nothing()),
        ("PUT", format!("{environment}/secrets/PASSWORD"), secret),
        ("GET", format!("{environment}/services/cache/logs"), nothing()),
        ("GET", format!("{environment}/deployments"), nothing()),
        ("POST", format!("{environment}/deployments"), nothing()),
        ("GET", "/deployments/{id}".to_owned(), nothing()),
        ("GET", "/deployments/{id}/events".to_owned(), nothing()),
        ("GET", "/deployments/{id}/logs".to_owned(), nothing()),
        ("POST", "/deployments/{id}/cancel".to_owned(), scope),
    ];
    let routes = routes.into_iter().map(|(method, path, right)| {
        let body = prop_oneof![3 => right, 1 => body()];
        body.prop_map(move |body| (method, path.clone(), body)).boxed()
    });
    prop::strategy::Union::new(routes).boxed()
}

fn asked() -> impl Strategy<Value = Asked> {
    let methods = prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
    let any = (methods, path(), body());
    let query = prop_oneof![Just(String::new()), query()];
    let last = prop::option::of(prop_oneof!["[0-9]{1,22}-[0-9]{1,22}", "[ -~]{0,8}"]);
    (prop_oneof![3 => fitting(), 1 => any], query, last).prop_map(|((method, path, body), query, last_event_id)| Asked {
        method,
        path: format!("{path}?{query}"),
        last_event_id,
        body,
    })
}

/// What an answer must be.
async fn check(asked: &Asked, response: Response<Body>) -> Result<(), TestCaseError> {
    let status = response.status();
    prop_assert!(!status.is_server_error(), "{status}: {asked:?}");
    let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
    if kind == "text/event-stream" {
        return Ok(()); // It may go on for ever; that events are right is proved elsewhere.
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    prop_assert!(body.len() < 8 << 20, "an answer of {} bytes: {asked:?}", body.len());
    if status.is_client_error() && asked.method != "HEAD" {
        prop_assert_eq!(kind, "application/problem+json", "{}: {:?}", status, asked);
        let problem: Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(problem["status"].as_u64(), Some(u64::from(status.as_u16())));
        prop_assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    }
    Ok(())
}

#[test]
fn no_request_makes_it_fail() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (server, deployment) = runtime.block_on(async {
        let server = Server::with_environment().await;
        let deployment = server.deploy().await;
        (server, deployment)
    });
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    let configuration = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(configuration)
        .run(&prop::collection::vec(asked(), 1..8), |requests| {
            runtime.block_on(async {
                for asked in &requests {
                    let mut request = request(asked.method, &asked.path.replace("{id}", &deployment));
                    if let Some(id) = &asked.last_event_id {
                        request = request.header("last-event-id", id);
                    }
                    // What is no HTTP never gets here.
                    let Ok(request) = request.body(Body::from(asked.body.clone())) else { continue };
                    let response = server.send(request).await;
                    let count = if response.status().is_success() { &taken } else { &refused };
                    count.set(count.get() + 1);
                    check(asked, response).await?;
                }
                Ok(())
            })
        })
        .unwrap();
    let (taken, refused) = (taken.get(), refused.get());
    assert!(taken > 20 && refused > 20, "{taken} requests were taken and {refused} refused: that proves little");
}

#[tokio::test]
async fn a_cursor_beyond_everything_is_neither_before_the_first() {
    let server = Server::with_environment().await;
    let id = server.deploy().await;
    let events = format!("/deployments/{id}/events");
    let said = server.events(&events, None).await.until(|event| event.name == "log" && event.data["text"] == "before 19").await;
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    for cursor in ["9223372036854775807", "9223372036854775808", "18446744073709551615"] {
        let (_, log) = server.ask("GET", &format!("/deployments/{id}/logs?cursor={cursor}"), "").await;
        assert_eq!(count(&log), 0, "{cursor}");
        let (_, history) = server.ask("GET", &format!("/environments/shop/test/deployments?cursor={cursor}"), "").await;
        assert_eq!(count(&history), 1, "{cursor}");
        let version = said.iter().rev().find_map(crate::support::Event::seen).unwrap().0;
        let mut resumed = server.events(&events, Some(&format!("{version}-{cursor}"))).await;
        server.gate.add_permits(1);
        let rest = resumed.until(|event| event.name == "end").await;
        assert!(rest.iter().all(|event| event.name != "log"), "{cursor}: {rest:#?}");
    }
}
