//! Carries out one step: talks to the ports, retries what can be retried, and reports one end.
//!
//! Every step may be carried out again after a crash, with the same plan and the same keys: a build looks for its image first, a
//! release is brought to the same state, what is stopped or removed already is so at once.

mod build;
mod chart;
mod ending;
mod job;
mod put_back;
mod release;
mod remove;
mod request;
mod restart;
mod stop;

use std::sync::Arc;

use slipway_core::deployment::{Deployment, Phase, StepId, StepOutcome};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Name, Service};
use slipway_core::names;
use slipway_core::plan::{Action, Plan, PlannedService};
use slipway_ports::{CancellationToken, DeploymentSummary, Progress, Reader, Target};
use tokio::sync::OnceCell;

pub(crate) use build::{destination, work_folder};
pub(crate) use ending::Ending;
pub(crate) use request::of_plan;

use crate::engine::Shared;
use crate::feed::{Feed, StepProgress};
use crate::last_releases::LastReleases;
use crate::readers;
use crate::single_flight::Seat;

/// How a step is told to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    end: CancellationToken,
    force: CancellationToken,
}

impl Stop {
    /// Asks for the end; with `force`, of a job that runs too.
    pub(crate) fn ask(&self, force: bool) {
        if force {
            self.force.cancel();
        }
        self.end.cancel();
    }
}

/// What the steps of a deployment find out and do once for all of them.
#[derive(Debug, Default)]
pub(crate) struct Common {
    last: LastReleases,
    /// Set once the namespace is there, with what its pods pull with.
    namespace: OnceCell<()>,
}

/// One step, and all that it takes.
pub(crate) struct Assignment {
    shared: Arc<Shared>,
    phase: Phase,
    /// The deployment's id.
    deployment: String,
    target: Target,
    plan: Arc<Plan>,
    common: Arc<Common>,
    name: Name,
    /// The image that the build of this service left.
    built_image: Option<String>,
    progress: StepProgress,
    stop: CancellationToken,
    /// Whether a running job is stopped too.
    force: CancellationToken,
    ending: Ending,
    /// A seat on the flight to the image of a build, which another step has left.
    seat: Option<Seat>,
}

impl Assignment {
    #[expect(clippy::too_many_arguments, reason = "each is a part of a step")]
    pub(crate) fn new(
        shared: &Arc<Shared>,
        summary: &DeploymentSummary,
        target: &Target,
        plan: &Arc<Plan>,
        common: &Arc<Common>,
        deployment: &Deployment,
        step: &StepId,
        feed: &Arc<Feed>,
        stop: Stop,
        ending: Ending,
        seat: Option<Seat>,
    ) -> Self {
        let run = deployment.service(&step.service);
        Self {
            shared: shared.clone(),
            phase: step.phase,
            deployment: summary.id.clone(),
            target: target.clone(),
            plan: plan.clone(),
            common: common.clone(),
            name: step.service.clone(),
            built_image: run.and_then(|run| run.build.as_ref()?.image().map(str::to_owned)),
            progress: feed.progress(step.clone()),
            stop: stop.end,
            force: stop.force,
            ending,
            seat,
        }
    }

    fn planned(&self) -> Result<&PlannedService, Failure> {
        self.plan.service(&self.name).ok_or_else(|| self.missing())
    }

    fn service(&self) -> Result<&Service, Failure> {
        self.plan.environment.service(&self.name).ok_or_else(|| self.missing())
    }

    /// Who reads what the service is made from.
    async fn reader(&self) -> Result<Reader, Failure> {
        let (shared, service) = (&self.shared, self.service()?);
        let (store, project) = (&*shared.ports.store, &self.plan.environment.project);
        let read = || readers::of_service(store, project, service);
        shared.settings.retry.run(&self.progress, &self.stop, read).await
    }

    fn namespace(&self) -> String {
        names::namespace(&self.plan.environment.project, &self.plan.environment.name)
    }

    fn missing(&self) -> Failure {
        Failure::permanent(Code::Internal, format!("the sealed plan has no service `{}`", self.name))
    }
}

/// Carries a step out, to whatever end. With it comes the seat that a build has left to another step, if one begins now.
pub(crate) async fn execute(assignment: Assignment) -> (StepOutcome, Option<Seat>) {
    let progress = assignment.progress.clone();
    let (done, seat) = match assignment.phase {
        Phase::Build => build::execute(assignment).await,
        Phase::Release => (act(assignment).await, None),
    };
    let outcome = done.unwrap_or_else(|failure| {
        progress.line(&failure.to_string());
        StepOutcome::Failed(failure)
    });
    (outcome, seat)
}

/// What the action does to a service once its image is there.
async fn act(assignment: Assignment) -> Result<StepOutcome, Failure> {
    if let Some(failure) = assignment.ending.failing() {
        // An earlier server came so far: what it had begun to put away is put away.
        put_back::put_back(&assignment, false).await;
        return Err(failure);
    }
    if assignment.planned()?.leaves.is_some() {
        return remove::execute(assignment).await;
    }
    match assignment.plan.action {
        Action::Deploy | Action::Rollback => release::execute(assignment).await,
        Action::Stop => stop::execute(assignment).await,
        Action::Restart => restart::execute(assignment).await,
        Action::Delete => remove::execute(assignment).await,
    }
}

/// The end of a step whose code did not come to one.
pub(crate) fn broken(error: &tokio::task::JoinError) -> StepOutcome {
    let failure = Failure::permanent(Code::Internal, format!("the step ended by a fault in Slipway: {error}"))
        .with_hint("this is a bug; please report it with the server's log");
    StepOutcome::Failed(failure)
}
