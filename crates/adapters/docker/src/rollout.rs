//! A rollout watched to its verdict; then the old containers go.

use std::collections::BTreeSet;

use slipway_core::failure::{Code, Failure};
use slipway_ports::{Activity, CancellationToken, Progress, RolloutKind, RolloutRequest};
use tokio::time::Instant;

use crate::containers::{self, Container};
use crate::health::Seen;
use crate::job;
use crate::local::LocalDocker;
use crate::pull;
use crate::record::{Recorded, State};
use crate::spec::{Blueprint, replicas};
use crate::verdict::{Finding, Verdict, at_timeout, state, verdict};

/// Watches until there is a verdict.
pub(crate) async fn watch(
    local: &LocalDocker,
    request: &RolloutRequest,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    progress.activity(Activity::Waiting);
    match &request.kind {
        RolloutKind::Gone => gone(local, request).await,
        RolloutKind::CronJob => {
            let recorded = newest(local, request)?;
            mark_good(local, request, &recorded)
        }
        RolloutKind::Job { name } => {
            let recorded = newest(local, request)?;
            let mut wanted = recorded.wanted.clone();
            let run = name.strip_prefix(&format!("{}-", request.release)).unwrap_or(name);
            let is_of_release = wanted.run == run;
            run.clone_into(&mut wanted.run);
            job::run(local, &request.namespace, &wanted, progress, cancel).await?;
            if is_of_release { mark_good(local, request, &recorded) } else { Ok(()) }
        }
        RolloutKind::Deployment | RolloutKind::StatefulSet | RolloutKind::DaemonSet => {
            long_running(local, request, progress, cancel).await
        }
    }
}

fn newest(local: &LocalDocker, request: &RolloutRequest) -> Result<Recorded, Failure> {
    let record = local.records.get(&request.namespace, &request.release);
    let newest = record.and_then(|record| record.newest().cloned());
    newest.ok_or_else(|| {
        Failure::permanent(Code::ReleaseFailed, format!("there is no release `{}` in {}", request.release, request.namespace))
            .with_hint("deploy the service")
    })
}

/// The revision was ready: from now on it is one to go back to. Fails when another one has taken its place meanwhile.
fn mark_good(local: &LocalDocker, request: &RolloutRequest, watched: &Recorded) -> Result<(), Failure> {
    let mut record = local.records.get(&request.namespace, &request.release).unwrap_or_default();
    let Some(newest) = record.revisions.last_mut().filter(|newest| newest.revision == watched.revision) else {
        let message = format!("`{}` was released anew or removed while its rollout was watched", request.release);
        return Err(Failure::permanent(Code::ReleaseFailed, message).with_hint("`slipway status` shows what is deployed now"));
    };
    if newest.state == State::Good {
        return Ok(());
    }
    newest.state = State::Good;
    local.records.put(&request.namespace, &request.release, &record)
}

/// What was told to end has ended; what is still there is ended now.
async fn gone(local: &LocalDocker, request: &RolloutRequest) -> Result<(), Failure> {
    let docker = local.engine.docker().await?;
    let left = containers::list(docker, &request.namespace, Some(&request.release)).await?;
    retire(local, &left).await?;
    local.health.look(&request.namespace, Some(&request.release)).await
}

async fn long_running(
    local: &LocalDocker,
    request: &RolloutRequest,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let (namespace, release) = (request.namespace.as_str(), request.release.as_str());
    let recorded = newest(local, request)?;
    let generation = Blueprint::of(&recorded.wanted)?.generation();
    let replicas = replicas(&recorded.wanted);
    let deadline = Instant::now() + request.timeout;
    let mut changes = local.health.changes();
    local.health.look(namespace, Some(release)).await?;
    let mut told = String::new();
    loop {
        changes.mark_unchanged();
        if let Some(away) = local.health.away() {
            return Err(away);
        }
        let (new, _) = split(local.health.of_service(namespace, release), &generation, replicas);
        let now = state(&new, replicas);
        if now != told {
            progress.line(&now);
            told = now;
        }
        match verdict(&new, replicas) {
            Verdict::Ready => break,
            Verdict::Failed(finding) => return Err(explained(local, finding).await),
            Verdict::Waiting => {}
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = cancel.cancelled() => return Err(Failure::canceled(format!("the rollout of {release} was canceled"))),
            () = tokio::time::sleep_until(deadline) => {
                return Err(explained(local, at_timeout(release, &new, replicas, request.timeout.as_secs())).await);
            }
        }
    }
    let _turn = local.turn(namespace, release).await;
    mark_good(local, request, &recorded)?;
    let (_, old) = split(local.health.of_service(namespace, release), &generation, replicas);
    let old: Vec<Container> = old.into_iter().map(|seen| seen.container).collect();
    if !old.is_empty() {
        progress.line(&format!("{} of the version before go", old.len()));
        retire(local, &old).await?;
        forget_images(local, &old, Some(&recorded.wanted.image().to_string())).await?;
        local.health.look(namespace, Some(release)).await?;
    }
    Ok(())
}

/// The containers of the new generation, and the rest.
fn split(seen: Vec<Seen>, generation: &str, replicas: u32) -> (Vec<Seen>, Vec<Seen>) {
    seen.into_iter().partition(|seen| seen.container.generation == generation && seen.container.ordinal < replicas)
}

/// Ends containers: they get no more requests, finish those that they have, and go.
pub(crate) async fn retire(local: &LocalDocker, old: &[Container]) -> Result<(), Failure> {
    let docker = local.engine.docker().await?;
    futures::future::join_all(old.iter().map(|container| local.routes.drain(&container.id))).await;
    containers::end(docker, old).await?;
    for container in old {
        local.routes.forget(&container.id);
    }
    Ok(())
}

/// Removes the images of containers that are gone, unless it is the one that is kept or something uses it.
pub(crate) async fn forget_images(local: &LocalDocker, gone: &[Container], kept: Option<&str>) -> Result<(), Failure> {
    let docker = local.engine.docker().await?;
    let images: BTreeSet<&str> = gone.iter().map(|container| container.image.as_str()).collect();
    for image in images.into_iter().filter(|image| Some(*image) != kept) {
        pull::forget(docker, image).await;
    }
    Ok(())
}

async fn explained(local: &LocalDocker, finding: Finding) -> Failure {
    match (&finding.container, local.engine.docker().await) {
        (Some(container), Ok(docker)) => {
            let lines = containers::last_lines(docker, container).await;
            finding.failure.with_last_lines(lines)
        }
        _ => finding.failure,
    }
}
