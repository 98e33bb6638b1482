//! Volumes that can't be bound or mounted.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use slipway_core::failure::Code;

use super::concern::{Concern, Finding, Grace};
use super::pods::{condition, container_statuses, unscheduled};
use super::snapshot::Snapshot;
use crate::text::clause;

/// How long binding, attaching and mounting may fail.
const VOLUME_GRACE: Duration = Duration::from_secs(60);

/// Whether a scheduler's message is about volumes, not about room.
pub(crate) fn concerns_volume(message: &str) -> bool {
    let message = message.to_lowercase();
    ["persistentvolumeclaim", "persistent volume", "volume node affinity", "volume binding"]
        .iter()
        .any(|part| message.contains(part))
}

/// The concern of a pod's volumes.
pub(crate) fn concern(snapshot: &Snapshot, pod: &Pod) -> Option<Concern> {
    let words = unmounted(snapshot, pod).or_else(|| unbound(snapshot, pod))?;
    Some(Concern {
        key: format!("volume/{}", pod.name_any()),
        grace: Grace::For(VOLUME_GRACE),
        finding: Finding {
            code: Code::VolumeUnavailable,
            message: format!("a volume of pod {} is not available: {words}", pod.name_any()),
            hint: "check that the storage class exists and its provisioner runs, and that what the volume refers to exists"
                .to_owned(),
            logs: None,
        },
    })
}

/// The pod has its node, and none of its containers has begun.
fn unmounted(snapshot: &Snapshot, pod: &Pod) -> Option<String> {
    let scheduled = condition(pod, "PodScheduled").is_some_and(|condition| condition.status == "True");
    let begun = container_statuses(pod).any(|status| status.container_id.is_some());
    if !scheduled || begun {
        return None;
    }
    let event = snapshot.event(pod.metadata.uid.as_deref(), &["FailedMount", "FailedAttachVolume", "FailedMapVolume"])?;
    Some(clause(event.message.as_deref().unwrap_or("the kubelet gives no reason")))
}

/// The pod waits for a claim. One that waits for room has claims that wait as well, and they are not to blame.
fn unbound(snapshot: &Snapshot, pod: &Pod) -> Option<String> {
    let scheduled = condition(pod, "PodScheduled").is_some_and(|condition| condition.status == "True");
    let message = unscheduled(pod);
    if scheduled || message.as_ref().is_some_and(|message| !concerns_volume(message)) {
        return None;
    }
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    let names = volumes.iter().filter_map(|volume| Some(&volume.persistent_volume_claim.as_ref()?.claim_name));
    for name in names {
        let claim = snapshot.claims.get(name);
        let phase = claim.and_then(|claim| claim.status.as_ref()?.phase.as_deref()).unwrap_or("missing");
        if phase == "Bound" {
            continue;
        }
        let uid = claim.and_then(|claim| claim.metadata.uid.as_deref());
        let event = snapshot.event(uid, &["ProvisioningFailed", "FailedBinding"]);
        let told = event.and_then(|event| event.message.as_deref()).map(clause).or(message);
        let told = told.map(|told| format!(": {told}")).unwrap_or_default();
        return Some(format!("claim {name} is {}{told}", phase.to_lowercase()));
    }
    message
}
