//! Files in Git LFS of a repository over SSH: a real `sshd` tells of a small LFS server.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Redirect;
use serde_json::{Value, json};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_git::GitMirrors;
use slipway_ports::{CancellationToken, Export, Reader, Repositories, TreeQuery};

use crate::lfs::Lfs;
use crate::ssh::Server;
use crate::support::git;

/// Nothing that is shown may hold it.
const TOKEN: &str = "RemoteAuth canary-token";

/// A repository over SSH with one large file, its mirror, and who reads it.
struct Shop {
    server: Server,
    lfs: Lfs,
    mirrors: GitMirrors,
    reader: Reader,
    query: TreeQuery,
}

impl Shop {
    async fn new() -> Self {
        let (server, lfs) = (Server::start().await, Lfs::new().await);
        let work = server.path("shop");
        std::fs::write(work.join(".gitattributes"), "*.bin filter=lfs\n").unwrap();
        std::fs::write(work.join("model.bin"), lfs.object("the model")).unwrap();
        git(&work, &["add", "--all"]);
        git(&work, &["commit", "--quiet", "--message", "large"]);
        let (mirrors, reader) = (server.mirrors(), server.reader("1", "user", Some(server.host_key("host"))));
        let commit = server.fetch(&mirrors, &reader).await.unwrap();
        let query = TreeQuery { url: server.url(), commit, root: String::new(), dockerfile: None };
        Self { server, lfs, mirrors, reader, query }
    }

    /// The command answers with this.
    fn answers(&self, answer: &Value) {
        self.server.authenticate(&format!("cat <<'end'\n{answer}\nend\n"));
    }

    fn lets_in(&self) {
        self.answers(&json!({"href": self.lfs.host.url("shop/info/lfs"), "header": {"Authorization": TOKEN}, "expires_in": 60}));
    }

    async fn export(&self, cancel: &CancellationToken) -> Result<Export, Failure> {
        let into = tempfile::tempdir_in(self.lfs.host.folder.path()).unwrap().keep();
        self.mirrors.export(&self.query, &self.reader, &into, cancel).await
    }

    async fn model(&self) -> String {
        let export = self.export(&CancellationToken::new()).await.unwrap();
        std::fs::read_to_string(export.context.join("model.bin")).unwrap()
    }

    async fn failure(&self) -> Failure {
        let failure = self.export(&CancellationToken::new()).await.unwrap_err();
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        failure
    }
}

fn is_quoted(line: &str, path: &Path) -> bool {
    line == format!("git-lfs-authenticate '{}' download", path.display())
}

#[tokio::test]
async fn a_large_file_over_ssh_is_read_from_the_server_that_the_host_tells_with_the_headers_that_it_gives() {
    let shop = Shop::new().await;
    shop.lets_in();
    assert_eq!(shop.model().await, "the model");
    let asked = shop.server.asked_for_lfs();
    assert!(asked.len() == 1 && is_quoted(&asked[0], &shop.server.path("shop")), "{asked:?}");
    assert_eq!(shop.lfs.told().authorizations, [Some(TOKEN.to_owned())]);
    // What is kept needs neither the host nor its LFS server.
    assert_eq!(shop.model().await, "the model");
    assert_eq!((shop.server.asked_for_lfs().len(), shop.lfs.told().downloads.len()), (1, 1));
}

#[tokio::test]
async fn what_the_command_or_its_server_says_decides_the_failure_and_no_header_is_shown() {
    let shop = Shop::new().await;
    for (script, kind, word) in [
        ("echo 'ERROR: Repository not found.' >&2; exit 1", FailureKind::Permanent, "Repository not found"),
        ("echo 'Internal error, try again' >&2; exit 1", FailureKind::Retry, "try again"),
        ("echo '{\"header\": \"canary\"'", FailureKind::Permanent, "that can be read"),
        ("head -c 20000000 /dev/zero", FailureKind::Permanent, "that can be read"),
        ("kill -9 $$", FailureKind::Retry, "over SSH"),
    ] {
        shop.server.authenticate(script);
        let failure = shop.failure().await;
        assert_eq!((failure.code, failure.kind), (Code::LfsUnavailable, kind), "{script}: {failure}");
        assert!(failure.message.contains("127.0.0.1") && failure.message.contains(word), "{script}: {failure}");
    }
    shop.lets_in();
    shop.lfs.told().status = Some(503);
    assert_eq!(shop.failure().await.kind, FailureKind::Retry);
    shop.lfs.told().status = Some(401);
    assert_eq!(shop.failure().await.code, Code::RepositoryUnauthorized);
    shop.lfs.told().status = None;
    assert_eq!(shop.model().await, "the model");
}

#[tokio::test]
async fn a_host_without_the_command_is_asked_over_https_beside_the_repository() {
    let shop = Shop::new().await;
    let beside = format!("https://127.0.0.1{}.git/info/lfs", shop.server.path("shop").display());
    for script in [None, Some("exit 127")] {
        if let Some(script) = script {
            shop.server.authenticate(script);
        }
        let failure = shop.failure().await;
        assert_eq!((failure.code, failure.kind), (Code::LfsUnavailable, FailureKind::Retry), "{failure}");
        assert!(failure.message.contains(&beside), "{failure}");
    }
}

#[tokio::test]
async fn a_command_that_hangs_is_given_up_on_request() {
    let shop = Shop::new().await;
    shop.server.authenticate("echo > hanging; exec sleep 60");
    let cancel = CancellationToken::new();
    let begun = Instant::now();
    let stop = async {
        while !shop.server.path("hanging").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(shop.export(&cancel), stop);
    assert_eq!(ended.unwrap_err().code, Code::Canceled);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_header_that_the_host_gives_goes_to_its_own_server_alone() {
    let shop = Shop::new().await;
    let sent = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let listening = sent.clone();
    let elsewhere = Router::new().fallback(move |headers: HeaderMap| async move { listening.lock().unwrap().push(headers) });
    let elsewhere = serve(elsewhere).await;
    let away = move || async move { Redirect::temporary(&format!("http://{elsewhere}/objects/batch")) };
    let away = serve(Router::new().fallback(away)).await;
    shop.answers(&json!({"href": format!("http://{away}"), "header": {"X-Lfs-Token": "canary"}}));
    let failure = shop.failure().await;
    assert_eq!((failure.code, failure.kind), (Code::LfsUnavailable, FailureKind::Permanent), "{failure}");
    shop.answers(&json!({"href": format!("http://{away}"), "header": {"Authorization": TOKEN}}));
    shop.failure().await;
    let sent = sent.lock().unwrap();
    assert!(sent.len() == 1 && !format!("{sent:?}").contains("canary"), "{sent:?}");
    assert!(!sent[0].contains_key("authorization"), "{sent:?}");
}

async fn serve(router: Router) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}
