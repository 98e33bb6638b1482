//! What runs of an environment, as the faces show it.

use slipway_core::model::{Environment, Service, ServiceKind};
use slipway_core::running::RunningStatus;
use slipway_ports::api::{JobRunView, RunningChange, RunningContainerView, RunningPodView, RunningServiceView, RunningView};
use slipway_ports::{JobRun, JobRunState, RunningPod, RunningService, RunningServices, Target};

/// All of an environment.
pub(crate) fn view(environment: &Environment, target: &Target, running: &RunningServices) -> RunningView {
    let services: Vec<_> = environment.services.iter().map(|service| (service, running.get(service.name.as_str()))).collect();
    let counting = services.iter().filter(|(service, running)| running.is_some() || counts_when_absent(service));
    let statuses = counting.map(|(_, running)| running.map_or(RunningStatus::Stopped, |running| running.status));
    RunningView {
        status: RunningStatus::of_environment(statuses),
        target: target.name.clone(),
        services: services.iter().map(|(service, running)| service_view(service, *running)).collect(),
    }
}

/// What is different between two looks at an environment; `None` when nothing is.
pub(crate) fn change(before: &RunningView, now: &RunningView) -> Option<RunningChange> {
    let services: Vec<_> = now.services.iter().filter(|service| !before.services.contains(service)).cloned().collect();
    (before.status != now.status || !services.is_empty()).then_some(RunningChange { status: now.status, services })
}

/// A job that has not run, and a service that is skipped and was never deployed, keep an environment from nothing.
fn counts_when_absent(service: &Service) -> bool {
    !service.skipped && !matches!(service.kind, ServiceKind::Job(_))
}

fn service_view(service: &Service, running: Option<&RunningService>) -> RunningServiceView {
    let name = service.name.to_string();
    let Some(running) = running else {
        let reason = if matches!(service.kind, ServiceKind::Job(_)) { "it has not run" } else { "nothing of it is there" };
        return RunningServiceView {
            name,
            status: RunningStatus::Stopped,
            reason: Some(reason.to_owned()),
            ready: 0,
            wanted: 0,
            restarts: 0,
            digest: None,
            addresses: Vec::new(),
            pods: Vec::new(),
            last_run: None,
        };
    };
    RunningServiceView {
        name,
        status: running.status,
        reason: running.reason.clone(),
        ready: running.ready,
        wanted: running.wanted,
        restarts: running.restarts(),
        digest: running.digest().map(str::to_owned),
        addresses: running.addresses.clone(),
        pods: running.pods.iter().map(pod).collect(),
        last_run: running.last_run.as_ref().map(job_run),
    }
}

fn pod(pod: &RunningPod) -> RunningPodView {
    let containers = pod.containers.iter().map(|container| RunningContainerView {
        name: container.name.clone(),
        image: container.image.clone(),
        digest: container.digest.clone(),
        restarts: container.restarts,
    });
    RunningPodView {
        name: pod.name.clone(),
        phase: pod.phase.clone(),
        ready: pod.ready,
        reason: pod.reason.clone(),
        node: pod.node.clone(),
        started: pod.started,
        restarts: pod.restarts(),
        containers: containers.collect(),
    }
}

fn job_run(run: &JobRun) -> JobRunView {
    let (state, reason, ended) = match &run.state {
        JobRunState::Running => ("running", None, None),
        JobRunState::Succeeded { at } => ("succeeded", None, *at),
        JobRunState::Failed { at, reason } => ("failed", Some(reason.clone()), *at),
    };
    JobRunView { name: run.name.clone(), state: state.to_owned(), reason, started: run.started, ended }
}
