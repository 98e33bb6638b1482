//! Commits that no branch or tag reaches any more: asked for by their ids, where the host gives them.

use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::{GitRevision, Name};
use slipway_ports::{CancellationToken, Credential, Login, Reader, Repositories, SecretText};

use crate::host::{Host, Repository};
use crate::support::git;

/// A repository of one commit.
fn repository(host: &Host, name: &str) -> Repository {
    let repository = host.repository(name);
    repository.write("Dockerfile", "FROM scratch\n").commit();
    repository
}

/// The submodule `lib` of a new `shop`, at this commit; the commit of `shop`.
fn shop_with(host: &Host, lib: &str) -> String {
    let shop = host.repository("shop");
    shop.write(".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib\n").link("lib", lib);
    shop.write("Dockerfile", "FROM scratch\n").commit()
}

async fn resolve(host: &Host, name: &str, reader: &Reader, revision: GitRevision) -> Result<String, Failure> {
    host.mirrors.resolve(&host.url(name), reader, &revision).await
}

async fn pinned(host: &Host, name: &str, commit: &str) -> Result<String, Failure> {
    resolve(host, name, &Reader::nobody(), GitRevision::Commit(commit.to_owned())).await
}

fn robot(host: &Host, id: &str, password: &str) -> Reader {
    Reader::new(vec![Credential {
        id: id.to_owned(),
        name: Name::new("robot").unwrap(),
        place: format!("git {}", host.url("").trim_end_matches('/')).parse().unwrap(),
        login: Login::Password { user: "robot".to_owned(), password: SecretText::new(password) },
    }])
}

#[tokio::test]
async fn a_pinned_commit_that_was_rewritten_before_it_was_fetched_is_asked_for_by_its_id_and_kept() {
    let host = Host::new().await;
    let shop = repository(&host, "shop");
    let gone = shop.rewritten("late", "1");
    assert!(pinned(&host, "shop", &gone).await.is_err(), "a mirror is made by a fetch alone");
    host.fetch("shop").await;
    assert_eq!(pinned(&host, "shop", &gone).await, Ok(gone.clone()));
    assert_eq!(host.fetches("shop"), 2);
    assert_eq!(host.export(&host.query("shop", &gone, "")).await["late"], "1");
    // Neither a fetch that prunes nor a collection takes it away.
    shop.write("next", "1").commit();
    host.fetch("shop").await;
    let mirror = std::fs::read_dir(host.folder.path().join("mirrors")).unwrap().next().unwrap().unwrap().path();
    git(&mirror, &["gc", "--quiet", "--prune=now"]);
    assert_eq!(pinned(&host, "shop", &gone).await, Ok(gone.clone()));
    assert_eq!(host.fetches("shop"), 3, "it is asked for no more");
    for name in [format!("slipway/commits/{gone}"), format!("commits/{gone}"), format!("refs/slipway/commits/{gone}")] {
        for revision in [GitRevision::Branch(name.clone()), GitRevision::Named(name.clone())] {
            let failure = resolve(&host, "shop", &Reader::nobody(), revision).await.unwrap_err();
            assert_eq!(failure.code, Code::RevisionNotFound, "{name}");
            assert!(!failure.message.contains("has `slipway"), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_submodule_whose_commit_was_rewritten_is_exported() {
    let host = Host::new().await;
    let lib = repository(&host, "lib");
    let gone = lib.rewritten("lib.c", "gone");
    let commit = shop_with(&host, &gone);
    host.fetch("shop").await;
    let query = host.query("shop", &commit, "");
    let (one, other) = tokio::join!(host.export(&query), host.export(&query));
    assert_eq!([&one["lib/lib.c"], &other["lib/lib.c"]], ["gone"; 2]);
    assert_eq!(host.fetches("lib"), 2, "one fetch, and one question for the commit");
}

#[tokio::test]
async fn a_host_that_refuses_to_give_commits_by_their_ids_is_told_as_before_and_one_that_allows_it_is_not() {
    let host = Host::new().await;
    let lib = repository(&host, "lib");
    host.speaks_as_of_old("lib");
    let gone = lib.rewritten("lib.c", "gone");
    host.fetch("lib").await;
    for _ in 0..2 {
        let failure = pinned(&host, "lib", &gone).await.unwrap_err();
        assert_eq!((failure.code, failure.kind), (Code::RevisionNotFound, FailureKind::Permanent), "{failure}");
        assert_eq!(host.fetches("lib"), 2, "what the host said is true until the next fetch");
    }
    let commit = shop_with(&host, &gone);
    host.fetch("shop").await;
    let query = host.query("shop", &commit, "");
    let failure = host.try_export(&query).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::SubmoduleInvalid, FailureKind::Permanent), "{failure}");
    assert!(failure.message.ends_with("does not hold"), "{failure}");
    git(&lib.work, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    assert_eq!(host.export(&query).await["lib/lib.c"], "gone");
    assert_eq!(pinned(&host, "lib", &gone).await, Ok(gone));
}

#[tokio::test]
async fn a_commit_of_a_private_repository_is_asked_for_with_its_credential_alone() {
    let mut host = Host::new().await;
    let lib = repository(&host, "lib");
    let gone = lib.rewritten("lib.c", "gone");
    host.lock("lib", "robot", "canary-1");
    let fetch = async |host: &Host, reader: &Reader| {
        host.mirrors.fetch(&host.url("lib"), reader, &CancellationToken::new()).await.unwrap();
    };
    let revision = GitRevision::Commit(gone.clone());
    let (first, second) = (robot(&host, "1", "canary-1"), robot(&host, "2", "canary-1"));
    fetch(&host, &first).await;
    assert!(resolve(&host, "lib", &Reader::nobody(), revision.clone()).await.is_err());
    assert!(resolve(&host, "lib", &second, revision.clone()).await.is_err(), "the host has not let it in");
    assert_eq!(resolve(&host, "lib", &first, revision.clone()).await, Ok(gone.clone()));
    let commit = shop_with(&host, &gone);
    host.mirrors.fetch(&host.url("shop"), &first, &CancellationToken::new()).await.unwrap();
    host.export_as(&first, &host.query("shop", &commit, "")).await.unwrap();
    // Who is refused when he asks by id has lost the mirror, too.
    let other = lib.rewritten("lib.c", "other");
    host.lock("lib", "robot", "canary-2");
    let failure = resolve(&host, "lib", &first, GitRevision::Commit(other)).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RepositoryUnauthorized, FailureKind::Permanent), "{failure}");
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    assert!(resolve(&host, "lib", &first, revision.clone()).await.is_err());
    // A host that is away has not said that there is no such commit.
    let third = robot(&host, "3", "canary-2");
    fetch(&host, &third).await;
    host.vanish().await;
    let failure = resolve(&host, "lib", &third, GitRevision::Commit("1".repeat(40))).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RepositoryUnreachable, FailureKind::Retry), "{failure}");
    assert_eq!(resolve(&host, "lib", &third, revision).await, Ok(gone));
}
