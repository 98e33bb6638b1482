//! A release: the image mirrored, variables put beside it, the chart handed to Helm, the rollout watched to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use slipway_core::deployment::{SkipReason, StepOutcome, StepResult};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::{JobEvent, JobTrigger, Service, ServiceKind, Workload};
use slipway_core::names;
use slipway_core::plan::{BuildPlan, Version};
use slipway_ports::{
    Activity, DEPLOYMENT_LABEL, Namespace, Progress, ReleaseRequest, Revision, RolloutKind, RolloutRequest, SecretObject,
    SecretText, WantedImage,
};

use super::Assignment;
use crate::workload_variables::{self, WorkloadSecret};

/// The Secret that pods pull with.
const PULL_SECRET: &str = "slipway-registry";

pub(super) async fn execute(mut assignment: Assignment) -> Result<StepOutcome, Failure> {
    if let ServiceKind::Job(job) = &assignment.service()?.kind
        && let JobTrigger::Lifecycle(events) = &job.trigger
        && !events.contains(&JobEvent::Start)
    {
        return Ok(StepOutcome::Unneeded(SkipReason::NothingToRun));
    }
    let namespace = names::namespace(&assignment.environment.project, &assignment.environment.name);
    if assignment.stop.is_cancelled() {
        let canceled = Failure::canceled("the release was canceled");
        after_failure(&assignment, &namespace, &canceled).await;
        return Err(canceled);
    }
    let image = image(&assignment).await?;
    let secret = workload_variables::secret_of(
        &assignment.shared,
        &assignment.environment,
        &assignment.services,
        &assignment.target,
        &assignment.name,
    )
    .await?;
    if let Some(secret) = &secret {
        assignment.progress = assignment.progress.clone().masking(secret.sensitive.iter().cloned());
    }
    // From here on a failure may quote what it was given.
    with_secret(&assignment, &namespace, image, secret.as_ref()).await.map_err(|failure| masked(&assignment, failure))
}

async fn with_secret(
    assignment: &Assignment,
    namespace: &str,
    image: WantedImage,
    secret: Option<&WorkloadSecret>,
) -> Result<StepOutcome, Failure> {
    prepare_namespace(assignment, namespace, secret).await?;
    let request = request(assignment, namespace, image.clone(), secret)?;
    assignment.progress.activity(Activity::Releasing);
    assignment.progress.line(&format!("release {} of {}", assignment.name, request.image));
    match release(assignment, &request).await {
        Ok(revision) => Ok(StepOutcome::Done(StepResult { image: Some(image.digest), revision: Some(revision.0) })),
        Err(failure) => {
            if failure.kind != FailureKind::Retry {
                after_failure(assignment, namespace, &failure).await;
            }
            Err(failure)
        }
    }
}

fn masked(assignment: &Assignment, mut failure: Failure) -> Failure {
    let mask = |text: &str| assignment.progress.mask(text);
    failure.message = mask(&failure.message);
    failure.hint = failure.hint.as_deref().map(mask);
    failure.last_lines = failure.last_lines.iter().map(|line| mask(line)).collect();
    failure
}

async fn release(assignment: &Assignment, request: &ReleaseRequest) -> Result<Revision, Failure> {
    let (ports, retry) = (&assignment.shared.ports, &assignment.shared.settings.retry);
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    let revision = retry.run(progress, stop, || ports.releases.upgrade(&assignment.target, request, stop)).await?;
    progress.activity(Activity::Waiting);
    let rollout = rollout(assignment, request)?;
    retry.run(progress, stop, || ports.cluster.await_rollout(&assignment.target, &rollout, progress, stop)).await?;
    Ok(revision)
}

/// The image in the registry: built before, or copied there now.
async fn image(assignment: &Assignment) -> Result<WantedImage, Failure> {
    let ports = &assignment.shared.ports;
    let planned = assignment.planned()?;
    let wanted = |repository: &str, digest: &str| WantedImage {
        repository: format!("{}/{repository}", ports.registry.address()),
        digest: digest.to_owned(),
    };
    if let Some(BuildPlan::Image(build)) = &planned.build {
        let digest = assignment
            .built_image
            .as_deref()
            .ok_or_else(|| Failure::permanent(Code::Internal, format!("the build of `{}` left no image", assignment.name)))?;
        return Ok(wanted(&build.repository, digest));
    }
    let source = match &planned.version {
        Version::Image(source) => source,
        Version::Unresolved(failure) => return Err(failure.clone()),
        Version::Commit(_) => return Err(assignment.missing()),
    };
    let digest =
        source.digest().ok_or_else(|| Failure::permanent(Code::Internal, format!("{source} was sealed without its digest")))?;
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    progress.activity(Activity::Mirroring);
    let retry = &assignment.shared.settings.retry;
    let repository = retry.run(progress, stop, || ports.registry.mirror(source, progress, stop)).await?;
    Ok(wanted(&repository, digest))
}

fn our_labels(assignment: &Assignment) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app.kubernetes.io/managed-by".to_owned(), "slipway".to_owned()),
        ("slipway.dev/project".to_owned(), assignment.environment.project.to_string()),
        ("slipway.dev/environment".to_owned(), assignment.environment.name.to_string()),
    ])
}

async fn prepare_namespace(assignment: &Assignment, namespace: &str, variables: Option<&WorkloadSecret>) -> Result<(), Failure> {
    let (cluster, target) = (&assignment.shared.ports.cluster, &assignment.target);
    let retry = &assignment.shared.settings.retry;
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    let labels = our_labels(assignment);
    let wanted = Namespace { name: namespace.to_owned(), labels: labels.clone() };
    retry.run(progress, stop, || cluster.ensure_namespace(target, &wanted)).await?;
    let mut secrets = Vec::new();
    if let Some(pull) = &assignment.shared.settings.pull_credential {
        secrets.push(SecretObject {
            name: PULL_SECRET.to_owned(),
            secret_type: "kubernetes.io/dockerconfigjson".to_owned(),
            data: BTreeMap::from([(
                ".dockerconfigjson".to_owned(),
                docker_config(assignment.shared.ports.registry.address(), &pull.user, &pull.password),
            )]),
            labels: labels.clone(),
            immutable: false,
        });
    }
    if let Some(variables) = variables {
        let mut labels = labels;
        labels.insert("slipway.dev/service".to_owned(), assignment.name.to_string());
        secrets.push(SecretObject {
            name: variables.name.clone(),
            secret_type: "Opaque".to_owned(),
            data: variables.data.clone(),
            labels,
            immutable: true,
        });
    }
    for secret in &secrets {
        retry.run(progress, stop, || cluster.put_secret(target, namespace, secret)).await?;
    }
    Ok(())
}

/// What a kubelet pulls with; see
/// <https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/>.
fn docker_config(address: &str, user: &str, password: &SecretText) -> SecretText {
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.expose()));
    SecretText::new(serde_json::json!({"auths": {address: {"auth": auth}}}).to_string())
}

fn request(
    assignment: &Assignment,
    namespace: &str,
    image: WantedImage,
    variables: Option<&WorkloadSecret>,
) -> Result<ReleaseRequest, Failure> {
    let service = assignment.service()?;
    let planned = assignment.planned()?;
    Ok(ReleaseRequest {
        namespace: namespace.to_owned(),
        project: assignment.environment.project.to_string(),
        environment: assignment.environment.name.to_string(),
        service: service.clone(),
        image,
        variables_secret: variables.map(|secret| secret.name.clone()),
        files: variables.map(|secret| secret.files.clone()).unwrap_or_default(),
        pull_secret: assignment.shared.settings.pull_credential.as_ref().map(|_| PULL_SECRET.to_owned()),
        hosts: workload_variables::hosts(&assignment.environment, service, &assignment.target),
        request_percent: assignment.target.request_percent,
        run: run(&assignment.deployment),
        labels: BTreeMap::from([
            (DEPLOYMENT_LABEL.to_owned(), assignment.deployment.clone()),
            ("slipway.dev/version".to_owned(), label_value(&planned.version.short())),
        ]),
    })
}

/// The part of the deployment's id that is random: the last ten hex digits.
fn run(deployment: &str) -> String {
    let plain: Vec<char> = deployment.chars().filter(char::is_ascii_alphanumeric).collect();
    plain[plain.len().saturating_sub(10)..].iter().collect()
}

/// A text as a label can carry it.
fn label_value(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).take(63).collect();
    plain.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

fn rollout(assignment: &Assignment, request: &ReleaseRequest) -> Result<RolloutRequest, Failure> {
    let service = assignment.service()?;
    let release = service.name.to_string();
    let longest = assignment.shared.settings.rollout_timeout;
    let (kind, timeout) = match &service.kind {
        ServiceKind::Application(_) | ServiceKind::Container(_) => {
            let workload = service.workload().ok_or_else(|| assignment.missing())?;
            let kind = if workload.storage.is_empty() { RolloutKind::Deployment } else { RolloutKind::StatefulSet };
            (kind, longest.max(allowed_by_probes(workload)))
        }
        ServiceKind::Database(_) => (RolloutKind::StatefulSet, longest),
        ServiceKind::Job(job) => match &job.trigger {
            // The Job's own deadline comes first; the rest is for its pod to be scheduled and cleared.
            JobTrigger::Lifecycle(_) => {
                (RolloutKind::Job { name: format!("{release}-{}", request.run) }, job.max_duration + Duration::from_secs(60))
            }
            JobTrigger::Cron { .. } => (RolloutKind::CronJob, longest),
        },
        ServiceKind::Helm(_) => return Err(not_supported(service)),
    };
    Ok(RolloutRequest { namespace: request.namespace.clone(), release, kind, timeout })
}

fn not_supported(service: &Service) -> Failure {
    Failure::permanent(Code::NotSupported, format!("`{}` is a Helm service, which is not supported yet", service.name))
}

/// How long the probes let a pod take until it must be ready.
fn allowed_by_probes(workload: &Workload) -> Duration {
    let probes = [&workload.probes.startup, &workload.probes.readiness];
    probes.into_iter().flatten().map(|probe| probe.initial_delay + probe.period * probe.failures).sum()
}

/// What served before a failed rollout goes on serving. A first release that failed stays, to be looked at; one that was canceled goes.
/// A job stays whatever happens: going back would run the old one again.
async fn after_failure(assignment: &Assignment, namespace: &str, failure: &Failure) {
    let canceled = failure.kind == FailureKind::Canceled;
    if matches!(assignment.service().map(|service| &service.kind), Ok(ServiceKind::Job(_))) {
        if canceled {
            assignment.progress.line("the job is not stopped; it runs to its end");
        }
        return;
    }
    put_back(assignment, namespace, canceled).await;
}

/// Brings the release back to the newest good revision that this deployment did not make. Without one, the release is this deployment's
/// alone, and is removed if `remove_first`. The labels of the revisions say whose they are, also after a crash.
async fn put_back(assignment: &Assignment, namespace: &str, remove_first: bool) {
    let (releases, target, release) = (&assignment.shared.ports.releases, &assignment.target, assignment.name.as_str());
    let (progress, deployment) = (&assignment.progress, assignment.deployment.as_str());
    let never = slipway_ports::CancellationToken::new();
    let retry = &assignment.shared.settings.retry;
    let is_own = match retry.run(progress, &never, || releases.status(target, namespace, release)).await {
        Ok(Some(newest)) if newest.deployment.as_deref() == Some(deployment) => true,
        // A rollback that was interrupted: it is done again.
        Ok(Some(newest)) if newest.status != "deployed" => false,
        // It is not there, or this deployment has not come to touch it.
        Ok(_) => return,
        Err(failure) => return progress.line(&format!("the release could not be put back: {failure}")),
    };
    match retry.run(progress, &never, || releases.rollback(target, namespace, release, deployment)).await {
        Ok(Some(revision)) => progress.line(&format!("rolled back; the release is at revision {}", revision.0)),
        Ok(None) if remove_first && is_own => {
            match retry.run(progress, &never, || releases.uninstall(target, namespace, release)).await {
                Ok(()) => progress.line("removed the release: there was none before"),
                Err(failure) => progress.line(&format!("the release could not be removed: {failure}")),
            }
        }
        Ok(None) => progress.line("there is no earlier release to go back to; this one stays, to be looked at"),
        Err(failure) => progress.line(&format!("the release could not be rolled back: {failure}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_the_same_for_every_attempt_and_fits_into_a_name() {
        let run = run("0193e9f3-4c5d-7a6b-8c7d-0123456789ab");
        assert_eq!(run, "23456789ab");
    }

    #[test]
    fn a_version_is_a_label_whatever_it_holds() {
        assert_eq!(label_value("v1.2+meta"), "v1.2_meta");
        assert_eq!(label_value("?"), "");
    }
}
