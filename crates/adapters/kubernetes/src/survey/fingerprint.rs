//! What of an object nobody but its owner changes, as a digest: two of them tell whether somebody else did.
//!
//! Left out is what the cluster itself writes: the status, the bookkeeping in the metadata, how far a rollout came, the number of
//! replicas where an autoscaler sets it; and what starts pods anew without a change of configuration.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use slipway_core::names::sha256_hex;
use slipway_core::plan::ObjectRef;

use crate::restart::RESTARTED;

/// Fields of the metadata that the API server keeps.
const BOOKKEEPING: [&str; 7] =
    ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "ownerReferences"];

/// Annotations, and what they begin with, that controllers and clients keep for themselves.
const NOTES: [&str; 4] = ["deployment.kubernetes.io/", "kubectl.kubernetes.io/", "pv.kubernetes.io/", "volume.kubernetes.io/"];

/// Kind, namespace and name.
pub(super) type Place = (String, String, String);

/// The place of an object.
pub(super) fn place(object: &ObjectRef) -> Place {
    (object.kind.clone(), object.namespace.clone(), object.name.clone())
}

/// The objects whose replicas an autoscaler sets; each object with its kind and namespace.
pub(super) fn scaled<'a>(objects: impl Iterator<Item = (&'a str, &'a str, &'a Value)>) -> BTreeSet<Place> {
    let scalers = objects.filter(|(kind, _, _)| *kind == "HorizontalPodAutoscaler");
    let targets = scalers.filter_map(|(_, namespace, scaler)| {
        let target = &scaler["spec"]["scaleTargetRef"];
        Some((target["kind"].as_str()?.to_owned(), namespace.to_owned(), target["name"].as_str()?.to_owned()))
    });
    targets.collect()
}

/// Stands for an object whose content was not read, by its version.
pub(super) fn of_version(object: &Value) -> String {
    digest(&object["metadata"]["resourceVersion"])
}

/// Stands for an object as its owner made it.
pub(super) fn of_content(object: &Value, is_scaled: bool) -> String {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        // An item of a list has neither.
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|field, _| !BOOKKEEPING.contains(&field.as_str()));
        forget_notes(metadata);
    }
    if let Some(template) = object.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut) {
        forget_notes(template);
    }
    if is_scaled && let Some(spec) = object["spec"].as_object_mut() {
        spec.remove("replicas");
    }
    digest(&object)
}

/// The keys of a JSON object are in the order of their names here.
fn digest(value: &Value) -> String {
    sha256_hex(value.to_string().as_bytes())[..32].to_owned()
}

fn forget_notes(metadata: &mut Map<String, Value>) {
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else { return };
    annotations.retain(|name, _| name != RESTARTED && !NOTES.iter().any(|note| name.starts_with(note)));
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
}

/// Who changed an object last, by its managed fields: <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.
pub(super) fn changed_by(object: &Value) -> Option<String> {
    let managers = object["metadata"]["managedFields"].as_array()?;
    let is_person = |manager: &&Value| {
        manager["subresource"].as_str() != Some("status") && manager["manager"].as_str() != Some("kube-controller-manager")
    };
    let owners = managers.iter().filter(is_person);
    let newest = owners.max_by_key(|manager| manager["time"].as_str().unwrap_or_default())?;
    newest["manager"].as_str().map(crate::text::clean)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "api",
                "generation": 3,
                "resourceVersion": "100",
                "annotations": {"deployment.kubernetes.io/revision": "1", "team": "shop"},
                "managedFields": [
                    {"manager": "helm", "time": "2026-01-01T00:00:00Z"},
                    {"manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z"},
                    {"manager": "kube-controller-manager", "time": "2026-01-03T00:00:00Z"},
                    {"manager": "kubelet", "time": "2026-01-03T00:00:00Z", "subresource": "status"},
                ],
            },
            "spec": {"replicas": 2, "template": {"metadata": {}, "spec": {"containers": [{"image": "a"}]}}},
            "status": {"replicas": 2},
        })
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut object = deployment();
        *object.pointer_mut(pointer).unwrap() = value;
        object
    }

    #[test]
    fn b04_what_the_cluster_writes_is_no_drift() {
        let before = of_content(&deployment(), false);
        for (pointer, value) in [
            ("/status", json!({"replicas": 0})),
            ("/metadata/resourceVersion", json!("101")),
            ("/metadata/generation", json!(4)),
            ("/metadata/annotations/deployment.kubernetes.io~1revision", json!("2")),
            ("/spec/template/metadata", json!({"annotations": {RESTARTED: "token"}})),
            ("/kind", Value::Null),
        ] {
            assert_eq!(of_content(&with(pointer, value), false), before, "{pointer}");
        }
    }

    #[test]
    fn b04_what_somebody_changes_is_drift() {
        let before = of_content(&deployment(), false);
        for (pointer, value) in [
            ("/spec/replicas", json!(5)),
            ("/spec/template/spec/containers/0/image", json!("b")),
            ("/metadata/annotations/team", json!("other")),
            ("/spec/template/metadata", json!({"labels": {"a": "b"}})),
        ] {
            assert_ne!(of_content(&with(pointer, value), false), before, "{pointer}");
        }
    }

    #[test]
    fn b04_an_autoscaler_may_set_the_replicas() {
        let scaler = json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api"}}});
        let scaled = scaled([("HorizontalPodAutoscaler", "shop", &scaler)].into_iter());
        assert!(scaled.contains(&("Deployment".to_owned(), "shop".to_owned(), "api".to_owned())));
        assert_eq!(of_content(&with("/spec/replicas", json!(5)), true), of_content(&deployment(), true));
    }

    #[test]
    fn a_secret_is_told_by_its_version_alone() {
        // Read alone it says its kind, in a list it may not.
        let alone =
            |version: &str| json!({"kind": "PartialObjectMetadata", "metadata": {"name": "s", "resourceVersion": version}});
        let listed = json!({"metadata": {"name": "s", "resourceVersion": "1"}});
        assert_eq!(of_version(&alone("1")), of_version(&listed));
        assert_ne!(of_version(&alone("1")), of_version(&alone("2")));
    }

    #[test]
    fn b04_the_last_to_change_an_object_is_named() {
        assert_eq!(changed_by(&deployment()).as_deref(), Some("kubectl-edit"));
        assert_eq!(changed_by(&json!({})), None);
    }
}
