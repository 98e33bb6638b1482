//! Real repositories on disk, and mirrors of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use slipway_core::model::GitRevision;
use slipway_git::{GitMirrors, GitSettings};
use slipway_ports::{CancellationToken, Reader, Repositories, TreeQuery};
use tempfile::TempDir;

/// A repository with a work tree, and a folder of mirrors beside it.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) work: PathBuf,
    pub(crate) mirrors: GitMirrors,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        git(folder.path(), &["init", "--quiet", "--initial-branch=main", "--", "work"]);
        let settings = GitSettings {
            file_urls: true,
            fetch_timeout: Duration::from_secs(30),
            ..GitSettings::new(folder.path().join("mirrors"))
        };
        let mirrors = GitMirrors::open(settings).unwrap();
        Self { folder, work, mirrors }
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.work.display())
    }

    pub(crate) fn write(&self, path: &str, content: &str) -> &Self {
        let path = self.work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Commits everything and returns the commit.
    pub(crate) fn commit(&self) -> String {
        git(&self.work, &["add", "--all", "--force", "."]);
        git(&self.work, &["commit", "--quiet", "--allow-empty", "--message", "change"]);
        git(&self.work, &["rev-parse", "HEAD"])
    }

    pub(crate) async fn fetch(&self) {
        self.mirrors.fetch(&self.url(), &Reader::nobody(), &CancellationToken::new()).await.unwrap();
    }

    pub(crate) async fn branch(&self, name: &str) -> Result<String, slipway_core::failure::Failure> {
        self.mirrors.resolve(&self.url(), &Reader::nobody(), &GitRevision::Branch(name.to_owned())).await
    }

    pub(crate) fn query(&self, commit: &str, root: &str) -> TreeQuery {
        TreeQuery { url: self.url(), commit: commit.to_owned(), root: root.to_owned(), dockerfile: Some("Dockerfile".to_owned()) }
    }

    pub(crate) async fn context_tree(&self, commit: &str, root: &str) -> String {
        self.mirrors.facts(&self.query(commit, root), &Reader::nobody()).await.unwrap().context_tree
    }

    /// Commits, fetches, and tells what stands for the context.
    pub(crate) async fn context_after_commit(&self, root: &str) -> String {
        let commit = self.commit();
        self.fetch().await;
        self.context_tree(&commit, root).await
    }
}

/// Runs git as a developer would, without anything of the machine's configuration.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "core.autocrlf=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
