//! Which deployments of an environment are kept, and which are let go of.

use std::collections::BTreeSet;

use crate::deployment::{Deployment, Outcome, RunState, StepState};
use crate::model::Name;
use crate::plan::Action;

/// A deployment, as far as its keeping depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Counts the deployments of the environment.
    pub number: u64,
    /// How it went; absent while it has not finished.
    pub outcome: Option<Outcome>,
    /// The services that it released with success: their snapshot is what runs, and what a later deployment may go back to.
    pub released: BTreeSet<Name>,
}

impl Past {
    /// A deployment, as its facts have left it.
    pub fn of(number: u64, deployment: &Deployment) -> Self {
        let outcome = match deployment.state() {
            RunState::Queued | RunState::Running | RunState::Canceling => None,
            RunState::Finished { outcome, .. } => Some(outcome),
        };
        let seals_what_runs = match deployment.plan().action {
            Action::Deploy => true,
        };
        let services = deployment.plan().services.iter().zip(deployment.services());
        let released = services.filter(|(_, run)| seals_what_runs && matches!(run.release, StepState::Succeeded { .. }));
        Self { number, outcome, released: released.map(|(planned, _)| planned.name.clone()).collect() }
    }
}

/// The numbers of the deployments that stay: those that have not finished, the newest `most` of those that have (at least one), the
/// newest that failed, and for each service the newest that released it.
pub fn kept(all: &[Past], most: usize) -> BTreeSet<u64> {
    let mut newest_first: Vec<&Past> = all.iter().collect();
    newest_first.sort_by_key(|past| std::cmp::Reverse(past.number));
    let (mut finished, mut has_failure, mut released) = (0, false, BTreeSet::new());
    let mut kept = BTreeSet::new();
    for past in newest_first {
        let is_recent = past.outcome.is_none() || finished < most.max(1);
        let is_failure = past.outcome == Some(Outcome::Failed) && !has_failure;
        let is_needed = past.released.iter().any(|service| !released.contains(service));
        if is_recent || is_failure || is_needed {
            kept.insert(past.number);
        }
        finished += usize::from(past.outcome.is_some());
        has_failure |= past.outcome == Some(Outcome::Failed);
        released.extend(&past.released);
    }
    kept
}
