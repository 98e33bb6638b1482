//! Git LFS: objects in the key, in the export, and refused where they are not what they should be; a small LFS server answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_git::{GitMirrors, GitSettings};
use slipway_ports::{CancellationToken, Reader, Repositories, TreeQuery};

use crate::host::{Host, Repository};
use crate::support::Fixture;

/// What a test says of the server, and what the server saw.
#[derive(Default)]
pub(crate) struct Told {
    /// What is sent for each digest.
    objects: BTreeMap<String, Vec<u8>>,
    /// Instead of any answer of the batch API.
    pub(crate) status: Option<u16>,
    /// `Authorization` of each request of the batch API.
    pub(crate) authorizations: Vec<Option<String>>,
    /// The digests that were downloaded.
    pub(crate) downloads: Vec<String>,
}

/// A host of repositories with an LFS server.
pub(crate) struct Lfs {
    pub(crate) host: Host,
    told: Arc<Mutex<Told>>,
}

impl Lfs {
    pub(crate) async fn new() -> Self {
        let told = Arc::<Mutex<Told>>::default();
        let router = Router::new()
            .route("/{repository}/info/lfs/objects/batch", post(batch))
            .route("/storage/{oid}", get(download))
            .with_state(told.clone());
        Self { host: Host::with(router).await, told }
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Keeps an object, and returns the pointer to it.
    pub(crate) fn object(&self, content: &str) -> String {
        let oid: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        self.told().objects.insert(oid.clone(), content.as_bytes().to_vec());
        pointer(&oid, content.len())
    }

    /// `shop` with one large file in `api`.
    fn shop(&self, pointer: &str) -> Repository {
        let shop = self.host.repository("shop");
        shop.write("api/Dockerfile", "FROM scratch\n").write("api/.gitattributes", "*.bin filter=lfs diff=lfs -text\n");
        shop.write("api/model.bin", pointer);
        shop
    }

    async fn context_tree(&self, commit: &str) -> String {
        self.host.fetch("shop").await;
        self.host.mirrors.facts(&self.host.query("shop", commit, "api"), &Reader::nobody()).await.unwrap().context_tree
    }

    async fn files(&self, commit: &str) -> BTreeMap<String, String> {
        self.host.fetch("shop").await;
        self.host.export(&self.host.query("shop", commit, "api")).await
    }

    async fn failure(&self, commit: &str) -> Failure {
        self.host.fetch("shop").await;
        self.host.try_export(&self.host.query("shop", commit, "api")).await.unwrap_err()
    }

    /// The files that are kept beside the mirrors.
    fn kept(&self) -> Vec<String> {
        let mirrors = std::fs::read_dir(self.host.folder.path().join("mirrors")).unwrap();
        let caches = mirrors.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "lfs"));
        let files = caches.flat_map(|cache| std::fs::read_dir(cache).unwrap());
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn pointer(oid: &str, size: usize) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
}

async fn batch(State(told): State<Arc<Mutex<Told>>>, headers: HeaderMap, body: String) -> Response {
    let mut told = told.lock().unwrap();
    told.authorizations.push(headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()));
    if let Some(status) = told.status {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    assert_eq!(headers["accept"], "application/vnd.git-lfs+json");
    assert_eq!(headers["content-type"], "application/vnd.git-lfs+json");
    let asked: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(asked["operation"], "download");
    let host = headers["host"].to_str().unwrap();
    let objects = asked["objects"].as_array().unwrap().iter().map(|object| {
        let oid = object["oid"].as_str().unwrap();
        if !told.objects.contains_key(oid) {
            return json!({"oid": oid, "size": object["size"], "error": {"code": 404, "message": "not here"}});
        }
        let download = json!({"href": format!("http://{host}/storage/{oid}"), "header": {"X-Token": "s3cret"}});
        json!({"oid": oid, "size": object["size"], "actions": {"download": download}})
    });
    Json(json!({"transfer": "basic", "objects": objects.collect::<Vec<_>>()})).into_response()
}

async fn download(State(told): State<Arc<Mutex<Told>>>, Path(oid): Path<String>, headers: HeaderMap) -> Response {
    let mut told = told.lock().unwrap();
    if headers.get("x-token").is_none_or(|token| token != "s3cret") {
        return StatusCode::FORBIDDEN.into_response();
    }
    told.downloads.push(oid.clone());
    told.objects[&oid].clone().into_response()
}

#[tokio::test]
async fn b02_the_object_of_a_large_file_is_in_the_key_with_an_ignore_file_and_without() {
    let lfs = Lfs::new().await;
    let (one, other) = (lfs.object("one"), lfs.object("other"));
    let shop = lfs.shop(&one);
    for ignore in ["", "docs\n"] {
        if !ignore.is_empty() {
            shop.write("api/.dockerignore", ignore);
        }
        let before = lfs.context_tree(&shop.write("api/model.bin", &one).commit()).await;
        assert_ne!(before, lfs.context_tree(&shop.write("api/model.bin", &other).commit()).await, "{ignore}");
        assert_eq!(before, lfs.context_tree(&shop.write("api/model.bin", &one).commit()).await, "{ignore}");
    }
    assert!(lfs.told().authorizations.is_empty(), "a key asks no LFS server");
}

#[tokio::test]
async fn b02_attributes_outside_of_what_the_builder_sees_are_in_the_key_as_far_as_they_matter() {
    let lfs = Lfs::new().await;
    let shop = lfs.shop(&lfs.object("one"));
    std::fs::remove_file(shop.work.join("api/.gitattributes")).unwrap();
    let plain = lfs.context_tree(&shop.commit()).await;
    assert_eq!(plain, lfs.context_tree(&shop.write(".gitattributes", "*.c text\n").commit()).await);
    let above = shop.write(".gitattributes", "*.c text\n*.bin filter=lfs\n").commit();
    let with_lfs = lfs.context_tree(&above).await;
    assert_ne!(plain, with_lfs);
    assert_eq!(lfs.files(&above).await["model.bin"], "one");
    assert_eq!(with_lfs, lfs.context_tree(&shop.write(".gitattributes", "# no\n*.c -text\n*.bin filter=lfs\n").commit()).await);
    std::fs::remove_file(shop.work.join(".gitattributes")).unwrap();
    shop.write("api/.dockerignore", ".git*\n");
    let ignored = lfs.context_tree(&shop.commit()).await;
    assert_eq!(ignored, lfs.context_tree(&shop.write("api/.gitattributes", "*.c text\n").commit()).await);
    let unseen = shop.write("api/.gitattributes", "*.bin filter=lfs\n").commit();
    assert_ne!(ignored, lfs.context_tree(&unseen).await);
    assert_eq!(lfs.files(&unseen).await["model.bin"], "one");
}

#[tokio::test]
async fn a_pointer_becomes_its_object_only_where_the_attributes_say_so() {
    let lfs = Lfs::new().await;
    let pointer = lfs.object("the model");
    let shop = lfs.shop(&pointer);
    shop.write("api/pointer.txt", &pointer).write("api/plain.bin", "no pointer").write("api/off/x.bin", &pointer);
    shop.write("api/off/.gitattributes", "x.bin -filter\n").write("api/copy.bin", &pointer).write("api/empty.bin", "");
    let commit = shop.commit();
    let files = lfs.files(&commit).await;
    assert_eq!([files["model.bin"].as_str(), files["copy.bin"].as_str()], ["the model"; 2]);
    assert_eq!([&files["pointer.txt"], &files["off/x.bin"]], [&pointer; 2]);
    assert_eq!([files["plain.bin"].as_str(), files["empty.bin"].as_str()], ["no pointer", ""]);
    assert_eq!(files, lfs.files(&commit).await);
    assert_eq!(lfs.told().downloads.len(), 1, "it is kept beside the mirror");
    assert_eq!(lfs.told().authorizations.len(), 1);
    assert_eq!(lfs.kept(), lfs.told().downloads.clone());
}

#[tokio::test]
async fn what_is_kept_is_exported_after_the_host_has_vanished_and_what_is_torn_is_brought_again() {
    let mut lfs = Lfs::new().await;
    let shop = lfs.shop(&lfs.object("the model"));
    let commit = shop.commit();
    lfs.files(&commit).await;
    let oid = lfs.told().downloads[0].clone();
    let mirrors = lfs.host.folder.path().join("mirrors");
    let mut cache = std::fs::read_dir(&mirrors).unwrap().map(|entry| entry.unwrap().path());
    let cache = cache.find(|path| path.extension().is_some_and(|it| it == "lfs")).unwrap();
    std::fs::write(cache.join(&oid), "the").unwrap();
    std::fs::write(cache.join(".unfinished-x"), "the").unwrap();
    lfs.host.mirrors = GitMirrors::open(GitSettings::new(&mirrors)).unwrap();
    assert_eq!(lfs.files(&commit).await["model.bin"], "the model");
    assert_eq!((lfs.told().downloads.len(), lfs.kept()), (2, vec![oid]));
    lfs.host.vanish().await;
    let query = lfs.host.query("shop", &commit, "api");
    assert_eq!(lfs.host.export(&query).await["model.bin"], "the model");
}

#[tokio::test]
async fn a_large_file_that_the_ignore_file_excludes_is_not_downloaded() {
    let lfs = Lfs::new().await;
    let pointer = lfs.object("the model");
    let commit = lfs.shop(&pointer).write("api/.dockerignore", "*.bin\n").commit();
    assert_eq!(lfs.files(&commit).await["model.bin"], pointer);
    assert!(lfs.told().authorizations.is_empty());
}

#[tokio::test]
async fn the_server_that_the_repository_names_is_asked() {
    let lfs = Lfs::new().await;
    let shop = lfs.shop(&lfs.object("the model"));
    let config = |url: &str| format!("[lfs]\n\turl = {url}\n");
    let commit = shop.write(".lfsconfig", &config(&lfs.host.url("elsewhere/info/lfs"))).commit();
    assert_eq!(lfs.files(&commit).await["model.bin"], "the model");
    let commit = shop.write("api/model.bin", &lfs.object("other")).write(".lfsconfig", &config("file:///etc")).commit();
    let failure = lfs.failure(&commit).await;
    assert_eq!((failure.code, failure.kind), (Code::LfsUnavailable, FailureKind::Permanent), "{failure}");
}

#[tokio::test]
async fn a_repository_on_the_disk_of_the_server_has_no_lfs_server_unless_it_names_one() {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", "FROM scratch\n").write(".gitattributes", "*.bin filter=lfs\n");
    let commit = fixture.write("model.bin", &pointer(&"0".repeat(64), 9)).commit();
    fixture.fetch().await;
    let into = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let failure = fixture.mirrors.export(&fixture.query(&commit, ""), &Reader::nobody(), into.path(), &cancel).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::LfsUnavailable, FailureKind::Permanent), "{failure}");
    assert!(failure.message.contains("keeps files in Git LFS") && failure.hint.is_some(), "{failure}");
}

#[tokio::test]
async fn large_files_of_a_submodule_are_those_of_its_own_host() {
    let lfs = Lfs::new().await;
    let lib = lfs.host.repository("lib");
    let inner = lib.write(".gitattributes", "*.bin filter=lfs\n").write("lib.bin", &lfs.object("the library")).commit();
    let shop = lfs.shop(&lfs.object("the model"));
    shop.write(".gitmodules", "[submodule \"lib\"]\n\tpath = api/lib\n\turl = ../lib\n").link("api/lib", &inner);
    let files = lfs.files(&shop.commit()).await;
    assert_eq!([files["model.bin"].as_str(), files["lib/lib.bin"].as_str()], ["the model", "the library"]);
}

#[tokio::test]
async fn an_object_that_is_not_what_it_should_be_is_not_kept() {
    let lfs = Lfs::new().await;
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let shop = lfs.shop(&pointer(oid, 9));
    let commit = shop.commit();
    for (sent, code, kind) in [
        (None, Code::LfsUnavailable, FailureKind::Permanent),
        (Some("the model"), Code::DigestMismatch, FailureKind::Permanent),
        (Some("the model, and more"), Code::DigestMismatch, FailureKind::Permanent),
        (Some("the"), Code::LfsUnavailable, FailureKind::Retry),
    ] {
        if let Some(sent) = sent {
            lfs.told().objects.insert(oid.to_owned(), sent.as_bytes().to_vec());
        }
        let failure = lfs.failure(&commit).await;
        assert_eq!((failure.code, failure.kind), (code, kind), "{sent:?}: {failure}");
        assert!(failure.message.contains("api/model.bin") && !format!("{failure:?}").contains("s3cret"), "{failure:?}");
        assert_eq!(lfs.kept(), Vec::<String>::new());
    }
    let failure = lfs.failure(&shop.write("api/model.bin", &pointer(oid, 5 << 30)).commit()).await;
    assert!(failure.message.contains("at most 4294967296 are read"), "{failure}");
}

#[tokio::test]
async fn a_server_that_refuses_or_is_away_is_told_apart_and_a_credential_is_shown_to_nobody() {
    let lfs = Lfs::new().await;
    let commit = lfs.shop(&lfs.object("the model")).commit();
    let url = lfs.host.url("shop").replace("http://", "http://user:s3cret@");
    lfs.host.mirrors.fetch(&url, &Reader::nobody(), &CancellationToken::new()).await.unwrap();
    let query = TreeQuery { url, ..lfs.host.query("shop", &commit, "api") };
    for (status, code, kind) in [
        (401, Code::RepositoryUnauthorized, FailureKind::Permanent),
        (403, Code::RepositoryUnauthorized, FailureKind::Permanent),
        (404, Code::LfsUnavailable, FailureKind::Permanent),
        (429, Code::LfsUnavailable, FailureKind::Retry),
        (503, Code::LfsUnavailable, FailureKind::Retry),
    ] {
        lfs.told().status = Some(status);
        let failure = lfs.host.try_export(&query).await.unwrap_err();
        assert_eq!((failure.code, failure.kind), (code, kind), "{status}: {failure}");
        assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
    }
    lfs.told().status = None;
    assert_eq!(lfs.host.export(&query).await["model.bin"], "the model");
    assert!(lfs.told().authorizations.iter().all(|it| it.as_deref() == Some("Basic dXNlcjpzM2NyZXQ=")));
}
