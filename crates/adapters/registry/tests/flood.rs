//! Large, many, cut off and silent pushes: memory stays bounded, and nothing is taken for whole that is not.
//!
//! `make test-long` sets `SLIPWAY_TEST_BLOB_MIB`; by default blobs are small.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "registry/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Request;
use futures::future::join_all;
use futures::{Stream, StreamExt as _};
use reqwest::{Body, Method, StatusCode};
use sha2::{Digest as _, Sha256};
use slipway_registry::Digest;
use slipway_registry::embedded::{Auth, Storage, router};
use support::{TestRegistry, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

/// Memory is that of the process: one test at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const MEBI: usize = 1 << 20;

fn mebibytes() -> usize {
    std::env::var("SLIPWAY_TEST_BLOB_MIB").map_or(16, |text| text.parse().expect("SLIPWAY_TEST_BLOB_MIB is a number"))
}

/// The blob of a seed, piece by piece, each made when it is wanted.
fn pieces(seed: usize, mebibytes: usize) -> impl Iterator<Item = Bytes> + Clone {
    (0..mebibytes * 16).map(move |index| {
        let mut piece = vec![u8::try_from(seed % 251).unwrap(); MEBI / 16];
        piece[..8].copy_from_slice(&index.to_be_bytes());
        Bytes::from(piece)
    })
}

fn digest_of(pieces: impl Iterator<Item = Bytes>) -> Digest {
    let mut hash = Sha256::new();
    pieces.for_each(|piece| hash.update(&piece));
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}").parse().unwrap()
}

fn stream(pieces: impl Iterator<Item = Bytes>) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::iter(pieces.map(Ok))
}

/// The most memory that this process ever had, in MiB: the registry, its clients and the test.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// Begins counting [`most_memory`] anew, and returns what there is now.
fn memory_from_now() -> usize {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    most_memory()
}

async fn push(registry: &TestRegistry, repository: &str, seed: usize, mebibytes: usize) -> Digest {
    let digest = digest_of(pieces(seed, mebibytes));
    let session = registry.open_upload(repository).await;
    let body = Body::wrap_stream(stream(pieces(seed, mebibytes)));
    let patched = registry.at(Method::PATCH, &session).body(body).send().await.unwrap();
    assert_eq!(patched.status(), StatusCode::ACCEPTED);
    let put = registry.send(Method::PUT, &format!("{session}?digest={digest}")).await;
    assert_eq!(put.status(), StatusCode::CREATED, "{}", put.text().await.unwrap());
    digest
}

async fn pull(registry: &TestRegistry, repository: &str, digest: &Digest) -> Digest {
    let mut response = registry.get(&format!("{repository}/blobs/{digest}")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut hash = Sha256::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        hash.update(&chunk);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}").parse().unwrap()
}

/// What lies in the folder of uploads.
fn unfinished(registry: &TestRegistry) -> Vec<std::ffi::OsString> {
    let uploads = registry.directory.path().join("uploads");
    std::fs::read_dir(uploads).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_blob_goes_in_and_out_in_bounded_memory() {
    let _alone = ALONE.lock().await;
    let registry = TestRegistry::start().await;
    let (before, started) = (memory_from_now(), Instant::now());
    let digest = push(&registry, "large", 1, mebibytes()).await;
    let pushed = started.elapsed();
    assert_eq!(pull(&registry, "large", &digest).await, digest);
    let grown = most_memory() - before;
    println!(
        "a blob of {} MiB: pushed in {pushed:?}, pulled in {:?}, {grown} MiB",
        mebibytes(),
        started.elapsed().saturating_sub(pushed)
    );
    assert!(grown < 64, "{grown} MiB for the registry and its client");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_pushes_at_once_of_other_and_of_the_same_blobs_are_each_whole() {
    let _alone = ALONE.lock().await;
    let registry = TestRegistry::start().await;
    let mebibytes = mebibytes().div_ceil(32);
    let before = memory_from_now();
    // Every second one is the same blob, half of them into the same repository.
    let pushes = (0..32).map(|index| {
        let seed = if index % 2 == 0 { 0 } else { index };
        let (registry, repository) = (&registry, format!("r{}", index % 4));
        async move { (repository.clone(), push(registry, &repository, seed, mebibytes).await) }
    });
    let pushed = join_all(pushes).await;
    for (repository, digest) in &pushed {
        assert_eq!(pull(&registry, repository, digest).await, *digest);
    }
    let grown = most_memory() - before;
    let different: std::collections::BTreeSet<_> = pushed.iter().map(|(_, digest)| digest.to_string()).collect();
    assert_eq!((different.len(), unfinished(&registry)), (17, Vec::new()));
    println!("32 blobs of {mebibytes} MiB at once: {grown} MiB");
    assert!(grown < 160, "{grown} MiB for the registry and its clients");
}

/// Sends a part of an upload and leaves.
async fn cut_off(registry: &TestRegistry, session: &str, announced: usize, sent: &[u8]) {
    let mut connection = TcpStream::connect(registry.address).await.unwrap();
    let head = format!("PATCH /v2/{session} HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(sent).await.unwrap();
    connection.shutdown().await.unwrap();
    // The answer, if there is one, tells that it noticed.
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_that_are_cut_off_go_on_from_where_they_are() {
    let _alone = ALONE.lock().await;
    let registry = TestRegistry::start().await;
    let registry = &registry;
    let content: Vec<u8> = pieces(7, 1).flatten().collect();
    let digest = Digest::sha256(&content);
    let cuts = (0..mebibytes().max(16)).map(|index| {
        let content = &content;
        let digest = &digest;
        async move {
            let session = registry.open_upload("cut").await;
            cut_off(registry, &session, content.len(), &content[..content.len() * index / 1024]).await;
            let early = registry.send(Method::PUT, &format!("{session}?digest={digest}")).await;
            // Closed before its end, it is not that blob, and nothing of it is kept.
            assert_eq!(early.status(), StatusCode::BAD_REQUEST);
            assert_eq!(registry.get(&session).await.status(), StatusCode::NOT_FOUND);
            let session = registry.open_upload("cut").await;
            let sent = content.len() * (index + 1) / 1025;
            cut_off(registry, &session, content.len(), &content[..sent]).await;
            let status = registry.get(&session).await;
            assert_eq!(status.status(), StatusCode::NO_CONTENT);
            let last: usize = header(&status, "range").strip_prefix("0-").unwrap().parse().unwrap();
            let kept = if last == 0 { 0 } else { last + 1 };
            assert!(kept <= sent, "{kept} bytes of {sent}");
            let rest = content[kept..].to_vec();
            let range = format!("{kept}-{}", content.len() - 1);
            let put = registry.at(Method::PUT, &format!("{session}?digest={digest}")).header("content-range", range);
            assert_eq!(put.body(rest).send().await.unwrap().status(), StatusCode::CREATED);
        }
    });
    futures::stream::iter(cuts).buffer_unordered(16).collect::<Vec<()>>().await;
    assert_eq!(pull(registry, "cut", &digest).await, digest);
    assert_eq!(unfinished(registry), Vec::<std::ffi::OsString>::new());
}

#[tokio::test(start_paused = true)]
async fn a_push_that_falls_silent_is_left_and_can_go_on_later() {
    let directory = tempfile::tempdir().unwrap();
    let service = router(Storage::open(directory.path()).unwrap(), Auth::Anonymous);
    let ask = async |method: &str, path: &str, body: axum::body::Body| {
        let request = Request::builder().method(method).uri(path).body(body).unwrap();
        service.clone().oneshot(request).await.unwrap()
    };
    let started = ask("POST", "/v2/a/blobs/uploads/", axum::body::Body::empty()).await;
    let session = started.headers()["location"].to_str().unwrap().to_owned();
    let silent = futures::stream::iter([Ok::<_, std::io::Error>("hello")]).chain(futures::stream::pending());
    let before = tokio::time::Instant::now();
    let left = ask("PATCH", &session, axum::body::Body::from_stream(silent)).await;
    assert_eq!((left.status().as_u16(), before.elapsed() < Duration::from_secs(120)), (408, true));
    let status = ask("GET", &session, axum::body::Body::empty()).await;
    assert_eq!(status.headers()["range"], "0-4");
    let digest = Digest::sha256(b"hello world");
    let put = ask("PUT", &format!("{session}?digest={digest}"), axum::body::Body::from(" world")).await;
    assert_eq!(put.status().as_u16(), 201);
    let silent = axum::body::Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    assert_eq!(ask("PUT", "/v2/a/manifests/latest", silent).await.status().as_u16(), 408);
}
