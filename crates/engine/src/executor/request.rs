//! What a release is made of: its image, its namespace and Secrets, what Helm is handed, and how the rollout is watched.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{JobTrigger, Service, ServiceKind, Workload};
use slipway_core::names;
use slipway_core::plan::{BuildPlan, ObjectRef, Plan, ReleasedImage, VariablesSecret, Version};
use slipway_ports::{
    Activity, DEPLOYMENT_LABEL, MadeFrom, Namespace, PodsOf, Progress, ReleaseRequest, RolloutKind, RolloutRequest, SecretObject,
    SecretText, Target, UserChart, WantedImage,
};

use super::Assignment;
use crate::engine::Shared;
use crate::workload_variables::{self, WorkloadSecret};

/// The Secret that pods pull with.
const PULL_SECRET: &str = "slipway-registry";

/// The image in the registry: released or built before, or copied there now.
pub(super) async fn image(assignment: &Assignment) -> Result<ReleasedImage, Failure> {
    let ports = &assignment.shared.ports;
    let planned = assignment.planned()?;
    let released = planned.released.as_ref().and_then(|released| released.image.as_ref());
    if let Some(image) = released.filter(|_| !assignment.plan.action.releases()) {
        return Ok(image.clone());
    }
    let wanted = |repository: &str, digest: &str| ReleasedImage { repository: repository.to_owned(), digest: digest.to_owned() };
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
        Version::Commit(_) | Version::Chart(_) => return Err(assignment.missing()),
    };
    let digest =
        source.digest().ok_or_else(|| Failure::permanent(Code::Internal, format!("{source} was sealed without its digest")))?;
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    progress.activity(Activity::Mirroring);
    let retry = &assignment.shared.settings.retry;
    let reader = assignment.reader().await?;
    let repository = retry.run(progress, stop, || ports.registry.mirror(source, &reader, progress, stop)).await?;
    Ok(wanted(&repository, digest))
}

/// The namespace of the environment.
pub(super) fn namespace_object(assignment: &Assignment) -> Namespace {
    let labels = BTreeMap::from([
        ("app.kubernetes.io/managed-by".to_owned(), "slipway".to_owned()),
        ("slipway.dev/project".to_owned(), assignment.plan.environment.project.to_string()),
        ("slipway.dev/environment".to_owned(), assignment.plan.environment.name.to_string()),
    ]);
    Namespace { name: assignment.namespace(), labels }
}

/// Makes the namespace, once for all services of the deployment, and puts the variables of this one there.
pub(super) async fn prepare_namespace(assignment: &Assignment, variables: Option<&WorkloadSecret>) -> Result<(), Failure> {
    let namespace = namespace_object(assignment);
    assignment.common.namespace.get_or_try_init(|| make_namespace(assignment, &namespace)).await?;
    let Some(variables) = variables else { return Ok(()) };
    let mut labels = namespace.labels;
    labels.insert("slipway.dev/service".to_owned(), assignment.name.to_string());
    let secret = SecretObject {
        name: variables.name.clone(),
        secret_type: "Opaque".to_owned(),
        data: variables.data.clone(),
        labels,
        immutable: true,
    };
    put_secret(assignment, &namespace.name, &secret).await
}

async fn make_namespace(assignment: &Assignment, wanted: &Namespace) -> Result<(), Failure> {
    let (cluster, target) = (&assignment.shared.ports.cluster, &assignment.target);
    let retry = &assignment.shared.settings.retry;
    retry.run(&assignment.progress, &assignment.stop, || cluster.ensure_namespace(target, wanted)).await?;
    let Some(pull) = &assignment.shared.settings.pull_credential else { return Ok(()) };
    let registry = host_of(assignment.shared.ports.registry.address());
    let secret = SecretObject {
        name: PULL_SECRET.to_owned(),
        secret_type: "kubernetes.io/dockerconfigjson".to_owned(),
        data: BTreeMap::from([(".dockerconfigjson".to_owned(), docker_config(registry, &pull.user, &pull.password))]),
        labels: wanted.labels.clone(),
        immutable: false,
    };
    put_secret(assignment, &wanted.name, &secret).await
}

async fn put_secret(assignment: &Assignment, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
    let (cluster, target) = (&assignment.shared.ports.cluster, &assignment.target);
    let retry = &assignment.shared.settings.retry;
    retry.run(&assignment.progress, &assignment.stop, || cluster.put_secret(target, namespace, secret)).await
}

/// The registry without what stands before its repositories.
fn host_of(address: &str) -> &str {
    address.split('/').next().unwrap_or(address)
}

/// What a kubelet pulls with; see
/// <https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/>.
fn docker_config(address: &str, user: &str, password: &SecretText) -> SecretText {
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.expose()));
    SecretText::new(serde_json::json!({"auths": {address: {"auth": auth}}}).to_string())
}

/// What a service is released from.
pub(super) enum Made {
    /// An image in the mirroring registry.
    Image(ReleasedImage),
    /// A chart of the user's own.
    Chart(UserChart),
}

impl Made {
    pub(super) fn image(&self) -> Option<&ReleasedImage> {
        match self {
            Self::Image(image) => Some(image),
            Self::Chart(_) => None,
        }
    }
}

/// What Helm is handed.
pub(super) fn request(
    assignment: &Assignment,
    made: &Made,
    variables: Option<&VariablesSecret>,
) -> Result<ReleaseRequest, Failure> {
    let planned = assignment.planned()?;
    let (shared, plan, target) = (&assignment.shared, &assignment.plan, &assignment.target);
    let service = assignment.service()?;
    let request = match made {
        Made::Image(image) => of_plan(shared, plan, target, service, image, variables),
        Made::Chart(chart) => made_from(shared, plan, target, service, MadeFrom::Chart(chart.clone()), variables),
    };
    Ok(ReleaseRequest {
        run: run(&assignment.deployment),
        labels: BTreeMap::from([
            (DEPLOYMENT_LABEL.to_owned(), assignment.deployment.clone()),
            ("slipway.dev/version".to_owned(), label_value(&planned.version.short())),
        ]),
        ..request
    })
}

/// What Helm would be handed for a service of a plan, but for what names the deployment.
pub(crate) fn of_plan(
    shared: &Shared,
    plan: &Plan,
    target: &Target,
    service: &Service,
    image: &ReleasedImage,
    variables: Option<&VariablesSecret>,
) -> ReleaseRequest {
    let image = WantedImage {
        repository: format!("{}/{}", shared.ports.registry.address(), image.repository),
        digest: image.digest.clone(),
    };
    made_from(shared, plan, target, service, MadeFrom::Image(image), variables)
}

fn made_from(
    shared: &Shared,
    plan: &Plan,
    target: &Target,
    service: &Service,
    made_from: MadeFrom,
    variables: Option<&VariablesSecret>,
) -> ReleaseRequest {
    let environment = &plan.environment;
    let hosts = workload_variables::hosts(environment, service, target);
    ReleaseRequest {
        namespace: names::namespace(&environment.project, &environment.name),
        project: environment.project.to_string(),
        environment: environment.name.to_string(),
        service: service.clone(),
        stopped: false,
        made_from,
        variables_secret: variables.map(|secret| secret.name.clone()),
        files: variables.map(|secret| secret.files.clone()).unwrap_or_default(),
        pull_secret: shared.settings.pull_credential.as_ref().map(|_| PULL_SECRET.to_owned()),
        // What has no host does not change with it.
        cluster_issuer: target.cluster_issuer.clone().filter(|_| !hosts.is_empty()),
        hosts,
        request_percent: target.request_percent,
        run: String::new(),
        labels: BTreeMap::new(),
    }
}

/// The Secrets that the pods of a release need; they are beside it, not of it.
pub(super) fn secrets_of(request: &ReleaseRequest) -> Vec<ObjectRef> {
    let names = request.variables_secret.iter().chain(&request.pull_secret);
    let object = |name: &String| ObjectRef {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: request.namespace.clone(),
        name: name.clone(),
    };
    names.map(object).collect()
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

/// How a release is watched.
pub(super) fn rollout(assignment: &Assignment, request: &ReleaseRequest) -> Result<RolloutRequest, Failure> {
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
        ServiceKind::Helm(_) => return Err(assignment.missing()),
    };
    Ok(RolloutRequest { namespace: request.namespace.clone(), release, kind, pods: PodsOf::Release, timeout })
}

/// How the end of the last pod of a release is watched.
pub(super) fn until_gone(assignment: &Assignment) -> RolloutRequest {
    RolloutRequest {
        namespace: assignment.namespace(),
        release: assignment.name.to_string(),
        kind: RolloutKind::Gone,
        pods: PodsOf::Release,
        timeout: assignment.shared.settings.rollout_timeout,
    }
}

/// How long the probes let a pod take until it must be ready.
fn allowed_by_probes(workload: &Workload) -> Duration {
    let probes = [&workload.probes.startup, &workload.probes.readiness];
    probes.into_iter().flatten().map(|probe| probe.initial_delay + probe.period * probe.failures).sum()
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
