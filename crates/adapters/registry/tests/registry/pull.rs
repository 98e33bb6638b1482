//! Reading from the embedded registry: manifests, blobs, ranges, tags, referrers, the handshake.

use crate::support::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, TestRegistry, assert_refused, header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_registry::embedded::{Auth, User};
use slipway_registry::{Digest, DigestAlgorithm};

#[tokio::test]
async fn the_handshake_says_that_this_is_a_registry() {
    let registry = TestRegistry::start().await;
    let response = registry.get("").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "docker-distribution-api-version"), "registry/2.0");
}

#[tokio::test]
async fn without_the_right_credential_nothing_is_answered() {
    let registry = TestRegistry::with_auth(Auth::Basic(vec![User::new("builder", "right")])).await;
    let digest = Digest::sha256(b"x");
    for path in ["", "a/tags/list", "a/manifests/latest", &format!("a/blobs/{digest}"), "a/nonsense"] {
        let response = registry.get(path).await;
        assert_eq!(header(&response, "www-authenticate"), "Basic realm=\"slipway\"");
        assert_eq!(header(&response, "docker-distribution-api-version"), "registry/2.0");
        assert_refused(response, StatusCode::UNAUTHORIZED, "UNAUTHORIZED").await;
    }
    let wrong = registry.at(Method::GET, "").basic_auth("builder", Some("wrong")).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let upload = registry.send(Method::POST, "a/blobs/uploads/").await;
    assert_eq!(upload.status(), StatusCode::UNAUTHORIZED);
    let right = registry.at(Method::GET, "").basic_auth("builder", Some("right")).send().await.unwrap();
    assert_eq!(right.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_manifest_is_read_by_tag_and_by_digest_exactly_as_it_was_pushed() {
    let registry = TestRegistry::start().await;
    let manifest = registry.image("shop/api", "one").await;
    let digest = registry.push_manifest("shop/api", "v1", OCI_MANIFEST, &manifest).await;
    for reference in ["v1".to_owned(), digest.to_string(), digest.to_string().replace(':', "%3A")] {
        for method in [Method::GET, Method::HEAD] {
            let response = registry.send(method.clone(), &format!("shop/api/manifests/{reference}")).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(header(&response, "docker-content-digest"), digest.to_string());
            assert_eq!(header(&response, "content-type"), OCI_MANIFEST);
            assert_eq!(header(&response, "etag"), format!("\"{digest}\""));
            assert_eq!(header(&response, "content-length"), manifest.to_string().len().to_string());
            let body = response.text().await.unwrap();
            assert_eq!(body, if method == Method::GET { manifest.to_string() } else { String::new() });
        }
    }
    let cached = registry.at(Method::GET, "shop/api/manifests/v1").header("if-none-match", format!("\"{digest}\""));
    assert_eq!(cached.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn docker_media_types_are_kept() {
    let registry = TestRegistry::start().await;
    let mut manifest = registry.image("a", "docker").await;
    manifest["mediaType"] = DOCKER_MANIFEST.into();
    let digest = registry.push_manifest("a", "image", DOCKER_MANIFEST, &manifest).await;
    let entry = crate::support::descriptor(DOCKER_MANIFEST, &digest, manifest.to_string().len());
    let list = json!({ "schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [entry] });
    registry.push_manifest("a", "list", DOCKER_LIST, &list).await;
    assert_eq!(header(&registry.get("a/manifests/image").await, "content-type"), DOCKER_MANIFEST);
    assert_eq!(header(&registry.get("a/manifests/list").await, "content-type"), DOCKER_LIST);
}

#[tokio::test]
async fn what_is_not_there_has_its_own_code() {
    let registry = TestRegistry::start().await;
    let unknown = Digest::sha256(b"unknown");
    assert_refused(registry.get("a/manifests/v1").await, StatusCode::NOT_FOUND, "NAME_UNKNOWN").await;
    assert_refused(registry.get("a/tags/list").await, StatusCode::NOT_FOUND, "NAME_UNKNOWN").await;
    registry.push_image("a", "v1", "one").await;
    assert_refused(registry.get("a/manifests/v2").await, StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN").await;
    assert_refused(registry.get(&format!("a/manifests/{unknown}")).await, StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN").await;
    assert_refused(registry.get(&format!("a/blobs/{unknown}")).await, StatusCode::NOT_FOUND, "BLOB_UNKNOWN").await;
    let head = registry.send(Method::HEAD, &format!("a/blobs/{unknown}")).await;
    assert_eq!(head.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn names_tags_and_digests_outside_the_grammar_are_refused() {
    let registry = TestRegistry::start().await;
    for (path, code) in [
        ("A/tags/list", "NAME_INVALID"),
        ("a%2f..%2fb/tags/list", "NAME_INVALID"),
        ("%2e%2e/%2e%2e/manifests/x", "NAME_INVALID"),
        ("../../manifests/x", "NAME_INVALID"),
        ("a/../../../manifests/x", "NAME_INVALID"),
        ("_blobs/manifests/x", "NAME_INVALID"),
        ("a/manifests/%2e%2e%2f%2e%2e%2fregistry.lock", "MANIFEST_INVALID"),
        ("a/manifests/-x", "MANIFEST_INVALID"),
        ("a/blobs/sha256:..", "DIGEST_INVALID"),
        ("a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", "DIGEST_INVALID"),
        ("a/referrers/sha256:12", "DIGEST_INVALID"),
    ] {
        let answer = registry.raw_get(path).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(code), "{path}: {answer}");
    }
    for path in ["a/blobs/uploads/..%2f..", "a/blobs/uploads/.."] {
        let answer = registry.raw_get(path).await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("BLOB_UPLOAD_UNKNOWN"), "{path}: {answer}");
    }
    let wrong_method = registry.send(Method::DELETE, "a/tags/list").await;
    assert_eq!(header(&wrong_method, "allow"), "GET, HEAD");
    assert_refused(wrong_method, StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED").await;
}

#[tokio::test]
async fn a_blob_is_read_whole_or_in_part() {
    let registry = TestRegistry::start().await;
    let content: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = registry.push_blob("a", &content).await;
    let path = format!("a/blobs/{digest}");
    let whole = registry.get(&path).await;
    assert_eq!(header(&whole, "docker-content-digest"), digest.to_string());
    assert_eq!(header(&whole, "content-length"), content.len().to_string());
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    assert!(whole.bytes().await.unwrap() == content);
    let head = registry.send(Method::HEAD, &path).await;
    assert_eq!((head.status(), header(&head, "content-length")), (StatusCode::OK, content.len().to_string()));

    let last = content.len() - 1;
    for (range, from, to) in [
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=1000-300000".to_owned(), 1000, 300_000),
        (format!("bytes={last}-"), last, last),
        ("bytes=-10".to_owned(), last - 9, last),
    ] {
        let part = registry.at(Method::GET, &path).header("range", &range).send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(header(&part, "content-range"), format!("bytes {from}-{to}/{}", content.len()));
        assert!(part.bytes().await.unwrap() == content[from..=to], "{range}");
    }
    let outside = registry.at(Method::GET, &path).header("range", format!("bytes={}-", content.len())).send().await.unwrap();
    assert_eq!(header(&outside, "content-range"), format!("bytes */{}", content.len()));
    assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let other = registry.at(Method::GET, &path).header("range", "bytes=0-9").header("if-range", "\"other\"");
    assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn tags_are_listed_in_order_and_page_by_page() {
    let registry = TestRegistry::start().await;
    let manifest = registry.image("a", "one").await;
    for tag in ["v2", "Beta", "alpha", "v10", "V1"] {
        registry.push_manifest("a", tag, OCI_MANIFEST, &manifest).await;
    }
    let tags = async |path: &str| -> Vec<String> {
        let body: Value = registry.get(path).await.json().await.unwrap();
        assert_eq!(body["name"], "a");
        serde_json::from_value(body["tags"].clone()).unwrap()
    };
    assert_eq!(tags("a/tags/list").await, ["alpha", "Beta", "V1", "v10", "v2"]);
    assert_eq!(tags("a/tags/list?n=0").await, Vec::<String>::new());
    assert_eq!(tags("a/tags/list?last=V1").await, ["v10", "v2"]);
    let mut path = "a/tags/list?n=2".to_owned();
    let mut pages = Vec::new();
    loop {
        pages.push(tags(&path).await);
        let response = registry.get(&path).await;
        let Some(link) = response.headers().get("link") else { break };
        let link = link.to_str().unwrap();
        assert!(link.ends_with("; rel=\"next\""));
        path = link.trim_start_matches("</v2/").split('>').next().unwrap().to_owned();
    }
    assert_eq!(pages, [vec!["alpha", "Beta"], vec!["V1", "v10"], vec!["v2"]]);
    let bad = registry.get("a/tags/list?n=-1").await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn referrers_are_listed_before_and_after_their_subject_is_there() {
    let registry = TestRegistry::start().await;
    let image = registry.image("a", "subject").await;
    let subject = Digest::sha256(image.to_string().as_bytes());
    let mut pushed = Vec::new();
    for kind in ["application/vnd.example.sbom", "application/vnd.example.signature"] {
        let mut referrer = registry.image("a", kind).await;
        referrer["artifactType"] = kind.into();
        referrer["annotations"] = json!({ "org.example": kind });
        referrer["subject"] = crate::support::descriptor(OCI_MANIFEST, &subject, image.to_string().len());
        let digest = Digest::sha256(referrer.to_string().as_bytes());
        let response = registry.put_manifest("a", &digest.to_string(), OCI_MANIFEST, &referrer).await;
        assert_eq!((response.status(), header(&response, "oci-subject")), (StatusCode::CREATED, subject.to_string()));
        pushed.push(digest);
    }
    registry.push_manifest("a", "v1", OCI_MANIFEST, &image).await;

    let response = registry.get(&format!("a/referrers/{subject}")).await;
    assert_eq!(header(&response, "content-type"), OCI_INDEX);
    assert!(!response.headers().contains_key("oci-filters-applied"));
    let all: Value = response.json().await.unwrap();
    assert_eq!(all["manifests"].as_array().unwrap().len(), 2);

    let filtered = registry.get(&format!("a/referrers/{subject}?artifactType=application%2Fvnd.example.sbom")).await;
    assert_eq!(header(&filtered, "oci-filters-applied"), "artifactType");
    let filtered: Value = filtered.json().await.unwrap();
    assert_eq!(filtered["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(filtered["manifests"][0]["digest"], pushed[0].to_string());
    assert_eq!(filtered["manifests"][0]["annotations"]["org.example"], "application/vnd.example.sbom");

    let deleted = registry.send(Method::DELETE, &format!("a/manifests/{}", pushed[0])).await;
    assert_eq!(deleted.status(), StatusCode::ACCEPTED);
    let left: Value = registry.get(&format!("a/referrers/{subject}")).await.json().await.unwrap();
    assert_eq!(left["manifests"].as_array().unwrap().len(), 1);
    let nobody = registry.get(&format!("other/referrers/{subject}")).await;
    assert_eq!(nobody.status(), StatusCode::OK);
    assert_eq!(nobody.json::<Value>().await.unwrap()["manifests"], json!([]));
}

#[tokio::test]
async fn sha512_content_is_taken_and_given() {
    let registry = TestRegistry::start().await;
    let digest = Digest::of(DigestAlgorithm::Sha512, b"long hash");
    let path = format!("a/blobs/uploads/?digest={digest}");
    let pushed = registry.at(Method::POST, &path).body("long hash").send().await.unwrap();
    assert_eq!(pushed.status(), StatusCode::CREATED);
    assert_eq!(registry.get(&format!("a/blobs/{digest}")).await.text().await.unwrap(), "long hash");
}
