//! Workloads of a chart that Slipway did not make: scaled to nothing, and brought back.
//!
//! How an object was is noted on the object itself, in an annotation that Helm does not know and leaves where it is. Helm takes the
//! fields back that the chart writes; those that it does not write are put back here.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_core::failure::{Code, Failure};
use slipway_core::plan::ObjectRef;

use crate::calls::Calls;
use crate::connection::Connection;
use crate::survey::HELM;

/// What an object had before it was paused, as JSON.
const PAUSED: &str = "slipway.dev/paused";
/// A label that no node has: what wants it has no pod.
const NOWHERE: &str = "slipway.dev/paused";

/// What is changed of a kind to pause it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brake {
    Replicas,
    NodeSelector,
    Suspend,
}

impl Brake {
    fn of(object: &ObjectRef) -> Option<Self> {
        match (object.group(), object.kind.as_str()) {
            ("apps", "Deployment" | "StatefulSet") => Some(Self::Replicas),
            ("apps", "DaemonSet") => Some(Self::NodeSelector),
            ("batch", "CronJob") => Some(Self::Suspend),
            _ => None,
        }
    }

    /// How the object is, without what pauses it.
    fn now(self, data: &Value) -> Value {
        match self {
            Self::Replicas => data.pointer("/spec/replicas").cloned().unwrap_or(json!(1)),
            Self::Suspend => data.pointer("/spec/suspend").cloned().unwrap_or(json!(false)),
            Self::NodeSelector => Value::Null,
        }
    }

    fn pulled(self) -> Value {
        match self {
            Self::Replicas => json!({"replicas": 0}),
            Self::Suspend => json!({"suspend": true}),
            Self::NodeSelector => json!({"template": {"spec": {"nodeSelector": {NOWHERE: "true"}}}}),
        }
    }

    /// What brings it back to how it was, if it is paused still.
    fn released(self, data: &Value, was: &Value) -> Value {
        match self {
            Self::Replicas if self.now(data) == json!(0) && !helm_writes(data, "f:replicas") => json!({"replicas": was}),
            Self::Suspend if self.now(data) == json!(true) && !helm_writes(data, "f:suspend") => json!({"suspend": was}),
            Self::Replicas | Self::Suspend => json!({}),
            Self::NodeSelector => json!({"template": {"spec": {"nodeSelector": {NOWHERE: null}}}}),
        }
    }
}

/// Whether the release itself says what a field of the specification is.
fn helm_writes(data: &Value, field: &str) -> bool {
    let managers = data.pointer("/metadata/managedFields").and_then(Value::as_array);
    managers.into_iter().flatten().any(|manager| {
        manager["manager"] == HELM && manager.pointer("/fieldsV1/f:spec").is_some_and(|fields| fields.get(field).is_some())
    })
}

pub(crate) async fn pause(connection: &Connection, calls: &Calls, objects: &[ObjectRef]) -> Result<(), Failure> {
    for_each(connection, calls, objects, |brake, data, noted| {
        if noted.is_some() {
            return Some(json!({"spec": brake.pulled()}));
        }
        let note = json!({PAUSED: brake.now(data).to_string()});
        Some(json!({"metadata": {"annotations": note}, "spec": brake.pulled()}))
    })
    .await
}

pub(crate) async fn resume(connection: &Connection, calls: &Calls, objects: &[ObjectRef]) -> Result<(), Failure> {
    for_each(connection, calls, objects, |brake, data, noted| {
        let was: Value = serde_json::from_str(noted?).ok()?;
        Some(json!({"metadata": {"annotations": {PAUSED: null}}, "spec": brake.released(data, &was)}))
    })
    .await
}

/// Patches every object that can be paused; `patch` is given the object and what was noted on it.
async fn for_each(
    connection: &Connection,
    calls: &Calls,
    objects: &[ObjectRef],
    patch: impl Fn(Brake, &Value, Option<&str>) -> Option<Value>,
) -> Result<(), Failure> {
    let parameters = PatchParams { field_manager: Some("slipway".to_owned()), ..PatchParams::default() };
    for object in objects {
        let Some(brake) = Brake::of(object) else { continue };
        let what = format!("stop or start {} {} in namespace {}", object.kind, object.name, object.namespace);
        // The kinds that have a brake are named by the usual rule.
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(object.group(), object.version(), &object.kind));
        let api: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), &object.namespace, &resource);
        let Some(found) = calls.must(&what, || api.get_opt(&object.name)).await? else { continue };
        let data =
            serde_json::to_value(&found).map_err(|error| Failure::permanent(Code::Internal, format!("{what}: {error}")))?;
        let noted = found.metadata.annotations.as_ref().and_then(|annotations| annotations.get(PAUSED));
        let Some(change) = patch(brake, &data, noted.map(String::as_str)) else { continue };
        let change = Patch::Merge(change);
        calls.must(&what, || api.patch(&object.name, &parameters, &change)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_chart_writes_is_left_to_the_chart() {
        let by = |manager: &str| {
            json!({"metadata": {"managedFields": [{"manager": manager, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
                "spec": {"replicas": 0}})
        };
        assert_eq!(Brake::Replicas.released(&by("slipway"), &json!(3)), json!({"replicas": 3}));
        assert_eq!(Brake::Replicas.released(&by("helm"), &json!(3)), json!({}), "a chart may want none");
        assert_eq!(Brake::Replicas.released(&json!({"spec": {"replicas": 2}}), &json!(3)), json!({}), "it was brought back");
    }
}
