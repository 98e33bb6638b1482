//! What a job wrote: the kubelet hands it over as the termination message of its container.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams};
use slipway_core::failure::Failure;
use slipway_ports::{JobOutput, RolloutKind, RolloutRequest, SecretText};

use crate::calls::Calls;
use crate::connection::Connection;

/// The label that every version of the Job controller puts on the pods of a Job.
pub(crate) const JOB_LABEL: &str = "job-name";

/// The output of the pod that came to a good end, else of the one that ended last.
pub(crate) async fn read(connection: &Connection, calls: &Calls, request: &RolloutRequest) -> Result<JobOutput, Failure> {
    let Some(selected) = pods_of(request) else { return Ok(JobOutput::Nothing) };
    let api: Api<Pod> = Api::namespaced(connection.client.clone(), &request.namespace);
    let pods = calls.must(&format!("read the output of job {}", request.release), || api.list(&selected)).await?;
    Ok(output(&pods.items, &request.release))
}

/// Removes the pods of a Job that has ended, and with them what they show of its output. The Job stays, and makes no new ones.
pub(crate) async fn forget(connection: &Connection, calls: &Calls, request: &RolloutRequest) -> Result<(), Failure> {
    let Some(selected) = pods_of(request) else { return Ok(()) };
    let api: Api<Pod> = Api::namespaced(connection.client.clone(), &request.namespace);
    let parameters = DeleteParams::default();
    let what = format!("remove the pods of job {}, which show its output", request.release);
    match calls.ask(|| api.delete_collection(&parameters, &selected)).await {
        Ok(_) => Ok(()),
        Err(trouble) if trouble.is_not_found() => Ok(()),
        Err(trouble) => Err(trouble.failure(&what)),
    }
}

fn pods_of(request: &RolloutRequest) -> Option<ListParams> {
    match &request.kind {
        RolloutKind::Job { name } => Some(ListParams::default().labels(&format!("{JOB_LABEL}={name}"))),
        RolloutKind::Deployment
        | RolloutKind::StatefulSet
        | RolloutKind::DaemonSet
        | RolloutKind::CronJob
        | RolloutKind::Gone => None,
    }
}

fn output(pods: &[Pod], container: &str) -> JobOutput {
    let ended = pods.iter().filter_map(|pod| {
        let statuses = pod.status.as_ref()?.container_statuses.as_deref()?;
        let own = statuses.iter().find(|status| status.name == container)?;
        own.state.as_ref()?.terminated.as_ref()
    });
    let newest = ended.max_by_key(|ended| (ended.exit_code == 0, ended.finished_at.as_ref().map(|time| time.0)));
    match newest {
        None => JobOutput::Gone,
        Some(ended) => match ended.message.as_deref() {
            None | Some("") => JobOutput::Nothing,
            Some(text) => JobOutput::Written(SecretText::new(text)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, exit_code: i32, finished: &str, message: Option<&str>) -> Pod {
        let terminated = serde_json::json!({"exitCode": exit_code, "finishedAt": finished, "message": message});
        let own = serde_json::json!({"name": "seed", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": terminated}});
        let proxy = serde_json::json!({"name": "proxy", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "message": "of somebody else"}}});
        let status = serde_json::json!({"containerStatuses": [proxy, own]});
        serde_json::from_value(serde_json::json!({"metadata": {"name": name}, "status": status})).unwrap()
    }

    #[test]
    fn the_output_is_that_of_the_attempt_that_came_to_a_good_end() {
        let failed = pod("seed-1", 1, "2026-01-01T00:00:09Z", Some("half"));
        let good = pod("seed-2", 0, "2026-01-01T00:00:05Z", Some("{}"));
        assert_eq!(output(&[failed.clone(), good], "seed"), JobOutput::Written(SecretText::new("{}")));
        assert_eq!(output(&[failed], "seed"), JobOutput::Written(SecretText::new("half")));
        assert_eq!(output(&[pod("seed-3", 0, "2026-01-01T00:00:05Z", None)], "seed"), JobOutput::Nothing);
        assert_eq!(output(&[], "seed"), JobOutput::Gone);
    }
}
