//! What of an environment comes from the branch that a request goes into.

use crate::model::{Environment, GitRevision, GitSource, Name};

/// The branch that a request goes into.
#[derive(Debug, Clone, Copy)]
pub struct IntoBranch<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is the repository's default one.
    pub is_default: bool,
}

impl IntoBranch<'_> {
    /// Whether a source takes the newest commit of the branch, if it is of its repository.
    pub(super) fn is_taken_by(self, source: &GitSource) -> bool {
        match &source.revision {
            GitRevision::Branch(branch) => branch == self.name,
            GitRevision::DefaultBranch => self.is_default,
            GitRevision::Commit(_) | GitRevision::Named(_) => false,
        }
    }
}

/// The services that take something from the branch, in file order, each with the first of its sources that does. A push need not
/// deploy them, and they may be skipped.
pub fn services_on<'e>(
    environment: &'e Environment,
    is_this_repository: impl Fn(&str) -> bool,
    into: IntoBranch<'_>,
) -> Vec<(&'e Name, &'e GitSource)> {
    let takes = |source: &&GitSource| into.is_taken_by(source) && is_this_repository(&source.url);
    let first = environment.services.iter().map(|service| (&service.name, service.git_sources().into_iter().find(takes)));
    first.filter_map(|(name, source)| Some((name, source?))).collect()
}
