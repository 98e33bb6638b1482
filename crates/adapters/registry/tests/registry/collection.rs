//! Garbage is collected while clients push, mount and pull.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::{OCI_MANIFEST, TestRegistry, descriptor};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_registry::Digest;
use slipway_registry::embedded::{Ages, Kept};

const AGES: Ages = Ages { unused: Duration::from_hours(24), unfinished: Duration::from_hours(1) };
const PUSHERS: usize = 6;
const ROUNDS: usize = 12;

/// Makes everything below a folder look as if nobody had used it for long.
fn age(folder: &Path) {
    let mut pending: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        // What the collection removes meanwhile is old enough.
        if path.is_dir() {
            pending.extend(std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path()));
        } else if let Ok(file) = File::options().write(true).open(path) {
            file.set_modified(SystemTime::now() - Duration::from_hours(48)).unwrap();
        }
    }
}

/// Pushes a layer as clients do: only when the registry does not say that it has it, or mounts it.
async fn push_layer(registry: &TestRegistry, repository: &str, other: &str, content: &[u8]) -> Value {
    let digest = Digest::sha256(content);
    let known = registry.send(Method::HEAD, &format!("{repository}/blobs/{digest}")).await;
    if known.status() == StatusCode::NOT_FOUND {
        let mount = format!("{repository}/blobs/uploads/?mount={digest}&from={other}");
        let mounted = registry.send(Method::POST, &mount).await;
        if mounted.status() == StatusCode::ACCEPTED {
            registry.push_blob(repository, content).await;
        } else {
            assert_eq!(mounted.status(), StatusCode::CREATED);
        }
    }
    descriptor("application/vnd.oci.image.layer.v1.tar", &digest, content.len())
}

async fn push(registry: Arc<TestRegistry>, pusher: usize) {
    let (repository, other) = (format!("pushed/{pusher}"), format!("pushed/{}", (pusher + 1) % PUSHERS));
    for round in 0..ROUNDS {
        // Layers that other rounds and repositories have too, and that nobody needs between two rounds.
        let mut layers = Vec::new();
        for layer in 0..3 {
            layers.push(push_layer(&registry, &repository, &other, format!("layer {}", (round + layer) % 4).as_bytes()).await);
        }
        let config = push_layer(&registry, &repository, &other, format!("{pusher} {round}").as_bytes()).await;
        let manifest = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers });
        let digest = registry.push_manifest(&repository, "latest", OCI_MANIFEST, &manifest).await;
        assert_whole(&registry, &repository, "latest").await;
        registry.send(Method::DELETE, &format!("{repository}/manifests/{digest}")).await;
        age(&registry.directory.path().join("repositories").join(&repository));
    }
}

/// Pulls an image to its last blob.
async fn assert_whole(registry: &TestRegistry, repository: &str, reference: &str) {
    let manifest: Value = registry.get(&format!("{repository}/manifests/{reference}")).await.json().await.unwrap();
    for part in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
        let digest = part["digest"].as_str().unwrap();
        let blob = registry.get(&format!("{repository}/blobs/{digest}")).await;
        assert_eq!(blob.status(), StatusCode::OK, "{digest} of {repository}:{reference}");
        assert_eq!(Digest::sha256(&blob.bytes().await.unwrap()).to_string(), digest);
    }
}

#[tokio::test]
async fn the_provenance_of_a_kept_image_is_kept_and_that_of_another_is_not() {
    let registry = TestRegistry::start().await;
    let kept = registry.push_built("kept", "k1-1", "debian@12", &"1".repeat(64)).await;
    let unused = registry.push_built("unused", "k1-1", "debian@12", &"2".repeat(64)).await;
    age(registry.directory.path());
    let mut keep = Kept::default();
    keep.keep_tag("kept".parse().unwrap(), "k1-1".parse().unwrap());
    registry.storage.collect_garbage(&keep, AGES, &|| true).unwrap();
    let address = registry.address.to_string();
    crate::support::contract::assert_whole(&registry.http, &address, "kept", &kept.to_string()).await;
    assert_eq!(registry.get(&format!("unused/manifests/{unused}")).await.status(), StatusCode::NOT_FOUND);
    let freed = registry.storage.collect_garbage(&Kept::default(), AGES, &|| true).unwrap();
    assert_eq!(freed.manifests, 0, "what was just read is used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_collection_takes_nothing_that_a_push_in_flight_relies_on() {
    let registry = Arc::new(TestRegistry::start().await);
    let mut kept = Kept::default();
    registry.push_image("kept", "v1", "kept").await;
    registry.push_image("unused", "v1", "unused").await;
    kept.keep_tag("kept".parse().unwrap(), "v1".parse().unwrap());
    age(&registry.directory.path().join("repositories"));

    let over = Arc::new(AtomicBool::new(false));
    let (storage, ends) = (registry.storage.clone(), over.clone());
    let collecting = tokio::task::spawn_blocking(move || {
        let mut freed = 0;
        while !ends.load(Ordering::SeqCst) {
            freed += storage.collect_garbage(&kept, AGES, &|| true).unwrap().contents;
        }
        freed
    });
    let pushes = (0..PUSHERS).map(|pusher| tokio::spawn(push(registry.clone(), pusher)));
    let pushed = futures::future::join_all(pushes).await;
    // Before anything can fail: a test that has ended waits for this.
    over.store(true, Ordering::SeqCst);
    for push in pushed {
        push.unwrap();
    }
    assert!(collecting.await.unwrap() > 4, "the collections removed what was between the pushes");
    assert_whole(&registry, "kept", "v1").await;
    assert_eq!(registry.get("unused/manifests/v1").await.status(), StatusCode::NOT_FOUND);
}
