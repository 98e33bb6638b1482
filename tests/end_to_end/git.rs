//! Repositories that a test makes.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::{command, run};

/// A repository with a work tree.
pub(crate) struct Repository(TempDir);

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self(tempfile::tempdir().expect("a temporary folder"));
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes files and commits them.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        commit(self.path(), files);
    }

    /// Puts a commit of another repository at a path, to be committed with the next files.
    pub(crate) fn link(&self, path: &str, commit: &str) {
        std::fs::create_dir_all(self.path().join(path)).expect("the folder can be made");
        self.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
    }

    fn git(&self, arguments: &[&str]) {
        git(self.path(), arguments);
    }
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@slipway.test"];
    let all = identity.iter().chain(arguments).copied().collect::<Vec<_>>();
    run(command("git", all).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null")).expect_code(0);
}

pub(crate) fn commit(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path: PathBuf = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "a change"]);
}
