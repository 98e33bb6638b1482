//! Whether a push concerns a service, and why.

use super::{Changed, Filter, Filtered, Follower};

/// Whether a push deploys a service that follows the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Concerned {
        /// Why.
        because: Cause,
    },
    /// It does not.
    NotConcerned {
        /// Why not.
        why: Indifference,
    },
}

/// Why a push concerns a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It changed this file, the first of those that concern the service.
    File(String),
    /// Nobody can say which files it changed, and why that is.
    Unknown(String),
}

/// Why a push does not concern a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indifference {
    /// It changed no file.
    NothingChanged,
    /// None of its files is in `match`.
    NoneMatches,
    /// All of its files that are in `match` are in `exclude` too; this is the first.
    AllExcluded(String),
}

/// Whether what a push changed concerns a service. What cannot be found out is never a no.
pub fn judge(follower: &Follower, changed: &Changed) -> Verdict {
    let unknown = |reason: String| Verdict::Concerned { because: Cause::Unknown(reason) };
    let paths = match changed {
        Changed::Paths(paths) => paths,
        Changed::Unknown(reason) => return unknown(reason.clone()),
    };
    let filter = match Filter::new(&follower.paths) {
        Ok(filter) => filter,
        Err(error) => return unknown(error.to_string()),
    };
    let mut excluded = None;
    for path in paths {
        match filter.of(path) {
            Filtered::Concerns => return Verdict::Concerned { because: Cause::File(path.clone()) },
            Filtered::Excluded => excluded = excluded.or(Some(path)),
            Filtered::Unmatched => {}
        }
    }
    let why = match excluded {
        Some(path) => Indifference::AllExcluded(path.clone()),
        None if paths.is_empty() => Indifference::NothingChanged,
        None => Indifference::NoneMatches,
    };
    Verdict::NotConcerned { why }
}
