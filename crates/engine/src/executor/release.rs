//! A release: the image mirrored, variables put beside it, the chart handed to Helm, the rollout watched to its end.

use slipway_core::deployment::{SkipReason, StepOutcome, StepResult};
use slipway_core::failure::{Failure, FailureKind};
use slipway_core::model::ServiceKind;
use slipway_core::plan::{Action, ObjectRef, Released, VariablesSecret};
use slipway_ports::{Activity, Progress, ReleaseRequest, Upgraded};

use super::Assignment;
use super::chart;
use super::job;
use super::put_back::put_back;
use super::request::{Made, image, prepare_namespace, request, rollout, secrets_of, until_gone};
use crate::last_releases::{self, Difference};
use crate::workload_variables::{self, Versions, WorkloadSecret};

pub(super) async fn execute(mut assignment: Assignment) -> Result<StepOutcome, Failure> {
    if !job::runs(&assignment)? {
        return Ok(StepOutcome::Unneeded(SkipReason::NothingToRun));
    }
    bring(&mut assignment).await
}

/// Brings a service up, or runs a job, whatever the action.
pub(super) async fn bring(assignment: &mut Assignment) -> Result<StepOutcome, Failure> {
    if assignment.stop.is_cancelled() {
        let canceled = Failure::canceled("the release was canceled");
        after_failure(assignment, &canceled).await;
        return Err(canceled);
    }
    let image = match assignment.service()?.kind {
        ServiceKind::Helm(_) => None,
        _ => Some(image(assignment).await?),
    };
    let variables = variables(assignment).await?;
    let made = match image {
        Some(image) => Made::Image(image),
        None => Made::Chart(chart::fetch(assignment, variables.reference()).await?),
    };
    if let Some(image) = made.image()
        && job::is_unchanged(assignment, image, variables.reference())?
    {
        return Ok(StepOutcome::Unneeded(SkipReason::Unchanged));
    }
    // From here on a failure may quote what it was given.
    with_variables(assignment, &made, &variables).await.map_err(|failure| masked(assignment, failure))
}

/// Where the containers take their variables from.
enum Variables {
    /// They see none.
    None,
    /// A Secret that is to be there.
    Wanted(WorkloadSecret, VariablesSecret),
    /// The Secret of an earlier release, which is there.
    Kept(VariablesSecret),
}

impl Variables {
    fn reference(&self) -> Option<&VariablesSecret> {
        match self {
            Self::None => None,
            Self::Wanted(_, reference) | Self::Kept(reference) => Some(reference),
        }
    }
}

/// The variables of a service; from here on its log shows none of its secrets.
async fn variables(assignment: &mut Assignment) -> Result<Variables, Failure> {
    let released: Option<&Released> = assignment.planned()?.released.as_ref();
    let earlier = released.filter(|_| assignment.plan.action == Action::Rollback).and_then(|released| released.variables.clone());
    if let Some(earlier) = earlier {
        let (cluster, namespace) = (&assignment.shared.ports.cluster, assignment.namespace());
        let (retry, target) = (&assignment.shared.settings.retry, &assignment.target);
        let read = || cluster.secret(target, &namespace, &earlier.name);
        if let Some(content) = retry.run(&assignment.progress, &assignment.stop, read).await? {
            // Which of its values are secrets is not known any more.
            assignment.progress = assignment.progress.clone().masking(content.into_values());
            return Ok(Variables::Kept(earlier));
        }
        assignment.progress.line(&format!("the Secret {} is gone; its variables are made anew", earlier.name));
    }
    let plan = assignment.plan.clone();
    let secret = workload_variables::secret_of(
        &assignment.shared,
        &plan.environment,
        Versions::of(&plan),
        &assignment.target,
        &assignment.name,
    );
    let Some(secret) = secret.await? else { return Ok(Variables::None) };
    assignment.progress = assignment.progress.clone().masking(secret.sensitive.iter().cloned());
    let reference = secret.reference();
    Ok(Variables::Wanted(secret, reference))
}

async fn with_variables(assignment: &Assignment, made: &Made, variables: &Variables) -> Result<StepOutcome, Failure> {
    let wanted = match variables {
        Variables::Wanted(secret, _) => Some(secret),
        Variables::None | Variables::Kept(_) => None,
    };
    let request = request(assignment, made, variables.reference())?;
    let (shared, target) = (&assignment.shared, &assignment.target);
    let inputs = last_releases::inputs(shared, &assignment.plan, target, &request).await?;
    let is_kept_up = job::is_kept_up(assignment)?;
    let mut why = String::new();
    let mut changed = Vec::new();
    if is_kept_up {
        let comparison = assignment.common.last.compare(shared, &assignment.plan, target, &assignment.name, &inputs).await;
        if comparison.difference == Difference::None {
            return Ok(StepOutcome::Unneeded(SkipReason::Unchanged));
        }
        why = format!(": {}", comparison.difference);
        changed = comparison.changed;
    }
    prepare_namespace(assignment, wanted).await?;
    take_back(assignment, &changed).await?;
    assignment.progress.activity(Activity::Releasing);
    assignment.progress.line(&format!("release {} of {}{why}", assignment.name, request.made_from));
    let released = match release(assignment, &request).await {
        Ok(upgraded) => job::outputs(assignment, &request).await.map(|outputs| (upgraded, outputs)),
        Err(failure) => Err(job::without_output(assignment, &request, failure).await),
    };
    match released {
        Ok((upgraded, outputs)) => {
            let objects = if is_kept_up { upgraded.objects } else { Vec::new() };
            Ok(StepOutcome::Done(StepResult {
                image: made.image().map(|image| image.digest.clone()),
                repository: made.image().map(|image| image.repository.clone()),
                variables: variables.reference().cloned(),
                revision: Some(upgraded.revision.0),
                outputs: outputs.map(Box::new),
                settled: last_releases::settled(shared, target, inputs, objects, secrets_of(&request)).await.map(Box::new),
            }))
        }
        Err(failure) => {
            let failure = masked(assignment, failure);
            after_failure(assignment, &failure).await;
            Err(failure)
        }
    }
}

/// What was changed by hand goes with the upgrade.
async fn take_back(assignment: &Assignment, changed: &[ObjectRef]) -> Result<(), Failure> {
    if changed.is_empty() {
        return Ok(());
    }
    let (cluster, retry) = (&assignment.shared.ports.cluster, &assignment.shared.settings.retry);
    retry.run(&assignment.progress, &assignment.stop, || cluster.take_back(&assignment.target, changed)).await
}

fn masked(assignment: &Assignment, failure: Failure) -> Failure {
    assignment.progress.mask().mask_failure(failure)
}

async fn release(assignment: &Assignment, request: &ReleaseRequest) -> Result<Upgraded, Failure> {
    let (ports, retry) = (&assignment.shared.ports, &assignment.shared.settings.retry);
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    let upgraded = retry.run(progress, stop, || ports.releases.upgrade(&assignment.target, request, stop)).await?;
    progress.activity(Activity::Waiting);
    if let ServiceKind::Helm(helm) = &request.service.kind {
        chart::settle(assignment, &upgraded.objects, helm.timeout).await?;
        return Ok(upgraded);
    }
    let rollout = rollout(assignment, request)?;
    retry.run(progress, stop, || ports.cluster.await_rollout(&assignment.target, &rollout, progress, stop)).await?;
    Ok(upgraded)
}

/// What served before a failed rollout goes on serving. A first release that failed stays, to be looked at; one that was canceled goes.
/// A job does not go back, which would run the old one again; only with force a canceled one ends before it has come to its end.
async fn after_failure(assignment: &Assignment, failure: &Failure) {
    let canceled = failure.kind == FailureKind::Canceled;
    let is_job = matches!(assignment.service().map(|service| &service.kind), Ok(ServiceKind::Job(_)));
    match (is_job, canceled) {
        (false, true) => put_back(assignment, true).await,
        (false, false) if assignment.ending.record(failure).await => put_back(assignment, false).await,
        (true, true) if assignment.force.is_cancelled() => stop_job(assignment).await,
        (true, true) => {
            assignment.progress.line("the job is not stopped; it runs to its end (`slipway cancel --force` stops it)");
        }
        // A job that failed stays, to be looked at; nothing may be put away that is not on record.
        (true | false, false) => {}
    }
}

/// The release of a job is removed, its pods with it; the next run makes a new one.
async fn stop_job(assignment: &Assignment) {
    let (ports, target, progress) = (&assignment.shared.ports, &assignment.target, &assignment.progress);
    let namespace = assignment.namespace();
    let never = slipway_ports::CancellationToken::new();
    let retry = &assignment.shared.settings.retry;
    progress.line("the job is stopped");
    let uninstall = || ports.releases.uninstall(target, &namespace, assignment.name.as_str());
    let gone = until_gone(assignment);
    let stopped = match retry.run(progress, &never, uninstall).await {
        Ok(()) => retry.run(progress, &never, || ports.cluster.await_rollout(target, &gone, progress, &never)).await,
        failed => failed,
    };
    if let Err(failure) = stopped {
        progress.line(&format!("the job could not be stopped: {failure}"));
    }
}
