//! The disk of the registry is full in the midst of a push, and has room again. As root, for the mount.
#![cfg(feature = "client-tests")]

use std::path::Path;
use std::process::Command;

use crate::support::contract::{assert_whole, client, mirror, reference};
use crate::support::{TestRegistry, header, http, serve};
use reqwest::{Body, Client, Method, Response, StatusCode};
use slipway_core::failure::{Code, FailureKind};
use slipway_registry::Digest;
use slipway_registry::embedded::{Auth, Storage, router};
use tempfile::TempDir;

const MEBI: usize = 1 << 20;

/// A registry on a disk of 8 MiB.
struct Small {
    mount: TempDir,
    address: String,
    http: Client,
}

impl Small {
    async fn start() -> Self {
        let mount = TempDir::new().unwrap();
        run("mount", &["-t", "tmpfs", "-o", "size=8m", "tmpfs", mount.path().to_str().unwrap()]);
        let storage = Storage::open(mount.path().join("registry")).unwrap();
        let (address, _) = serve(router(storage, Auth::Anonymous)).await;
        Self { mount, address: address.to_string(), http: http() }
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Response {
        self.http.request(method, format!("http://{}/v2/{path}", self.address)).body(body).send().await.unwrap()
    }

    /// Pushes a blob as clients do, in one PATCH; the last answer.
    async fn push(&self, content: Vec<u8>) -> Response {
        let digest = Digest::sha256(&content);
        let opened = self.send(Method::POST, "a/blobs/uploads/", "").await;
        assert_eq!(opened.status(), StatusCode::ACCEPTED);
        let session = header(&opened, "location").trim_start_matches("/v2/").to_owned();
        let patched = self.send(Method::PATCH, &session, content).await;
        if patched.status() != StatusCode::ACCEPTED {
            return patched;
        }
        self.send(Method::PUT, &format!("{session}?digest={digest}"), "").await
    }

    fn unfinished(&self) -> usize {
        std::fs::read_dir(self.mount.path().join("registry/uploads")).unwrap().count()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        run("umount", &["--lazy", self.mount.path().to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?} must run as root");
}

/// Fills a disk but for so many MiB.
fn fill(folder: &Path, left: usize) {
    std::fs::write(folder.join("filler"), vec![7; (8 - left) * MEBI]).unwrap();
}

#[tokio::test]
async fn a_push_to_a_full_disk_says_so_registers_nothing_and_gives_its_space_back() {
    let small = Small::start().await;
    let (small_blob, large_blob) = (vec![1; MEBI], vec![2; 16 * MEBI]);
    assert_eq!(small.push(small_blob.clone()).await.status(), StatusCode::CREATED);
    for _ in 0..3 {
        let refused = small.push(large_blob.clone()).await;
        assert_eq!(refused.status(), StatusCode::INSUFFICIENT_STORAGE);
        assert!(refused.text().await.unwrap().contains("the registry's disk is full; free space there"));
        assert_eq!(small.unfinished(), 0, "the space is free again");
    }
    let large = Digest::sha256(&large_blob);
    assert_eq!(small.send(Method::HEAD, &format!("a/blobs/{large}"), "").await.status(), StatusCode::NOT_FOUND);
    // In one request, as small clients push: the same.
    let whole = small.send(Method::POST, &format!("a/blobs/uploads/?digest={large}"), large_blob).await;
    assert_eq!((whole.status(), small.unfinished()), (StatusCode::INSUFFICIENT_STORAGE, 0));
    // Others go on.
    assert_eq!(small.push(vec![3; 5 * MEBI]).await.status(), StatusCode::CREATED);
    let kept = small.send(Method::GET, &format!("a/blobs/{}", Digest::sha256(&small_blob)), "").await;
    assert_eq!(kept.bytes().await.unwrap(), small_blob);
}

#[tokio::test]
async fn a_copy_into_a_full_registry_may_be_tried_again_and_succeeds_when_there_is_room() {
    let (small, source) = (Small::start().await, TestRegistry::start().await);
    let digest = source.push_image("team/app", "v1", &"layer".repeat(6)).await;
    let named = reference(&format!("{}/team/app:v1@{digest}", source.address));
    let own = client(&small.address);
    fill(small.mount.path(), 2);
    let failure = mirror(&own, &named).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RegistryUnavailable), "{failure}");
    assert!(failure.message.contains("the registry's disk is full"), "{failure}");
    assert_eq!(small.unfinished(), 0);
    let repository = format!("mirror/{}/team/app", source.address.to_string().replace(':', "_"));
    let absent = small.send(Method::HEAD, &format!("{repository}/manifests/{digest}"), "").await;
    assert_eq!(absent.status(), StatusCode::NOT_FOUND);
    std::fs::remove_file(small.mount.path().join("filler")).unwrap();
    assert_eq!(mirror(&own, &named).await.unwrap(), repository);
    assert_whole(&small.http, &small.address, &repository, &digest.to_string()).await;
}
