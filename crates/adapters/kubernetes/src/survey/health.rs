//! Whether an object works as it should, by its own status; a kind that is not known here is taken to be well.

use serde_json::Value;

/// Why an object does not work as it should.
pub(super) fn trouble(kind: &str, object: &Value) -> Option<String> {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Some("it is being deleted".to_owned());
    }
    match kind {
        "Deployment" => behind(object).or_else(|| replicas(object, "availableReplicas")),
        "StatefulSet" => behind(object).or_else(|| replicas(object, "readyReplicas")),
        "DaemonSet" => behind(object).or_else(|| daemons(object)),
        "PersistentVolumeClaim" if object["status"]["phase"] == "Lost" => Some("its volume is lost".to_owned()),
        "Job" => job(object),
        _ => None,
    }
}

/// A status that does not speak of the object as it is now.
fn behind(object: &Value) -> Option<String> {
    let observed = object["status"]["observedGeneration"].as_i64().unwrap_or_default();
    let wanted = object["metadata"]["generation"].as_i64().unwrap_or_default();
    (observed < wanted).then(|| "its controller has not seen the last change yet".to_owned())
}

fn count(value: &Value) -> Option<i64> {
    value.as_i64()
}

fn replicas(object: &Value, available: &str) -> Option<String> {
    let wanted = count(&object["spec"]["replicas"]).unwrap_or(1);
    let updated = count(&object["status"]["updatedReplicas"]).unwrap_or_default();
    let available = count(&object["status"][available]).unwrap_or_default();
    enough(wanted, updated.min(available))
}

fn daemons(object: &Value) -> Option<String> {
    let status = &object["status"];
    let wanted = count(&status["desiredNumberScheduled"]).unwrap_or_default();
    let updated = count(&status["updatedNumberScheduled"]).unwrap_or_default();
    enough(wanted, updated.min(count(&status["numberAvailable"]).unwrap_or_default()))
}

fn enough(wanted: i64, there: i64) -> Option<String> {
    (there < wanted).then(|| format!("{there} of {wanted} replicas are ready"))
}

fn job(object: &Value) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array()?;
    let failed = conditions.iter().find(|condition| condition["type"] == "Failed" && condition["status"] == "True")?;
    Some(crate::text::clean(failed["reason"].as_str().unwrap_or("it failed")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(generation: i64, observed: i64, wanted: i64, updated: i64, available: i64) -> Value {
        json!({
            "metadata": {"generation": generation},
            "spec": {"replicas": wanted},
            "status": {"observedGeneration": observed, "updatedReplicas": updated, "availableReplicas": available},
        })
    }

    #[test]
    fn a_deployment_is_well_when_all_its_replicas_are_updated_and_available() {
        assert_eq!(trouble("Deployment", &deployment(2, 2, 3, 3, 3)), None);
        assert_eq!(trouble("Deployment", &deployment(2, 2, 3, 3, 2)).as_deref(), Some("2 of 3 replicas are ready"));
        assert_eq!(trouble("Deployment", &deployment(2, 2, 3, 1, 3)).as_deref(), Some("1 of 3 replicas are ready"));
        assert!(trouble("Deployment", &deployment(3, 2, 3, 3, 3)).is_some(), "a status that is behind says nothing");
    }

    #[test]
    fn a_stopped_deployment_is_well() {
        assert_eq!(
            trouble(
                "Deployment",
                &json!({"metadata": {"generation": 1}, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}})
            ),
            None
        );
    }

    #[test]
    fn what_is_being_deleted_is_not_well() {
        assert!(trouble("Service", &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})).is_some());
    }
}
