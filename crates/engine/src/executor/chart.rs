//! A chart of the user's own: fetched, its values made, and all its workloads watched, stopped and started anew.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::try_join_all;
use slipway_core::deployment::{StepOutcome, StepResult};
use slipway_core::failure::Failure;
use slipway_core::model::{ChartSource, HelmService, ServiceKind, VariableName};
use slipway_core::plan::{DependencyOrigin, ObjectRef, PinnedChart, PinnedDependency, PinnedOrigin, VariablesSecret, Version};
use slipway_core::variables::{references, references_in};
use slipway_ports::{
    Activity, ChartPlace, ChartVersion, FetchedChart, PodsOf, Progress, Reader, RolloutKind, RolloutRequest, UserChart,
};

use super::Assignment;
use crate::chart_folder;
use crate::readers;
use crate::workload_variables::{self, Versions};

/// The variable that names the Secret of the service's variables.
const SECRET_NAME: &str = "SLIPWAY_SECRET_NAME";

/// The chart and its values, as they are pinned.
pub(super) async fn fetch(assignment: &Assignment, variables: Option<&VariablesSecret>) -> Result<UserChart, Failure> {
    let helm = helm(assignment)?;
    let planned = assignment.planned()?;
    let pinned = match &planned.version {
        Version::Chart(pinned) => pinned,
        Version::Unresolved(failure) => return Err(failure.clone()),
        Version::Commit(_) | Version::Image(_) => return Err(assignment.missing()),
    };
    assignment.progress.activity(Activity::Fetching);
    let reader = assignment.reader().await?;
    let archive = archive(assignment, helm, pinned, &reader).await?;
    let dependencies = dependencies(assignment, helm, pinned, &reader).await?;
    let values_files = values_files(assignment, helm, pinned, &reader).await?;
    let names = names_in(helm, &values_files);
    let environment = &assignment.plan.environment;
    let versions = Versions::of(&assignment.plan);
    let used = workload_variables::of_values(
        &assignment.shared,
        environment,
        versions,
        &assignment.target,
        assignment.service()?,
        names,
    );
    let (mut plain, secrets) = used.await?;
    if let Some(secret) = variables {
        plain.insert(SECRET_NAME.to_owned(), secret.name.clone());
    }
    Ok(UserChart {
        archive: archive.into(),
        is_folder: matches!(helm.chart, ChartSource::Git(_)),
        dependencies,
        version: planned.version.short(),
        values_files,
        variables: plain,
        secrets,
    })
}

fn helm(assignment: &Assignment) -> Result<&HelmService, Failure> {
    match &assignment.service()?.kind {
        ServiceKind::Helm(helm) => Ok(helm),
        _ => Err(assignment.missing()),
    }
}

async fn archive(assignment: &Assignment, helm: &HelmService, pinned: &PinnedChart, reader: &Reader) -> Result<Vec<u8>, Failure> {
    let (ports, retry) = (&assignment.shared.ports, &assignment.shared.settings.retry);
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    match (&helm.chart, &pinned.origin) {
        (ChartSource::Git(git), PinnedOrigin::Commit(commit)) => {
            progress.line(&format!("chart {} of {} at {commit}", git.root, git.url));
            let reader = readers::for_repository(reader, &assignment.name, git)?;
            let query = chart_folder::query(&git.url, commit, &git.root);
            retry.run(progress, stop, || chart_folder::pack(&assignment.shared, &query, &reader, stop)).await
        }
        (ChartSource::Oci { .. } | ChartSource::Repository { .. }, PinnedOrigin::Archive { version, digest }) => {
            let (place, _) = ChartPlace::of(&helm.chart).ok_or_else(|| assignment.missing())?;
            let reader = &readers::for_chart(reader, &assignment.name, &helm.chart)?;
            progress.line(&format!("chart {place}, version {version}, {digest}"));
            let pinned = ChartVersion { version: version.clone(), digest: digest.clone() };
            retry.run(progress, stop, || ports.charts.archive(&place, &pinned, reader, stop)).await
        }
        (ChartSource::Git(_), PinnedOrigin::Archive { .. })
        | (ChartSource::Oci { .. } | ChartSource::Repository { .. }, PinnedOrigin::Commit(_)) => Err(assignment.missing()),
    }
}

/// What the chart needs and does not hold, as it is pinned.
async fn dependencies(
    assignment: &Assignment,
    helm: &HelmService,
    pinned: &PinnedChart,
    reader: &Reader,
) -> Result<Vec<FetchedChart>, Failure> {
    let (ports, retry) = (&assignment.shared.ports, &assignment.shared.settings.retry);
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    let mut fetched = Vec::with_capacity(pinned.dependencies.len());
    for PinnedDependency { name, version, origin } in &pinned.dependencies {
        let (archive, is_folder) = match (origin, &helm.chart, &pinned.origin) {
            (DependencyOrigin::Archive { repository, digest }, _, _) => {
                let place = ChartPlace::within(repository, name);
                progress.line(&format!("its dependency {place}, version {version}, {digest}"));
                let pinned = ChartVersion { version: version.clone(), digest: digest.clone() };
                (retry.run(progress, stop, || ports.charts.archive(&place, &pinned, reader, stop)).await?, false)
            }
            (DependencyOrigin::Folder(root), ChartSource::Git(git), PinnedOrigin::Commit(commit)) => {
                progress.line(&format!("its dependency {root}, version {version}, of the same commit"));
                let reader = readers::for_repository(reader, &assignment.name, git)?;
                let query = chart_folder::query(&git.url, commit, root);
                (retry.run(progress, stop, || chart_folder::pack(&assignment.shared, &query, &reader, stop)).await?, true)
            }
            (DependencyOrigin::Folder(_), _, _) => return Err(assignment.missing()),
        };
        fetched.push(FetchedChart { archive: archive.into(), is_folder });
    }
    Ok(fetched)
}

async fn values_files(
    assignment: &Assignment,
    helm: &HelmService,
    pinned: &PinnedChart,
    reader: &Reader,
) -> Result<Vec<(String, String)>, Failure> {
    let (repositories, retry) = (&assignment.shared.ports.repositories, &assignment.shared.settings.retry);
    let mut files = Vec::with_capacity(helm.values_files.len());
    for (index, file) in helm.values_files.iter().enumerate() {
        let commit = pinned.values_files.get(index).ok_or_else(|| assignment.missing())?;
        let git = &file.git;
        let reader = readers::for_repository(reader, &assignment.name, git)?;
        let read = || repositories.text(&git.url, commit, &git.root, &reader);
        let text = retry.run(&assignment.progress, &assignment.stop, read).await?;
        files.push((git.root.clone(), text));
    }
    Ok(files)
}

/// The names that values may stand for.
fn names_in(helm: &HelmService, files: &[(String, String)]) -> BTreeSet<VariableName> {
    let mut names: BTreeSet<VariableName> = files.iter().flat_map(|(_, text)| references(text)).collect();
    names.extend(helm.set.values().chain([&helm.values]).flat_map(references_in));
    names
}

/// Brings back what a stop has taken away, and watches every workload of a release to its end; the first that fails ends it.
pub(super) async fn settle(assignment: &Assignment, objects: &[ObjectRef], timeout: Duration) -> Result<(), Failure> {
    let (cluster, retry) = (&assignment.shared.ports.cluster, &assignment.shared.settings.retry);
    let (target, progress, stop) = (&assignment.target, &assignment.progress, &assignment.stop);
    retry.run(progress, stop, || cluster.resume(target, objects)).await?;
    watch(assignment, objects, timeout).await
}

async fn watch(assignment: &Assignment, objects: &[ObjectRef], timeout: Duration) -> Result<(), Failure> {
    let (cluster, retry) = (&assignment.shared.ports.cluster, &assignment.shared.settings.retry);
    let (target, progress, stop) = (&assignment.target, &assignment.progress, &assignment.stop);
    progress.activity(Activity::Waiting);
    let rollouts: Vec<_> = objects
        .iter()
        .filter_map(|object| {
            let kind = workload_kind(object)?;
            let (namespace, release) = (object.namespace.clone(), object.name.clone());
            Some(RolloutRequest { namespace, release, kind, pods: PodsOf::Namespace, timeout })
        })
        .collect();
    let watched =
        rollouts.iter().map(|rollout| retry.run(progress, stop, move || cluster.await_rollout(target, rollout, progress, stop)));
    try_join_all(watched.collect::<Vec<_>>()).await.map(drop)
}

/// How an object is watched; what is there as soon as it is made is not.
fn workload_kind(object: &ObjectRef) -> Option<RolloutKind> {
    match (object.group(), object.kind.as_str()) {
        ("apps", "Deployment") => Some(RolloutKind::Deployment),
        ("apps", "StatefulSet") => Some(RolloutKind::StatefulSet),
        ("apps", "DaemonSet") => Some(RolloutKind::DaemonSet),
        ("batch", "Job") => Some(RolloutKind::Job { name: object.name.clone() }),
        _ => None,
    }
}

/// The objects that Helm has recorded last: somebody may have upgraded the release by hand.
async fn objects(assignment: &Assignment) -> Result<Vec<ObjectRef>, Failure> {
    let (releases, retry) = (&assignment.shared.ports.releases, &assignment.shared.settings.retry);
    let (target, name, namespace) = (&assignment.target, assignment.name.as_str(), assignment.namespace());
    let read = || releases.objects(target, &namespace, name);
    retry.run(&assignment.progress, &assignment.stop, read).await
}

/// Scales the workloads of the release to nothing and suspends its cron jobs; the release itself stays as it is.
pub(super) async fn stop(assignment: &Assignment) -> Result<StepOutcome, Failure> {
    let (cluster, retry) = (&assignment.shared.ports.cluster, &assignment.shared.settings.retry);
    let (target, progress, cancel) = (&assignment.target, &assignment.progress, &assignment.stop);
    progress.activity(Activity::Releasing);
    progress.line(&format!("stop the workloads of {}", assignment.name));
    let objects: Vec<ObjectRef> = objects(assignment)
        .await?
        .into_iter()
        .filter(|object| workload_kind(object).is_none_or(|kind| !matches!(kind, RolloutKind::Job { .. })))
        .collect();
    let timeout = helm(assignment)?.timeout;
    let stopped = async {
        retry.run(progress, cancel, || cluster.pause(target, &objects)).await?;
        watch(assignment, &objects, timeout).await
    };
    if let Err(failure) = stopped.await {
        let never = slipway_ports::CancellationToken::new();
        if let Err(failure) = retry.run(progress, &never, || cluster.resume(target, &objects)).await {
            progress.line(&format!("what was stopped could not be started again: {failure}"));
        }
        return Err(failure);
    }
    Ok(StepOutcome::Done(StepResult::default()))
}

/// Starts the pods of every workload of the release anew.
pub(super) async fn restart(assignment: &Assignment) -> Result<StepOutcome, Failure> {
    let (cluster, retry) = (&assignment.shared.ports.cluster, &assignment.shared.settings.retry);
    let (target, progress, stop) = (&assignment.target, &assignment.progress, &assignment.stop);
    progress.activity(Activity::Releasing);
    progress.line(&format!("restart the pods of {}", assignment.name));
    let mut restarted = objects(assignment).await?;
    restarted.retain(|object| {
        workload_kind(object)
            .is_some_and(|kind| matches!(kind, RolloutKind::Deployment | RolloutKind::StatefulSet | RolloutKind::DaemonSet))
    });
    // The deployment is the token: an attempt after a crash does not restart them again.
    let token = assignment.deployment.as_str();
    for object in &restarted {
        let Some(kind) = workload_kind(object) else { continue };
        let again = || cluster.restart(target, &object.namespace, &object.name, &kind, token);
        retry.run(progress, stop, again).await?;
    }
    watch(assignment, &restarted, helm(assignment)?.timeout).await?;
    Ok(StepOutcome::Done(StepResult::default()))
}
