//! The client: its contract against the embedded registry, and what it makes of registries that misbehave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::contract::{Lines, assert_whole, client, holds_against, mirror, reference};
use crate::support::{OCI_MANIFEST, TestRegistry, descriptor, serve};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use reqwest::StatusCode;
use serde_json::json;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::Name;
use slipway_ports::{CancellationToken, Login, Presence, Reader, Registry, RepositoryTag, SecretText};
use slipway_registry::embedded::{Auth, User};
use slipway_registry::{Credential, Digest, OciRegistry, RegistrySettings};

#[tokio::test]
async fn the_contract_holds_against_the_embedded_registry() {
    let registry = TestRegistry::start().await;
    holds_against(&registry.address.to_string()).await;
}

#[tokio::test]
async fn the_bases_of_an_image_are_read_from_its_provenance_which_is_mirrored_with_it() {
    let (registry, source) = (TestRegistry::start().await, TestRegistry::start().await);
    let moved = "1".repeat(64);
    let digest = source.push_built("team/api", "k1-1", "debian@12", &moved).await;
    source.push_image("team/old", "1", "an image without an index").await;
    let expected = [reference("debian:12").with_digest(format!("sha256:{moved}"))];
    let image = |repository: &str, tag: &str| RepositoryTag { repository: repository.to_owned(), tag: tag.to_owned() };
    let of_source = client(&source.address.to_string());
    assert_eq!(of_source.bases(&image("team/api", "k1-1")).await.unwrap(), expected);
    assert_eq!(of_source.bases(&image("team/old", "1")).await.unwrap(), []);
    assert_eq!(of_source.bases(&image("team/api", "none")).await.unwrap_err().code, Code::ImageNotFound);

    let of_registry = client(&registry.address.to_string());
    let named = reference(&format!("{}/team/api:k1-1@{digest}", source.address));
    let repository = mirror(&of_registry, &named).await.unwrap();
    assert_whole(&registry.http, of_registry.address(), &repository, &digest.to_string()).await;
    assert_eq!(of_registry.bases(&image(&repository, "k1-1")).await.unwrap(), expected);
}

#[tokio::test]
async fn within_one_registry_blobs_are_mounted() {
    let registry = TestRegistry::start().await;
    let digest = registry.push_image("hub/library/redis", "7.2", "redis").await;
    let address = registry.address.to_string();
    let mirrors = BTreeMap::from([("docker.io".to_owned(), format!("http://{address}/hub"))]);
    let settings = RegistrySettings { address: address.clone(), mirrors, ..RegistrySettings::default() };
    let client = OciRegistry::new(settings).unwrap();
    let redis = reference("redis:7.2");
    assert_eq!(client.resolve(&redis, &Reader::nobody()).await.unwrap(), digest.to_string());
    let lines = Lines::default();
    let pinned = redis.with_digest(digest.to_string());
    let repository = client.mirror(&pinned, &Reader::nobody(), &lines, &CancellationToken::new()).await.unwrap();
    assert_eq!(repository, "mirror/docker.io/library/redis");
    assert!(lines.text().contains("0 blobs copied (0.0 MB), 3 mounted, 0 already there"), "{}", lines.text());
    assert_whole(&registry.http, &address, &repository, &digest.to_string()).await;
}

#[tokio::test]
async fn each_registry_is_sent_its_own_credential() {
    let basic = |name: &str, secret: &str| Auth::Basic(vec![User::new(name, secret)]);
    let source = TestRegistry::start().await;
    let digest = source.push_image("a", "v1", "private").await;
    let (locked, _) = serve(slipway_registry::embedded::router(source.storage.clone(), basic("reader", "one"))).await;
    let own = TestRegistry::with_auth(basic("slipway", "two")).await;
    let named = reference(&format!("{locked}/a:v1@{digest}"));
    let with = |credentials: &[(String, &str, &str)]| {
        let credential = |user: &str, secret: &str| Credential { user: user.to_owned(), secret: SecretText::new(secret) };
        let credentials = credentials.iter().map(|(host, user, secret)| (host.clone(), credential(user, secret))).collect();
        OciRegistry::new(RegistrySettings { address: own.address.to_string(), credentials, ..RegistrySettings::default() })
            .unwrap()
    };
    let reader = (locked.to_string(), "reader", "one");
    let writer = (own.address.to_string(), "slipway", "two");
    let wrong = (writer.0.clone(), "slipway", "canary-wrong");
    for credentials in [vec![reader.clone()], vec![writer.clone()], vec![reader.clone(), wrong]] {
        let failure = mirror(&with(&credentials), &named).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RegistryUnauthorized), "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    mirror(&with(&[reader, writer]), &named).await.unwrap();
}

#[tokio::test]
async fn below_a_prefix_of_a_registry_all_is_kept_there_and_the_rest_of_it_is_another_source() {
    let registry = TestRegistry::start().await;
    let address = registry.address.to_string();
    let settings =
        RegistrySettings { address: address.clone(), prefix: "team/slipway".to_owned(), ..RegistrySettings::default() };
    let client = OciRegistry::new(settings.clone()).unwrap();
    assert_eq!(client.address(), format!("{address}/team/slipway"));
    let nobody = Reader::nobody();
    let theirs = registry.push_image("other/app", "v1", "theirs").await;
    let named = reference(&format!("{address}/other/app:v1"));
    assert_eq!(client.resolve(&named, &nobody).await.unwrap(), theirs.to_string());
    let lines = Lines::default();
    let pinned = named.with_digest(theirs.to_string());
    let repository = client.mirror(&pinned, &nobody, &lines, &CancellationToken::new()).await.unwrap();
    let place = format!("team/slipway/{repository}");
    assert_whole(&registry.http, &address, &place, &theirs.to_string()).await;
    assert!(lines.text().contains("3 mounted"), "{}", lines.text());
    let ours = registry.push_image("team/slipway/hand/made", "v1", "ours").await;
    let tag = RepositoryTag { repository: "hand/made".to_owned(), tag: "v1".to_owned() };
    assert_eq!(client.presence(&tag).await.unwrap(), Presence::Present(ours.to_string()));
    let named = reference(&format!("{address}/team/slipway/hand/made:v1@{ours}"));
    assert_eq!(client.mirror(&named, &nobody, &lines, &CancellationToken::new()).await.unwrap(), "hand/made");

    // What the server may read there is no project's for that.
    let auth = Auth::Basic(vec![User::new("slipway", "two"), User::reader("reader", "one")]);
    let (locked, _) = serve(slipway_registry::embedded::router(registry.storage.clone(), auth)).await;
    let address = locked.to_string();
    let credentials = [(address.clone(), Credential { user: "slipway".to_owned(), secret: SecretText::new("two") })].into();
    let client = OciRegistry::new(RegistrySettings { address: address.clone(), credentials, ..settings }).unwrap();
    assert_eq!(client.presence(&tag).await.unwrap(), Presence::Present(ours.to_string()));
    let named = reference(&format!("{address}/other/app:v1"));
    assert_eq!(client.resolve(&named, &nobody).await.unwrap_err().code, Code::RegistryUnauthorized);
    assert_eq!(client.resolve(&named, &robot("1", &address, "one")).await.unwrap(), theirs.to_string());
}

fn robot(id: &str, place: &str, password: &str) -> Reader {
    Reader::new(vec![slipway_ports::Credential {
        id: id.to_owned(),
        name: Name::new("robot").unwrap(),
        place: format!("registry {place}").parse().unwrap(),
        login: Login::Password { user: "reader".to_owned(), password: SecretText::new(password) },
    }])
}

#[tokio::test]
async fn a_private_registry_is_read_with_the_readers_own_credential_alone() {
    let source = TestRegistry::start().await;
    let digest = source.push_image("acme/a", "v1", "private").await;
    let auth = Auth::Basic(vec![User::new("reader", "canary-one")]);
    let (locked, _) = serve(slipway_registry::embedded::router(source.storage.clone(), auth)).await;
    let own = TestRegistry::start().await;
    let client = client(&own.address.to_string());
    let named = reference(&format!("{locked}/acme/a:v1"));
    let good = robot("1", &locked.to_string(), "canary-one");
    assert_eq!(client.resolve(&named, &good).await.unwrap(), digest.to_string());
    let pinned = named.clone().with_digest(digest.to_string());
    let repository = client.mirror(&pinned, &good, &Lines::default(), &CancellationToken::new()).await.unwrap();
    assert_whole(&own.http, &own.address.to_string(), &repository, &digest.to_string()).await;
    // It is mirrored now, and others are refused all the same, also one whose token or password another was let in with.
    let others = [
        Reader::nobody(),
        robot("2", &locked.to_string(), "canary-wrong"),
        robot("3", &format!("{locked}/other"), "canary-one"),
        robot("4", "elsewhere.example", "canary-one"),
    ];
    for other in others {
        for image in [&named, &pinned] {
            let failure = client.resolve(image, &other).await.unwrap_err();
            assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RegistryUnauthorized), "{failure}");
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn what_slipway_put_into_its_registry_is_not_had_by_its_place_there() {
    let open = TestRegistry::start().await;
    let theirs = open.push_image("builds/git.example/shop", "k1-a", "private").await;
    let ours = open.push_image("hand/made", "v1", "pushed by hand").await;
    let auth = Auth::Basic(vec![User::new("slipway", "two"), User::reader("reader", "one")]);
    let (own, _) = serve(slipway_registry::embedded::router(open.storage.clone(), auth)).await;
    let address = own.to_string();
    let credentials = [(address.clone(), Credential { user: "slipway".to_owned(), secret: SecretText::new("two") })].into();
    let client =
        OciRegistry::new(RegistrySettings { address: address.clone(), credentials, ..RegistrySettings::default() }).unwrap();
    let built = reference(&format!("{address}/builds/git.example/shop:k1-a"));
    let failure = client.resolve(&built, &Reader::nobody()).await.unwrap_err();
    assert_eq!(failure.code, Code::RegistryUnauthorized, "{failure}");
    assert_eq!(client.resolve(&built, &robot("1", &address, "one")).await.unwrap(), theirs.to_string());
    let made = reference(&format!("{address}/hand/made:v1"));
    assert_eq!(client.resolve(&made, &Reader::nobody()).await.unwrap(), ours.to_string());
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_until_it_ends() {
    let tokens = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tokens);
    let service = Router::new().fallback(move |request: Request| {
        let counted = Arc::clone(&counted);
        async move { token_registry(&request, &counted) }
    });
    let (address, _) = serve(service).await;
    let client = client(&address.to_string());
    for _ in 0..3 {
        let named = reference(&format!("{address}/a:v1"));
        assert_eq!(client.resolve(&named, &Reader::nobody()).await.unwrap(), Digest::sha256(b"x").to_string());
    }
    assert_eq!(tokens.load(Ordering::SeqCst), 1);
}

/// A registry that wants a token of its own token server, for the repository that is asked for.
fn token_registry(request: &Request, tokens: &AtomicUsize) -> Response {
    if request.uri().path() == "/token" {
        assert_eq!(request.uri().query(), Some("service=registry&scope=repository%3Aa%3Apull"));
        tokens.fetch_add(1, Ordering::SeqCst);
        return axum::Json(json!({ "token": "granted", "expires_in": 300 })).into_response();
    }
    if request.headers().get("authorization").is_some_and(|value| value == "Bearer granted") {
        return [("docker-content-digest", Digest::sha256(b"x").to_string())].into_response();
    }
    let host = request.headers()["host"].to_str().unwrap();
    let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"registry\"");
    (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response()
}

/// Presence as a registry that answers everything alike lets it be seen.
async fn presence_when(
    status: StatusCode,
    headers: &[(&'static str, &'static str)],
    body: &'static str,
) -> Result<Presence, Failure> {
    let headers: HeaderMap = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let (address, _) = serve(Router::new().fallback(async move || (status, headers, body))).await;
    let image = RepositoryTag { repository: "a".to_owned(), tag: "v1".to_owned() };
    client(&address.to_string()).presence(&image).await
}

#[tokio::test]
async fn could_not_find_out_is_never_no() {
    let unknown = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no"}]}"#;
    assert_eq!(presence_when(StatusCode::NOT_FOUND, &[], unknown).await, Ok(Presence::Absent));
    for (status, headers, body, kind) in [
        (StatusCode::NOT_FOUND, vec![], "default backend - 404", FailureKind::Retry),
        (StatusCode::INTERNAL_SERVER_ERROR, vec![], unknown, FailureKind::Retry),
        (StatusCode::SERVICE_UNAVAILABLE, vec![], "", FailureKind::Retry),
        (StatusCode::TOO_MANY_REQUESTS, vec![("retry-after", "30")], "", FailureKind::Retry),
        (StatusCode::UNAUTHORIZED, vec![], "", FailureKind::Permanent),
        (StatusCode::UNAUTHORIZED, vec![("www-authenticate", "Basic realm=\"x\"")], "", FailureKind::Permanent),
        (StatusCode::FORBIDDEN, vec![], "", FailureKind::Permanent),
        (StatusCode::BAD_REQUEST, vec![], "", FailureKind::Permanent),
        (StatusCode::OK, vec![], "<html>hello</html>", FailureKind::Permanent),
    ] {
        let failure = presence_when(status, &headers, body).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{status}: {failure}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let image = RepositoryTag { repository: "a".to_owned(), tag: "v1".to_owned() };
    let failure = client(&nobody).presence(&image).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RegistryUnavailable));
    assert!(failure.message.contains(&nobody), "{failure}");
}

#[tokio::test]
async fn a_registry_that_asks_to_wait_is_quoted() {
    let failure = presence_when(StatusCode::TOO_MANY_REQUESTS, &[("retry-after", "30")], "").await.unwrap_err();
    assert!(failure.message.contains("30"), "{failure}");
}

/// A source whose only layer is answered by `layer`; mirrors it and returns the failure, if any, and the destination.
async fn mirror_with_layer<F>(layer: F) -> (Result<String, Failure>, TestRegistry)
where
    F: Fn() -> Response + Clone + Send + Sync + 'static,
{
    let (manifest, digest) = image_of(LAYER);
    let service = Router::new().fallback(move |request: Request| {
        let (manifest, layer) = (manifest.clone(), layer.clone());
        async move {
            let path = request.uri().path().to_owned();
            if path.contains("/manifests/") {
                ([("content-type", OCI_MANIFEST)], manifest).into_response()
            } else if path.ends_with(&Digest::sha256(LAYER).to_string()) {
                layer()
            } else {
                "{}".into_response()
            }
        }
    });
    let (address, _) = serve(service).await;
    let own = TestRegistry::start().await;
    let result = mirror(&client(&own.address.to_string()), &reference(&format!("{address}/a:v1@{digest}"))).await;
    (result, own)
}

const LAYER: &[u8] = &[3; 500_000];

fn image_of(layer: &[u8]) -> (String, Digest) {
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar", &Digest::sha256(layer), layer.len());
    let config = descriptor("application/vnd.oci.image.config.v1+json", &Digest::sha256(b"{}"), 2);
    let manifest = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer] }).to_string();
    let digest = Digest::sha256(manifest.as_bytes());
    (manifest, digest)
}

/// Nothing of the image can be seen, and no upload is left open.
fn assert_nothing_kept(own: &TestRegistry) {
    let uploads = own.directory.path().join("uploads");
    let files = |upload: &std::path::Path| std::fs::read_dir(upload).unwrap().map(|file| file.unwrap().file_name()).collect();
    let left: Vec<Vec<_>> = std::fs::read_dir(uploads).unwrap().map(|upload| files(&upload.unwrap().path())).collect();
    assert!(left.is_empty(), "an upload was left open: {left:?}");
    let layer = Digest::sha256(LAYER);
    let kept = own.directory.path().join("blobs/sha256").join(&layer.hexadecimal()[..2]).join(layer.hexadecimal());
    assert!(!kept.exists());
    for name in own.storage.repository_names().unwrap() {
        assert!(!own.directory.path().join(format!("repositories/{name}/_manifests")).exists());
    }
}

#[tokio::test]
async fn an_honest_source_is_mirrored() {
    let (result, own) = mirror_with_layer(|| LAYER.into_response()).await;
    let repository = result.unwrap();
    let (_, digest) = image_of(LAYER);
    assert_whole(&own.http, &own.address.to_string(), &repository, &digest.to_string()).await;
}

#[tokio::test]
async fn content_that_is_not_what_its_digest_says_is_not_stored() {
    let wrong: fn() -> Response = || vec![4_u8; LAYER.len()].into_response();
    let longer: fn() -> Response = || vec![3_u8; LAYER.len() + 1].into_response();
    for layer in [wrong, longer] {
        let (result, own) = mirror_with_layer(layer).await;
        let failure = result.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::DigestMismatch), "{failure}");
        assert_nothing_kept(&own);
    }
}

#[tokio::test]
async fn a_source_that_breaks_off_is_worth_another_attempt() {
    let shorter: fn() -> Response = || vec![3_u8; 100_000].into_response();
    let broken: fn() -> Response = || {
        let pieces = [Ok(vec![3_u8; 100_000]), Err(std::io::Error::other("the disk of the source died"))];
        Body::from_stream(futures::stream::iter(pieces)).into_response()
    };
    let failing: fn() -> Response = || StatusCode::BAD_GATEWAY.into_response();
    for layer in [shorter, broken, failing] {
        let (result, own) = mirror_with_layer(layer).await;
        let failure = result.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RegistryUnavailable), "{failure}");
        assert_nothing_kept(&own);
    }
}

#[tokio::test]
async fn a_blob_that_is_gone_fails_for_good() {
    let (result, own) = mirror_with_layer(|| StatusCode::NOT_FOUND.into_response()).await;
    assert_eq!(result.unwrap_err().code, Code::ImageNotFound);
    assert_nothing_kept(&own);
}

#[tokio::test]
async fn a_manifest_that_is_not_what_its_digest_says_is_refused() {
    let (address, _) = serve(Router::new().fallback(async || ([("content-type", OCI_MANIFEST)], image_of(LAYER).0))).await;
    let own = TestRegistry::start().await;
    let digest = Digest::sha256(b"another manifest");
    let failure = mirror(&client(&own.address.to_string()), &reference(&format!("{address}/a@{digest}"))).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::DigestMismatch));
}

#[tokio::test]
async fn canceling_in_the_midst_of_a_blob_puts_the_upload_away() {
    let (manifest, digest) = image_of(LAYER);
    let begun = Arc::new(tokio::sync::Notify::new());
    let signal = Arc::clone(&begun);
    let service = Router::new().fallback(move |request: Request| {
        let (manifest, signal) = (manifest.clone(), Arc::clone(&signal));
        async move {
            if request.uri().path().contains("/manifests/") {
                return ([("content-type", OCI_MANIFEST)], manifest).into_response();
            }
            if request.uri().path().ends_with(&Digest::sha256(b"{}").to_string()) {
                return "{}".into_response();
            }
            // Half of the layer, then silence.
            let half = futures::stream::once(async { Ok::<_, std::io::Error>(vec![3_u8; 250_000]) });
            signal.notify_one();
            Body::from_stream(futures::StreamExt::chain(half, futures::stream::pending())).into_response()
        }
    });
    let (address, _) = serve(service).await;
    let own = TestRegistry::start().await;
    let client = client(&own.address.to_string());
    let cancel = CancellationToken::new();
    let named = reference(&format!("{address}/a:v1@{digest}"));
    let lines = Lines::default();
    let nobody = Reader::nobody();
    let copying = client.mirror(&named, &nobody, &lines, &cancel);
    let canceling = async {
        begun.notified().await;
        cancel.cancel();
    };
    let both = async { tokio::join!(copying, canceling).0 };
    let failure = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Canceled);
    assert_nothing_kept(&own);
}

#[tokio::test]
async fn what_a_hostile_registry_says_is_cut_and_cleaned() {
    let hostile = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"\\u001b[2J\\n\\u0000fake line\"}]}";
    let failure = presence_when(StatusCode::FORBIDDEN, &[], hostile).await.unwrap_err();
    assert!(failure.message.chars().all(|character| !character.is_control()), "{:?}", failure.message);
}
