//! A restart: the pods started anew, with nothing changed.

use slipway_core::deployment::{SkipReason, StepOutcome, StepResult};
use slipway_core::failure::Failure;
use slipway_core::model::ServiceKind;
use slipway_core::plan::VariablesSecret;
use slipway_ports::{Activity, Progress};

use super::request::{Made, image, request, rollout};
use super::{Assignment, chart};

pub(super) async fn execute(assignment: Assignment) -> Result<StepOutcome, Failure> {
    let released = assignment.planned()?.released.clone();
    let Some(released) = released else { return Ok(StepOutcome::Unneeded(SkipReason::NotDeployed)) };
    if matches!(assignment.service()?.kind, ServiceKind::Job(_)) {
        return Ok(StepOutcome::Unneeded(SkipReason::NothingToRun));
    }
    if matches!(assignment.service()?.kind, ServiceKind::Helm(_)) {
        return chart::restart(&assignment).await;
    }
    let variables: Option<&VariablesSecret> = released.variables.as_ref();
    let rollout = rollout(&assignment, &request(&assignment, &Made::Image(image(&assignment).await?), variables)?)?;
    let (cluster, retry) = (&assignment.shared.ports.cluster, &assignment.shared.settings.retry);
    let (target, progress, stop) = (&assignment.target, &assignment.progress, &assignment.stop);
    let (namespace, name) = (assignment.namespace(), assignment.name.as_str());
    progress.activity(Activity::Releasing);
    progress.line(&format!("restart the pods of {name}"));
    // The deployment is the token: an attempt after a crash does not restart them again.
    let token = assignment.deployment.as_str();
    retry.run(progress, stop, || cluster.restart(target, &namespace, name, &rollout.kind, token)).await?;
    progress.activity(Activity::Waiting);
    retry.run(progress, stop, || cluster.await_rollout(target, &rollout, progress, stop)).await?;
    Ok(StepOutcome::Done(StepResult::default()))
}
