//! What a rollout is doing, in lines for people.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use slipway_ports::{Progress, RolloutKind};

use super::pods::{container_statuses, unscheduled};
use super::snapshot::{Snapshot, daemon_set_is_current, deployment_is_current, stateful_set_is_current};
use crate::text::clause;

/// Tells what changed, once.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    told: BTreeMap<String, String>,
}

impl Narrator {
    /// Sends the lines that are new.
    pub(crate) fn tell(&mut self, snapshot: &Snapshot, progress: &dyn Progress) {
        for (about, line) in lines(snapshot) {
            if self.told.get(&about) != Some(&line) {
                progress.line(&line);
                self.told.insert(about, line);
            }
        }
    }
}

/// The state in one line.
pub(crate) fn state(snapshot: &Snapshot) -> String {
    lines(snapshot).into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("; ")
}

/// A line for each thing that there is to tell about, by the thing.
fn lines(snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut lines = vec![("workload".to_owned(), workload(snapshot))];
    for pod in snapshot.new_pods() {
        let name = pod.name_any();
        let line = format!("pod {name}: {}", pod_state(snapshot, pod));
        lines.push((name, line));
    }
    lines
}

fn workload(snapshot: &Snapshot) -> String {
    let name = &snapshot.subject.name;
    match &snapshot.subject.kind {
        RolloutKind::Deployment => {
            let Some(deployment) = snapshot.deployment().filter(|deployment| deployment_is_current(deployment)) else {
                return format!("waiting for the cluster to take up Deployment {name}");
            };
            let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
            let status = deployment.status.as_ref();
            let updated = status.and_then(|status| status.updated_replicas).unwrap_or(0);
            let all = status.and_then(|status| status.replicas).unwrap_or(0);
            let available = snapshot.new_replica_set().and_then(|set| set.status.as_ref()?.available_replicas).unwrap_or(0);
            replicas(available, wanted, "available", all.saturating_sub(updated))
        }
        RolloutKind::StatefulSet => {
            let Some(set) = snapshot.stateful_set().filter(|set| stateful_set_is_current(set)) else {
                return format!("waiting for the cluster to take up StatefulSet {name}");
            };
            let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
            let ready = snapshot.new_pods().into_iter().filter(|pod| is_ready(pod)).count();
            let new = snapshot.new_pods().len();
            let all = set.status.as_ref().map_or(0, |status| status.replicas);
            let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
            replicas(number(ready), wanted, "ready", all.saturating_sub(number(new)))
        }
        RolloutKind::DaemonSet => {
            let set = snapshot.daemon_set().filter(|set| daemon_set_is_current(set));
            let Some(status) = set.and_then(|set| set.status.as_ref()) else {
                return format!("waiting for the cluster to take up DaemonSet {name}");
            };
            let (wanted, updated) = (status.desired_number_scheduled, status.updated_number_scheduled.unwrap_or(0));
            let available = status.number_available.unwrap_or(0).min(updated);
            replicas(available, wanted, "available", status.current_number_scheduled.saturating_sub(updated))
        }
        RolloutKind::Job { .. } => {
            let Some(status) = snapshot.job().and_then(|job| job.status.as_ref()) else {
                return format!("waiting for the cluster to take up Job {name}");
            };
            let count = |number: Option<i32>| number.unwrap_or(0);
            let ended = [(count(status.succeeded), "succeeded"), (count(status.failed), "failed")];
            let ended = ended.into_iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!(", {number} {word}"));
            format!("job {name}: {} running{}", count(status.active), ended.collect::<String>())
        }
        RolloutKind::CronJob => format!("waiting for CronJob {name}"),
        RolloutKind::Gone => match snapshot.pods.iter().count() {
            0 => "no pod is left".to_owned(),
            1 => "1 pod is on its way out".to_owned(),
            left => format!("{left} pods are on their way out"),
        },
    }
}

fn replicas(done: i32, wanted: i32, word: &str, old: i32) -> String {
    let noun = if wanted == 1 { "replica" } else { "replicas" };
    let rest = if old > 0 { format!(", {old} of the old revision left") } else { String::new() };
    format!("{done} of {wanted} {noun} {word}{rest}")
}

fn is_ready(pod: &Pod) -> bool {
    super::pods::condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
}

fn pod_state(snapshot: &Snapshot, pod: &Pod) -> String {
    if is_ready(pod) {
        return "ready".to_owned();
    }
    if let Some(words) = unscheduled(pod) {
        return format!("not scheduled: {words}");
    }
    for status in container_statuses(pod) {
        let Some(state) = &status.state else { continue };
        if let Some(reason) = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref()) {
            let restarts = if status.restart_count > 0 { format!(", {} restarts", status.restart_count) } else { String::new() };
            return format!("{}{}{restarts}", clause(reason), pull(snapshot, pod, reason));
        }
        if let Some(ended) = &state.terminated
            && ended.exit_code != 0
        {
            return format!("container {} ended with exit code {}", status.name, ended.exit_code);
        }
    }
    match pod.status.as_ref().and_then(|status| status.phase.as_deref()) {
        Some("Running") if !matches!(snapshot.subject.kind, RolloutKind::Job { .. }) => "running, not ready yet".to_owned(),
        Some(phase) => phase.to_lowercase(),
        None => "made".to_owned(),
    }
}

/// What the kubelet says of the image while a container is being made.
fn pull(snapshot: &Snapshot, pod: &Pod, reason: &str) -> String {
    if reason != "ContainerCreating" && reason != "PodInitializing" {
        return String::new();
    }
    let event = snapshot.event(pod.metadata.uid.as_deref(), &["Pulling", "Pulled", "FailedMount", "FailedAttachVolume"]);
    event.and_then(|event| event.message.as_deref()).map(|message| format!(" ({})", clause(message))).unwrap_or_default()
}
