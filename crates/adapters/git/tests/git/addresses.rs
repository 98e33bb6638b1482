//! Repositories, submodules and large files where the server may not be sent.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use slipway_core::address::AddressRule;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_git::{GitMirrors, GitSettings};
use slipway_ports::{Addresses, CancellationToken, Reader, Repositories};
use tempfile::TempDir;

use crate::host::Host;
use crate::support::Fixture;

/// Mirrors of a server that others reach, and that may be sent to these addresses beside the open internet.
fn shared(allowed: &[&str]) -> (GitMirrors, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
    let addresses = Addresses::new(AddressRule { is_local: false, allowed });
    let settings = GitSettings { file_urls: true, addresses, ..GitSettings::new(folder.path().join("mirrors")) };
    (GitMirrors::open(settings).unwrap(), folder)
}

fn assert_refused(failure: &Failure, why: &str) {
    assert_eq!((failure.code, failure.kind), (Code::AddressRefused, FailureKind::Permanent), "{failure}");
    assert!(failure.message.contains(why), "{failure}");
}

/// What comes of the export of a repository on the disk.
async fn export(mirrors: &GitMirrors, fixture: &Fixture) -> Result<(), Failure> {
    let (reader, cancel, into) = (Reader::nobody(), CancellationToken::new(), tempfile::tempdir().unwrap());
    let commit = fixture.commit();
    mirrors.fetch(&fixture.url(), &reader, &cancel).await.unwrap();
    mirrors.export(&fixture.query(&commit, ""), &reader, into.path(), &cancel).await.map(|_| ())
}

#[tokio::test]
async fn a_repository_inside_is_asked_where_it_is_allowed_alone() {
    let host = Host::new().await;
    host.repository("shop").write("Dockerfile", "FROM scratch\n").commit();
    let (reader, cancel) = (Reader::nobody(), CancellationToken::new());
    let (mirrors, _folder) = shared(&["10.0.0.0/8"]);
    let url = host.url("shop");
    let why = format!("{url}: it is not asked: 127.0.0.1 is not of the open internet");
    assert_refused(&mirrors.fetch(&url, &reader, &cancel).await.unwrap_err(), &why);
    assert_refused(&mirrors.tips(&url, &reader, &cancel).await.unwrap_err(), &why);
    for url in ["git@169.254.169.254:a.git", "ssh://git@metadata.google.internal/a.git"] {
        assert_refused(&mirrors.tips(url, &reader, &cancel).await.unwrap_err(), "a metadata address");
    }
    assert_eq!(host.fetches("shop"), 0);
    let (mirrors, _folder) = shared(&["127.0.0.0/8"]);
    mirrors.fetch(&url, &reader, &cancel).await.unwrap();
    assert_eq!(mirrors.tips(&url, &reader, &cancel).await.unwrap().branches.len(), 1);
}

#[tokio::test]
async fn a_repository_leads_nowhere_that_its_url_could_not_lead() {
    let host = Host::new().await;
    let lib = host.repository("lib").write("lib.c", "1").commit();
    let fixture = Fixture::new();
    fixture.write("Dockerfile", "FROM scratch\n");
    fixture.write(".gitmodules", &format!("[submodule \"lib\"]\n\tpath = lib\n\turl = {}\n", host.url("lib")));
    crate::support::git(&fixture.work, &["update-index", "--add", "--cacheinfo", &format!("160000,{lib},lib")]);
    std::fs::create_dir(fixture.work.join("lib")).unwrap();
    let (mirrors, _folder) = shared(&[]);
    assert_refused(&export(&mirrors, &fixture).await.unwrap_err(), "the submodule `lib`: ");
    assert_eq!(host.fetches("lib"), 0);
}

/// An LFS server whose objects are elsewhere.
async fn lfs(State(elsewhere): State<String>, Json(asked): Json<Value>) -> Response {
    let object = &asked["objects"][0];
    let actions = json!({"download": {"href": elsewhere}});
    Json(json!({"objects": [{"oid": object["oid"], "size": object["size"], "actions": actions}]})).into_response()
}

#[tokio::test]
async fn large_files_are_brought_from_nowhere_that_is_refused() {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", "FROM scratch\n").write(".gitattributes", "*.bin filter=lfs\n");
    fixture.write("model.bin", &format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 9\n", "0".repeat(64)));
    for (allowed, elsewhere, why) in [
        (&[][..], "http://127.0.0.1:1/object", "127.0.0.1 is not of the open internet"),
        (&["127.0.0.0/8"], "http://robot:canary@10.9.9.9/object?token=canary", "10.9.9.9 is not of the open internet"),
        (&["127.0.0.0/8"], "http://169.254.169.254/object?token=canary", "a metadata address"),
        (&["127.0.0.0/8"], "here", "169.254.169.254 is a metadata address"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let elsewhere = if elsewhere == "here" { format!("{root}/moved") } else { elsewhere.to_owned() };
        let moved = get(async || Redirect::temporary("http://169.254.169.254/object"));
        let router = Router::new().route("/objects/batch", post(lfs)).route("/moved", moved).with_state(elsewhere);
        tokio::spawn(async move { axum::serve(listener, router).await });
        fixture.write(".lfsconfig", &format!("[lfs]\n\turl = {root}\n"));
        let (mirrors, _folder) = shared(allowed);
        let failure = export(&mirrors, &fixture).await.unwrap_err();
        assert_refused(&failure, why);
        assert!(!format!("{failure:?}").contains("canary"), "an address may hold a credential: {failure:?}");
    }
}
