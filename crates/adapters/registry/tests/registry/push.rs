//! Writing to the embedded registry: uploads in every form, manifests, mounting, deleting, collecting.

use std::time::Duration;

use crate::support::{DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, TestRegistry, assert_refused, descriptor, header};
use reqwest::{Body, Method, StatusCode};
use serde_json::json;
use slipway_registry::Digest;
use slipway_registry::embedded::{Ages, Kept};

#[tokio::test]
async fn a_blob_is_pushed_in_one_request_in_two_or_in_chunks() {
    let registry = TestRegistry::start().await;
    let content = b"0123456789".repeat(1000);
    let digest = Digest::sha256(&content);

    let single = registry.at(Method::POST, &format!("one/blobs/uploads/?digest={digest}")).body(content.clone());
    let single = single.send().await.unwrap();
    assert_eq!((single.status(), header(&single, "location")), (StatusCode::CREATED, format!("/v2/one/blobs/{digest}")));
    assert_eq!(header(&single, "docker-content-digest"), digest.to_string());

    let session = registry.open_upload("two").await;
    let put = registry.at(Method::PUT, &format!("{session}?digest={digest}")).body(content.clone()).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::CREATED);

    let mut session = registry.open_upload("chunks").await;
    for (start, chunk) in [(0, &content[..4000]), (4000, &content[4000..9000])] {
        let range = format!("{start}-{}", start + chunk.len() - 1);
        let patch = registry.at(Method::PATCH, &session).header("content-range", range).body(chunk.to_vec());
        let patch = patch.send().await.unwrap();
        assert_eq!(patch.status(), StatusCode::ACCEPTED);
        assert_eq!(header(&patch, "range"), format!("0-{}", start + chunk.len() - 1));
        session = header(&patch, "location").trim_start_matches("/v2/").to_owned();
    }
    let last = registry.at(Method::PUT, &format!("{session}?digest={digest}")).header("content-range", "9000-9999");
    assert_eq!(last.body(content[9000..].to_vec()).send().await.unwrap().status(), StatusCode::CREATED);

    let session = registry.open_upload("stream").await;
    let pieces: Vec<_> = content.chunks(777).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let stream = Body::wrap_stream(futures::stream::iter(pieces));
    let patch = registry.at(Method::PATCH, &session).body(stream).send().await.unwrap();
    assert_eq!(header(&patch, "range"), "0-9999");
    let put = registry.send(Method::PUT, &format!("{session}?digest={digest}")).await;
    assert_eq!(put.status(), StatusCode::CREATED);

    for repository in ["one", "two", "chunks", "stream"] {
        let response = registry.get(&format!("{repository}/blobs/{digest}")).await;
        assert!(response.bytes().await.unwrap() == content, "{repository}");
    }
}

#[tokio::test]
async fn a_chunk_out_of_order_is_refused_and_the_status_tells_where_to_go_on() {
    let registry = TestRegistry::start().await;
    let session = registry.open_upload("a").await;
    let patch = async |range: &str, body: &'static str| {
        registry.at(Method::PATCH, &session).header("content-range", range).body(body).send().await.unwrap()
    };
    assert_eq!(patch("0-4", "hello").await.status(), StatusCode::ACCEPTED);
    for range in ["0-4", "6-10"] {
        let refused = patch(range, "world").await;
        assert_eq!((header(&refused, "range"), header(&refused, "location")), ("0-4".to_owned(), format!("/v2/{session}")));
        assert_refused(refused, StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID").await;
    }
    assert_refused(patch("5-6", "world").await, StatusCode::BAD_REQUEST, "SIZE_INVALID").await;
    assert_refused(patch("bytes 5-9/10", "world").await, StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID").await;
    let status = registry.get(&session).await;
    assert_eq!((status.status(), header(&status, "range")), (StatusCode::NO_CONTENT, "0-4".to_owned()));
    assert_eq!(patch("5-9", "world").await.status(), StatusCode::ACCEPTED);
    let digest = Digest::sha256(b"helloworld");
    assert_eq!(registry.send(Method::PUT, &format!("{session}?digest={digest}")).await.status(), StatusCode::CREATED);
    assert_refused(registry.get(&session).await, StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN").await;
}

#[tokio::test]
async fn content_with_a_wrong_digest_is_refused_and_nothing_of_it_is_kept() {
    let registry = TestRegistry::start().await;
    let wrong = Digest::sha256(b"something else");
    let single = registry.at(Method::POST, &format!("a/blobs/uploads/?digest={wrong}")).body("content").send().await.unwrap();
    assert_refused(single, StatusCode::BAD_REQUEST, "DIGEST_INVALID").await;
    let session = registry.open_upload("a").await;
    let put = registry.at(Method::PUT, &format!("{session}?digest={wrong}")).body("content").send().await.unwrap();
    assert_refused(put, StatusCode::BAD_REQUEST, "DIGEST_INVALID").await;
    assert_refused(registry.get(&session).await, StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN").await;
    let session = registry.open_upload("a").await;
    assert_refused(registry.send(Method::PUT, &session).await, StatusCode::BAD_REQUEST, "DIGEST_INVALID").await;
    registry.send(Method::DELETE, &session).await;
    assert_refused(registry.get(&format!("a/blobs/{wrong}")).await, StatusCode::NOT_FOUND, "BLOB_UNKNOWN").await;
    let content = Digest::sha256(b"content");
    assert_refused(registry.get(&format!("a/blobs/{content}")).await, StatusCode::NOT_FOUND, "BLOB_UNKNOWN").await;
    assert_eq!(files_below(registry.directory.path()), ["registry.lock"]);
}

#[tokio::test]
async fn a_cancelled_upload_is_gone() {
    let registry = TestRegistry::start().await;
    let session = registry.open_upload("a").await;
    let other = session.replacen("a/", "b/", 1);
    assert_refused(registry.send(Method::DELETE, &other).await, StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN").await;
    assert_eq!(registry.send(Method::DELETE, &session).await.status(), StatusCode::NO_CONTENT);
    let patch = registry.at(Method::PATCH, &session).body("late").send().await.unwrap();
    assert_refused(patch, StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN").await;
    assert_eq!(files_below(registry.directory.path()), ["registry.lock"]);
}

#[tokio::test]
async fn a_blob_is_seen_only_where_it_was_pushed_or_mounted() {
    let registry = TestRegistry::start().await;
    let digest = registry.push_blob("from", b"shared").await;
    assert_refused(registry.get(&format!("to/blobs/{digest}")).await, StatusCode::NOT_FOUND, "BLOB_UNKNOWN").await;
    let elsewhere = registry.send(Method::POST, &format!("to/blobs/uploads/?mount={digest}&from=nowhere")).await;
    assert_eq!(elsewhere.status(), StatusCode::ACCEPTED);
    let anywhere = registry.send(Method::POST, &format!("to/blobs/uploads/?mount={digest}")).await;
    assert_eq!(anywhere.status(), StatusCode::ACCEPTED);
    let mounted = registry.send(Method::POST, &format!("to/blobs/uploads/?mount={digest}&from=from")).await;
    assert_eq!((mounted.status(), header(&mounted, "location")), (StatusCode::CREATED, format!("/v2/to/blobs/{digest}")));
    assert_eq!(registry.get(&format!("to/blobs/{digest}")).await.text().await.unwrap(), "shared");
    assert_eq!(registry.send(Method::DELETE, &format!("from/blobs/{digest}")).await.status(), StatusCode::ACCEPTED);
    assert_refused(registry.get(&format!("from/blobs/{digest}")).await, StatusCode::NOT_FOUND, "BLOB_UNKNOWN").await;
    assert_eq!(registry.get(&format!("to/blobs/{digest}")).await.text().await.unwrap(), "shared");
    let bad = registry.send(Method::POST, &format!("to/blobs/uploads/?mount={digest}&from=..%2fx")).await;
    assert_refused(bad, StatusCode::BAD_REQUEST, "NAME_INVALID").await;
}

#[tokio::test]
async fn a_manifest_is_taken_only_when_what_it_lists_is_there() {
    let registry = TestRegistry::start().await;
    let mut manifest = registry.image("a", "one").await;
    let missing = Digest::sha256(b"missing");
    manifest["layers"][1] = descriptor("application/vnd.oci.image.layer.v1.tar", &missing, 7);
    let response = registry.put_manifest("a", "v1", OCI_MANIFEST, &manifest).await;
    assert_refused(response, StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN").await;
    let index = json!({
        "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(OCI_MANIFEST, &missing, 7)],
    });
    let response = registry.put_manifest("a", "v1", OCI_INDEX, &index).await;
    assert_refused(response, StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN").await;
    let elsewhere = registry.image("elsewhere", "two").await;
    let response = registry.put_manifest("a", "v1", OCI_MANIFEST, &elsewhere).await;
    assert_refused(response, StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN").await;
    assert_refused(registry.get("a/manifests/v1").await, StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN").await;

    manifest["layers"][1]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
    registry.push_manifest("a", "v1", OCI_MANIFEST, &manifest).await;
    registry.push_index("a", "index", "platforms").await;
}

#[tokio::test]
async fn what_is_not_a_manifest_is_refused() {
    let registry = TestRegistry::start().await;
    let manifest = registry.image("a", "one").await;
    let refused = async |media_type: &str, body: String| {
        let request = registry.at(Method::PUT, "a/manifests/v1").header("content-type", media_type).body(body);
        assert_refused(request.send().await.unwrap(), StatusCode::BAD_REQUEST, "MANIFEST_INVALID").await;
    };
    let changed = |key: &str, value: serde_json::Value| {
        let mut changed = manifest.clone();
        changed[key] = value;
        changed.to_string()
    };
    refused(OCI_MANIFEST, "{".to_owned()).await;
    refused(OCI_MANIFEST, "[]".to_owned()).await;
    refused(DOCKER_MANIFEST, manifest.to_string()).await;
    refused("text/plain", manifest.to_string()).await;
    refused(OCI_MANIFEST, changed("schemaVersion", 1.into())).await;
    refused(OCI_MANIFEST, changed("config", serde_json::Value::Null)).await;
    refused(OCI_MANIFEST, changed("layers", json!([{ "digest": "sha256:../../x", "size": 1 }]))).await;
    let other = Digest::sha256(b"other");
    let response = registry.put_manifest("a", &other.to_string(), OCI_MANIFEST, &manifest).await;
    assert_refused(response, StatusCode::BAD_REQUEST, "DIGEST_INVALID").await;
    let large = changed("annotations", json!({ "padding": "x".repeat(4 * 1024 * 1024) }));
    let request = registry.at(Method::PUT, "a/manifests/v1").header("content-type", OCI_MANIFEST).body(large);
    assert_refused(request.send().await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID").await;
    let just = changed("annotations", json!({ "padding": "x".repeat(4 * 1024 * 1024 - 2000) }));
    let request = registry.at(Method::PUT, "a/manifests/v1").header("content-type", format!("{OCI_MANIFEST}; charset=utf-8"));
    assert_eq!(request.body(just).send().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn deleting_a_tag_keeps_the_manifest_and_deleting_the_manifest_takes_its_tags() {
    let registry = TestRegistry::start().await;
    let manifest = registry.image("a", "one").await;
    let other = registry.push_image("a", "other", "two").await;
    let mut digest = other.clone();
    for tag in ["v1", "v2", "v3"] {
        digest = registry.push_manifest("a", tag, OCI_MANIFEST, &manifest).await;
    }
    assert_eq!(registry.send(Method::DELETE, "a/manifests/v1").await.status(), StatusCode::ACCEPTED);
    assert_refused(registry.get("a/manifests/v1").await, StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN").await;
    assert_eq!(registry.get(&format!("a/manifests/{digest}")).await.status(), StatusCode::OK);
    assert_eq!(registry.send(Method::DELETE, &format!("a/manifests/{digest}")).await.status(), StatusCode::ACCEPTED);
    for reference in ["v2".to_owned(), "v3".to_owned(), digest.to_string()] {
        assert_refused(registry.get(&format!("a/manifests/{reference}")).await, StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN").await;
    }
    let again = registry.send(Method::DELETE, &format!("a/manifests/{digest}")).await;
    assert_refused(again, StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN").await;
    let nowhere = registry.send(Method::DELETE, &format!("nowhere/manifests/{digest}")).await;
    assert_refused(nowhere, StatusCode::NOT_FOUND, "NAME_UNKNOWN").await;
    assert_eq!(registry.get("a/manifests/other").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_moved_tag_stands_for_the_new_manifest_and_the_old_one_stays() {
    let registry = TestRegistry::start().await;
    let old = registry.push_image("a", "latest", "old").await;
    let new = registry.push_image("a", "latest", "new").await;
    let latest = registry.send(Method::HEAD, "a/manifests/latest").await;
    assert_eq!(header(&latest, "docker-content-digest"), new.to_string());
    assert_eq!(registry.get(&format!("a/manifests/{old}")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_collection_removes_what_no_manifest_needs_and_nothing_else() {
    let registry = TestRegistry::start().await;
    registry.push_index("keep/index", "v1", "kept").await;
    let gone = registry.push_image("drop", "v1", "dropped").await;
    let fresh = registry.push_blob("drop", b"pushed a moment ago").await;
    registry.send(Method::DELETE, &format!("drop/manifests/{gone}")).await;
    let before = files_below(&registry.directory.path().join("blobs")).len();
    let collect = |unfinished| {
        let ages = Ages { unused: Duration::from_hours(1), unfinished };
        registry.storage.collect_garbage(&Kept::default(), ages, &|| true).unwrap()
    };
    let collected = collect(Duration::from_hours(1));
    assert_eq!(collected.contents, 1, "within the grace time only the manifest itself is not needed");
    assert_eq!(registry.get(&format!("drop/blobs/{fresh}")).await.status(), StatusCode::OK);
    let collected = collect(Duration::ZERO);
    assert_eq!(collected.contents, 4, "three blobs of the deleted image and the lone one");
    assert_eq!(files_below(&registry.directory.path().join("blobs")).len(), before - 5);
    let index: serde_json::Value = registry.get("keep/index/manifests/v1").await.json().await.unwrap();
    for entry in index["manifests"].as_array().unwrap() {
        let path = format!("keep/index/manifests/{}", entry["digest"].as_str().unwrap());
        let manifest: serde_json::Value = registry.get(&path).await.json().await.unwrap();
        for part in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
            let path = format!("keep/index/blobs/{}", part["digest"].as_str().unwrap());
            assert_eq!(registry.get(&path).await.status(), StatusCode::OK);
        }
    }
    assert_eq!(collect(Duration::ZERO).contents, 0);
}

#[tokio::test]
async fn the_same_blob_pushed_by_many_at_once_is_stored_once() {
    let registry = TestRegistry::start().await;
    let content = b"popular".repeat(50_000);
    let pushes = (0..16).map(|number| {
        let (registry, content) = (&registry, &content);
        async move { registry.push_blob(&format!("repository{}", number % 4), content).await }
    });
    let digests = futures::future::join_all(pushes).await;
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(files_below(&registry.directory.path().join("blobs")).len(), 1);
    assert!(files_below(&registry.directory.path().join("uploads")).is_empty());
}

/// The files below a directory, by their names.
fn files_below(directory: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(files_below(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names
}
