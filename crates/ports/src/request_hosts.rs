//! Pull and merge requests, as the API of their git host has them.

use async_trait::async_trait;
use slipway_core::failure::Failure;

use crate::{CancellationToken, SecretText};

/// The API of git hosts: what a request brings, and what is told on its page.
///
/// Every call may be made again: a status takes the place of the one before it, and a comment is found again by its mark.
///
/// Each fails with `repository-unreachable` (retry: no answer, too many calls, an error of the host), `repository-unauthorized`
/// (permanent: the token may not) or `revision-not-found` (permanent: there is no such request, commit or repository).
#[async_trait]
pub trait RequestHosts: Send + Sync {
    /// A request as it is now.
    async fn request(&self, at: &HostPlace, number: u64, cancel: &CancellationToken) -> Result<HostedRequest, Failure>;

    /// Whether a person, by the name that a delivery tells, may write to the repository.
    async fn may_write(&self, at: &HostPlace, person: &str, cancel: &CancellationToken) -> Result<bool, Failure>;

    /// Sets the status of a commit (40 or 64 hex digits), in the place of the one of the same context.
    async fn set_status(
        &self,
        at: &HostPlace,
        commit: &str,
        status: &CommitStatus,
        cancel: &CancellationToken,
    ) -> Result<(), Failure>;

    /// Writes a comment under a request, or writes anew the one of the token's owner that has the mark.
    async fn put_comment(
        &self,
        at: &HostPlace,
        number: u64,
        comment: &MarkedComment,
        cancel: &CancellationToken,
    ) -> Result<(), Failure>;
}

/// A repository at its host, and what is shown there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPlace {
    /// The kind of host, by its word: `github`, `gitlab`, `gitea`, `bitbucket-cloud`, `bitbucket-data-center`.
    pub host: String,
    /// A URL of the repository that git reads it from; where the API is follows from it.
    pub url: String,
    /// The user of the token, where a host asks for one.
    pub user: String,
    /// The token.
    pub token: SecretText,
}

/// A pull or merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Whether it is open.
    pub is_open: bool,
    /// The branch that it brings.
    pub from: String,
    /// The branch that it goes into.
    pub into: String,
    /// The newest commit of the branch that it brings.
    pub head: String,
    /// Every URL of the repository that the branch lies in; none when it is gone.
    pub head_repository: Vec<String>,
    /// Whether that is another repository, or could not be told.
    pub from_fork: bool,
    /// Its title.
    pub title: String,
    /// Its page.
    pub link: Option<String>,
}

/// How it stands with a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// How.
    pub state: CommitState,
    /// Tells it from other statuses of the commit, such as `slipway/shop/staging`.
    pub context: String,
    /// A sentence; a host that takes less gets its beginning.
    pub description: String,
    /// A page about it.
    pub link: Option<String>,
}

/// How it stands with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    /// It is worked on.
    Pending,
    /// It is well.
    Success,
    /// It is not.
    Failure,
}

/// A comment that is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedComment {
    /// What tells it from all other comments; it stands in the comment where a person does not see it. Letters, digits, `-`, `/`, `:`.
    pub mark: String,
    /// Markdown.
    pub text: String,
}
