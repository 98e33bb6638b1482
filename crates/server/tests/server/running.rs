//! What runs, as the API tells it; commands, streams and runs of jobs through it.

use crate::support::{HOST, Server, TOKEN};
use axum::http::StatusCode;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use slipway_core::failure::{Code, Failure};
use slipway_core::running::RunningStatus;
use slipway_ports::{RunningPod, RunningService};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

const SHOP: &str = "/environments/shop/test";

fn running(service: &str, status: RunningStatus, reason: Option<&str>) -> RunningService {
    let pod = RunningPod {
        name: format!("{service}-0"),
        phase: "Running".to_owned(),
        ready: status == RunningStatus::Running,
        reason: reason.map(str::to_owned),
        node: None,
        started: None,
        containers: Vec::new(),
    };
    RunningService {
        status,
        reason: reason.map(str::to_owned),
        ready: 1,
        wanted: 1,
        addresses: Vec::new(),
        pods: vec![pod],
        last_run: None,
    }
}

fn both_run(server: &Server) {
    for service in ["api", "cache"] {
        server.world.runs(service, Some(running(service, RunningStatus::Running, None)));
    }
}

#[tokio::test]
async fn what_runs_is_told_once_and_then_each_change() {
    let server = Server::with_environment().await;
    let (status, view) = server.ask("GET", &format!("{SHOP}/running"), "").await;
    assert_eq!((status, &view["status"], &view["services"][0]["status"]), (StatusCode::OK, &json!("stopped"), &json!("stopped")));
    both_run(&server);
    let mut events = server.events(&format!("{SHOP}/running/events"), None).await;
    let seen = events.until(|event| event.data["status"] == "running").await;
    let last = seen.last().unwrap();
    assert_eq!(seen[0].name, "running");
    assert!(last.data["services"].as_array().unwrap().iter().all(|service| service["status"] == "running"), "{last:?}");
    server.world.runs("api", Some(running("api", RunningStatus::Error, Some("CrashLoopBackOff: exit code 3"))));
    let change = events.next().await.unwrap();
    assert_eq!((change.name.as_str(), &change.data["status"]), ("change", &json!("warning")));
    let services = change.data["services"].as_array().unwrap();
    assert_eq!((services.len(), &services[0]["reason"]), (1, &json!("CrashLoopBackOff: exit code 3")));
    // Another who looks shares the watch, and one that is not there is not found.
    let watches = server.world.count("watch");
    assert_eq!(server.ask("GET", &format!("{SHOP}/running"), "").await.1["status"], "warning");
    assert_eq!(server.world.count("watch"), watches);
    assert_eq!(server.ask("GET", "/environments/shop/other/running", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_said_to_and_watched_again() {
    let server = Server::with_environment().await;
    both_run(&server);
    server.world.fail("watch", Failure::retry(Code::ClusterUnreachable, "the API server is away"));
    let mut events = server.events(&format!("{SHOP}/running/events"), None).await;
    let away = events.next().await.unwrap();
    assert_eq!((away.name.as_str(), &away.data["code"]), ("away", &json!("cluster-unreachable")));
    let (status, problem) = server.ask("GET", &format!("{SHOP}/running"), "").await;
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("cluster-unreachable")));
    let back = events.next().await.unwrap();
    assert_eq!((back.name.as_str(), &back.data["status"]), ("running", &json!("running")));
}

#[tokio::test]
async fn lines_of_pods_go_on_after_the_last_one_that_was_seen() {
    let server = Server::with_environment().await;
    for path in ["follow=true", "follow=true&tail=4", "follow=true&since=1970-01-01T00:00:01Z"] {
        let path = format!("{SHOP}/services/api/logs?{path}");
        let mut all = server.events(&path, None).await;
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(all.next().await.unwrap());
        }
        for cut in 0..4 {
            let mut rest = server.events(&path, seen[cut].id.as_deref()).await;
            for line in &seen[cut + 1..] {
                assert_eq!(rest.next().await.as_ref(), Some(line), "after {cut}");
            }
        }
    }
}

/// A websocket to the server, with these headers instead of the usual ones.
async fn open(
    server: &Server,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, (u16, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(slipway_server::answer(listener, server.router.clone(), server.shutdown.clone()));
    let mut request = format!("ws://{HOST}/api/v1{path}").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            Err((response.status().as_u16(), String::from_utf8(body).unwrap()))
        }
        Err(error) => panic!("{error}"),
    }
}

fn text(value: &serde_json::Value) -> Message {
    Message::text(value.to_string())
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Option<Message> {
    let next = tokio::time::timeout(std::time::Duration::from_secs(20), socket.next()).await.expect("a message in time");
    next.and_then(Result::ok).filter(|message| !message.is_close())
}

fn json_of(message: Option<Message>) -> serde_json::Value {
    serde_json::from_str(message.expect("a message").to_text().unwrap()).unwrap()
}

#[tokio::test]
async fn a_command_gets_input_and_sizes_and_its_end_is_told() {
    let server = Server::with_environment().await;
    both_run(&server);
    let mut socket = open(&server, &format!("{SHOP}/services/api/exec"), &[]).await.unwrap();
    socket.send(text(&json!({"start": {"command": ["exit", "7"], "terminal": true, "input": true}}))).await.unwrap();
    socket.send(text(&json!({"resize": {"columns": 97, "rows": 31}}))).await.unwrap();
    socket.send(Message::binary(b"hello".to_vec())).await.unwrap();
    socket.send(text(&json!("end"))).await.ok();
    let mut output = Vec::new();
    let end = loop {
        match next(&mut socket).await {
            Some(Message::Binary(bytes)) => output.push((bytes[0], String::from_utf8(bytes[1..].to_vec()).unwrap())),
            other => break json_of(other),
        }
    };
    let said = |stream: u8, text: &str| (stream, text.to_owned());
    assert_eq!(output, [said(2, "exit 7"), said(1, "97x31"), said(1, "hello")]);
    assert_eq!(end, json!({"exit": 7}));
    assert_eq!(server.world.count("exec api-0 exit 7"), 1);
}

#[tokio::test]
async fn a_command_that_can_not_be_run_is_a_problem() {
    let server = Server::with_environment().await;
    let path = format!("{SHOP}/services/api/exec");
    for (first, code) in [
        (text(&json!({"start": {"command": ["ls"]}})), "pod-unavailable"),
        (text(&json!({"start": {"command": []}})), "request-invalid"),
        (text(&json!({"resize": {"columns": 1, "rows": 1}})), "request-invalid"),
        (text(&json!({"start": {"command": ["ls"], "shell": true}})), "request-invalid"),
        (Message::binary(vec![1]), "request-invalid"),
    ] {
        let mut socket = open(&server, &path, &[]).await.unwrap();
        socket.send(first).await.unwrap();
        assert_eq!(json_of(next(&mut socket).await)["problem"]["code"], code);
    }
    // A client that leaves ends the command.
    both_run(&server);
    server.world.hold("exec api-0 sleep");
    let mut socket = open(&server, &path, &[]).await.unwrap();
    socket.send(text(&json!({"start": {"command": ["sleep"]}}))).await.unwrap();
    server.world.begun("exec api-0 sleep").await;
    drop(socket);
}

#[tokio::test]
async fn only_those_who_may_open_websockets_and_only_to_services_of_the_environment() {
    let server = Server::with_environment().await;
    both_run(&server);
    for path in ["services/api/exec", "services/api/ports/80"] {
        let path = format!("{SHOP}/{path}");
        for (headers, status) in [
            ([("authorization", "Bearer nonsense")], 401),
            ([("origin", "https://evil.example")], 403),
            ([("host", "evil.example:7878")], 403),
        ] {
            assert_eq!(open(&server, &path, &headers).await.err().map(|(status, _)| status), Some(status), "{path} {headers:?}");
        }
        let (status, problem) = server.ask("GET", &path, "").await;
        assert!(status.is_client_error() && problem["code"] == "request-invalid", "{status} {problem}");
    }
    for path in ["services/other/exec", "services/other/ports/80", "services/api/ports/99999"] {
        let (status, body) = open(&server, &format!("{SHOP}/{path}"), &[]).await.err().unwrap();
        assert!((400..500).contains(&status) && body.contains("\"code\""), "{path} {status} {body}");
    }
}

#[tokio::test]
async fn bytes_go_to_a_port_and_back_until_one_side_ends() {
    let server = Server::with_environment().await;
    both_run(&server);
    let mut socket = open(&server, &format!("{SHOP}/services/api/ports/8080"), &[]).await.unwrap();
    assert_eq!(json_of(next(&mut socket).await), json!({"pod": "api-0"}));
    let sent: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let (mut sink, mut stream) = socket.split();
    let sending = async {
        for piece in sent.chunks(50_000) {
            sink.send(Message::binary(piece.to_vec())).await.unwrap();
        }
        sink.send(text(&json!("end"))).await.unwrap();
    };
    let receiving = async {
        let mut back = Vec::new();
        while let Some(Ok(Message::Binary(bytes))) = stream.next().await {
            back.extend(bytes);
        }
        back
    };
    let ((), back) = tokio::join!(sending, receiving);
    assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
    let (status, body) = open(&server, &format!("{SHOP}/services/api/ports/8080?pod=cache-0"), &[]).await.err().unwrap();
    assert!(status == 422 && body.contains("pod-unavailable"), "{status} {body}");
}

const JOBS: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: jobs
services:
  - name: nightly
    job:
      schedule: {cron: \"0 3 * * *\"}
      source: {image: {name: docker.io/library/redis, tag: \"7.2\"}}
  - name: migrate
    job:
      on: [start]
      source: {image: {name: docker.io/library/redis, tag: \"7.2\"}}
  - name: cache
    container:
      image: {name: docker.io/library/redis, tag: \"7.2\"}
";

#[tokio::test]
async fn a_cron_job_is_run_now_and_others_are_refused() {
    let server = Server::with_environment().await;
    assert_eq!(server.ask("POST", "/environments:apply", JOBS).await.0, StatusCode::OK);
    let below = |path: &str| format!("/environments/shop/jobs/services/{path}");
    let (status, run) = server.ask("POST", &below("nightly/runs"), r#"{"token": "abc1"}"#).await;
    assert_eq!((status, &run["name"]), (StatusCode::CREATED, &json!("nightly-abc1")));
    let (_, other) = server.ask("POST", &below("nightly/runs"), "").await;
    assert_eq!(other["name"].as_str().unwrap().len(), "nightly-".len() + 12);
    let mut events = server.events(&below("nightly/runs/nightly-abc1/events"), None).await;
    let seen = events.until(|event| event.name == "end").await;
    assert!(seen.iter().any(|event| event.name == "line" && event.data["text"] == "two"), "{seen:?}");
    for (path, body, status) in [
        ("migrate/runs", "", StatusCode::UNPROCESSABLE_ENTITY),
        ("cache/runs", "", StatusCode::UNPROCESSABLE_ENTITY),
        ("other/runs", "", StatusCode::NOT_FOUND),
        ("nightly/runs", r#"{"token": "A b"}"#, StatusCode::BAD_REQUEST),
    ] {
        let (found, problem) = server.ask("POST", &below(path), body).await;
        assert_eq!(found, status, "{path} {problem}");
    }
    let (_, problem) = server.ask("POST", &below("migrate/runs"), "").await;
    assert!(problem["hint"].as_str().unwrap().contains("slipway deploy --service migrate"), "{problem}");
    let (status, _) = server.ask("GET", &below("nightly/runs/a%2Cb/events"), "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_job_that_has_not_run_keeps_an_environment_from_nothing() {
    let server = Server::with_environment().await;
    assert_eq!(server.ask("POST", "/environments:apply", JOBS).await.0, StatusCode::OK);
    server.world.runs("cache", Some(running("cache", RunningStatus::Running, None)));
    let (_, view) = server.ask("GET", "/environments/shop/jobs/running", "").await;
    assert_eq!((&view["status"], &view["services"][1]["reason"]), (&json!("running"), &json!("it has not run")));
}
