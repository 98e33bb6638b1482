//! Pods that are never made: a quota, an admission rule, a webhook refuses them.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use slipway_core::failure::Code;
use slipway_ports::RolloutKind;

use super::concern::{Concern, Finding, Grace};
use super::snapshot::{Snapshot, event_time};
use crate::text::clause;

/// How long a refusal may last that new namespaces and busy webhooks give for a moment.
const PASSING_GRACE: Duration = Duration::from_secs(30);

/// Parts of refusals that pass by themselves.
const PASSING: [&str; 6] = [
    "error looking up service account",
    "status unknown for quota",
    "failed calling webhook",
    "timed out",
    "timeout",
    "object has been modified",
];

/// The concern of a refused pod.
pub(crate) fn concern(snapshot: &Snapshot) -> Option<Concern> {
    let words = clause(&refusal(snapshot)?);
    // Pods on their way out still count against a quota.
    let grace = if snapshot.has_leaving_pods() {
        Grace::UntilTimeout
    } else if PASSING.iter().any(|passing| words.contains(passing)) {
        Grace::For(PASSING_GRACE)
    } else {
        Grace::None
    };
    let hint = if words.contains("exceeded quota") {
        "raise the namespace's ResourceQuota, or ask for less: fewer instances, smaller limits"
    } else {
        "change what the rule objects to, or the rule: the message names it"
    };
    Some(Concern {
        key: "admission".to_owned(),
        grace,
        finding: Finding {
            code: Code::AdmissionRefused,
            message: format!("the cluster refuses the pods of {}: {words}", snapshot.subject.name),
            hint: hint.to_owned(),
            logs: None,
        },
    })
}

fn refusal(snapshot: &Snapshot) -> Option<String> {
    match &snapshot.subject.kind {
        RolloutKind::Deployment => refusal_of_deployment(snapshot),
        RolloutKind::StatefulSet => {
            let set = snapshot.stateful_set()?;
            let wanted = set.spec.as_ref()?.replicas.unwrap_or(1);
            let missing = set.status.as_ref().is_none_or(|status| status.replicas < wanted);
            missing.then(|| refusal_in_events(snapshot, &set.metadata)).flatten()
        }
        RolloutKind::Job { .. } => {
            let job = snapshot.job()?;
            let none = snapshot.new_pods().is_empty();
            none.then(|| refusal_in_events(snapshot, &job.metadata)).flatten()
        }
        RolloutKind::DaemonSet => {
            let set = snapshot.daemon_set()?;
            let missing = set.status.as_ref()?.current_number_scheduled < set.status.as_ref()?.desired_number_scheduled;
            missing.then(|| refusal_in_events(snapshot, &set.metadata)).flatten()
        }
        RolloutKind::CronJob | RolloutKind::Gone => None,
    }
}

fn refusal_of_deployment(snapshot: &Snapshot) -> Option<String> {
    if let Some(set) = snapshot.new_replica_set() {
        let conditions = set.status.as_ref()?.conditions.as_deref().unwrap_or_default();
        let failed = conditions.iter().find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True");
        return failed.and_then(|condition| condition.message.clone());
    }
    let conditions = snapshot.deployment()?.status.as_ref()?.conditions.as_deref()?;
    let failed = conditions.iter().find(|condition| condition.reason.as_deref() == Some("ReplicaSetCreateError"));
    failed.and_then(|condition| condition.message.clone())
}

/// These kinds have no condition for it, only events; those from before the last change tell of what was before it.
fn refusal_in_events(snapshot: &Snapshot, owner: &ObjectMeta) -> Option<String> {
    let event = snapshot.event(owner.uid.as_deref(), &["FailedCreate"])?;
    let changed = changed_at(owner);
    (event_time(event) >= changed).then(|| event.message.clone()).flatten()
}

/// When somebody last changed the object itself, not its status, to the second, as events count.
fn changed_at(object: &ObjectMeta) -> Option<Timestamp> {
    let fields = object.managed_fields.as_deref().unwrap_or_default();
    let changes = fields.iter().filter(|field| field.subresource.is_none()).filter_map(|field| field.time.as_ref());
    changes.map(|time| time.0).max().or_else(|| object.creation_timestamp.as_ref().map(|time| time.0))
}
