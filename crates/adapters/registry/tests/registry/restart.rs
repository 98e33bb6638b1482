//! What a registry that was killed, or whose client went away, has and has not when it is back.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::contract::{assert_whole, client, mirror, reference};
use crate::support::{OCI_MANIFEST, TestRegistry, header};
use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use futures::StreamExt as _;
use reqwest::{Body, Client, Method, Response, StatusCode};
use slipway_core::failure::{Code, FailureKind};
use slipway_registry::Digest;
use slipway_registry::embedded::{OpenError, Storage};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tower::ServiceExt as _;

/// A registry in a process of its own, which can be killed.
struct Process {
    child: Child,
    address: SocketAddr,
    http: Client,
}

impl Process {
    fn start(directory: &Path) -> Self {
        Self::start_at(directory, "127.0.0.1:0")
    }

    fn start_at(directory: &Path, address: &str) -> Self {
        let tests = std::env::current_exe().expect("the test knows its own path");
        let program = tests.parent().and_then(Path::parent).expect("tests lie in target/<profile>/deps");
        let mut child = Command::new(program.join("examples/embedded_registry"))
            .arg(directory)
            .arg(address)
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo builds the examples before it runs tests");
        let mut line = String::new();
        let output = child.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut line).expect("the registry says where it listens");
        let address = line.trim().parse().expect("the registry prints its address");
        Self { child, address, http: crate::support::http() }
    }

    /// SIGKILL: the process gets no chance to put anything in order.
    fn kill(mut self) {
        self.child.kill().expect("the process runs");
        self.child.wait().expect("the process ends");
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Response {
        let url = format!("http://{}{path}", self.address);
        self.http.request(method, url).body(body).send().await.expect("the registry answers")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone, unless the test failed before it killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_upload_goes_on_after_the_registry_was_killed() {
    let directory = TempDir::new().unwrap();
    let content: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = Digest::sha256(&content);
    let first = Process::start(directory.path());
    let opened = first.send(Method::POST, "/v2/a/blobs/uploads/", "").await;
    let session = header(&opened, "location");
    let patch = first.send(Method::PATCH, &session, content[..1_000_000].to_vec()).await;
    assert_eq!(patch.status(), StatusCode::ACCEPTED);
    first.kill();

    let second = Process::start(directory.path());
    let status = second.send(Method::GET, &session, "").await;
    assert_eq!((status.status(), header(&status, "range")), (StatusCode::NO_CONTENT, "0-999999".to_owned()));
    let absent = second.send(Method::GET, &format!("/v2/a/blobs/{digest}"), "").await;
    assert_eq!(absent.status(), StatusCode::NOT_FOUND);
    let put = second.send(Method::PUT, &format!("{session}?digest={digest}"), content[1_000_000..].to_vec()).await;
    assert_eq!(put.status(), StatusCode::CREATED);
    second.kill();

    let third = Process::start(directory.path());
    let blob = third.send(Method::GET, &format!("/v2/a/blobs/{digest}"), "").await;
    assert!(blob.bytes().await.unwrap() == content);
}

#[tokio::test]
async fn a_kill_in_the_midst_of_a_request_leaves_no_half_blob() {
    let directory = TempDir::new().unwrap();
    let content = vec![7_u8; 3_000_000];
    let digest = Digest::sha256(&content);
    for sent in [0, 1, 65_536, 1_000_000, 2_999_999] {
        let registry = Process::start(directory.path());
        let opened = registry.send(Method::POST, "/v2/a/blobs/uploads/", "").await;
        let session = header(&opened, "location");
        let mut connection = TcpStream::connect(registry.address).await.unwrap();
        let head =
            format!("PUT {session}?digest={digest} HTTP/1.1\r\nHost: registry\r\nContent-Length: {}\r\n\r\n", content.len());
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&content[..sent]).await.unwrap();
        registry.kill();

        let registry = Process::start(directory.path());
        let blob = registry.send(Method::GET, &format!("/v2/a/blobs/{digest}"), "").await;
        assert_eq!(blob.status(), StatusCode::NOT_FOUND, "after {sent} bytes");
        let status = registry.send(Method::GET, &session, "").await;
        assert_eq!(status.status(), StatusCode::NO_CONTENT);
        let end: usize = header(&status, "range").trim_start_matches("0-").parse().unwrap();
        let have = if end == 0 { 0 } else { end + 1 };
        assert!(have <= sent, "{have} bytes of {sent}");
        if sent == 2_999_999 && have > 0 {
            let rest = content[have..].to_vec();
            let put = registry.send(Method::PUT, &format!("{session}?digest={digest}"), rest).await;
            assert_eq!(put.status(), StatusCode::CREATED, "the upload goes on from what arrived");
        }
        registry.kill();
    }
}

#[tokio::test]
async fn a_truncated_upload_registers_nothing() {
    let registry = TestRegistry::start().await;
    let content = vec![9_u8; 1_000_000];
    let digest = Digest::sha256(&content);
    let session = registry.open_upload("a").await;
    for method in ["PATCH", "PUT"] {
        let mut connection = TcpStream::connect(registry.address).await.unwrap();
        let head =
            format!("{method} /v2/{session}?digest={digest} HTTP/1.1\r\nHost: registry\r\nContent-Length: 1000000\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&content[..400_000]).await.unwrap();
        drop(connection);
        // The next request waits for the writer of the broken one: no sleep is needed to see its end.
        let late = registry.at(Method::PATCH, &session).header("content-range", "9000000-9000001").body("xx");
        assert_eq!(late.send().await.unwrap().status(), StatusCode::RANGE_NOT_SATISFIABLE);
        let blob = registry.get(&format!("a/blobs/{digest}")).await;
        assert_eq!(blob.status(), StatusCode::NOT_FOUND, "{method}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let directory = TempDir::new().unwrap();
    let registry = Process::start(directory.path());
    let config = "{}";
    let digest = Digest::sha256(config.as_bytes());
    let pushed = registry.send(Method::POST, &format!("/v2/a/b/blobs/uploads/?digest={digest}"), config).await;
    assert_eq!(pushed.status(), StatusCode::CREATED);
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
        "config": crate::support::descriptor("application/vnd.oci.image.config.v1+json", &digest, 2),
    });
    let url = format!("http://{}/v2/a/b/manifests/v1", registry.address);
    let put = registry.http.put(url).header("content-type", OCI_MANIFEST).body(manifest.to_string());
    assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    registry.kill();
    let registry = Process::start(directory.path());
    let read = registry.send(Method::GET, "/v2/a/b/manifests/v1", "").await;
    assert_eq!((read.status(), read.text().await.unwrap()), (StatusCode::OK, manifest.to_string()));
}

#[tokio::test]
async fn leftovers_are_swept_when_the_registry_opens() {
    let directory = TempDir::new().unwrap();
    let registry = Process::start(directory.path());
    let opened = |response: Response| header(&response, "location");
    let old = opened(registry.send(Method::POST, "/v2/a/blobs/uploads/", "").await);
    let young = opened(registry.send(Method::POST, "/v2/a/blobs/uploads/", "").await);
    registry.kill();
    let uploads = directory.path().join("uploads");
    let data = uploads.join(old.rsplit('/').next().unwrap()).join("data");
    let two_days_ago = SystemTime::now() - Duration::from_hours(48);
    std::fs::File::options().write(true).open(data).unwrap().set_modified(two_days_ago).unwrap();
    std::fs::write(directory.path().join("temporary/half"), "half a manifest").unwrap();

    let registry = Process::start(directory.path());
    assert_eq!(registry.send(Method::GET, &old, "").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(registry.send(Method::GET, &young, "").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(std::fs::read_dir(directory.path().join("temporary")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(uploads).unwrap().count(), 1);
}

#[test]
fn one_directory_is_served_by_one_process() {
    let directory = TempDir::new().unwrap();
    let _registry = Process::start(directory.path());
    assert!(matches!(Storage::open(directory.path()), Err(OpenError::InUse(_))));
    assert!(Storage::open_as_owner(directory.path()).is_ok(), "the other is known to be stopped for good");
}

#[tokio::test]
async fn a_copy_is_made_whole_after_the_registry_was_killed_in_its_midst() {
    let source = TestRegistry::start().await;
    let image = source.push_image("team/app", "v1", "layer").await;
    let behind = slipway_registry::embedded::router(source.storage.clone(), slipway_registry::embedded::Auth::Anonymous);
    let (stalls, stalled) = (Arc::new(AtomicBool::new(true)), Arc::new(Notify::new()));
    let (stall, told) = (Arc::clone(&stalls), Arc::clone(&stalled));
    let large = Digest::sha256(&"layer".as_bytes().repeat(100_000)).to_string();
    let (address, _) = crate::support::serve(Router::new().fallback(move |request: Request| {
        let (behind, told) = (behind.clone(), Arc::clone(&told));
        let stall = stall.load(Ordering::SeqCst) && request.method() == Method::GET && request.uri().path().ends_with(&large);
        async move {
            let response = behind.oneshot(request).await.into_response();
            if !stall {
                return response;
            }
            // Half of it, then silence.
            let half = "layer".as_bytes().repeat(50_000);
            let half = futures::stream::once(async move { Ok::<_, std::io::Error>(half) });
            let silence = futures::stream::once(async move {
                told.notify_one();
                std::future::pending().await
            });
            axum::body::Body::from_stream(half.chain(silence)).into_response()
        }
    }))
    .await;
    let directory = TempDir::new().unwrap();
    let first = Process::start(directory.path());
    let own = first.address.to_string();
    let named = reference(&format!("{address}/team/app:v1@{image}"));
    let copying = tokio::spawn({
        let (own, named) = (own.clone(), named.clone());
        async move { mirror(&client(&own), &named).await }
    });
    stalled.notified().await;
    first.kill();
    let failure = copying.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RegistryUnavailable), "{failure}");

    stalls.store(false, Ordering::SeqCst);
    let second = Process::start_at(directory.path(), &own);
    let repository = format!("/v2/mirror/{}/team/app", address.to_string().replace(':', "_"));
    let absent = second.send(Method::HEAD, &format!("{repository}/manifests/{image}"), "").await;
    assert_eq!(absent.status(), StatusCode::NOT_FOUND, "nothing is half-registered");
    let mirrored = mirror(&client(&own), &named).await.unwrap();
    assert_whole(&second.http, &own, &mirrored, &image.to_string()).await;
}
