//! Carries out one step: talks to the ports, retries what can be retried, and reports one end.
//!
//! Every step may be carried out again after a crash, with the same plan and the same keys: a build looks for its image first, a
//! release is brought to the same state.

mod build;
mod release;

use std::sync::Arc;

use slipway_core::deployment::{Deployment, Phase, StepId, StepOutcome};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Environment, Name, Service};
use slipway_core::plan::{BuildPlan, PlannedService};
use slipway_ports::{CancellationToken, DeploymentSummary, Target};

use crate::engine::Shared;
use crate::feed::{Feed, StepProgress};

/// One step, and all that it takes.
pub(crate) struct Assignment {
    shared: Arc<Shared>,
    phase: Phase,
    /// The deployment's id.
    deployment: String,
    target: Target,
    environment: Environment,
    /// The sealed services, for the variables that are named after them.
    services: Vec<PlannedService>,
    name: Name,
    /// The image that the build of this service left.
    built_image: Option<String>,
    progress: StepProgress,
    stop: CancellationToken,
}

impl Assignment {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        summary: &DeploymentSummary,
        target: &Target,
        deployment: &Deployment,
        step: &StepId,
        feed: &Arc<Feed>,
        stop: CancellationToken,
    ) -> Self {
        let run = deployment.service(&step.service);
        Self {
            shared: shared.clone(),
            phase: step.phase,
            deployment: summary.id.clone(),
            target: target.clone(),
            environment: deployment.plan().environment.clone(),
            services: deployment.plan().services.clone(),
            name: step.service.clone(),
            built_image: run.and_then(|run| run.build.as_ref()?.image().map(str::to_owned)),
            progress: feed.progress(step.clone()),
            stop,
        }
    }

    fn planned(&self) -> Result<&PlannedService, Failure> {
        self.services.iter().find(|service| service.name == self.name).ok_or_else(|| self.missing())
    }

    fn service(&self) -> Result<&Service, Failure> {
        self.environment.service(&self.name).ok_or_else(|| self.missing())
    }

    fn build_plan(&self) -> Result<Option<&BuildPlan>, Failure> {
        Ok(self.planned()?.build.as_ref())
    }

    fn missing(&self) -> Failure {
        Failure::permanent(Code::Internal, format!("the sealed plan has no service `{}`", self.name))
    }
}

/// Carries a step out, to whatever end.
pub(crate) async fn execute(assignment: Assignment) -> StepOutcome {
    let progress = assignment.progress.clone();
    let done = match assignment.phase {
        Phase::Build => build::execute(assignment).await,
        Phase::Release => release::execute(assignment).await,
    };
    done.unwrap_or_else(|failure| {
        use slipway_ports::Progress;
        progress.line(&failure.to_string());
        StepOutcome::Failed(failure)
    })
}

/// The end of a step whose code did not come to one.
pub(crate) fn broken(error: &tokio::task::JoinError) -> StepOutcome {
    let failure = Failure::permanent(Code::Internal, format!("the step ended by a fault in Slipway: {error}"))
        .with_hint("this is a bug; please report it with the server's log");
    StepOutcome::Failed(failure)
}
