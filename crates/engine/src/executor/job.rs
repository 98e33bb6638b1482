//! When a job runs, and what it leaves.

use slipway_core::deployment::WrittenOutputs;
use slipway_core::failure::Failure;
use slipway_core::model::{JobRun, ServiceKind};
use slipway_core::plan::{Action, ReleasedImage, VariablesSecret};
use slipway_core::variables::Resolved;
use slipway_ports::{Progress, ReleaseRequest, RolloutKind};

use super::Assignment;
use super::request::rollout;
use crate::{outputs, workload_variables};

/// Whether the action does anything to the service. Everything but a lifecycle job is released by a deploy or rollback; a lifecycle
/// job runs on the actions that it names, and on a rollback only if that was asked for.
pub(super) fn runs(assignment: &Assignment) -> Result<bool, Failure> {
    let action = assignment.plan.action;
    let Some(events) = assignment.service()?.kind.lifecycle() else { return Ok(action.releases()) };
    let is_wanted = action != Action::Rollback || assignment.plan.request.run_jobs;
    Ok(is_wanted && action.job_event().is_some_and(|event| events.contains(&event)))
}

/// Whether a deploy or rollback keeps the service up, rather than running it: nothing has to be done where it is up as it should be.
pub(super) fn is_kept_up(assignment: &Assignment) -> Result<bool, Failure> {
    Ok(assignment.plan.action.releases() && assignment.service()?.kind.lifecycle().is_none())
}

/// Whether a job that runs on a change alone ran with this image, these variables and this configuration before. The plan holds what
/// was released only where the configuration is the same.
pub(super) fn is_unchanged(
    assignment: &Assignment,
    image: &ReleasedImage,
    variables: Option<&VariablesSecret>,
) -> Result<bool, Failure> {
    let ServiceKind::Job(job) = &assignment.service()?.kind else { return Ok(false) };
    let released = assignment.planned()?.released.as_ref();
    let same =
        |before: &slipway_core::plan::Released| before.image.as_ref() == Some(image) && before.variables.as_ref() == variables;
    Ok(assignment.plan.action == Action::Deploy && job.run == JobRun::OnChange && released.is_some_and(same))
}

/// What a lifecycle job that came to a good end left for later stages: kept first, then removed from where anybody could see it. A run
/// on a deploy replaces what was kept, also by nothing; another does so only if it wrote something.
pub(super) async fn outputs(assignment: &Assignment, request: &ReleaseRequest) -> Result<Option<WrittenOutputs>, Failure> {
    if !matches!(assignment.service()?.kind, ServiceKind::Job(_)) {
        return Ok(None);
    }
    let rollout = rollout(assignment, request)?;
    if !matches!(rollout.kind, RolloutKind::Job { .. }) {
        return Ok(None);
    }
    let (shared, environment, job, run) = (&assignment.shared, &assignment.plan.environment, &assignment.name, &request.run);
    let (cluster, retry) = (&shared.ports.cluster, &shared.settings.retry);
    let (target, progress, stop) = (&assignment.target, &assignment.progress, &assignment.stop);
    let written = retry.run(progress, stop, || cluster.job_output(target, &rollout)).await?;
    let left = retry.run(progress, stop, || outputs::left(shared, environment, job, run, &written)).await?;
    if matches!(left, outputs::Left::Unknown) {
        progress.line(&format!("the pod of {job} is gone: what it may have written is not known; deploy again to run it again"));
    }
    let is_kept = matches!(left, outputs::Left::Kept(_));
    let found = &left.outputs();
    if found.is_empty() && !assignment.plan.action.releases() {
        return Ok(None);
    }
    if !is_kept {
        retry.run(progress, stop, || outputs::keep(shared, environment, job, run, found)).await?;
    }
    if found.values().any(Resolved::is_secret) {
        retry.run(progress, stop, || cluster.forget_job_output(target, &rollout)).await?;
    }
    if found.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    progress.line(&format!("{job} left the outputs {}", names.join(", ")));
    let salt = workload_variables::salt(shared, environment).await?;
    Ok(Some(outputs::record(found, &salt)))
}

/// A failure as it may be shown: what a job had written before it failed may be quoted in its last lines.
pub(super) async fn without_output(assignment: &Assignment, request: &ReleaseRequest, failure: Failure) -> Failure {
    let Ok(rollout) = rollout(assignment, request) else { return failure };
    if !matches!(rollout.kind, RolloutKind::Job { .. }) || failure.last_lines.is_empty() {
        return failure;
    }
    match assignment.shared.ports.cluster.job_output(&assignment.target, &rollout).await {
        Ok(written) => assignment.progress.clone().masking(outputs::sensitive(&written)).mask().mask_failure(failure),
        // Nobody knows what may not be shown.
        Err(unknown) => {
            let line = format!("the last lines are left out: whether they show an output is not known ({unknown})");
            failure.with_last_lines(vec![line])
        }
    }
}
