//! Which services follow a branch.

use crate::model::{Environment, GitRevision, GitSource, Name, PathFilter, Service};

/// A service that a push to a branch may deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Its name.
    pub service: Name,
    /// Which files of the push concern it.
    pub paths: PathFilter,
}

/// The services of an environment that follow a branch of a repository, in file order.
///
/// Each has auto-deploy on, is not skipped, and takes something from the branch: by its name, or because it names none and the branch is
/// the repository's default. What is pinned to a commit follows nothing.
pub fn followers(
    environment: &Environment,
    is_this_repository: impl Fn(&str) -> bool,
    branch: &str,
    is_default_branch: bool,
) -> Vec<Follower> {
    let follows = |source: &GitSource| {
        let is_branch = match &source.revision {
            GitRevision::Branch(name) => name == branch,
            GitRevision::DefaultBranch => is_default_branch,
            GitRevision::Commit(_) | GitRevision::Named(_) => false,
        };
        is_branch && is_this_repository(&source.url)
    };
    let services = environment.services.iter().filter(|service| may_follow(service));
    services
        .filter(|service| service.git_sources().into_iter().any(follows))
        .map(|service| Follower { service: service.name.clone(), paths: service.paths().cloned().unwrap_or_default() })
        .collect()
}

/// Whether something else than a person may deploy a service.
pub(super) fn may_follow(service: &Service) -> bool {
    service.auto_deploys() && !service.skipped
}
