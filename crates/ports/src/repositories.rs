//! Source code in git.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use slipway_core::auto_deploy::Changed;
use slipway_core::failure::Failure;
use slipway_core::model::GitRevision;

use crate::{CancellationToken, Reader};

/// Git repositories, each kept as one bare mirror on the server's disk.
///
/// A mirror is one for all, and each call says who reads: what somebody else has fetched is as if it were not there for a reader
/// whose own credential (or who without one) has not read the repository.
#[async_trait]
pub trait Repositories: Send + Sync {
    /// Brings the mirror of a repository up to date: one fetch.
    ///
    /// Fails with `repository-unreachable` (retry), `repository-unauthorized` or an invalid URL (permanent).
    async fn fetch(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<(), Failure>;

    /// The commit (40 hex digits) that a revision names in the mirror, as last fetched. The host is asked for a commit that the mirror
    /// does not hold, since hosts may give those that no branch or tag reaches.
    ///
    /// Fails with `revision-not-found`; its message names the branches that look alike. Where the host is asked, as [`Self::fetch`].
    async fn resolve(&self, url: &str, reader: &Reader, revision: &GitRevision) -> Result<String, Failure>;

    /// What the image key needs to know of a commit, read from the mirror with no checkout.
    ///
    /// Fails with `context-not-found` or `dockerfile-not-found`.
    async fn facts(&self, query: &TreeQuery, reader: &Reader) -> Result<TreeFacts, Failure>;

    /// Writes the tree of the build context into an empty folder with what its submodules and Git LFS hold, and its Dockerfile beside
    /// it. A submodule's repository is fetched when its mirror does not hold the commit, a large file when it is not on disk.
    ///
    /// Fails as [`Self::facts`] and, for a submodule, as [`Self::fetch`] do, and with `submodule-invalid` (permanent),
    /// `lfs-unavailable`, or `digest-mismatch` (permanent).
    async fn export(
        &self,
        query: &TreeQuery,
        reader: &Reader,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<Export, Failure>;

    /// Writes all that a folder of a commit holds, submodules and Git LFS included, into a folder that is not there yet. No ignore
    /// file is gone by, and the folder's `dockerfile` is not looked at.
    ///
    /// Fails as [`Self::export`].
    async fn export_folder(
        &self,
        query: &TreeQuery,
        reader: &Reader,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure>;

    /// The text of a file of a commit, by its path in the repository; a symbolic link is followed inside it.
    ///
    /// Fails with `context-not-found` when there is none, or when it is no text or larger than 1 MiB.
    async fn text(&self, url: &str, commit: &str, path: &str, reader: &Reader) -> Result<String, Failure>;

    /// What the host says of its branches now; nothing is fetched, and no mirror has to be there.
    ///
    /// Fails as [`Self::fetch`], and with `repository-unreachable` (permanent) when there are more than [`Tips::MOST`].
    async fn tips(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<Tips, Failure>;

    /// The files that differ between two commits (40 hex digits) of the mirror, as last fetched, in the order of their paths. A commit
    /// that the mirror does not hold, and too many files, are [`Changed::Unknown`].
    ///
    /// Fails with `repository-unreachable` (retry) when the reader has not fetched the repository.
    async fn changed_paths(&self, url: &str, reader: &Reader, from: &str, to: &str) -> Result<Changed, Failure>;
}

/// The branches of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tips {
    /// The branch that the host's HEAD names; absent: it names none, or one that is not there.
    pub default_branch: Option<String>,
    /// The commits (40 hex digits) of branches, by their names.
    pub branches: BTreeMap<String, String>,
}

impl Tips {
    /// Most branches of a repository.
    pub const MOST: usize = 100_000;
}

/// A build context in a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TreeQuery {
    /// The URL of the repository.
    pub url: String,
    /// 40 hex digits.
    pub commit: String,
    /// The folder of the context, relative to the repository; empty: all of it.
    pub root: String,
    /// The path of the Dockerfile, relative to `root`; it may leave `root`, never the repository. `None`: it is inline.
    pub dockerfile: Option<String>,
}

/// What the image key needs to know of a build context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFacts {
    /// The object id of the context's tree, after what `.dockerignore` excludes is taken away.
    pub context_tree: String,
    /// The text of the Dockerfile; empty when the query names none.
    pub dockerfile: String,
    /// The commits of the submodules in the context, by their paths in it. What stands for the context covers them already.
    pub submodules: BTreeMap<String, String>,
}

/// What was written by [`Repositories::export`], as paths in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The folder of the build context.
    pub context: std::path::PathBuf,
    /// The folder that holds the Dockerfile under the name `Dockerfile` (and its `Dockerfile.dockerignore`, if it has one).
    pub dockerfile_folder: std::path::PathBuf,
}
