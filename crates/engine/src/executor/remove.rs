//! A removal: the job that runs on a delete, then the release, the volumes, and with the last release the namespace.

use slipway_core::deployment::{StepOutcome, StepResult};
use slipway_core::failure::Failure;
use slipway_core::model::JobEvent;
use slipway_core::plan::{Action, PlannedService};
use slipway_ports::{Activity, Progress};

use super::request::{namespace_object, until_gone};
use super::{Assignment, job, release};

pub(super) async fn execute(mut assignment: Assignment) -> Result<StepOutcome, Failure> {
    let planned = assignment.planned()?;
    let is_delete = assignment.plan.action == Action::Delete;
    if assignment.stop.is_cancelled() {
        return Err(Failure::canceled("the removal was canceled"));
    }
    if planned.leaves.is_none() && planned.released.is_some() && job::runs(&assignment)? {
        release::bring(&mut assignment).await?;
    }
    let (ports, retry) = (&assignment.shared.ports, &assignment.shared.settings.retry);
    let (target, progress, stop) = (&assignment.target, &assignment.progress, &assignment.stop);
    let (namespace, name) = (assignment.namespace(), assignment.name.as_str());
    progress.activity(Activity::Releasing);
    progress.line(&format!("remove the release {name}"));
    retry.run(progress, stop, || ports.releases.uninstall(target, &namespace, name)).await?;
    progress.activity(Activity::Waiting);
    let gone = until_gone(&assignment);
    retry.run(progress, stop, || ports.cluster.await_rollout(target, &gone, progress, stop)).await?;
    if is_delete || assignment.plan.request.delete_volumes {
        progress.line(&format!("remove the volumes and Secrets of {name}"));
        retry.run(progress, stop, || ports.cluster.remove_leftovers(target, &namespace, name)).await?;
    }
    if is_delete && assignment.plan.request.is_whole() && is_among_the_last(&assignment) {
        // Each of them tries; the last release to go lets the namespace go.
        let wanted = namespace_object(&assignment);
        if retry.run(progress, stop, || ports.cluster.remove_namespace(target, &wanted, stop)).await? {
            progress.line(&format!("the namespace {namespace} is gone"));
        }
    }
    Ok(StepOutcome::Done(StepResult::default()))
}

/// Whether nothing needs the namespace after this step but what runs beside it: it is in the last stage, and a job there comes last.
fn is_among_the_last(assignment: &Assignment) -> bool {
    let plan = &assignment.plan;
    let last = plan.services.last().map(|service| service.stage);
    let in_last = || plan.services.iter().filter(|service| Some(service.stage) == last);
    let is_job = |service: &PlannedService| {
        let events = plan.environment.service(&service.name).and_then(|service| service.kind.lifecycle());
        events.is_some_and(|events| events.contains(&JobEvent::Delete))
    };
    let has_jobs = in_last().any(is_job);
    in_last().any(|service| service.name == assignment.name && (!has_jobs || is_job(service)))
}
