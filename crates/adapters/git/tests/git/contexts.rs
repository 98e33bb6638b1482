//! Facts and exports of build contexts, against real repositories.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::support::{Fixture, git};
use slipway_core::failure::{Code, FailureKind};
use slipway_ports::{CancellationToken, Export, Reader, Repositories, TreeQuery};

async fn export(fixture: &Fixture, query: &TreeQuery, into: &str) -> Export {
    let into = fixture.folder.path().join(into);
    std::fs::create_dir(&into).unwrap();
    fixture.mirrors.export(query, &Reader::nobody(), &into, &CancellationToken::new()).await.unwrap()
}

fn read(folder: &Path, path: &str) -> String {
    std::fs::read_to_string(folder.join(path)).unwrap()
}

#[tokio::test]
async fn what_is_outside_the_context_changes_no_fact_and_what_is_inside_does() {
    let fixture = Fixture::new();
    let before = fixture
        .write("api/Dockerfile", "FROM scratch\n")
        .write("api/main.c", "1")
        .write("web/x", "1")
        .context_after_commit("api")
        .await;
    assert!(before.starts_with("tree:"), "{before}");
    assert_eq!(before, fixture.write("web/x", "2").context_after_commit("api").await);
    assert_ne!(before, fixture.write("api/main.c", "2").context_after_commit("api").await);
}

#[tokio::test]
async fn what_the_ignore_file_excludes_changes_no_fact() {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", "FROM scratch\n").write(".dockerignore", "docs\n*.md\n!keep.md\n**/node_modules\n");
    fixture.write("docs/a/b", "1").write("keep.md", "1").write("src/node_modules/x", "1").write("src/main", "1");
    let before = fixture.context_after_commit("").await;
    assert!(before.starts_with("filtered:"), "{before}");
    for path in ["docs/a/b", "docs/new", "README.md", "src/node_modules/x", "node_modules/y"] {
        assert_eq!(before, fixture.write(path, "2").context_after_commit("").await, "{path}");
    }
    for path in ["keep.md", "src/main", "src/new"] {
        let changed = fixture.write(path, "2").context_after_commit("").await;
        assert_ne!(before, changed, "{path}");
    }
    let before = fixture.context_after_commit("").await;
    std::fs::set_permissions(fixture.work.join("src/main"), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_ne!(before, fixture.context_after_commit("").await, "the mode is part of the context");
}

#[tokio::test]
async fn an_ignore_file_that_cannot_be_understood_takes_nothing_away() {
    let fixture = Fixture::new();
    let before = fixture
        .write("Dockerfile", "FROM scratch\n")
        .write(".dockerignore", "[\nx\n")
        .write("x", "1")
        .context_after_commit("")
        .await;
    assert!(before.starts_with("unfiltered:"), "{before}");
    assert_ne!(before, fixture.write("x", "2").context_after_commit("").await);
}

#[tokio::test]
async fn the_ignore_file_of_the_dockerfile_comes_before_the_common_one() {
    let fixture = Fixture::new();
    fixture.write("docker/api", "FROM scratch\n").write("docker/api.dockerignore", "b\n").write("app/.dockerignore", "a\n");
    fixture.write("app/a", "1").write("app/b", "1").commit();
    let facts = async |fixture: &Fixture| {
        let commit = fixture.commit();
        fixture.fetch().await;
        let query = TreeQuery { dockerfile: Some("../docker/api".to_owned()), ..fixture.query(&commit, "app") };
        (fixture.mirrors.facts(&query, &Reader::nobody()).await.unwrap().context_tree, query)
    };
    let (before, _) = facts(&fixture).await;
    assert_eq!(before, facts(fixture.write("app/b", "2")).await.0);
    let (after, query) = facts(fixture.write("app/a", "2")).await;
    assert_ne!(before, after);
    let export = export(&fixture, &query, "out").await;
    assert_eq!(read(&export.dockerfile_folder, "Dockerfile"), "FROM scratch\n");
    assert_eq!(read(&export.dockerfile_folder, "Dockerfile.dockerignore"), "b\n");
    assert_eq!(read(&export.context, ".dockerignore"), "a\n");
}

#[tokio::test]
async fn an_export_is_exactly_what_was_committed_whatever_its_attributes_say() {
    let fixture = Fixture::new();
    fixture
        .write("Dockerfile", "FROM scratch\n")
        .write("version", "$Format:%H$\n$Id$\n")
        .write("ignored", "kept\n")
        .write("text", "a\r\nb\n");
    fixture.write(".gitattributes", "ignored export-ignore\nversion export-subst ident\ntext text eol=crlf\n*.bin filter=lfs\n");
    fixture.write("run", "#!/bin/sh\n").write("large.bin", &"x".repeat(1 << 20)).write("folder/empty", "");
    std::fs::set_permissions(fixture.work.join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let hash = |path: &str| git(&fixture.work, &["hash-object", "--no-filters", "--", path]);
    let raw = ["version", "text", "ignored", "large.bin", "folder/empty", "run"].map(|path| (path, hash(path)));
    git(&fixture.work, &["-c", "core.attributesFile=/dev/null", "add", "--all", "--force", "."]);
    // The index takes the bytes as they are: attributes of the work tree must not convert them on the way in.
    for (path, _) in &raw {
        let id = git(&fixture.work, &["hash-object", "-w", "--no-filters", "--", path]);
        let mode = if *path == "run" { "100755" } else { "100644" };
        git(&fixture.work, &["update-index", "--add", "--cacheinfo", &format!("{mode},{id},{path}")]);
    }
    git(&fixture.work, &["commit", "--quiet", "--message", "raw"]);
    let commit = git(&fixture.work, &["rev-parse", "HEAD"]);
    fixture.fetch().await;
    let export = export(&fixture, &fixture.query(&commit, ""), "out").await;
    for (path, id) in &raw {
        let exported = export.context.join(path).display().to_string();
        assert_eq!(git(&fixture.work, &["hash-object", "--no-filters", "--", &exported]), *id, "{path}");
    }
    let mode = |path: &str| std::fs::metadata(export.context.join(path)).unwrap().permissions().mode() & 0o111;
    assert_ne!(mode("run"), 0);
    assert_eq!(mode("text"), 0);
}

#[tokio::test]
async fn links_stay_links_and_lead_nothing_out() {
    let fixture = Fixture::new();
    let outside = fixture.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    fixture.write("real/Dockerfile", "FROM scratch\n# real\n");
    symlink(&outside, fixture.work.join("escape")).unwrap();
    symlink("../../../../etc/passwd", fixture.work.join("passwd")).unwrap();
    symlink("real/Dockerfile", fixture.work.join("Dockerfile")).unwrap();
    let commit = fixture.commit();
    fixture.fetch().await;
    let facts = fixture.mirrors.facts(&fixture.query(&commit, ""), &Reader::nobody()).await.unwrap();
    assert_eq!(facts.dockerfile, "FROM scratch\n# real\n", "a link to a file of the repository is followed");
    let export = export(&fixture, &fixture.query(&commit, ""), "out").await;
    assert_eq!(std::fs::read_link(export.context.join("escape")).unwrap(), outside);
    assert_eq!(std::fs::read_link(export.context.join("passwd")).unwrap(), PathBuf::from("../../../../etc/passwd"));
    let leading_out = TreeQuery { dockerfile: Some("passwd".to_owned()), ..fixture.query(&commit, "") };
    assert_eq!(fixture.mirrors.facts(&leading_out, &Reader::nobody()).await.unwrap_err().code, Code::DockerfileNotFound);
}

/// A tree that no `git add` makes: a link and a folder of one name, so that the folder's file would be written through the link.
#[tokio::test]
async fn a_tree_with_two_entries_of_one_name_writes_nothing_outside() {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", "FROM scratch\n").commit();
    let outside = fixture.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let object = |kind: &str, content: &[u8]| {
        let file = fixture.folder.path().join("object");
        std::fs::write(&file, content).unwrap();
        git(&fixture.work, &["hash-object", "-w", "--literally", "-t", kind, "--", &file.display().to_string()])
    };
    let raw = |id: &str| (0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect::<Vec<u8>>();
    let entry = |mode: &str, name: &str, id: &str| [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &raw(id)].concat();
    let link = object("blob", outside.display().to_string().as_bytes());
    let file = object("blob", b"owned");
    let inner = object("tree", &entry("100644", "file", &file));
    for top in [
        [entry("120000", "x", &link), entry("40000", "x", &inner)].concat(),
        entry("40000", "..", &inner),
        entry("100644", "../outside/file", &file),
    ] {
        let tree = object("tree", &top);
        let commit = git(&fixture.work, &["commit-tree", "-m", "hostile", &tree]);
        git(&fixture.work, &["update-ref", "refs/heads/hostile", &commit]);
        fixture.fetch().await;
        let into = tempfile::tempdir_in(fixture.folder.path()).unwrap();
        let query = TreeQuery { dockerfile: None, ..fixture.query(&commit, "") };
        let failure =
            fixture.mirrors.export(&query, &Reader::nobody(), into.path(), &CancellationToken::new()).await.unwrap_err();
        assert_eq!((failure.code, failure.kind), (Code::ContextNotFound, FailureKind::Permanent), "{failure}");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_is() {
    let fixture = Fixture::new();
    let commit = fixture.write("services/api/Dockerfile.prod", "FROM scratch\n").write("services/web/x", "1").commit();
    fixture.fetch().await;
    let failure = fixture.mirrors.facts(&fixture.query(&commit, "services/apy"), &Reader::nobody()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::ContextNotFound, FailureKind::Permanent));
    assert!(failure.hint.unwrap().contains("`api`, `web`"));
    let failure = fixture.mirrors.facts(&fixture.query(&commit, "services/api"), &Reader::nobody()).await.unwrap_err();
    assert_eq!(failure.code, Code::DockerfileNotFound);
    assert!(failure.hint.unwrap().contains("`Dockerfile.prod`"));
    for root in ["..", "services/api/Dockerfile.prod", "services/../../x"] {
        assert_eq!(
            fixture.mirrors.facts(&fixture.query(&commit, root), &Reader::nobody()).await.unwrap_err().code,
            Code::ContextNotFound,
            "{root}"
        );
    }
    for dockerfile in ["../../../etc/passwd", "", "..", "x\0y", "-h", "a\nb"] {
        let query = TreeQuery { dockerfile: Some(dockerfile.to_owned()), ..fixture.query(&commit, "services/api") };
        assert_eq!(
            fixture.mirrors.facts(&query, &Reader::nobody()).await.unwrap_err().code,
            Code::DockerfileNotFound,
            "{dockerfile:?}"
        );
    }
    let unknown = fixture.query(&"1".repeat(40), "");
    assert_eq!(fixture.mirrors.facts(&unknown, &Reader::nobody()).await.unwrap_err().code, Code::RevisionNotFound);
}

#[tokio::test]
async fn an_inline_dockerfile_needs_none_in_the_repository() {
    let fixture = Fixture::new();
    let commit = fixture.write("x", "1").commit();
    fixture.fetch().await;
    let query = TreeQuery { dockerfile: None, ..fixture.query(&commit, "") };
    assert_eq!(fixture.mirrors.facts(&query, &Reader::nobody()).await.unwrap().dockerfile, "");
    let export = export(&fixture, &query, "out").await;
    assert!(export.dockerfile_folder.is_dir() && read(&export.context, "x") == "1");
}

#[tokio::test]
async fn a_dockerfile_that_is_no_text_or_too_large_is_invalid() {
    let fixture = Fixture::new();
    std::fs::write(fixture.work.join("Dockerfile"), [0xff, 0xfe]).unwrap();
    let binary = fixture.commit();
    let large = fixture.write("Dockerfile", &"#".repeat((1 << 20) + 1)).commit();
    fixture.fetch().await;
    for commit in [binary, large] {
        assert_eq!(
            fixture.mirrors.facts(&fixture.query(&commit, ""), &Reader::nobody()).await.unwrap_err().code,
            Code::DockerfileInvalid
        );
    }
}
