//! Packed charts: from an OCI registry and from Helm repositories, some of which misbehave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::support::contract::client;
use crate::support::{OCI_MANIFEST, TestRegistry, descriptor, serve};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::Name;
use slipway_ports::testing::{CHART_VERSIONS, charts_contract};
use slipway_ports::{CancellationToken, ChartPlace, ChartVersion, Charts, Login, Reader, SecretText};
use slipway_registry::embedded::{Auth, User};
use slipway_registry::{ChartArchives, Digest};
use tempfile::TempDir;

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const ARCHIVE: &[u8] = b"an archive, which nobody unpacks here";
const PASSWORD: &str = "canary-hunter2";

/// Charts whose archives are kept in a folder of their own.
fn charts() -> (ChartArchives, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (ChartArchives::new(Arc::new(client("127.0.0.1:1")), folder.path().join("charts")).unwrap(), folder)
}

/// A project with a credential for this place.
fn reader(id: &str, place: &str) -> Reader {
    let login = Login::Password { user: "robot".to_owned(), password: SecretText::new(PASSWORD) };
    let name = Name::new("charts").unwrap();
    Reader::new(vec![slipway_ports::Credential { id: id.to_owned(), name, place: place.parse().unwrap(), login }])
}

async fn archive(
    charts: &ChartArchives,
    place: &ChartPlace,
    version: &str,
    digest: &str,
    reader: &Reader,
) -> Result<Vec<u8>, Failure> {
    let pinned = ChartVersion { version: version.to_owned(), digest: digest.to_owned() };
    charts.archive(place, &pinned, reader, &CancellationToken::new()).await
}

/// The digest of an exact version.
async fn resolve(charts: &ChartArchives, place: &ChartPlace, version: &str, reader: &Reader) -> String {
    let resolved = charts.resolve(place, version, reader).await.unwrap();
    assert_eq!(resolved.version, version);
    resolved.digest
}

/// Pushes a chart as `helm push` does.
async fn push(registry: &TestRegistry, repository: &str, tag: &str, archive: &[u8]) -> Digest {
    let config = registry.push_blob(repository, b"{}").await;
    let layer = registry.push_blob(repository, archive).await;
    let manifest = json!({ "schemaVersion": 2, "config": descriptor(CONFIG, &config, 2),
        "layers": [descriptor(CONTENT, &layer, archive.len())] });
    registry.push_manifest(repository, tag, OCI_MANIFEST, &manifest).await;
    layer
}

#[tokio::test]
async fn a_chart_of_a_registry_is_pinned_to_its_archive_and_kept() {
    let registry = TestRegistry::start().await;
    let digest = push(&registry, "team/app", "1.2.3_build.7", ARCHIVE).await;
    push(&registry, "team/app", "1.2.2", b"an older one").await;
    let (charts, _folder) = charts();
    let place = ChartPlace::Oci(format!("oci://{}/team/app", registry.address));
    let nobody = Reader::nobody();
    assert_eq!(resolve(&charts, &place, "1.2.3+build.7", &nobody).await, digest.to_string(), "a tag has `_` for `+`");
    let read = archive(&charts, &place, "1.2.3+build.7", &digest.to_string(), &nobody).await;
    assert_eq!(read.unwrap(), ARCHIVE);

    let path = format!("team/app/blobs/{digest}");
    assert!(registry.send(reqwest::Method::DELETE, &path).await.status().is_success());
    assert_eq!(archive(&charts, &place, "1.2.3+build.7", &digest.to_string(), &nobody).await.unwrap(), ARCHIVE, "it is kept");
    let other = reader("other", "registry elsewhere.example");
    let gone = archive(&charts, &place, "1.2.3+build.7", &digest.to_string(), &other).await.unwrap_err();
    assert_eq!((gone.kind, gone.code), (FailureKind::Permanent, Code::ChartNotFound), "for who has read it alone: {gone}");

    for (version, told) in [("9.9.9", "`1.2.3+build.7`"), ("^3", "`1.2.3+build.7`"), ("../x", "`1.2.3+build.7`")] {
        let missing = charts.resolve(&place, version, &nobody).await.unwrap_err();
        assert_eq!((missing.kind, missing.code), (FailureKind::Permanent, Code::ChartNotFound), "{missing}");
        assert!(missing.hint.as_deref().is_some_and(|hint| hint.contains(told)), "{missing:?}");
    }
    let nothing = ChartPlace::Oci(format!("oci://{}/team/none", registry.address));
    assert_eq!(charts.resolve(&nothing, "1.0.0", &nobody).await.unwrap_err().code, Code::ChartNotFound);
    let away = ChartPlace::Oci("oci://127.0.0.1:1/team/app".to_owned());
    let failure = charts.resolve(&away, "1.0.0", &nobody).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RegistryUnavailable), "{failure}");
}

#[tokio::test]
async fn what_a_registry_has_in_the_place_of_a_chart_is_refused() {
    let registry = TestRegistry::start().await;
    registry.push_image("team/image", "1.0.0", "an image").await;
    registry.push_index("team/index", "1.0.0", "an index").await;
    let config = registry.push_blob("team/large", b"{}").await;
    let layer = registry.push_blob("team/large", &vec![0; (16 << 20) + 1]).await;
    let manifest = json!({ "schemaVersion": 2, "config": descriptor(CONFIG, &config, 2),
        "layers": [descriptor(CONTENT, &layer, (16 << 20) + 1)] });
    registry.push_manifest("team/large", "1.0.0", OCI_MANIFEST, &manifest).await;
    let (charts, _folder) = charts();
    let nobody = Reader::nobody();
    for (name, told) in [("image", "is no chart"), ("index", "is no chart"), ("large", "more than 16 MiB")] {
        let place = ChartPlace::Oci(format!("oci://{}/team/{name}", registry.address));
        let failure = charts.resolve(&place, "1.0.0", &nobody).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ChartInvalid), "{failure}");
        assert!(failure.message.contains(told), "{failure}");
    }
    let large = ChartPlace::Oci(format!("oci://{}/team/large", registry.address));
    assert!(archive(&charts, &large, "1.0.0", &layer.to_string(), &nobody).await.unwrap_err().message.contains("more than"));
}

#[tokio::test]
async fn a_private_chart_is_read_with_the_credential_of_its_registry_alone() {
    let open = TestRegistry::start().await;
    let digest = push(&open, "team/app", "1.0.0", ARCHIVE).await;
    let auth = Auth::Basic(vec![User::new("robot", PASSWORD)]);
    let (locked, _) = serve(slipway_registry::embedded::router(open.storage.clone(), auth)).await;
    let (charts, _folder) = charts();
    let place = ChartPlace::Oci(format!("oci://{locked}/team/app"));
    let own = reader("own", &format!("registry {locked}"));
    assert_eq!(resolve(&charts, &place, "1.0.0", &own).await, digest.to_string());
    assert_eq!(archive(&charts, &place, "1.0.0", &digest.to_string(), &own).await.unwrap(), ARCHIVE);
    for other in [Reader::nobody(), reader("other", "registry elsewhere.example"), reader("git", &format!("git http://{locked}"))]
    {
        let failure = charts.resolve(&place, "1.0.0", &other).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RegistryUnauthorized), "{failure}");
        assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains("slipway credential set")), "{failure:?}");
        let kept = archive(&charts, &place, "1.0.0", &digest.to_string(), &other).await.unwrap_err();
        assert_eq!(kept.code, Code::RegistryUnauthorized, "what another has read is not kept for this one");
    }
}

/// What a web server answers to a path: a status, and a body or a `Location`.
type Answers = BTreeMap<String, (StatusCode, Vec<u8>)>;

/// A web server on loopback, and the paths that it was asked for with what they were asked with.
struct Web {
    url: String,
    answers: Arc<Mutex<Answers>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Web {
    async fn start() -> Self {
        let (answers, asked) = (Arc::<Mutex<Answers>>::default(), Arc::<Mutex<Vec<(String, String)>>>::default());
        let (given, heard) = (answers.clone(), asked.clone());
        let router = Router::new().fallback(move |request: Request<Body>| {
            let path = request.uri().path().to_owned();
            let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            heard.lock().unwrap().push((path.clone(), authorization.unwrap_or_default().to_owned()));
            let answer = given.lock().unwrap().get(&path).cloned();
            async move { answered(answer) }
        });
        let (address, _) = serve(router).await;
        Self { url: format!("http://{address}"), answers, asked }
    }

    fn answer(&self, path: &str, status: StatusCode, body: impl Into<Vec<u8>>) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body.into()));
    }

    fn index(&self, chart: &str) {
        self.answer("/charts/index.yaml", StatusCode::OK, format!("apiVersion: v1\nentries:\n  app:\n{chart}"));
    }

    fn place(&self) -> ChartPlace {
        ChartPlace::Repository { url: format!("{}/charts", self.url), name: "app".to_owned() }
    }

    /// What was sent with each request for a path.
    fn sent(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(of, _)| of == path).map(|(_, authorization)| authorization.clone()).collect()
    }
}

fn answered(answer: Option<(StatusCode, Vec<u8>)>) -> Response {
    match answer {
        Some((status, location)) if status.is_redirection() => {
            (status, [(header::LOCATION, String::from_utf8(location).unwrap())]).into_response()
        }
        Some((status, body)) => (status, body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn version(version: &str, digest: &str, url: &str) -> String {
    format!("  - version: {version}\n    digest: {digest}\n    urls: [\"{url}\"]\n")
}

#[tokio::test]
async fn a_chart_of_a_repository_is_pinned_verified_and_kept() {
    let web = Web::start().await;
    let digest = Digest::sha256(ARCHIVE);
    let elsewhere = format!("{}/files/app-1.1.0.tgz", web.url);
    web.index(&format!(
        "{}{}{}",
        version("2.0.0", "''", "app-2.0.0.tgz"),
        version("1.1.0", digest.hexadecimal(), &elsewhere),
        version("1.0.0", &digest.to_string(), "app-1.0.0.tgz"),
    ));
    web.answer("/charts/app-1.0.0.tgz", StatusCode::OK, ARCHIVE);
    web.answer("/files/app-1.1.0.tgz", StatusCode::OK, ARCHIVE);
    web.answer("/charts/app-2.0.0.tgz", StatusCode::OK, "an archive whose digest is not listed");
    let (charts, _folder) = charts();
    let (place, nobody) = (web.place(), Reader::nobody());
    for version in ["1.0.0", "1.1.0"] {
        assert_eq!(resolve(&charts, &place, version, &nobody).await, digest.to_string());
    }
    assert_eq!(web.sent("/charts/app-1.0.0.tgz").len(), 0, "the index tells the digest");
    for _ in 0..2 {
        assert_eq!(archive(&charts, &place, "1.0.0", &digest.to_string(), &nobody).await.unwrap(), ARCHIVE);
    }
    assert_eq!(web.sent("/charts/app-1.0.0.tgz").len(), 1, "it is kept");
    let unlisted = resolve(&charts, &place, "2.0.0", &nobody).await;
    assert_eq!(unlisted, Digest::sha256(b"an archive whose digest is not listed").to_string());
    archive(&charts, &place, "2.0.0", &unlisted, &nobody).await.unwrap();
    assert_eq!(web.sent("/charts/app-2.0.0.tgz").len(), 1);

    let missing = charts.resolve(&place, "3.0.0", &nobody).await.unwrap_err();
    assert_eq!(missing.code, Code::ChartNotFound);
    assert!(missing.hint.unwrap().contains("`2.0.0`, `1.1.0`, `1.0.0`"));
    let other = ChartPlace::Repository { url: format!("{}/charts/", web.url), name: "ap".to_owned() };
    let missing = charts.resolve(&other, "1.0.0", &nobody).await.unwrap_err();
    assert_eq!((missing.code, missing.hint.as_deref()), (Code::ChartNotFound, Some("there are `app`")));
}

#[tokio::test]
async fn a_chart_that_was_published_again_is_not_what_was_pinned() {
    let web = Web::start().await;
    let (charts, _folder) = charts();
    let (place, nobody) = (web.place(), Reader::nobody());
    let before = Digest::sha256(ARCHIVE).to_string();
    web.index(&version("1.0.0", &before, "app.tgz"));
    assert_eq!(resolve(&charts, &place, "1.0.0", &nobody).await, before);
    web.answer("/charts/app.tgz", StatusCode::OK, "another one");
    let other = Digest::sha256(b"another one").to_string();
    for (listed, why) in [(before.as_str(), "the archive is another"), (&other, "the index says so"), ("''", "nothing is listed")]
    {
        web.index(&version("1.0.0", listed, "app.tgz"));
        let failure = archive(&charts, &place, "1.0.0", &before, &nobody).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::DigestMismatch), "{why}: {failure}");
    }
}

#[tokio::test]
async fn a_credential_goes_to_its_place_and_to_no_redirect_or_archive_elsewhere() {
    let (web, evil) = (Web::start().await, Web::start().await);
    let digest = Digest::sha256(ARCHIVE).to_string();
    web.index(&format!(
        "{}{}{}",
        version("1.0.0", &digest, "app.tgz"),
        version("2.0.0", &digest, &format!("{}/evil.tgz", evil.url)),
        version("3.0.0", &digest, "moved.tgz"),
    ));
    web.answer("/charts/app.tgz", StatusCode::OK, ARCHIVE);
    web.answer("/charts/moved.tgz", StatusCode::FOUND, format!("{}/moved.tgz", evil.url));
    evil.answer("/evil.tgz", StatusCode::OK, ARCHIVE);
    evil.answer("/moved.tgz", StatusCode::OK, ARCHIVE);
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        let (charts, _folder) = charts();
        let own = reader("own", &format!("git {}/charts", web.url));
        archive(&charts, &web.place(), version, &digest, &own).await.unwrap();
    }
    for path in ["/charts/index.yaml", "/charts/app.tgz", "/charts/moved.tgz"] {
        assert!(web.sent(path).iter().all(|sent| sent.starts_with("Basic ")), "{path}");
    }
    assert_eq!((evil.sent("/evil.tgz"), evil.sent("/moved.tgz")), (vec![String::new()], vec![String::new()]));

    web.answer("/charts/index.yaml", StatusCode::UNAUTHORIZED, "");
    let (charts, _folder) = charts();
    let failure = charts.resolve(&web.place(), "1.0.0", &reader("own", "git https://elsewhere.example")).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RegistryUnauthorized));
    assert!(failure.hint.as_deref().unwrap().contains("slipway credential set"), "{failure:?}");
    assert!(!format!("{failure:?}").contains(PASSWORD));
}

#[tokio::test]
async fn what_is_no_repository_is_told_and_nothing_large_is_taken() {
    let web = Web::start().await;
    let nobody = Reader::nobody();
    let (charts, _folder) = charts();
    let place = web.place();
    let ask = async |charts: &ChartArchives| charts.resolve(&place, "1.0.0", &nobody).await.unwrap_err();
    for (status, body, kind, code) in [
        (StatusCode::OK, "<!doctype html>", FailureKind::Permanent, Code::ChartInvalid),
        (StatusCode::OK, "entries: {app: [{version: 1.0.0}]}", FailureKind::Permanent, Code::ChartInvalid),
        (StatusCode::NOT_FOUND, "", FailureKind::Permanent, Code::ChartNotFound),
        (StatusCode::BAD_GATEWAY, "", FailureKind::Retry, Code::RegistryUnavailable),
        (StatusCode::TOO_MANY_REQUESTS, "", FailureKind::Retry, Code::RegistryUnavailable),
        (StatusCode::FOUND, "/charts/index.yaml", FailureKind::Permanent, Code::RegistryUnavailable),
        (StatusCode::FOUND, "http://charts.example/", FailureKind::Permanent, Code::RegistryUnavailable),
        (StatusCode::FOUND, "file:///etc/passwd", FailureKind::Permanent, Code::RegistryUnavailable),
    ] {
        web.answer("/charts/index.yaml", status, body);
        let failure = ask(&charts).await;
        assert_eq!((failure.kind, failure.code), (kind, code), "{status} {body}: {failure}");
    }
    for url in ["file:///etc/passwd", "http://charts.example/app.tgz", "http://a:b@127.0.0.1/app.tgz", "oci://a.example/b"] {
        web.index(&version("1.0.0", "''", url));
        let failure = ask(&charts).await;
        assert_eq!(failure.code, Code::ChartInvalid, "{url}: {failure}");
    }
    web.index(&version("1.0.0", "''", "app.tgz"));
    web.answer("/charts/app.tgz", StatusCode::OK, vec![0; 100 << 20]);
    let failure = ask(&charts).await;
    assert!(failure.code == Code::ChartInvalid && failure.message.contains("more than 16 MiB"), "{failure}");
    web.answer("/charts/index.yaml", StatusCode::OK, vec![b' '; (64 << 20) + 1]);
    assert!(ask(&charts).await.message.contains("more than 64 MiB"));
    let away = ChartPlace::Repository { url: "http://127.0.0.1:1".to_owned(), name: "app".to_owned() };
    let failure = charts.resolve(&away, "1.0.0", &nobody).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RegistryUnavailable), "{failure}");
    let plain = ChartPlace::Repository { url: "http://charts.example".to_owned(), name: "app".to_owned() };
    assert!(charts.resolve(&plain, "1.0.0", &nobody).await.unwrap_err().message.contains("plain HTTP"));
}

#[tokio::test]
async fn a_registry_and_repositories_keep_the_contract_also_when_an_index_leads_to_a_registry() {
    let (registry, web) = (TestRegistry::start().await, Web::start().await);
    let (mut listed, mut leading) = (String::new(), String::new());
    for number in CHART_VERSIONS {
        let digest = push(&registry, "team/app", number, number.as_bytes()).await;
        listed.push_str(&version(number, digest.hexadecimal(), &format!("app-{number}.tgz")));
        web.answer(&format!("/charts/app-{number}.tgz"), StatusCode::OK, number);
        let digest = if number == "2.0.0" { "''" } else { digest.hexadecimal() };
        leading.push_str(&version(number, digest, &format!("oci://{}/team/app:{number}", registry.address)));
    }
    // What is no version is passed over; and a list of so many tags comes in pages.
    for number in 0..120 {
        push(&registry, "team/app", &format!("0-build.{number}-x_"), b"no version").await;
    }
    let nobody = Reader::nobody();
    for (place, index) in [
        (ChartPlace::Oci(format!("oci://{}/team/app", registry.address)), &listed),
        (web.place(), &listed),
        (web.place(), &leading),
    ] {
        web.index(index);
        let (charts, _folder) = charts();
        charts_contract(&charts, &place, &nobody).await;
    }
}

#[tokio::test]
async fn an_index_that_leads_to_a_registry_is_followed_with_the_credential_of_that_registry_alone() {
    let (open, web) = (TestRegistry::start().await, Web::start().await);
    let digest = push(&open, "team/app", "1.0.0", ARCHIVE).await;
    let auth = Auth::Basic(vec![User::new("robot", PASSWORD)]);
    let (locked, _) = serve(slipway_registry::embedded::router(open.storage.clone(), auth)).await;
    web.index(&version("1.0.0", "''", &format!("oci://{locked}/team/app:1.0.0")));
    let (charts, _folder) = charts();
    let own = reader("own", &format!("registry {locked}"));
    assert_eq!(resolve(&charts, &web.place(), "1.0.0", &own).await, digest.to_string());
    assert!(web.sent("/charts/index.yaml").iter().all(String::is_empty), "not to the repository");
    let other = reader("other", &format!("git {}", web.url));
    let failure = charts.resolve(&web.place(), "1.0.0", &other).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RegistryUnauthorized), "{failure}");

    let other_digest = Digest::sha256(b"what the index says").to_string();
    web.index(&version("1.0.0", &other_digest, &format!("oci://{locked}/team/app:1.0.0")));
    let failure = archive(&charts, &web.place(), "1.0.0", &other_digest, &own).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::DigestMismatch), "{failure}");
}
