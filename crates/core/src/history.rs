//! Which deployments of an environment are kept, and which are let go of.
//!
//! What is deployed is read off the deployments ([`crate::deployed`]), so those that tell of it stay: it is the same after the others
//! have gone.

use std::collections::{BTreeMap, BTreeSet};

use crate::deployed::Effect;
use crate::deployment::{Deployment, Outcome, RunState};
use crate::model::Name;

/// A deployment, as far as its keeping depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Counts the deployments of the environment.
    pub number: u64,
    /// How it went; absent while it has not finished.
    pub outcome: Option<Outcome>,
    /// What it did to what is deployed.
    pub effects: BTreeMap<Name, Effect>,
}

impl Past {
    /// A deployment, as its facts have left it.
    pub fn of(number: u64, deployment: &Deployment) -> Self {
        let outcome = match deployment.state() {
            RunState::Queued | RunState::Running | RunState::Canceling => None,
            RunState::Finished { outcome, .. } => Some(outcome),
        };
        let plan = deployment.plan();
        let services = plan.services.iter().zip(deployment.services());
        let effects = services.filter_map(|(planned, run)| Some((planned.name.clone(), Effect::of(plan, planned, run)?)));
        Self { number, outcome, effects: effects.collect() }
    }
}

/// The numbers of the deployments that stay: those that have not finished, the newest `most` of those that have (at least one), the
/// newest that failed, and for each service those that tell how it is deployed.
pub fn kept(all: &[Past], most: usize) -> BTreeSet<u64> {
    let mut newest_first: Vec<&Past> = all.iter().collect();
    newest_first.sort_by_key(|past| std::cmp::Reverse(past.number));
    let open = newest_first.iter().filter(|past| past.outcome.is_none());
    let finished = newest_first.iter().filter(|past| past.outcome.is_some()).take(most.max(1));
    let failed = newest_first.iter().find(|past| past.outcome == Some(Outcome::Failed));
    let mut kept: BTreeSet<u64> = open.chain(finished).chain(failed).map(|past| past.number).collect();
    let mut effects: BTreeMap<&Name, Vec<(u64, Effect)>> = BTreeMap::new();
    for past in newest_first {
        for (service, effect) in &past.effects {
            effects.entry(service).or_default().push((past.number, *effect));
        }
    }
    kept.extend(effects.values().flat_map(|effects| telling(effects)));
    kept
}

/// Those of the effects on one service, newest first, that tell how it is deployed.
fn telling(effects: &[(u64, Effect)]) -> BTreeSet<u64> {
    let (mut stopped, mut tried) = (None, None);
    for (place, (number, effect)) in effects.iter().enumerate() {
        match effect {
            Effect::Stopped => stopped = stopped.or(Some(*number)),
            Effect::Tried => tried = tried.or(Some(*number)),
            Effect::Released => return stopped.into_iter().chain([*number]).collect(),
            // Without it the service would be there again, as long as something older tells of it.
            Effect::Gone => {
                let is_last = place + 1 == effects.len();
                return stopped.into_iter().chain(tried).chain((!is_last).then_some(*number)).collect();
            }
        }
    }
    stopped.into_iter().chain(tried).collect()
}
