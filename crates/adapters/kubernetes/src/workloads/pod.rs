//! What one pod says of itself.

use k8s_openapi::api::core::v1::{Container, ContainerStateTerminated, ContainerStatus, Pod};
use kube::ResourceExt;
use slipway_ports::{RunningContainer, RunningPod};

use super::snapshot::NamespaceSnapshot;
use crate::rollout::pods::{condition, container_statuses, ending, unscheduled};
use crate::rollout::snapshot::event_time;
use crate::text::{clause, clean};

/// What a container that waits is in trouble for; else it is on its way.
const TROUBLE: [&str; 10] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// A pod as it is shown.
pub(super) fn running_pod(snapshot: &NamespaceSnapshot, pod: &Pod) -> RunningPod {
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    RunningPod {
        name: pod.name_any(),
        phase: if is_leaving(pod) { "Terminating".to_owned() } else { clean(phase) },
        ready: is_ready(pod),
        reason: trouble(snapshot, pod),
        node: pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).map(clean),
        started: status.and_then(|status| status.start_time.as_ref()).map(|time| time.0),
        containers: containers(pod),
    }
}

/// Whether a pod is on its way out.
pub(super) fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether all that ran in a pod has ended.
pub(super) fn has_ended(pod: &Pod) -> bool {
    matches!(pod.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Succeeded" | "Failed"))
}

/// Whether a pod takes requests.
pub(super) fn is_ready(pod: &Pod) -> bool {
    !is_leaving(pod) && condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

/// What is wrong with a pod, in its own words.
fn trouble(snapshot: &NamespaceSnapshot, pod: &Pod) -> Option<String> {
    if is_leaving(pod) {
        return None;
    }
    if let Some(words) = unscheduled(pod) {
        return Some(format!("Unschedulable: {words}"));
    }
    if has_ended(pod) {
        return failed(pod);
    }
    container_statuses(pod)
        .find_map(|status| container_trouble(pod, status))
        .or_else(|| lost_readiness(snapshot, pod))
        .or_else(|| mount(snapshot, pod))
}

/// Why a pod has ended, unless it did what it should.
fn failed(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref().filter(|status| status.phase.as_deref() == Some("Failed"))?;
    if let Some(reason) = status.reason.as_deref() {
        return Some(told(reason, status.message.as_deref().unwrap_or_default()));
    }
    let ended = container_statuses(pod).filter_map(|status| status.state.as_ref()?.terminated.as_ref());
    ended
        .filter(|ended| ended.exit_code != 0)
        .map(|ended| told("Error", &ending(pod, ended)))
        .next()
        .or(Some("Failed".to_owned()))
}

fn container_trouble(pod: &Pod, status: &ContainerStatus) -> Option<String> {
    let state = status.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().filter(|reason| TROUBLE.contains(reason))?;
        return Some(match (reason, last_failure(status)) {
            ("CrashLoopBackOff", Some(last)) => {
                format!("CrashLoopBackOff: {}, restarted {}", ending(pod, last), times(status.restart_count))
            }
            _ => told(reason, waiting.message.as_deref().unwrap_or_default()),
        });
    }
    if let Some(ended) = state.terminated.as_ref().filter(|ended| ended.exit_code != 0) {
        return Some(told("Error", &ending(pod, ended)));
    }
    None
}

/// A pod that runs, and of which a container did not hold the last time: a crash loop between two crashes, as long as the pod does not
/// count as available again.
pub(super) fn restarted(pod: &Pod) -> Option<String> {
    if is_leaving(pod) || has_ended(pod) {
        return None;
    }
    let failed = |status: &ContainerStatus| {
        last_failure(status).map(|last| format!("Restarted {}: {}", times(status.restart_count), ending(pod, last)))
    };
    container_statuses(pod).find_map(failed)
}

fn last_failure(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.last_state.as_ref()?.terminated.as_ref().filter(|last| last.exit_code != 0)
}

fn times(count: i32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// A pod that was ready since its containers run, and is not any more.
fn lost_readiness(snapshot: &NamespaceSnapshot, pod: &Pod) -> Option<String> {
    let ready = condition(pod, "Ready").filter(|ready| ready.status != "True")?;
    let since = ready.last_transition_time.as_ref()?.0;
    let started = |status: &ContainerStatus| Some(status.state.as_ref()?.running.as_ref()?.started_at.as_ref()?.0);
    let all_started = container_statuses(pod).filter(|status| !status.ready).map(started).collect::<Option<Vec<_>>>()?;
    // Times of the cluster count whole seconds: in the same one it may never have been ready.
    let was_ready = !all_started.is_empty() && all_started.iter().all(|started| *started < since);
    was_ready.then(|| match event(snapshot, pod, &["Unhealthy"]) {
        Some(words) => told("Unhealthy", &words),
        None => "NotReady: it was ready before".to_owned(),
    })
}

/// A volume that is not mounted keeps the containers from being made.
fn mount(snapshot: &NamespaceSnapshot, pod: &Pod) -> Option<String> {
    let waits = container_statuses(pod).any(|status| status.state.as_ref().is_some_and(|state| state.waiting.is_some()));
    if !waits {
        return None;
    }
    event(snapshot, pod, &["FailedMount", "FailedAttachVolume"]).map(|words| told("FailedMount", &words))
}

/// What the newest warning about a pod says.
fn event(snapshot: &NamespaceSnapshot, pod: &Pod, reasons: &[&str]) -> Option<String> {
    let uid = pod.metadata.uid.as_deref()?;
    let about = snapshot.events.iter().filter(|event| event.involved_object.uid.as_deref() == Some(uid));
    let with_reason = about.filter(|event| event.reason.as_deref().is_some_and(|reason| reasons.contains(&reason)));
    with_reason.max_by_key(|event| event_time(event)).and_then(|event| event.message.as_deref()).map(clause)
}

fn told(reason: &str, words: &str) -> String {
    let words = clause(words);
    if words.is_empty() { clean(reason) } else { format!("{}: {words}", clean(reason)) }
}

fn containers(pod: &Pod) -> Vec<RunningContainer> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let wanted = spec.init_containers.iter().flatten().chain(&spec.containers);
    wanted.map(|container| running_container(pod, container)).collect()
}

fn running_container(pod: &Pod, container: &Container) -> RunningContainer {
    let status = container_statuses(pod).find(|status| status.name == container.name);
    let image = clean(container.image.as_deref().unwrap_or_default());
    // What was asked for by digest has it in its name; else the runtime tells what it has pulled.
    let digest = digest_of(&image).or_else(|| status.and_then(|status| digest_of(&status.image_id)));
    let restarts = status.and_then(|status| u32::try_from(status.restart_count).ok()).unwrap_or(0);
    RunningContainer { name: clean(&container.name), digest, image, restarts }
}

fn digest_of(image: &str) -> Option<String> {
    let digest = image.rsplit_once('@').map(|(_, digest)| digest)?;
    let hex = digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex.map(|_| digest.to_owned())
}
