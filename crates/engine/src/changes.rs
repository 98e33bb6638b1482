//! What changed, for those who show it: no contents, only where to look again.

use slipway_core::deployment::{CancelScope, Event, Fact};
use slipway_core::model::Name;
use slipway_ports::DeploymentSummary;
use tokio::sync::broadcast;

/// How many changes one who listens may fall behind before it must read everything again.
const BEHIND: usize = 1024;

/// Something is stored that a list or a board shows otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The configuration of an environment, or that there is one.
    Environment {
        /// The project.
        project: Name,
        /// The environment.
        name: Name,
    },
    /// What a project gives its environments, or when they start and stop.
    Project(Name),
    /// The targets.
    Targets,
    /// A deployment was accepted, joined, started, finished, or is being canceled.
    Deployment {
        /// The project.
        project: Name,
        /// The environment.
        environment: Name,
        /// The deployment.
        id: String,
    },
}

/// Tells changes to all who listen.
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Changes {
    pub(crate) fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }

    /// An error only says that nobody listens.
    pub(crate) fn tell(&self, change: Change) {
        let _ = self.0.send(change);
    }

    /// Tells of a deployment if these facts, which are stored, show in its head.
    pub(crate) fn tell_facts(&self, summary: &DeploymentSummary, facts: &[Event]) {
        if facts.iter().any(|event| shows(&event.fact)) {
            let (project, environment) = (summary.project.clone(), summary.environment.clone());
            self.tell(Change::Deployment { project, environment, id: summary.id.clone() });
        }
    }
}

fn shows(fact: &Fact) -> bool {
    match fact {
        Fact::Accepted { .. }
        | Fact::Merged { .. }
        | Fact::Started
        | Fact::CancelRequested { scope: CancelScope::Deployment, .. }
        | Fact::Finished { .. } => true,
        Fact::CancelRequested { scope: CancelScope::Service(_), .. }
        | Fact::StageApproved { .. }
        | Fact::StageRefused { .. }
        | Fact::StepStarted { .. }
        | Fact::StepSucceeded { .. }
        | Fact::StepSkipped { .. }
        | Fact::StepTimed { .. }
        | Fact::StepFailing { .. }
        | Fact::StepFailed { .. }
        | Fact::StepCanceled { .. }
        | Fact::StepInterrupted { .. } => false,
    }
}
