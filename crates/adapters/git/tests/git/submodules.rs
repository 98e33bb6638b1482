//! Submodules: in the key, in the export, and refused where they lead elsewhere; served by git over HTTP.

use std::collections::BTreeMap;

use crate::host::{Host, Repository};
use crate::support::git;
use slipway_core::failure::{Code, FailureKind};
use slipway_ports::{Reader, Repositories, TreeQuery};

/// `.gitmodules` with one submodule.
fn modules(path: &str, url: &str) -> String {
    format!("[submodule \"one\"]\n\tpath = {path}\n\turl = {url}\n")
}

/// `shop` with `lib` below `api/vendor/lib`; the commits of `lib`.
fn shop(host: &Host) -> (Repository, Repository, [String; 2]) {
    let lib = host.repository("lib");
    let commits = [lib.write("lib.c", "1").write("docs/read", "1").commit(), lib.write("lib.c", "2").commit()];
    let shop = host.repository("shop");
    shop.write("api/Dockerfile", "FROM scratch\n").write(".gitmodules", &modules("api/vendor/lib", "../lib"));
    shop.link("api/vendor/lib", &commits[0]);
    (shop, lib, commits)
}

async fn facts(host: &Host, commit: &str, root: &str) -> (String, BTreeMap<String, String>) {
    host.fetch("shop").await;
    let query = TreeQuery { dockerfile: Some("Dockerfile".to_owned()), ..host.query("shop", commit, root) };
    let facts = host.mirrors.facts(&query, &Reader::nobody()).await.unwrap();
    (facts.context_tree, facts.submodules)
}

#[tokio::test]
async fn b02_the_commit_of_a_submodule_is_in_the_key_with_an_ignore_file_and_without() {
    let host = Host::new().await;
    let (shop, _, [first, second]) = shop(&host);
    let before = facts(&host, &shop.commit(), "api").await;
    assert_eq!(before.1, BTreeMap::from([("vendor/lib".to_owned(), first.clone())]));
    let after = facts(&host, &shop.link("api/vendor/lib", &second).commit(), "api").await;
    assert_ne!(before.0, after.0);
    assert_eq!(after.1["vendor/lib"], second);
    for (ignore, is_input) in [("docs\n", true), ("vendor\n", false), ("vendor\n!vendor/lib/lib.c\n", true)] {
        shop.write("api/.dockerignore", ignore);
        let with = async |commit: &String| facts(&host, &shop.link("api/vendor/lib", commit).commit(), "api").await;
        let (one, other) = (with(&first).await, with(&second).await);
        assert_eq!(one.0 != other.0, is_input, "{ignore}");
        assert_eq!(one.1.len(), usize::from(is_input), "{ignore}");
    }
    assert_eq!(host.fetches("lib"), 0, "a key needs no fetch of a submodule");
}

#[tokio::test]
async fn an_export_holds_what_submodules_hold_and_fetches_each_repository_once() {
    let host = Host::new().await;
    let (shop, lib, _) = shop(&host);
    let deep = host.repository("deep");
    let inner = deep.write("deep.c", "deep").commit();
    lib.write(".gitmodules", &modules("inner", &host.url("deep"))).link("inner", &inner);
    let outer = lib.commit();
    let commit = shop.link("api/vendor/lib", &outer).commit();
    host.fetch("shop").await;
    let (query, whole) = (host.query("shop", &commit, "api"), host.query("shop", &commit, ""));
    let (one, other) = tokio::join!(host.export(&query), host.export(&whole));
    assert_eq!(one["vendor/lib/lib.c"], "2");
    assert_eq!(one["vendor/lib/inner/deep.c"], "deep");
    assert_eq!(other["api/vendor/lib/inner/deep.c"], "deep");
    assert_eq!(host.export(&query).await, one);
    assert_eq!([host.fetches("shop"), host.fetches("lib"), host.fetches("deep")], [1, 1, 1]);
}

#[tokio::test]
async fn a_submodule_that_the_ignore_file_excludes_is_not_fetched() {
    let host = Host::new().await;
    let (shop, _, _) = shop(&host);
    let commit = shop.write("api/.dockerignore", "vendor\n").commit();
    host.fetch("shop").await;
    let files = host.export(&host.query("shop", &commit, "api")).await;
    assert_eq!(files.keys().collect::<Vec<_>>(), [".dockerignore", "Dockerfile"]);
    assert_eq!(host.fetches("lib"), 0);
}

#[tokio::test]
async fn what_the_mirrors_hold_is_exported_after_every_host_has_vanished() {
    let mut host = Host::new().await;
    let (shop, _, _) = shop(&host);
    let commit = shop.commit();
    host.fetch("shop").await;
    let query = host.query("shop", &commit, "api");
    let before = host.export(&query).await;
    host.vanish().await;
    assert_eq!(host.export(&query).await, before);
}

#[tokio::test]
async fn a_submodule_that_can_not_be_had_is_a_failure_with_a_reason_of_its_own() {
    let host = Host::new().await;
    let (shop, lib, _) = shop(&host);
    let refused = async |commit: String| {
        host.fetch("shop").await;
        host.try_export(&host.query("shop", &commit, "")).await.unwrap_err()
    };
    let commit = shop.commit();
    host.fetch("shop").await;
    let failure = host.mirrors.facts(&host.query("shop", &commit, "api/vendor/lib/docs"), &Reader::nobody()).await.unwrap_err();
    assert_eq!(failure.code, Code::ContextNotFound);
    assert!(failure.hint.unwrap().starts_with("`api/vendor/lib` is a submodule"));
    let failure = refused(shop.link("api/vendor/lib", &"1".repeat(40)).commit()).await;
    assert_eq!((failure.code, failure.kind), (Code::SubmoduleInvalid, FailureKind::Permanent));
    let expected =
        format!("the submodule `api/vendor/lib` is at commit {}, which {} does not hold", "1".repeat(40), host.url("lib"));
    assert_eq!(failure.message, expected);
    let head = git(&lib.work, &["rev-parse", "HEAD"]);
    let failure = refused(shop.link("api/vendor/lib", &head).link("other", &head).commit()).await;
    assert_eq!((failure.code, failure.kind), (Code::SubmoduleInvalid, FailureKind::Permanent));
    assert!(failure.message.contains("`other`") && failure.message.contains("`.gitmodules` has no path"), "{failure}");
    git(&shop.work, &["rm", "--quiet", "--cached", "other"]);
    std::fs::remove_dir(shop.work.join("other")).unwrap();
    let failure = refused(shop.write(".gitmodules", &modules("api/vendor/lib", "../nothing")).commit()).await;
    assert_eq!(failure.code, Code::RepositoryUnreachable);
    assert!(failure.message.starts_with("the submodule `api/vendor/lib`: there is no repository"), "{failure}");
}

#[tokio::test]
async fn a_submodule_that_escapes_or_is_an_option_runs_reads_and_writes_nothing() {
    let host = Host::new().await;
    let (shop, _, _) = shop(&host);
    let marker = host.folder.path().join("marker");
    let touch = marker.display().to_string();
    let disk = format!("file://{}", host.folder.path().join("lib").display());
    let lib = host.url("lib");
    for (path, url) in [
        ("api/vendor/lib", format!("-u./touch {touch}")),
        ("api/vendor/lib", format!("--upload-pack=touch {touch}")),
        ("api/vendor/lib", format!("ext::touch {touch}")),
        ("api/vendor/lib", "ssh://-oProxyCommand=x/y".to_owned()),
        ("api/vendor/lib", disk),
        ("api/vendor/lib", "../../../../../etc".to_owned()),
        ("api/vendor/lib", "/etc".to_owned()),
        ("../outside", lib.clone()),
        (".git/modules/x", lib.clone()),
        ("api/.GIT", lib.clone()),
        ("-x", lib),
    ] {
        let commit = shop.write(".gitmodules", &modules(path, &format!("\"{url}\""))).commit();
        host.fetch("shop").await;
        let failure = host.try_export(&host.query("shop", &commit, "")).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Permanent, "{path} {url}: {failure}");
        assert!(matches!(failure.code, Code::SubmoduleInvalid | Code::RepositoryUnreachable), "{path} {url}: {failure}");
        assert!(!marker.exists());
    }
    // A list of submodules that is a link would be read from wherever it leads.
    std::fs::remove_file(shop.work.join(".gitmodules")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", shop.work.join(".gitmodules")).unwrap();
    let commit = shop.commit();
    host.fetch("shop").await;
    let failure = host.try_export(&host.query("shop", &commit, "")).await.unwrap_err();
    assert_eq!((failure.code, failure.message.as_str()), (Code::SubmoduleInvalid, "`.gitmodules` is not a file"));
}
