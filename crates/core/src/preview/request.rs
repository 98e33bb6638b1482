//! A request, whichever way it was heard of.

/// A pull or merge request that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// The branch that it brings.
    pub from: String,
    /// The branch that it goes into.
    pub into: String,
    /// The commit that the branch was at when somebody who may write to the repository asked for a preview.
    pub asked_for: Option<String>,
    /// Every URL of the repository that the branch lies in.
    pub head_repository: Vec<String>,
    /// Whether that is another repository, or could not be told.
    pub from_fork: bool,
    /// Its title.
    pub title: String,
    /// Its page.
    pub link: Option<String>,
}
