//! Whether somebody wants a service up, read off the deployments of its environment. A push never brings up what nobody asked for, or
//! what somebody has stopped.

use std::collections::BTreeMap;

use crate::deployment::{Deployment, ServiceRun, StepState};
use crate::model::Name;
use crate::plan::{Action, PlannedService};

/// What was last asked for a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has deployed it yet.
    #[default]
    NeverAsked,
    /// To be up. Its deployment may have failed: then the next push may mend it.
    Asked,
    /// To be stopped or gone.
    Stopped,
    /// To be as it was before, by a rollback: it stays so until somebody deploys it.
    Paused,
}

impl Standing {
    /// Whether a push may deploy it.
    pub fn lets_a_push_in(self) -> bool {
        match self {
            Self::Asked => true,
            Self::NeverAsked | Self::Stopped | Self::Paused => false,
        }
    }

    /// What a deployment asked for one of its services; absent when it says nothing. What was canceled before it was done counts as
    /// never asked, and a restart leaves everything as it is.
    fn asked_by(action: Action, planned: &PlannedService, run: &ServiceRun) -> Option<Self> {
        if matches!(run.release, StepState::Canceled { .. }) {
            return None;
        }
        match action {
            Action::Deploy | Action::Rollback if planned.leaves.is_some() => Some(Self::Stopped),
            Action::Deploy => Some(Self::Asked),
            Action::Rollback => Some(Self::Paused),
            Action::Stop | Action::Delete => Some(Self::Stopped),
            Action::Restart => None,
        }
    }
}

/// Reads deployments, the newest first: those that wait or run count as well as those that have finished, however they went.
#[derive(Debug, Default)]
pub struct Standings {
    found: BTreeMap<Name, Standing>,
}

impl Standings {
    /// Takes in the deployment before the ones that were read so far.
    pub fn read(&mut self, deployment: &Deployment) {
        let plan = deployment.plan();
        for (planned, run) in plan.services.iter().zip(deployment.services()) {
            if let Some(standing) = Standing::asked_by(plan.action, planned, run) {
                self.found.entry(planned.name.clone()).or_insert(standing);
            }
        }
    }

    /// Whether nothing older can tell more of a service.
    pub fn is_certain(&self, name: &Name) -> bool {
        self.found.contains_key(name)
    }

    /// How it stands with a service, as far as was read.
    pub fn of(&self, name: &Name) -> Standing {
        self.found.get(name).copied().unwrap_or_default()
    }
}
