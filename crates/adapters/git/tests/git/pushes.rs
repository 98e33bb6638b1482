//! What a push is judged by: the branches of a host, and the files between two commits.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use slipway_core::auto_deploy::Changed;
use slipway_core::failure::{Code, FailureKind};
use slipway_ports::{CancellationToken, Reader, Repositories, Tips};

use crate::credentials::{private, reader, refused};
use crate::host::Host;
use crate::support::git;

const NOWHERE: &str = "0123456789012345678901234567890123456789";

async fn tips(host: &Host, reader: &Reader) -> Result<Tips, slipway_core::failure::Failure> {
    host.mirrors.tips(&host.url("shop"), reader, &CancellationToken::new()).await
}

async fn changed(host: &Host, from: &str, to: &str) -> Changed {
    host.mirrors.changed_paths(&host.url("shop"), &Reader::nobody(), from, to).await.unwrap()
}

fn paths(paths: &[&str]) -> Changed {
    Changed::Paths(paths.iter().map(|path| (*path).to_owned()).collect())
}

#[tokio::test]
async fn c13_the_branches_of_a_host_are_told_without_a_mirror() {
    let host = Host::new().await;
    let shop = host.repository("shop");
    let empty = tips(&host, &Reader::nobody()).await.unwrap();
    assert_eq!(empty, Tips::default(), "an empty repository");
    let first = shop.write("a", "1").commit();
    git(&shop.work, &["branch", "feature/one"]);
    git(&shop.work, &["tag", "v1"]);
    let second = shop.write("a", "2").commit();
    let told = tips(&host, &Reader::nobody()).await.unwrap();
    let branches = BTreeMap::from([("feature/one".to_owned(), first.clone()), ("main".to_owned(), second)]);
    assert_eq!(told, Tips { default_branch: Some("main".to_owned()), branches });
    git(&shop.work, &["checkout", "--quiet", "--detach", &first]);
    assert_eq!(tips(&host, &Reader::nobody()).await.unwrap().default_branch, None, "HEAD names no branch");
    let mirrors = std::fs::read_dir(host.folder.path().join("mirrors")).unwrap().count();
    assert_eq!(mirrors, 0, "nothing is fetched");
}

#[tokio::test]
async fn c13_the_branches_of_a_private_repository_are_told_to_who_may_read_it() {
    let (mut host, commit) = private().await;
    let robot = reader(&host, "1", crate::credentials::PASSWORD);
    assert_eq!(tips(&host, &robot).await.unwrap().branches["main"], commit);
    refused(&tips(&host, &Reader::nobody()).await.unwrap_err());
    refused(&tips(&host, &reader(&host, "2", "canary-wrong")).await.unwrap_err());
    host.vanish().await;
    let failure = tips(&host, &robot).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RepositoryUnreachable), "{failure}");
    let canceled = CancellationToken::new();
    canceled.cancel();
    let failure = host.mirrors.tips("--upload-pack=touch", &robot, &canceled).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Permanent, "{failure}");
}

#[tokio::test]
async fn c13_the_files_of_a_push_are_those_added_changed_deleted_and_both_names_of_a_renamed_one() {
    let host = Host::new().await;
    let shop = host.repository("shop");
    let long = "a line\n".repeat(100);
    let first = shop.write("kept", "1").write("changed", "1").write("gone/deep/er", "1").write("old name", &long).commit();
    std::fs::remove_dir_all(shop.work.join("gone")).unwrap();
    std::fs::rename(shop.work.join("old name"), shop.work.join("new\nname")).unwrap();
    std::fs::write(shop.work.join(OsStr::from_bytes(b"\xff.md")), "x").unwrap();
    shop.write("changed", "2").write("services/api/grün", "1").link("vendor/lib", NOWHERE);
    // The link is in the index, and no folder of the work tree.
    let second = shop.commit();
    host.fetch("shop").await;
    let expected = ["changed", "gone/deep/er", "new\nname", "old name", "services/api/grün", "vendor/lib", "\u{fffd}.md"];
    assert_eq!(changed(&host, &first, &second).await, paths(&expected));
    assert_eq!(changed(&host, &second, &first).await, paths(&expected), "and the other way round");
    assert_eq!(changed(&host, &first, &first).await, paths(&[]));
    let third = shop.link("vendor/lib", &first).commit();
    host.fetch("shop").await;
    assert_eq!(changed(&host, &second, &third).await, paths(&["vendor/lib"]), "a submodule counts by its path");
}

#[tokio::test]
async fn c13_a_commit_whose_history_is_gone_makes_the_files_unknown() {
    let host = Host::new().await;
    let shop = host.repository("shop");
    let first = shop.write("a", "1").commit();
    let lost = shop.rewritten("a", "2");
    let second = shop.write("a", "3").commit();
    host.fetch("shop").await;
    let tree = git(&shop.work, &["rev-parse", "HEAD^{tree}"]);
    for from in [&lost, NOWHERE, &tree, "", "HEAD", "--output=x", "main", &first[..7]] {
        for (from, to) in [(from, second.as_str()), (second.as_str(), from)] {
            assert!(matches!(changed(&host, from, to).await, Changed::Unknown(_)), "{from} {to}");
        }
    }
    assert_eq!(changed(&host, &first, &second).await, paths(&["a"]));
}

#[tokio::test]
async fn c13_a_push_of_more_files_than_are_looked_at_is_unknown() {
    let host = Host::new().await;
    let shop = host.repository("shop");
    let first = shop.write("a", "1").commit();
    for index in 0..10_000 {
        shop.write(&format!("many/{index}"), "");
    }
    let most = shop.commit();
    let more = shop.write("one/more", "").commit();
    host.fetch("shop").await;
    let Changed::Paths(files) = changed(&host, &first, &most).await else { panic!("10,000 files are told") };
    assert_eq!(files.len(), 10_000);
    let Changed::Unknown(why) = changed(&host, &first, &more).await else { panic!("10,001 files are too many") };
    assert!(why.contains("more than 10000 files"), "{why}");
}

#[tokio::test]
async fn c13_what_somebody_else_has_fetched_is_compared_for_nobody_else() {
    let (host, commit) = private().await;
    let robot = reader(&host, "1", crate::credentials::PASSWORD);
    let url = host.url("shop");
    host.mirrors.fetch(&url, &robot, &CancellationToken::new()).await.unwrap();
    assert_eq!(host.mirrors.changed_paths(&url, &robot, &commit, &commit).await.unwrap(), paths(&[]));
    for other in [Reader::nobody(), reader(&host, "2", "canary-wrong")] {
        let failure = host.mirrors.changed_paths(&url, &other, &commit, &commit).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RepositoryUnreachable), "{failure}");
    }
}
