//! A stop: scaled to nothing, volumes kept; a cron job suspended; a job that runs on a stop, run.

use slipway_core::deployment::{SkipReason, StepOutcome, StepResult};
use slipway_core::failure::{Failure, FailureKind};
use slipway_core::model::{JobTrigger, ServiceKind};
use slipway_ports::{Activity, Progress};

use super::put_back::put_back;
use super::request::{Made, image, request, until_gone};
use super::{Assignment, chart, job, release};

pub(super) async fn execute(mut assignment: Assignment) -> Result<StepOutcome, Failure> {
    let released = assignment.planned()?.released.clone();
    let Some(released) = released else { return Ok(StepOutcome::Unneeded(SkipReason::NotDeployed)) };
    if job::runs(&assignment)? {
        return release::bring(&mut assignment).await;
    }
    let is_cron = match &assignment.service()?.kind {
        ServiceKind::Job(job) => match job.trigger {
            JobTrigger::Lifecycle(_) => return Ok(StepOutcome::Unneeded(SkipReason::NothingToRun)),
            JobTrigger::Cron { .. } => true,
        },
        _ => false,
    };
    if matches!(assignment.service()?.kind, ServiceKind::Helm(_)) {
        return chart::stop(&assignment).await;
    }
    let mut request = request(&assignment, &Made::Image(image(&assignment).await?), released.variables.as_ref())?;
    request.stopped = true;
    let (ports, retry) = (&assignment.shared.ports, &assignment.shared.settings.retry);
    let (target, progress, stop) = (&assignment.target, &assignment.progress, &assignment.stop);
    progress.activity(Activity::Releasing);
    progress.line(&format!("stop {}", assignment.name));
    let done = async {
        let upgraded = retry.run(progress, stop, || ports.releases.upgrade(target, &request, stop)).await?;
        if !is_cron {
            progress.activity(Activity::Waiting);
            let gone = until_gone(&assignment);
            retry.run(progress, stop, || ports.cluster.await_rollout(target, &gone, progress, stop)).await?;
        }
        Ok::<_, Failure>(upgraded.revision)
    };
    match done.await {
        Ok(revision) => Ok(StepOutcome::Done(StepResult { revision: Some(revision.0), ..StepResult::default() })),
        Err(failure) => {
            // A cancellation is on record.
            if failure.kind == FailureKind::Canceled || assignment.ending.record(&failure).await {
                put_back(&assignment, false).await;
            }
            Err(failure)
        }
    }
}
