//! Fetching and resolving, against real repositories.

use crate::host::Host;
use crate::support::{Fixture, git};
use slipway_core::failure::{Code, FailureKind};
use slipway_core::model::GitRevision;
use slipway_git::{GitMirrors, GitSettings};
use slipway_ports::{CancellationToken, Reader, Repositories};

#[tokio::test]
async fn a_branch_a_commit_and_the_default_branch_are_resolved_from_one_fetch() {
    let fixture = Fixture::new();
    let first = fixture.write("a", "1").commit();
    git(&fixture.work, &["branch", "feature/one"]);
    let second = fixture.write("a", "2").commit();
    fixture.fetch().await;
    assert_eq!(fixture.branch("feature/one").await.unwrap(), first);
    assert_eq!(fixture.branch("main").await.unwrap(), second);
    let resolve = async |revision| fixture.mirrors.resolve(&fixture.url(), &Reader::nobody(), &revision).await;
    assert_eq!(resolve(GitRevision::Commit(first.clone())).await.unwrap(), first);
    assert_eq!(resolve(GitRevision::DefaultBranch).await.unwrap(), second);
}

#[tokio::test]
async fn a_version_on_the_command_line_is_a_tag_a_branch_or_the_beginning_of_a_commit() {
    let fixture = Fixture::new();
    let first = fixture.write("a", "1").commit();
    git(&fixture.work, &["tag", "--annotate", "--message", "one", "v1"]);
    git(&fixture.work, &["tag", "plain"]);
    let second = fixture.write("a", "2").commit();
    fixture.fetch().await;
    let named =
        async |name: &str| fixture.mirrors.resolve(&fixture.url(), &Reader::nobody(), &GitRevision::Named(name.to_owned())).await;
    for (name, commit) in [("v1", &first), ("plain", &first), ("main", &second), (&second[..7], &second), (&second, &second)] {
        assert_eq!(named(name).await.as_ref(), Ok(commit), "{name}");
    }
    for name in ["v2", "0000000", "abc", "main~1", "v1^{tree}", "--help", "a\nb", "", "HEAD", "refs/tags/v1"] {
        let failure = named(name).await.unwrap_err();
        assert_eq!(failure.code, Code::RevisionNotFound, "{name:?}: {failure}");
    }
}

#[tokio::test]
async fn a_lock_that_a_killed_git_left_does_not_stop_later_fetches() {
    let fixture = Fixture::new();
    fixture.write("a", "1").commit();
    fixture.fetch().await;
    let second = fixture.write("a", "2").commit();
    let mirror = std::fs::read_dir(fixture.folder.path().join("mirrors")).unwrap().next().unwrap().unwrap().path();
    let lock = std::fs::File::create(mirror.join("refs/heads/main.lock")).unwrap();
    // It may still be somebody's: the fetch is refused, and tried again.
    let busy = fixture.mirrors.fetch(&fixture.url(), &Reader::nobody(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!(busy.kind, FailureKind::Retry, "{busy}");
    lock.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3)).unwrap();
    fixture.fetch().await;
    assert_eq!(fixture.branch("main").await.unwrap(), second);
}

#[tokio::test]
async fn a_branch_that_does_not_exist_names_those_that_look_alike() {
    let fixture = Fixture::new();
    fixture.write("a", "1").commit();
    fixture.fetch().await;
    let failure = fixture.branch("mian").await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RevisionNotFound, FailureKind::Permanent));
    assert!(failure.message.contains("`main`"), "{}", failure.message);
    let gone =
        fixture.mirrors.resolve(&fixture.url(), &Reader::nobody(), &GitRevision::Commit("0".repeat(40))).await.unwrap_err();
    assert_eq!(gone.code, Code::RevisionNotFound);
}

#[tokio::test]
async fn hostile_revisions_are_names_and_nothing_else() {
    let fixture = Fixture::new();
    fixture.write("a", "1").commit();
    fixture.fetch().await;
    for name in [
        "main^{tree}",
        "main~0",
        "main@{0}",
        "--upload-pack=touch x",
        "-h",
        "*",
        "../heads/main",
        "a\nb",
        "a\0b",
        "",
        "main:a",
        "$(touch x)",
    ] {
        let failure = fixture.branch(name).await.unwrap_err();
        assert_eq!(failure.code, Code::RevisionNotFound, "{name:?}: {failure}");
        assert!(!failure.message.contains('\n'));
    }
    for commit in ["HEAD", "main", "--help", "0", "refs/heads/main\n"] {
        let failure = fixture
            .mirrors
            .resolve(&fixture.url(), &Reader::nobody(), &GitRevision::Commit(commit.to_owned()))
            .await
            .unwrap_err();
        assert_eq!(failure.code, Code::RevisionNotFound, "{commit:?}");
    }
}

#[tokio::test]
async fn a_rewritten_branch_and_a_deleted_one_are_followed_while_pinned_commits_stay() {
    let fixture = Fixture::new();
    let first = fixture.write("a", "1").commit();
    git(&fixture.work, &["branch", "gone"]);
    let second = fixture.write("a", "2").commit();
    fixture.fetch().await;
    git(&fixture.work, &["reset", "--quiet", "--hard", &first]);
    git(&fixture.work, &["branch", "--delete", "--force", "gone"]);
    let rewritten = fixture.write("a", "3").commit();
    fixture.fetch().await;
    assert_eq!(fixture.branch("main").await.unwrap(), rewritten);
    assert_eq!(fixture.branch("gone").await.unwrap_err().code, Code::RevisionNotFound);
    let pinned = fixture.mirrors.resolve(&fixture.url(), &Reader::nobody(), &GitRevision::Commit(second.clone())).await.unwrap();
    assert_eq!(pinned, second);
}

#[tokio::test]
async fn a_branch_that_becomes_a_folder_of_branches_is_followed() {
    let fixture = Fixture::new();
    fixture.write("a", "1").commit();
    git(&fixture.work, &["branch", "release"]);
    fixture.fetch().await;
    git(&fixture.work, &["branch", "--move", "release", "release/1"]);
    fixture.fetch().await;
    assert!(fixture.branch("release/1").await.is_ok());
}

#[tokio::test]
async fn of_a_vanished_repository_the_pinned_commits_are_still_read() {
    let fixture = Fixture::new();
    let commit = fixture.write("Dockerfile", "FROM scratch\n").commit();
    fixture.fetch().await;
    std::fs::remove_dir_all(&fixture.work).unwrap();
    let failure = fixture.mirrors.fetch(&fixture.url(), &Reader::nobody(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RepositoryUnreachable, FailureKind::Permanent));
    assert!(failure.hint.is_some() && !failure.last_lines.is_empty());
    let resolved =
        fixture.mirrors.resolve(&fixture.url(), &Reader::nobody(), &GitRevision::Commit(commit.clone())).await.unwrap();
    assert_eq!(
        fixture.mirrors.facts(&fixture.query(&resolved, ""), &Reader::nobody()).await.unwrap().dockerfile,
        "FROM scratch\n"
    );
}

#[tokio::test]
async fn a_host_that_does_not_answer_may_be_tried_again_and_leaves_nothing() {
    let fixture = Fixture::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://user:s3cret@{}/shop.git", listener.local_addr().unwrap());
    drop(listener);
    let failure = fixture.mirrors.fetch(&url, &Reader::nobody(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RepositoryUnreachable, FailureKind::Retry));
    assert!(!format!("{failure:?}").contains("s3cret"));
    assert_eq!(std::fs::read_dir(fixture.folder.path().join("mirrors")).unwrap().count(), 0);
    let unfetched = fixture.mirrors.resolve(&url, &Reader::nobody(), &GitRevision::DefaultBranch).await.unwrap_err();
    assert_eq!((unfetched.code, unfetched.kind), (Code::RepositoryUnreachable, FailureKind::Retry));
}

#[tokio::test]
async fn a_host_that_hangs_is_given_up_at_the_deadline_and_on_request() {
    let fixture = Fixture::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/shop.git", listener.local_addr().unwrap());
    let settings = GitSettings {
        fetch_timeout: std::time::Duration::from_millis(300),
        ..GitSettings::new(fixture.folder.path().join("other"))
    };
    let mirrors = GitMirrors::open(settings).unwrap();
    let failure = mirrors.fetch(&url, &Reader::nobody(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RepositoryUnreachable, FailureKind::Retry));
    let cancel = CancellationToken::new();
    let nobody = Reader::nobody();
    let (failure, ()) = tokio::join!(fixture.mirrors.fetch(&url, &nobody, &cancel), async {
        // The connection is there: git is running.
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let _first = listener.accept().await.unwrap();
        let _second = listener.accept().await.unwrap();
        cancel.cancel();
    });
    assert_eq!(failure.unwrap_err().kind, FailureKind::Canceled);
    assert_eq!(std::fs::read_dir(fixture.folder.path().join("mirrors")).unwrap().count(), 0);
}

#[tokio::test]
async fn concurrent_fetches_of_one_repository_all_see_what_was_pushed_before_they_asked() {
    let fixture = Fixture::new();
    for round in 0..3 {
        let commit = fixture.write("a", &round.to_string()).commit();
        let (url, cancel) = (fixture.url(), CancellationToken::new());
        let fetch = || async {
            fixture.mirrors.fetch(&url, &Reader::nobody(), &cancel).await.unwrap();
            fixture.branch("main").await.unwrap()
        };
        let seen = tokio::join!(fetch(), fetch(), fetch(), fetch());
        assert_eq!([seen.0, seen.1, seen.2, seen.3], [const { String::new() }; 4].map(|_| commit.clone()));
    }
    assert_eq!(std::fs::read_dir(fixture.folder.path().join("mirrors")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_credential_in_the_url_is_sent_to_its_host_and_shown_to_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let fixture = Fixture::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:s3cret@{}/shop.git", listener.local_addr().unwrap());
    let host = async {
        let mut heads = Vec::new();
        // It is asked without a credential first, and says that it wants one.
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 8192];
            let length = stream.read(&mut head).await.unwrap();
            let git = std::process::Command::new("ps").args(["-eo", "args"]).output().unwrap();
            assert!(!String::from_utf8_lossy(&git.stdout).contains("s3cret"), "the list of processes shows the credential");
            let answer =
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            heads.push(String::from_utf8_lossy(&head[..length]).into_owned());
        }
        heads
    };
    let cancel = CancellationToken::new();
    let nobody = Reader::nobody();
    let (result, heads) = tokio::join!(fixture.mirrors.fetch(&url, &nobody, &cancel), host);
    let failure = result.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RepositoryUnauthorized, FailureKind::Permanent), "{failure}");
    assert!(!heads[0].contains("Authorization:") && heads[1].contains("Authorization: Basic dXNlcjpzM2NyZXQ="), "{heads:?}");
    assert!(!format!("{failure:?}").contains("s3cret"));
}

#[tokio::test]
async fn an_empty_repository_has_no_default_branch() {
    let fixture = Fixture::new();
    fixture.fetch().await;
    let failure = fixture.mirrors.resolve(&fixture.url(), &Reader::nobody(), &GitRevision::DefaultBranch).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RevisionNotFound, FailureKind::Permanent));
    let commit = fixture.write("a", "1").commit();
    fixture.fetch().await;
    assert_eq!(fixture.mirrors.resolve(&fixture.url(), &Reader::nobody(), &GitRevision::DefaultBranch).await.unwrap(), commit);
}

#[tokio::test]
async fn files_of_the_server_are_read_only_where_it_is_allowed() {
    let fixture = Fixture::new();
    fixture.write("a", "1").commit();
    let mirrors = GitMirrors::open(GitSettings::new(fixture.folder.path().join("other"))).unwrap();
    let marker = fixture.folder.path().join("marker");
    for url in [
        fixture.url(),
        fixture.work.display().to_string(),
        format!("ext::touch {}", marker.display()),
        format!("--upload-pack=touch {}", marker.display()),
    ] {
        let failure = mirrors.fetch(&url, &Reader::nobody(), &CancellationToken::new()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Permanent, "{url}");
    }
    assert!(!marker.exists());
}

#[tokio::test]
async fn a_mirror_that_was_left_unfinished_is_cleared_when_the_server_starts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".unfinished-abc")).unwrap();
    let mirrors = GitMirrors::open(GitSettings::new(folder.path())).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(mirrors.version().await.unwrap().starts_with("2."));
}

#[tokio::test]
async fn a_pinned_commit_is_exported_after_its_branch_was_rewritten_and_its_repository_has_vanished() {
    let mut host = Host::new().await;
    let shop = host.repository("shop");
    let base = shop.write("Dockerfile", "FROM scratch\n").commit();
    let pinned = shop.write("a", "1").commit();
    host.fetch("shop").await;
    git(&shop.work, &["reset", "--quiet", "--hard", &base]);
    let rewritten = shop.write("a", "2").commit();
    git(&shop.work, &["reflog", "expire", "--expire=now", "--all"]);
    git(&shop.work, &["gc", "--quiet", "--prune=now"]);
    host.fetch("shop").await;
    let branch = GitRevision::Branch("main".to_owned());
    assert_eq!(
        host.mirrors.resolve(&host.url("shop"), &Reader::nobody(), &branch).await.unwrap(),
        rewritten,
        "the branch is followed"
    );
    host.vanish().await;
    let failure = host.mirrors.fetch(&host.url("shop"), &Reader::nobody(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.code, Code::RepositoryUnreachable);
    for (commit, content) in [(&pinned, "1"), (&rewritten, "2")] {
        let resolved = host.mirrors.resolve(&host.url("shop"), &Reader::nobody(), &GitRevision::Commit(commit.clone())).await;
        assert_eq!(resolved.as_ref(), Ok(commit));
        let query = host.query("shop", commit, "");
        assert!(host.mirrors.facts(&query, &Reader::nobody()).await.is_ok());
        assert_eq!(host.export(&query).await["a"], content);
    }
}

/// The process ids of the readers of a mirror that run.
fn readers_of(folder: &std::path::Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let reads = |id: &String| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains(folder) && line.contains("cat-file")
    };
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    entries.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())).filter(reads).collect()
}

#[tokio::test]
async fn one_reader_serves_one_context_after_the_other_and_is_replaced_when_it_was_killed() {
    let fixture = Fixture::new();
    let commit =
        fixture.write("a/Dockerfile", "FROM a\n").write("b/Dockerfile", "FROM b\n").write("c/Dockerfile", "FROM c\n").commit();
    fixture.fetch().await;
    let dockerfile = async |root: &str| {
        fixture.mirrors.facts(&fixture.query(&commit, root), &Reader::nobody()).await.map(|facts| facts.dockerfile).unwrap()
    };
    assert_eq!(dockerfile("a").await, "FROM a\n");
    let reader = readers_of(fixture.folder.path());
    assert_eq!((dockerfile("b").await.as_str(), reader.len()), ("FROM b\n", 1));
    assert_eq!(readers_of(fixture.folder.path()), reader);
    assert!(std::process::Command::new("kill").args(["-KILL", &reader[0]]).status().unwrap().success());
    assert_eq!(dockerfile("c").await, "FROM c\n");
    assert_ne!(readers_of(fixture.folder.path()), reader);
}

#[tokio::test]
async fn what_a_reader_knew_of_a_mirror_that_was_made_anew_is_forgotten() {
    let fixture = Fixture::new();
    let first = fixture.write("Dockerfile", "FROM a\n").commit();
    fixture.fetch().await;
    assert!(fixture.mirrors.facts(&fixture.query(&first, ""), &Reader::nobody()).await.is_ok());
    fixture.write("Dockerfile", "FROM b\n");
    git(&fixture.work, &["add", "--all"]);
    git(&fixture.work, &["commit", "--quiet", "--amend", "--message", "other"]);
    let second = git(&fixture.work, &["rev-parse", "HEAD"]);
    let mirrors = fixture.folder.path().join("mirrors");
    std::fs::remove_dir_all(std::fs::read_dir(&mirrors).unwrap().next().unwrap().unwrap().path()).unwrap();
    fixture.fetch().await;
    let read = fixture.mirrors.facts(&fixture.query(&second, ""), &Reader::nobody()).await.unwrap();
    assert_eq!(read.dockerfile, "FROM b\n");
    let failure = fixture.mirrors.facts(&fixture.query(&first, ""), &Reader::nobody()).await.unwrap_err();
    assert_eq!(failure.code, Code::RevisionNotFound);
}
