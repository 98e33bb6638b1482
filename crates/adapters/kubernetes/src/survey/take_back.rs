//! What a person set on an object by hand becomes the release's own, so that its next upgrade removes it where the chart does not set
//! it: by server-side apply a field goes when its last owner does not want it any more.
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};
use slipway_core::failure::Failure;
use slipway_core::plan::ObjectRef;

use super::kinds::KnownKinds;
use crate::calls::Calls;
use crate::connection::Connection;

/// The field manager of releases, that of Helm of whichever version.
pub(crate) const HELM: &str = "helm";

/// How programs that persons use call themselves, or begin to: kubectl with its verbs, k9s, and what dashboards and Lens run on.
/// What controllers set is theirs: they would set it again.
const HANDS: [&str; 4] = ["kubectl", "k9s", "node-fetch", "Mozilla"];

/// How often an object is read again that was changed meanwhile.
const ATTEMPTS: u32 = 5;

/// Takes the fields of an object back that persons own. One that is not there has none.
pub(crate) async fn take_back(
    connection: &Connection,
    calls: &Calls,
    known: KnownKinds<'_>,
    object: &ObjectRef,
) -> Result<(), Failure> {
    let what = format!("take back what was changed by hand on {object}");
    let client = &connection.client;
    let kind = known.find(client, calls, object).await.map_err(|trouble| trouble.failure(&what))?;
    let Some(kind) = kind else { return Ok(()) };
    let api: Api<DynamicObject> = kind.api(client, &object.namespace);
    let parameters = PatchParams { field_manager: Some("slipway".to_owned()), ..PatchParams::default() };
    let mut attempt = 1;
    loop {
        let found = calls.must(&what, || api.get_metadata_opt(&object.name)).await?;
        let Some(found) = found else { return Ok(()) };
        let fields = serde_json::to_value(&found.metadata.managed_fields).unwrap_or_default();
        let Some(ours) = fields.as_array().and_then(|managers| taken_back(managers)) else { return Ok(()) };
        // With the version that was read: what somebody changes meanwhile is not overwritten.
        let metadata = json!({"managedFields": ours, "resourceVersion": found.metadata.resource_version});
        let patch = Patch::Merge(json!({"metadata": metadata}));
        match calls.ask(|| api.patch_metadata(&object.name, &parameters, &patch)).await {
            Ok(_) => return Ok(()),
            Err(trouble) if trouble.is_not_found() => return Ok(()),
            Err(trouble) if trouble.is_conflict() && attempt < ATTEMPTS => attempt += 1,
            Err(trouble) => return Err(trouble.failure(&what)),
        }
    }
}

/// The owners of an object's fields with Helm in the place of persons; absent when none of them owns any, or Helm owns nothing.
fn taken_back(managers: &[Value]) -> Option<Vec<Value>> {
    let name = |manager: &Value| manager["manager"].as_str().unwrap_or_default().to_owned();
    let is_main = |manager: &Value| manager["subresource"].as_str().is_none_or(str::is_empty);
    let helm = managers.iter().position(|manager| name(manager) == HELM && is_main(manager))?;
    let version = &managers[helm]["apiVersion"];
    let by_hand = |manager: &Value| {
        HANDS.iter().any(|hand| name(manager).starts_with(hand)) && is_main(manager) && manager["apiVersion"] == *version
    };
    if !managers.iter().any(by_hand) {
        return None;
    }
    let mut ours = managers[helm].clone();
    for manager in managers.iter().filter(|manager| by_hand(manager)) {
        if let (Some(all), Some(theirs)) = (ours["fieldsV1"].as_object_mut(), manager["fieldsV1"].as_object()) {
            unite(all, theirs);
        }
    }
    let others = managers.iter().enumerate().filter(|(index, manager)| *index != helm && !by_hand(manager));
    Some(std::iter::once(ours).chain(others.map(|(_, manager)| manager.clone())).collect())
}

/// Adds a set of fields, each a key whose value holds those below it.
fn unite(all: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (field, below) in more {
        match (all.get_mut(field), below) {
            (Some(Value::Object(there)), Value::Object(below)) => unite(there, below),
            (Some(_), _) => {}
            (None, _) => drop(all.insert(field.clone(), below.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(name: &str, fields: &Value) -> Value {
        json!({"manager": name, "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn b04_what_persons_own_becomes_helms_and_what_controllers_own_stays_theirs() {
        let helm = manager("helm", &json!({"f:spec": {"f:replicas": {}}}));
        let person = manager("kubectl-edit", &json!({"f:spec": {"f:paused": {}}, "f:metadata": {"f:labels": {"f:a": {}}}}));
        let controller = manager("kube-controller-manager", &json!({"f:metadata": {"f:annotations": {"f:revision": {}}}}));
        let ours = taken_back(&[person, helm, controller.clone()]).expect("a person owns something");
        assert_eq!(
            ours[0]["fieldsV1"],
            json!({"f:spec": {"f:replicas": {}, "f:paused": {}}, "f:metadata": {"f:labels": {"f:a": {}}}})
        );
        assert_eq!(ours[1..], [controller]);
    }

    #[test]
    fn b04_what_nobody_touched_is_left_as_it_is() {
        let helm = manager("helm", &json!({}));
        assert_eq!(taken_back(&[helm.clone(), manager("cert-manager-ingress-shim", &json!({}))]), None);
        assert_eq!(taken_back(&[manager("kubectl", &json!({}))]), None, "no release of Helm");
        let mut scaled = manager("kubectl-scale", &json!({}));
        scaled["subresource"] = json!("scale");
        assert_eq!(taken_back(&[helm, scaled]), None, "the API server refuses to move what is of a subresource");
    }
}
