//! No request makes the registry fail: whatever comes is taken or refused, and nothing is written outside its directory.

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use slipway_registry::Digest;
use slipway_registry::embedded::{Auth, Storage, router};
use tower::ServiceExt as _;

const CONTENT: &str = "content";

/// Parts of paths, with a meaning or without one.
fn segment() -> impl Strategy<Value = String> {
    let digest = Digest::sha256(CONTENT.as_bytes()).to_string();
    let known = [
        "a",
        "blobs",
        "uploads",
        "manifests",
        "tags",
        "list",
        "referrers",
        "latest",
        "..",
        ".",
        "",
        "%2e%2e",
        "%2f",
        "_blobs",
        &digest,
        &digest.replace(':', "%3A"),
        "sha256:",
        "01890000-0000-7000-8000-000000000000",
        &"a".repeat(128),
        &"a".repeat(255),
        &"a".repeat(300),
    ]
    .map(str::to_owned);
    prop_oneof![8 => prop::sample::select(known.to_vec()), 1 => "[a-zA-Z0-9._~!$&'()*+,;=:@%-]{0,12}"]
}

fn query() -> impl Strategy<Value = String> {
    let digest = Digest::sha256(CONTENT.as_bytes()).to_string();
    let name = prop::sample::select(vec!["digest", "mount", "from", "n", "last", "tag", "artifactType"]);
    let known = [&digest, "a", "../a", "0", "-1", "18446744073709551616", "%00", "%ff", "a%0d%0ab", "latest"].map(str::to_owned);
    let value = prop_oneof![4 => prop::sample::select(known.to_vec()), 1 => "[a-zA-Z0-9%+:.-]{0,12}"];
    prop::collection::vec((name, value).prop_map(|(name, value)| format!("{name}={value}")), 0..3)
        .prop_map(|pairs| pairs.join("&"))
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(vec![
        "content-type",
        "content-range",
        "content-length",
        "range",
        "if-none-match",
        "if-range",
        "accept",
        "authorization",
        "expect",
    ]);
    let known = [
        "0-6",
        "7-13",
        "6-0",
        "bytes=0-",
        "bytes=-1",
        "bytes=99-",
        "0",
        "7",
        "18446744073709551615",
        "*",
        "W/\"x\"",
        "Basic !",
        "Basic YQ==",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json; charset=x",
        "text/html",
    ]
    .map(str::to_owned);
    prop::collection::vec((name, prop_oneof![4 => prop::sample::select(known.to_vec()), 1 => "[ -~]{0,12}"]), 0..3)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let digest = Digest::sha256(CONTENT.as_bytes()).to_string();
    let descriptor = format!(r#"{{"mediaType": "x\ny", "digest": "{digest}", "size": 7}}"#);
    let manifest = |media_type: &str| {
        format!(
            r#"{{"schemaVersion": 2, "mediaType": "{media_type}", "config": {descriptor}, "layers": [{descriptor}], "manifests": [{descriptor}],
               "subject": {descriptor}, "artifactType": "a\r\nb", "annotations": {{"\u0000": "\u2028"}}}}"#
        )
    };
    let known = [
        CONTENT.to_owned(),
        String::new(),
        "{}".to_owned(),
        "[".repeat(100_000),
        r#"{"schemaVersion": 1e400}"#.to_owned(),
        manifest("application/vnd.oci.image.manifest.v1+json"),
        manifest("application/vnd.oci.image.index.v1+json"),
        manifest("a\\r\\nb"),
    ]
    .map(String::into_bytes);
    prop_oneof![4 => prop::sample::select(known.to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

/// One request: a path that means something more often than not.
fn request() -> impl Strategy<Value = (Method, String, Vec<(&'static str, String)>, Vec<u8>)> {
    let methods = vec![
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::POST,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::CONNECT,
        Method::from_bytes(b"PROPFIND").unwrap(),
    ];
    let digest = Digest::sha256(CONTENT.as_bytes());
    let path = prop_oneof![
        prop::collection::vec(segment(), 0..7).prop_map(|segments| segments.join("/")),
        Just(format!("a/blobs/{digest}")),
        Just("a/manifests/latest".to_owned()),
        Just("a/blobs/uploads/".to_owned()),
        Just(format!("a/referrers/{digest}")),
        Just("a/tags/list".to_owned()),
    ];
    (prop::sample::select(methods), path, query(), headers(), body())
        .prop_map(|(method, path, query, headers, body)| (method, format!("/v2/{path}?{query}"), headers, body))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_requests_make_it_fail_or_leave_its_directory(requests in prop::collection::vec(request(), 1..12)) {
        let around = tempfile::tempdir().unwrap();
        let directory = around.path().join("registry");
        std::fs::create_dir(&directory).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let service = router(Storage::open(&directory).unwrap(), Auth::Anonymous);
            for (method, uri, headers, body) in requests {
                let mut request = Request::builder().method(&method).uri(&uri);
                for (name, value) in &headers {
                    request = request.header(*name, value);
                }
                // What is no HTTP never gets here.
                let Ok(request) = request.body(Body::from(body)) else { continue };
                let response = service.clone().oneshot(request).await.unwrap();
                let status = response.status();
                let answer = response.into_body().collect().await.unwrap().to_bytes();
                prop_assert!(status.as_u16() < 500, "{} {} {:?}: {} {}", method, uri, headers, status, String::from_utf8_lossy(&answer));
            }
            Ok(())
        })?;
        let left: Vec<_> = std::fs::read_dir(around.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        prop_assert_eq!(left, ["registry"]);
    }
}
