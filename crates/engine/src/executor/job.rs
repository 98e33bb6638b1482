//! When a job runs.

use slipway_core::failure::Failure;
use slipway_core::model::{Job, JobEvent, JobRun, JobTrigger, ServiceKind};
use slipway_core::plan::{Action, ReleasedImage, VariablesSecret};

use super::Assignment;

/// Whether the action does anything to the service. Everything but a lifecycle job is released by a deploy or rollback; a lifecycle
/// job runs on the actions that it names, and on a rollback only if that was asked for.
pub(super) fn runs(assignment: &Assignment) -> Result<bool, Failure> {
    let action = assignment.plan.action;
    let ServiceKind::Job(job @ Job { trigger: JobTrigger::Lifecycle(_), .. }) = &assignment.service()?.kind else {
        return Ok(action.releases());
    };
    let is_wanted = action != Action::Rollback || assignment.plan.request.run_jobs;
    Ok(is_wanted && action.job_event().is_some_and(|event| is_for(job, event)))
}

/// Whether a deploy or rollback keeps the service up, rather than running it: nothing has to be done where it is up as it should be.
pub(super) fn is_kept_up(assignment: &Assignment) -> Result<bool, Failure> {
    let is_run = matches!(&assignment.service()?.kind, ServiceKind::Job(Job { trigger: JobTrigger::Lifecycle(_), .. }));
    Ok(assignment.plan.action.releases() && !is_run)
}

/// Whether a job is a lifecycle job that runs on this.
pub(super) fn is_for(job: &Job, event: JobEvent) -> bool {
    matches!(&job.trigger, JobTrigger::Lifecycle(events) if events.contains(&event))
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
