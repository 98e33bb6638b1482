//! Private repositories: who may read them, and that a mirror is shared with nobody else.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::{GitRevision, Name};
use slipway_ports::{CancellationToken, Credential, Login, Reader, Repositories, SecretText};
use std::sync::{Arc, Mutex};

use crate::host::Host;

/// Nothing that is shown may hold it.
pub(crate) const PASSWORD: &str = "canary-hunter2";

fn credential(id: &str, place: &str, password: &str) -> Credential {
    Credential {
        id: id.to_owned(),
        name: Name::new("robot").unwrap(),
        place: format!("git {place}").parse().unwrap(),
        login: Login::Password { user: "robot".to_owned(), password: SecretText::new(password) },
    }
}

pub(crate) fn reader(host: &Host, id: &str, password: &str) -> Reader {
    Reader::new(vec![credential(id, host.url("").trim_end_matches('/'), password)])
}

async fn fetch(host: &Host, name: &str, reader: &Reader) -> Result<(), Failure> {
    host.mirrors.fetch(&host.url(name), reader, &CancellationToken::new()).await
}

/// A host with a private repository of one commit.
pub(crate) async fn private() -> (Host, String) {
    let host = Host::new().await;
    let commit = host.repository("shop").write("Dockerfile", "FROM scratch\n").commit();
    host.lock("shop", "robot", PASSWORD);
    (host, commit)
}

pub(crate) fn refused(failure: &Failure) {
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RepositoryUnauthorized), "{failure}");
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
}

#[tokio::test]
async fn a_private_repository_is_read_with_the_credential_for_it_and_without_it_the_failure_says_so() {
    let (host, commit) = private().await;
    let failure = fetch(&host, "shop", &Reader::nobody()).await.unwrap_err();
    refused(&failure);
    assert!(failure.message.contains("the project has none"), "{failure}");
    let failure = fetch(&host, "shop", &reader(&host, "1", "canary-wrong")).await.unwrap_err();
    refused(&failure);
    assert!(failure.message.contains("`robot`"), "{failure}");
    let robot = reader(&host, "2", PASSWORD);
    fetch(&host, "shop", &robot).await.unwrap();
    let branch = GitRevision::Branch("main".to_owned());
    assert_eq!(host.mirrors.resolve(&host.url("shop"), &robot, &branch).await.unwrap(), commit);
    let export = host.export_as(&robot, &host.query("shop", &commit, "")).await.unwrap();
    assert!(export.context.join("Dockerfile").exists());
    let elsewhere = Reader::new(vec![credential("3", "https://elsewhere.example", PASSWORD)]);
    refused(&fetch(&host, "shop", &elsewhere).await.unwrap_err());
}

#[tokio::test]
async fn a_mirror_is_shared_only_with_those_whose_own_credential_has_read_the_repository() {
    let (mut host, commit) = private().await;
    let url = host.url("shop");
    let robot = reader(&host, "1", PASSWORD);
    fetch(&host, "shop", &robot).await.unwrap();
    let (pinned, query) = (GitRevision::Commit(commit.clone()), host.query("shop", &commit, ""));
    let (nobody, wrong) = (Reader::nobody(), reader(&host, "2", "canary-wrong"));
    for other in [&nobody, &wrong] {
        assert!(host.mirrors.resolve(&url, other, &pinned).await.is_err(), "{other:?}");
        assert!(host.mirrors.facts(&query, other).await.is_err(), "{other:?}");
        refused(&host.export_as(other, &query).await.unwrap_err());
    }
    // The same password under another credential is let in by the host, and only then.
    let again = reader(&host, "3", PASSWORD);
    assert!(host.mirrors.resolve(&url, &again, &pinned).await.is_err());
    fetch(&host, "shop", &again).await.unwrap();
    assert_eq!(host.mirrors.resolve(&url, &again, &pinned).await.unwrap(), commit);
    host.vanish().await;
    for known in [&robot, &again] {
        assert!(fetch(&host, "shop", known).await.is_err());
        host.export_as(known, &query).await.expect("what it has read, it may read when the host is gone");
    }
    assert_eq!(host.export_as(&nobody, &query).await.unwrap_err().code, Code::RepositoryUnreachable);
}

#[tokio::test]
async fn whom_the_host_refuses_now_the_mirror_refuses_too() {
    let (host, commit) = private().await;
    let robot = reader(&host, "1", PASSWORD);
    fetch(&host, "shop", &robot).await.unwrap();
    host.lock("shop", "robot", "another");
    refused(&fetch(&host, "shop", &robot).await.unwrap_err());
    assert!(host.mirrors.facts(&host.query("shop", &commit, ""), &robot).await.is_err());
}

#[tokio::test]
async fn many_who_fetch_at_once_share_a_fetch_only_with_their_own_kind() {
    let (host, _) = private().await;
    let (robot, wrong) = (reader(&host, "1", PASSWORD), reader(&host, "2", "canary-wrong"));
    let fetches = (0..8).map(|number| fetch(&host, "shop", if number % 2 == 0 { &robot } else { &wrong }));
    for (number, fetched) in futures::future::join_all(fetches).await.into_iter().enumerate() {
        assert_eq!(fetched.is_ok(), number % 2 == 0, "{number}: {fetched:?}");
    }
}

#[tokio::test]
async fn the_repository_of_a_submodule_is_read_with_the_credentials_of_the_project_or_not_at_all() {
    let host = Host::new().await;
    let lib = host.repository("lib").write("lib.c", "1").commit();
    let shop = host.repository("shop");
    shop.write(".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib\n").link("lib", &lib);
    let commit = shop.write("Dockerfile", "FROM scratch\n").commit();
    host.lock("lib", "robot", PASSWORD);
    let query = host.query("shop", &commit, "");
    let robot = reader(&host, "1", PASSWORD);
    fetch(&host, "shop", &robot).await.unwrap();
    let export = host.export_as(&robot, &query).await.unwrap();
    assert!(export.context.join("lib/lib.c").exists());
    // Its mirror is there now, and holds the commit.
    fetch(&host, "shop", &Reader::nobody()).await.unwrap();
    let failure = host.export_as(&Reader::nobody(), &query).await.unwrap_err();
    refused(&failure);
    assert!(failure.message.contains("the submodule `lib`"), "{failure}");
}

#[tokio::test]
async fn a_host_that_leads_elsewhere_gives_no_credential_away() {
    let sent = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let elsewhere = Router::new().fallback(listen).with_state(sent.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, elsewhere).await.unwrap() });
    let away = move |request: Request| async move {
        Redirect::temporary(&format!("http://{address}{}", request.uri().path_and_query().unwrap()))
    };
    let host = Host::with(Router::new().route("/moved/{*rest}", axum::routing::any(away))).await;
    let failure = fetch(&host, "moved", &reader(&host, "1", PASSWORD)).await.unwrap_err();
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    let sent = sent.lock().unwrap();
    assert!(!sent.is_empty(), "the redirect was followed");
    assert!(sent.iter().all(|headers| !headers.contains_key("authorization")), "{sent:?}");
}

/// Wants a password, and remembers what it was sent.
async fn listen(State(sent): State<Arc<Mutex<Vec<HeaderMap>>>>, headers: HeaderMap) -> impl IntoResponse {
    sent.lock().unwrap().push(headers);
    (axum::http::StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"git\"")])
}

#[tokio::test]
async fn a_password_is_on_no_command_line_and_on_no_disk() {
    let (host, _) = private().await;
    let robot = reader(&host, "1", PASSWORD);
    let watching = tokio::spawn(async {
        let mut seen = 0;
        loop {
            for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line);
                seen += usize::from(line.contains("fetch\0--quiet"));
                assert!(!line.contains("canary-"), "{line}");
            }
            tokio::task::yield_now().await;
            if seen > 20 {
                return;
            }
        }
    });
    while !watching.is_finished() {
        fetch(&host, "shop", &robot).await.unwrap();
    }
    watching.await.unwrap();
    let mut pending = vec![host.folder.path().join("mirrors")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else {
                let content = std::fs::read(entry.path()).unwrap();
                assert!(!content.windows(7).any(|window| window == b"canary-"), "{}", entry.path().display());
            }
        }
    }
}
