//! What was read off commits lately: a commit does not change, so neither does what it says.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use slipway_ports::TreeFacts;

use crate::recent::Recent;

/// Bytes of facts, most of which are Dockerfiles, and of digests.
const MOST: usize = 32 << 20;
/// What an entry takes beside its texts, about.
const OVERHEAD: usize = 512;

/// Facts of contexts, and digests of filtered ones. Each is of one mirror: what one repository says is told of no other.
#[derive(Debug)]
pub(crate) struct Known {
    facts: Mutex<Recent<FactsOf, TreeFacts>>,
    filtered: Mutex<Recent<FilteredBy, String>>,
}

/// What facts depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FactsOf {
    pub(crate) mirror: PathBuf,
    pub(crate) commit: String,
    pub(crate) root: String,
    pub(crate) dockerfile: Option<String>,
}

/// What the digest of a filtered context depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FilteredBy {
    pub(crate) mirror: PathBuf,
    /// The context's tree.
    pub(crate) tree: String,
    /// The digest of the ignore file.
    pub(crate) ignore: String,
    /// Whether every line of `.gitattributes` matters.
    pub(crate) any_line: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self { facts: Mutex::new(Recent::holding(MOST / 2)), filtered: Mutex::new(Recent::holding(MOST / 2)) }
    }
}

impl Known {
    pub(crate) fn facts(&self, of: &FactsOf) -> Option<TreeFacts> {
        lock(&self.facts).get(of)
    }

    pub(crate) fn remember_facts(&self, of: FactsOf, facts: &TreeFacts) {
        let submodules: usize = facts.submodules.iter().map(|(path, commit)| path.len() + commit.len() + 64).sum();
        let size = OVERHEAD + facts.dockerfile.len() + facts.context_tree.len() + submodules;
        lock(&self.facts).insert(of, facts.clone(), size);
    }

    pub(crate) fn filtered(&self, by: &FilteredBy) -> Option<String> {
        lock(&self.filtered).get(by)
    }

    pub(crate) fn remember_filtered(&self, by: FilteredBy, digest: &str) {
        lock(&self.filtered).insert(by, digest.to_owned(), OVERHEAD);
    }

    /// Forgets everything: a mirror was made anew, and may not hold what the one before it held.
    pub(crate) fn forget(&self) {
        *lock(&self.facts) = Recent::holding(MOST / 2);
        *lock(&self.filtered) = Recent::holding(MOST / 2);
    }
}

fn lock<T>(recent: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panics with it leaves at worst a value that is forgotten too early.
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}
