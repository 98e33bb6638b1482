//! Pods started anew, as `kubectl rollout restart` does it: by an annotation of their template.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use slipway_core::failure::{Code, Failure};
use slipway_ports::RolloutKind;

use crate::calls::Calls;
use crate::connection::Connection;

/// The annotation whose change starts the pods anew. Helm does not know it, and leaves it where it is.
pub(crate) const RESTARTED: &str = "slipway.dev/restarted-by";

/// Starts the pods of a release anew, unless this token did so before.
pub(crate) async fn restart(
    connection: &Connection,
    calls: &Calls,
    namespace: &str,
    release: &str,
    kind: &RolloutKind,
    token: &str,
) -> Result<(), Failure> {
    let client = connection.client.clone();
    let patch = Patch::Merge(json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED: token}}}}}));
    let parameters = PatchParams { field_manager: Some("slipway".to_owned()), ..PatchParams::default() };
    let answer = match kind {
        RolloutKind::Deployment => {
            let api: Api<Deployment> = Api::namespaced(client, namespace);
            calls.ask(|| api.patch(release, &parameters, &patch)).await.map(|_| ())
        }
        RolloutKind::StatefulSet => {
            let api: Api<StatefulSet> = Api::namespaced(client, namespace);
            calls.ask(|| api.patch(release, &parameters, &patch)).await.map(|_| ())
        }
        RolloutKind::DaemonSet => {
            let api: Api<DaemonSet> = Api::namespaced(client, namespace);
            calls.ask(|| api.patch(release, &parameters, &patch)).await.map(|_| ())
        }
        RolloutKind::Job { .. } | RolloutKind::CronJob | RolloutKind::Gone => {
            return Err(Failure::permanent(Code::Internal, format!("{release} has no pods that could be started anew")));
        }
    };
    match answer {
        Ok(()) => Ok(()),
        Err(trouble) if trouble.is_not_found() => {
            let message = format!("{release} is not in namespace {namespace} any more");
            Err(Failure::permanent(Code::ReleaseFailed, message).with_hint("somebody deleted it: deploy it again"))
        }
        Err(trouble) => Err(trouble.failure(&format!("restart {release} in namespace {namespace}"))),
    }
}
