//! An image and what is about it: signatures and attestations, blobs that are there already, and how many are on their way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::contract::{Lines, assert_whole, client, mirror, reference};
use crate::support::{OCI_INDEX, OCI_MANIFEST, TestRegistry, descriptor, serve};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use reqwest::StatusCode;
use serde_json::json;
use slipway_core::failure::FailureKind;
use slipway_ports::{CancellationToken, Presence, Reader, Registry, RepositoryTag};
use slipway_registry::Digest;
use slipway_registry::embedded::Auth;

/// A layer that is like no other.
fn layer_of(seed: u8) -> Vec<u8> {
    vec![seed; 100_000]
}

/// Pushes an image of the given layers.
async fn push_layers(source: &TestRegistry, repository: &str, layers: &[Vec<u8>]) -> Digest {
    let mut parts = Vec::new();
    for layer in layers {
        let digest = source.push_blob(repository, layer).await;
        parts.push(descriptor("application/vnd.oci.image.layer.v1.tar", &digest, layer.len()));
    }
    let config = source.push_blob(repository, b"{}").await;
    let config = descriptor("application/vnd.oci.image.config.v1+json", &config, 2);
    let manifest = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": parts });
    source.push_manifest(repository, "v1", OCI_MANIFEST, &manifest).await
}

/// Pushes what is about a manifest: a signature, or the like.
async fn push_about(source: &TestRegistry, repository: &str, subject: &Digest, what: &str) -> Digest {
    let layer = source.push_blob(repository, what.as_bytes()).await;
    let config = source.push_blob(repository, b"{}").await;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example.signature",
        "config": descriptor("application/vnd.oci.empty.v1+json", &config, 2),
        "layers": [descriptor("application/octet-stream", &layer, what.len())],
        "subject": descriptor(OCI_MANIFEST, subject, 1),
    });
    let digest = Digest::sha256(manifest.to_string().as_bytes());
    source.push_manifest(repository, &digest.to_string(), OCI_MANIFEST, &manifest).await
}

/// The referrers that a registry lists.
async fn referrers(registry: &TestRegistry, repository: &str, subject: &Digest) -> Vec<String> {
    let index: serde_json::Value = registry.get(&format!("{repository}/referrers/{subject}")).await.json().await.unwrap();
    index["manifests"].as_array().unwrap().iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
}

/// A registry in front of another: what `answer` leaves, the other answers.
async fn before(
    registry: &TestRegistry,
    answer: impl Fn(&Request) -> Option<Response> + Clone + Send + Sync + 'static,
) -> String {
    let behind = slipway_registry::embedded::router(registry.storage.clone(), Auth::Anonymous);
    let service = Router::new().fallback(move |request: Request| {
        let (answered, behind) = (answer(&request), behind.clone());
        async move {
            match answered {
                Some(response) => response,
                None => tower::ServiceExt::oneshot(behind, request).await.into_response(),
            }
        }
    });
    serve(service).await.0.to_string()
}

#[tokio::test]
async fn an_image_comes_with_its_signatures_and_what_is_about_these() {
    let (source, own) = (TestRegistry::start().await, TestRegistry::start().await);
    let index = source.push_index("team/app", "v1", "app").await;
    let about_index = push_about(&source, "team/app", &index, "a signature").await;
    let about_signature = push_about(&source, "team/app", &about_index, "a time stamp").await;
    let content: serde_json::Value = serde_json::from_slice(
        &source.at(reqwest::Method::GET, "team/app/manifests/v1").send().await.unwrap().bytes().await.unwrap(),
    )
    .unwrap();
    let child: Digest = content["manifests"][0]["digest"].as_str().unwrap().parse().unwrap();
    let about_child = push_about(&source, "team/app", &child, "a bill of materials").await;
    let client = client(&own.address.to_string());
    let lines = Lines::default();
    let named = reference(&format!("{}/team/app:v1@{index}", source.address));
    let repository = client.mirror(&named, &Reader::nobody(), &lines, &CancellationToken::new()).await.unwrap();
    assert!(lines.text().contains("copied 3 signatures, attestations and the like"), "{}", lines.text());
    for (subject, referrer) in [(&index, &about_index), (&about_index, &about_signature), (&child, &about_child)] {
        assert_eq!(referrers(&own, &repository, subject).await, [referrer.to_string()]);
        assert_whole(&own.http, &own.address.to_string(), &repository, &referrer.to_string()).await;
    }
}

#[tokio::test]
async fn signatures_are_found_by_a_tag_and_kept_under_one_where_a_registry_lists_none() {
    let (source, own) = (TestRegistry::start().await, TestRegistry::start().await);
    let image = source.push_image("team/app", "v1", "app").await;
    let signature = push_about(&source, "team/app", &image, "a signature").await;
    let tag = format!("sha256-{}", image.hexadecimal());
    let listed = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(OCI_MANIFEST, &signature, 1)] });
    source.push_manifest("team/app", &tag, OCI_INDEX, &listed).await;
    let old = |request: &Request| {
        request.uri().path().contains("/referrers/").then(|| (StatusCode::NOT_FOUND, "404 page not found").into_response())
    };
    let old_source = before(&source, old).await;
    // One that takes a subject for nothing special does not say so.
    let behind = slipway_registry::embedded::router(own.storage.clone(), Auth::Anonymous);
    let old_own = serve(Router::new().fallback(move |request: Request| {
        let behind = behind.clone();
        async move {
            let mut response = tower::ServiceExt::oneshot(behind, request).await.into_response();
            response.headers_mut().remove("oci-subject");
            response
        }
    }))
    .await;
    let named = reference(&format!("{old_source}/team/app:v1@{image}"));
    let repository = mirror(&client(&old_own.0.to_string()), &named).await.unwrap();
    assert_whole(&own.http, &own.address.to_string(), &repository, &signature.to_string()).await;
    let tagged: serde_json::Value = own.get(&format!("{repository}/manifests/{tag}")).await.json().await.unwrap();
    assert_eq!(tagged["manifests"][0]["digest"], signature.to_string());
}

#[tokio::test]
async fn an_image_is_mirrored_when_its_signatures_can_not_be_had_and_the_log_says_so() {
    let (source, own) = (TestRegistry::start().await, TestRegistry::start().await);
    let image = source.push_image("team/app", "v1", "app").await;
    let signature = push_about(&source, "team/app", &image, "a signature").await;
    let lost = Digest::sha256(b"a signature").to_string();
    for failing in ["/referrers/".to_owned(), lost] {
        let fails = failing.clone();
        let address = before(&source, move |request| {
            request.uri().path().contains(&fails).then(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        })
        .await;
        let lines = Lines::default();
        let named = reference(&format!("{address}/team/app:v1@{image}"));
        let client = client(&own.address.to_string());
        let repository = client.mirror(&named, &Reader::nobody(), &lines, &CancellationToken::new()).await.unwrap();
        assert!(lines.text().contains("its signatures and attestations are not copied"), "{failing}: {}", lines.text());
        assert_whole(&own.http, &own.address.to_string(), &repository, &image.to_string()).await;
        assert_ne!(own.get(&format!("{repository}/manifests/{signature}")).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_blob_that_another_repository_has_from_the_same_registry_is_mounted_and_from_another_copied() {
    let (source, other, own) = (TestRegistry::start().await, TestRegistry::start().await, TestRegistry::start().await);
    let client = client(&own.address.to_string());
    let mut told = Vec::new();
    for (registry, repository, layers) in
        [(&source, "team/one", [1, 2]), (&source, "team/two", [1, 3]), (&other, "team/one", [1, 2])]
    {
        let digest = push_layers(registry, repository, &layers.map(layer_of)).await;
        let lines = Lines::default();
        let named = reference(&format!("{}/{repository}:v1@{digest}", registry.address));
        let mirrored = client.mirror(&named, &Reader::nobody(), &lines, &CancellationToken::new()).await.unwrap();
        assert_whole(&own.http, &own.address.to_string(), &mirrored, &digest.to_string()).await;
        told.push(lines.text().lines().last().unwrap().split_once(": ").unwrap().1.to_owned());
    }
    assert_eq!(
        told,
        [
            "3 blobs copied (0.2 MB), 0 mounted, 0 already there",
            "1 blobs copied (0.1 MB), 2 mounted, 0 already there",
            "3 blobs copied (0.2 MB), 0 mounted, 0 already there",
        ]
    );
}

#[tokio::test]
async fn seven_blobs_are_on_their_way_at_once_over_all_images_and_never_more() {
    let (source, own) = (TestRegistry::start().await, TestRegistry::start().await);
    let mut images = Vec::new();
    for image in 0..3_u8 {
        let layers: Vec<_> = (0..5).map(|layer| layer_of(image * 5 + layer)).collect();
        let repository = format!("team/r{image}");
        images.push((repository.clone(), push_layers(&source, &repository, &layers).await));
    }
    let (waiting, most) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let running = Arc::new(AtomicUsize::new(0));
    let behind = slipway_registry::embedded::router(source.storage.clone(), Auth::Anonymous);
    let (gate, highest, now) = (Arc::clone(&waiting), Arc::clone(&most), Arc::clone(&running));
    let (address, _) = serve(Router::new().fallback(move |request: Request| {
        let (behind, gate, highest, now) = (behind.clone(), Arc::clone(&gate), Arc::clone(&highest), Arc::clone(&now));
        async move {
            let is_blob = request.uri().path().contains("/blobs/");
            if is_blob {
                highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                now.fetch_sub(1, Ordering::SeqCst);
            }
            tower::ServiceExt::oneshot(behind, request).await.into_response()
        }
    }))
    .await;
    let client = client(&own.address.to_string());
    let copies = images.iter().map(|(repository, digest)| {
        let (client, named) = (&client, reference(&format!("{address}/{repository}:v1@{digest}")));
        async move { mirror(client, &named).await.unwrap() }
    });
    let letting = async {
        let full = async {
            while running.load(Ordering::SeqCst) < 7 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), full).await.expect("seven blobs are asked for at once");
        waiting.add_permits(1000);
    };
    tokio::join!(futures::future::join_all(copies), letting);
    assert_eq!(most.load(Ordering::SeqCst), 7);
}

#[tokio::test]
async fn what_is_mirrored_needs_its_source_no_more() {
    let (source, own) = (TestRegistry::start().await, TestRegistry::start().await);
    let digest = source.push_index("team/app", "v1", "app").await;
    let is_out = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let out = Arc::clone(&is_out);
    let address =
        before(&source, move |_| out.load(Ordering::SeqCst).then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())).await;
    let named = reference(&format!("{address}/team/app:v1@{digest}"));
    let repository = mirror(&client(&own.address.to_string()), &named).await.unwrap();
    is_out.store(true, Ordering::SeqCst);
    // A client that has just started knows nothing of what another has copied.
    let later = client(&own.address.to_string());
    assert_eq!(mirror(&later, &named).await.unwrap(), repository);
    let tag = RepositoryTag { repository: repository.clone(), tag: "v1".to_owned() };
    assert_eq!(later.presence(&tag).await.unwrap(), Presence::Present(digest.to_string()));
    assert_whole(&own.http, &own.address.to_string(), &repository, &digest.to_string()).await;
    assert_eq!(later.resolve(&named, &Reader::nobody()).await.unwrap_err().kind, FailureKind::Retry, "the source is out");
}
