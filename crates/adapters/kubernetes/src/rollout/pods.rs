//! What pods of the new revision say of themselves.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod, PodCondition};
use kube::ResourceExt;
use slipway_core::failure::Code;
use slipway_ports::RolloutKind;

use super::concern::{Concern, Finding, Grace, LogSource};
use super::snapshot::Snapshot;
use super::volumes;
use crate::outputs::JOB_LABEL;
use crate::text::clause;

/// After so many restarts a container does not come up any more.
const RESTARTS: i32 = 3;
/// How long a container may not be made for reasons that often pass: a busy node, a cache behind.
const PASSING_GRACE: Duration = Duration::from_secs(60);

/// How long a registry may be out of reach. The embedded one is while its server starts anew, and the kubelet asks again after 10, 20
/// and 40 seconds.
const REGISTRY_GRACE: Duration = Duration::from_secs(120);
/// How a kubelet says that it has not come to ask the registry: that is no word about the image.
const OUT_OF_REACH: [&str; 7] = [
    "connection refused",
    "connection reset",
    "no route to host",
    "i/o timeout",
    "TLS handshake timeout",
    ": EOF",
    "503 Service Unavailable",
];

/// A container that ended.
pub(crate) struct Ended {
    pub(crate) pod: String,
    pub(crate) container: String,
    /// How.
    pub(crate) words: String,
}

/// The concerns of all new pods.
pub(crate) fn concerns(snapshot: &Snapshot, grace: Duration) -> Vec<Concern> {
    let mut concerns = Vec::new();
    for pod in snapshot.new_pods() {
        for status in container_statuses(pod) {
            concerns.extend(container_concern(snapshot, pod, status));
        }
        concerns.extend(volumes::concern(snapshot, pod));
        concerns.extend(unschedulable(snapshot, pod, grace));
        concerns.extend(not_ready(snapshot, pod));
    }
    concerns
}

/// The statuses of the containers of a pod, those that run first at first.
pub(crate) fn container_statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_deref()).unwrap_or_default();
    let main = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    init.iter().chain(main)
}

/// Whether a container of the new revision tells nothing of its own readiness.
pub(crate) fn lacks_probe(snapshot: &Snapshot) -> bool {
    let containers = |pod: &Pod| {
        pod.spec.as_ref().is_some_and(|spec| spec.containers.iter().any(|container| container.readiness_probe.is_none()))
    };
    snapshot.new_pods().into_iter().any(containers)
}

/// Whether a container of the new revision was restarted.
pub(crate) fn has_restarts(snapshot: &Snapshot) -> bool {
    snapshot.new_pods().into_iter().flat_map(container_statuses).any(|status| status.restart_count > 0)
}

/// A condition of a pod.
pub(crate) fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_deref()?.iter().find(|condition| condition.type_ == kind)
}

/// The scheduler's message, when the pod fits on no node.
pub(crate) fn unscheduled(pod: &Pod) -> Option<String> {
    let scheduled = condition(pod, "PodScheduled")?;
    let refused = scheduled.status == "False" && scheduled.reason.as_deref() == Some("Unschedulable");
    refused.then(|| clause(scheduled.message.as_deref().unwrap_or("the scheduler gives no reason")))
}

fn container_concern(snapshot: &Snapshot, pod: &Pod, status: &ContainerStatus) -> Option<Concern> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    match waiting.reason.as_deref()? {
        "ImagePullBackOff" => {
            let mut concern = image(snapshot, pod, status, waiting, Grace::None);
            if OUT_OF_REACH.iter().any(|words| concern.finding.message.contains(words)) {
                concern.grace = Grace::For(REGISTRY_GRACE);
            }
            Some(concern)
        }
        "InvalidImageName" | "ErrImageNeverPull" => Some(image(snapshot, pod, status, waiting, Grace::None)),
        "ErrImagePull" | "ImageInspectError" | "RegistryUnavailable" => {
            Some(image(snapshot, pod, status, waiting, Grace::UntilTimeout))
        }
        "CreateContainerConfigError" | "CreateContainerError" => Some(configuration(pod, status, waiting)),
        "CrashLoopBackOff" => Some(crash(snapshot, pod, status)),
        _ => None,
    }
}

fn image(snapshot: &Snapshot, pod: &Pod, status: &ContainerStatus, waiting: &ContainerStateWaiting, grace: Grace) -> Concern {
    let mut words = clause(waiting.message.as_deref().unwrap_or_default());
    // Older kubelets only say that they wait; the reason is in an event.
    if !words.contains(": ") {
        let event = snapshot.event(pod.metadata.uid.as_deref(), &["Failed", "InspectFailed", "ErrImageNeverPull"]);
        let told = event.and_then(|event| event.message.as_deref()).filter(|message| message.contains("image"));
        words = told.map(clause).unwrap_or(words);
    }
    let reason = clause(waiting.reason.as_deref().unwrap_or_default());
    let refused = [" 401", " 403", "authoriz", "denied"].iter().any(|part| words.contains(part));
    // A busy kubelet may be behind with Secrets: it pulls without, says so, and has it when it tries again.
    let pulled_without = snapshot.event(pod.metadata.uid.as_deref(), &["FailedToRetrieveImagePullSecret"]).is_some();
    let grace = if grace == Grace::None && refused && pulled_without { Grace::For(PASSING_GRACE) } else { grace };
    let hint = if refused {
        "the pods pull with the Secret slipway-registry; check that it is as the last deployment made it, and deploy again"
    } else if words.contains("not found") || words.contains("InvalidImageName") {
        "check the name and the tag of the image, and that it was pushed"
    } else {
        "check that the nodes of the cluster reach the registry, and that the image exists in it"
    };
    Concern {
        key: format!("image/{}/{}", pod.name_any(), status.name),
        grace,
        finding: Finding {
            code: Code::ImagePullFailed,
            message: format!("pod {} cannot pull image {}: {reason}: {words}", pod.name_any(), clause(&status.image)),
            hint: hint.to_owned(),
            logs: None,
        },
    }
}

fn configuration(pod: &Pod, status: &ContainerStatus, waiting: &ContainerStateWaiting) -> Concern {
    let words = clause(waiting.message.as_deref().unwrap_or_default());
    let passes =
        ["failed to sync", "deadline exceeded", "timed out", "failed to reserve"].iter().any(|part| words.contains(part));
    let reason = clause(waiting.reason.as_deref().unwrap_or_default());
    Concern {
        key: format!("configuration/{}/{}", pod.name_any(), status.name),
        grace: if passes { Grace::For(PASSING_GRACE) } else { Grace::None },
        finding: Finding {
            code: Code::ContainerConfigInvalid,
            message: format!("container {} of pod {} cannot be made: {reason}: {words}", status.name, pod.name_any()),
            hint:
                "correct what the container refers to: the Secret, ConfigMap or key that the message names, its command, its user"
                    .to_owned(),
            logs: None,
        },
    }
}

fn crash(snapshot: &Snapshot, pod: &Pod, status: &ContainerStatus) -> Concern {
    let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    // A Job counts its own attempts, and fails by itself.
    let is_job = matches!(snapshot.subject.kind, RolloutKind::Job { .. });
    let how = last.map_or_else(|| "it ends again and again".to_owned(), |last| ending(pod, last));
    let probe = snapshot
        .event(pod.metadata.uid.as_deref(), &["Unhealthy"])
        .and_then(|event| event.message.as_deref())
        .filter(|message| message.starts_with("Liveness") || message.starts_with("Startup"));
    let probe = probe.map(|message| format!("; {}", clause(message))).unwrap_or_default();
    let hint = match last {
        Some(last) if last.reason.as_deref() == Some("OOMKilled") => "give the service more memory, or make it use less",
        _ if !probe.is_empty() => "the kubelet restarts it because the probe fails: correct the probe or what it asks",
        _ => "read the last lines: the program ends by itself",
    };
    Concern {
        key: format!("crash/{}/{}", pod.name_any(), status.name),
        grace: if !is_job && status.restart_count >= RESTARTS { Grace::None } else { Grace::UntilTimeout },
        finding: Finding {
            code: Code::CrashLoop,
            message: format!(
                "container {} of pod {} was restarted {} times: {how}{probe}",
                status.name,
                pod.name_any(),
                status.restart_count
            ),
            hint: hint.to_owned(),
            logs: Some(log_source(pod, status)),
        },
    }
}

/// How a container ended, in words.
pub(crate) fn ending(pod: &Pod, last: &ContainerStateTerminated) -> String {
    let reason = match last.reason.as_deref() {
        Some(reason) if reason != "Error" => format!(" ({})", clause(reason)),
        _ => String::new(),
    };
    // What the container of a job says last is its output, which may be secret; of one that did not run it is the runtime's.
    let is_job = pod.labels().contains_key(JOB_LABEL);
    let of_runtime = matches!(last.reason.as_deref(), Some("StartError" | "ContainerCannotRun"));
    let message = last.message.as_deref().filter(|_| of_runtime || !is_job);
    let message = message.map(|message| format!(": {}", clause(message))).unwrap_or_default();
    match last.signal {
        Some(signal) if signal != 0 => format!("ended by signal {signal}{reason}{message}"),
        _ => format!("exit code {}{reason}{message}", last.exit_code),
    }
}

fn unschedulable(snapshot: &Snapshot, pod: &Pod, grace: Duration) -> Option<Concern> {
    let words = unscheduled(pod)?;
    if volumes::concerns_volume(&words) {
        return None;
    }
    // Room is being made: pods of this release leave, or the scheduler evicts others.
    let awaited = snapshot.has_leaving_pods() || pod.status.as_ref().is_some_and(|status| status.nominated_node_name.is_some());
    let grace = if awaited {
        Grace::UntilTimeout
    } else if grace.is_zero() {
        Grace::None
    } else {
        Grace::For(grace)
    };
    Some(Concern {
        key: format!("unschedulable/{}", pod.name_any()),
        grace,
        finding: Finding {
            code: Code::Unschedulable,
            message: format!("pod {} fits on no node: {words}", pod.name_any()),
            hint: "ask for less CPU or memory, or add a node that fits".to_owned(),
            logs: None,
        },
    })
}

/// A container that runs, and whose probe did not succeed so far.
fn not_ready(snapshot: &Snapshot, pod: &Pod) -> Option<Concern> {
    if matches!(snapshot.subject.kind, RolloutKind::Job { .. }) {
        return None;
    }
    let runs = |status: &&ContainerStatus| status.state.as_ref().is_some_and(|state| state.running.is_some());
    let status = container_statuses(pod).filter(runs).find(|status| !status.ready || status.started == Some(false))?;
    let event = snapshot.event(pod.metadata.uid.as_deref(), &["Unhealthy", "ProbeWarning"])?;
    let words = clause(event.message.as_deref().unwrap_or("the kubelet gives no reason"));
    Some(Concern {
        key: format!("probe/{}", pod.name_any()),
        grace: Grace::UntilTimeout,
        finding: Finding {
            code: Code::ProbeFailed,
            message: format!("container {} of pod {} never became ready: {words}", status.name, pod.name_any()),
            hint: "correct the probe (port, path, delays) or what it asks".to_owned(),
            logs: Some(log_source(pod, status)),
        },
    })
}

/// The container that ended last with an error, of all pods of the subject.
pub(crate) fn last_ended(snapshot: &Snapshot) -> Option<Ended> {
    let mut found = None;
    for pod in snapshot.pods.iter() {
        for status in container_statuses(pod) {
            let states = [status.state.as_ref(), status.last_state.as_ref()];
            let ended = states.into_iter().flatten().find_map(|state| state.terminated.as_ref());
            let Some(ended) = ended.filter(|ended| ended.exit_code != 0) else { continue };
            let at = ended.finished_at.as_ref().map(|time| time.0);
            if found.as_ref().is_none_or(|(latest, _)| *latest < at) {
                let words = format!("container {} of pod {}: {}", status.name, pod.name_any(), ending(pod, ended));
                found = Some((at, Ended { pod: pod.name_any(), container: status.name.clone(), words }));
            }
        }
    }
    found.map(|(_, ended)| ended)
}

/// Some container that has run, for its last lines.
pub(crate) fn any_log(snapshot: &Snapshot) -> Option<LogSource> {
    let started = |status: &&ContainerStatus| status.container_id.is_some();
    let of_pod = |pod: &Pod| container_statuses(pod).filter(started).last().map(|status| log_source(pod, status));
    snapshot.new_pods().into_iter().find_map(of_pod)
}

fn log_source(pod: &Pod, status: &ContainerStatus) -> LogSource {
    LogSource { pod: pod.name_any(), container: status.name.clone() }
}
