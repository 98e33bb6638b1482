//! A cron job run now, as `kubectl create job --from` does it.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Resource};
use slipway_core::failure::{Code, Failure};
use slipway_ports::JobRequest;

use crate::calls::Calls;
use crate::connection::Connection;

/// The longest name of a Job: its pods carry it in a label.
const LONGEST_NAME: usize = 63;

/// Makes the Job, or finds the one that the same token made.
pub(super) async fn run(connection: &Connection, calls: &Calls, request: &JobRequest) -> Result<String, Failure> {
    let what = format!("run {} in namespace {}", request.release, request.namespace);
    let cron_jobs: Api<CronJob> = Api::namespaced(connection.client.clone(), &request.namespace);
    let found = calls.must(&what, || cron_jobs.get_opt(&request.release)).await?;
    let cron_job = found.ok_or_else(|| {
        Failure::permanent(
            Code::ReleaseFailed,
            format!("there is no CronJob {} in namespace {}", request.release, request.namespace),
        )
        .with_hint("deploy the environment first; a deleted CronJob comes back with the next deployment")
    })?;
    let job = job_of(&cron_job, request);
    let name = job.metadata.name.clone().unwrap_or_default();
    let jobs: Api<Job> = Api::namespaced(connection.client.clone(), &request.namespace);
    let parameters = PostParams { field_manager: Some("slipway".to_owned()), ..PostParams::default() };
    match calls.ask(|| jobs.create(&parameters, &job)).await {
        Ok(_) => Ok(name),
        Err(trouble) if trouble.is_already_there() => Ok(name),
        Err(trouble) => Err(trouble.failure(&what)),
    }
}

/// The Job that the template makes. It belongs to its `CronJob`, which lets go of it with its other runs.
fn job_of(cron_job: &CronJob, request: &JobRequest) -> Job {
    let template = cron_job.spec.as_ref().map(|spec| spec.job_template.clone()).unwrap_or_default();
    let metadata = template.metadata.unwrap_or_default();
    let mut annotations: BTreeMap<String, String> = metadata.annotations.unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), "manual".to_owned());
    let room = LONGEST_NAME.saturating_sub(request.token.len() + 1);
    let beginning: String = request.release.chars().take(room).collect();
    Job {
        metadata: ObjectMeta {
            name: Some(format!("{}-{}", beginning.trim_end_matches('-'), request.token)),
            labels: metadata.labels,
            annotations: Some(annotations),
            owner_references: cron_job.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_is_made_from_the_template_and_belongs_to_its_cron_job() {
        let cron_job: CronJob = serde_json::from_value(json!({
            "metadata": {"name": "nightly", "uid": "u"},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {
                "metadata": {"labels": {"slipway.dev/service": "nightly"}},
                "spec": {"backoffLimit": 2, "template": {"spec": {"containers": [{"name": "nightly"}]}}}
            }}
        }))
        .unwrap();
        let request = |release: &str| JobRequest { namespace: "shop".into(), release: release.into(), token: "abc123".into() };
        let job = serde_json::to_value(job_of(&cron_job, &request("nightly"))).unwrap();
        assert_eq!(job["metadata"]["name"], "nightly-abc123");
        assert_eq!(job["metadata"]["labels"]["slipway.dev/service"], "nightly");
        assert_eq!(job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");
        assert_eq!((&job["metadata"]["ownerReferences"][0]["uid"], &job["spec"]["backoffLimit"]), (&json!("u"), &json!(2)));
        let long = job_of(&cron_job, &request(&"a".repeat(80))).metadata.name.unwrap();
        assert!(long.len() == LONGEST_NAME && long.ends_with("-abc123"), "{long}");
    }
}
