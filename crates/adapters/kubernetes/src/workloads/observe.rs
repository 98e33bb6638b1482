//! The running status of services: a pure function of what was seen.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use slipway_core::running::RunningStatus;
use slipway_ports::{JobRun, JobRunState, RunningPod, RunningService, RunningServices};

use super::addresses::{Balanced, balanced};
use super::pod::{has_ended, is_leaving, is_ready, restarted, running_pod};
use super::snapshot::{NamespaceSnapshot, Services, controller};
use crate::rollout::verdict::job_condition;
use crate::text::clause;

/// What there is of one service.
#[derive(Default)]
struct Parts<'a> {
    controllers: Vec<Controller>,
    cron_jobs: Vec<&'a CronJob>,
    jobs: Vec<&'a Job>,
    pods: Vec<&'a Pod>,
    load_balancers: Vec<&'a Service>,
}

/// What keeps pods running, of whatever kind it is.
#[derive(Default)]
struct Controller {
    wanted: u32,
    /// Those that have been ready for as long as they have to be.
    available: u32,
    ready: u32,
    /// Why it makes no pods, or gave up.
    trouble: Option<String>,
}

/// What runs, by service.
pub(super) fn observe(snapshot: &NamespaceSnapshot) -> RunningServices {
    let services = Services::of(snapshot);
    let mut parts: BTreeMap<String, Parts> = BTreeMap::new();
    let mut controlled = |object: &ObjectMeta, controller: Controller| {
        if let Some(service) = services.service(object) {
            parts.entry(service.to_owned()).or_default().controllers.push(controller);
        }
    };
    snapshot.deployments.iter().for_each(|object| controlled(&object.metadata, of_deployment(object)));
    snapshot.stateful_sets.iter().for_each(|object| controlled(&object.metadata, of_stateful_set(object)));
    snapshot.daemon_sets.iter().for_each(|object| controlled(&object.metadata, of_daemon_set(object)));
    for object in snapshot.cron_jobs.iter() {
        if let Some(service) = services.service(&object.metadata) {
            parts.entry(service.to_owned()).or_default().cron_jobs.push(object);
        }
    }
    for object in snapshot.jobs.iter().filter(|job| !is_hook(&job.metadata)) {
        if let Some(service) = services.service(&object.metadata) {
            parts.entry(service.to_owned()).or_default().jobs.push(object);
        }
    }
    for object in snapshot.pods.iter().filter(|pod| !is_hook(&pod.metadata)) {
        if let Some(service) = services.service(&object.metadata) {
            let found = parts.entry(service.to_owned()).or_default();
            found.pods.push(object);
            if controller(&object.metadata).is_none() {
                found.controllers.push(of_bare_pod(object));
            }
        }
    }
    for object in snapshot.services.iter() {
        // A Service alone runs nothing.
        if let Some(found) = services.service(&object.metadata).and_then(|service| parts.get_mut(service)) {
            found.load_balancers.push(object);
        }
    }
    parts.into_iter().map(|(service, parts)| (service, parts.running(snapshot))).collect()
}

impl Parts<'_> {
    fn running(mut self, snapshot: &NamespaceSnapshot) -> RunningService {
        self.pods.sort_by_key(|pod| (&pod.metadata.creation_timestamp, &pod.metadata.name));
        self.jobs.sort_by_key(|job| (&job.metadata.creation_timestamp, &job.metadata.name));
        let is_job = self.controllers.is_empty() && !(self.jobs.is_empty() && self.cron_jobs.is_empty());
        let newest = self.jobs.last().copied();
        if is_job {
            // Earlier runs are kept for a while; what is shown is the last one.
            let uid = newest.and_then(|job| job.metadata.uid.as_ref());
            self.pods.retain(|pod| !has_ended(pod) || uid.is_some_and(|uid| controller(&pod.metadata) == Some(uid)));
        }
        let pods: Vec<RunningPod> = self.pods.iter().map(|pod| running_pod(snapshot, pod)).collect();
        let last_run = newest.filter(|_| is_job).map(job_run);
        let Balanced { addresses, pending } = balanced(&self.load_balancers);
        let (status, reason) = match if is_job { self.job_status(&pods, last_run.as_ref()) } else { self.status(&pods) } {
            // It runs, and the outside does not reach it.
            (RunningStatus::Running, None) if pending.is_some() => (RunningStatus::Warning, pending),
            other => other,
        };
        let sum = |count: fn(&Controller) -> u32| self.controllers.iter().map(count).sum();
        RunningService { status, reason, ready: sum(|one| one.ready), wanted: sum(|one| one.wanted), addresses, pods, last_run }
    }

    /// Of what is to run all the time.
    fn status(&self, pods: &[RunningPod]) -> (RunningStatus, Option<String>) {
        let (wanted, available) = self.controllers.iter().fold((0, 0), |(wanted, available), controller| {
            (wanted + controller.wanted, available + controller.available.min(controller.wanted))
        });
        if wanted == 0 {
            let leaving = self.pods.iter().any(|pod| !has_ended(pod));
            return (if leaving { RunningStatus::Stopping } else { RunningStatus::Stopped }, None);
        }
        let own = || self.controllers.iter().find_map(|controller| controller.trouble.clone());
        // A pod that was thrown out of its node stays to be seen, and has been replaced.
        let trouble = pods.iter().filter(|pod| pod.phase != "Failed").find_map(|pod| pod.reason.clone()).or_else(own);
        let again = || self.pods.iter().find_map(|pod| restarted(pod));
        let trouble = if available < wanted { trouble.or_else(again) } else { trouble };
        let status = match (&trouble, available) {
            (None, _) if available >= wanted => RunningStatus::Running,
            (None, _) => RunningStatus::Starting,
            (Some(_), 0) => RunningStatus::Error,
            (Some(_), _) => RunningStatus::Warning,
        };
        (status, trouble)
    }

    /// Of what runs to its end.
    fn job_status(&self, pods: &[RunningPod], last: Option<&JobRun>) -> (RunningStatus, Option<String>) {
        let suspended = |job: &CronJob| job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true));
        let stopped = !self.cron_jobs.is_empty() && self.cron_jobs.iter().all(|job| suspended(job));
        let trouble = pods.iter().find_map(|pod| pod.reason.clone());
        let runs = pods.iter().any(|pod| pod.phase == "Running");
        match last.map(|last| &last.state) {
            Some(JobRunState::Running) => match trouble {
                Some(trouble) if runs => (RunningStatus::Warning, Some(trouble)),
                Some(trouble) => (RunningStatus::Error, Some(trouble)),
                None if runs => (RunningStatus::Running, None),
                None => (RunningStatus::Starting, None),
            },
            _ if stopped => (RunningStatus::Stopped, None),
            Some(JobRunState::Succeeded { .. }) => (RunningStatus::Completed, None),
            Some(JobRunState::Failed { reason, .. }) => (RunningStatus::Error, Some(trouble.unwrap_or_else(|| reason.clone()))),
            None => (RunningStatus::Completed, Some("it has not run yet".to_owned())),
        }
    }
}

fn count(number: Option<i32>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// What is being deleted wants no pods.
fn wanted(object: &ObjectMeta, replicas: Option<i32>) -> u32 {
    if object.deletion_timestamp.is_some() { 0 } else { count(replicas) }
}

fn of_deployment(deployment: &Deployment) -> Controller {
    let replicas = deployment.spec.as_ref().map_or(Some(0), |spec| spec.replicas.or(Some(1)));
    let status = deployment.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let trouble = conditions.iter().find(|condition| {
        (condition.type_ == "ReplicaFailure" && condition.status == "True")
            || (condition.type_ == "Progressing" && condition.reason.as_deref() == Some("ProgressDeadlineExceeded"))
    });
    Controller {
        wanted: wanted(&deployment.metadata, replicas),
        available: count(status.and_then(|status| status.available_replicas)),
        ready: count(status.and_then(|status| status.ready_replicas)),
        trouble: trouble.map(|condition| {
            let reason = clause(condition.reason.as_deref().unwrap_or(&condition.type_));
            format!("{reason}: {}", clause(condition.message.as_deref().unwrap_or_default()))
        }),
    }
}

fn of_stateful_set(set: &StatefulSet) -> Controller {
    let replicas = set.spec.as_ref().map_or(Some(0), |spec| spec.replicas.or(Some(1)));
    let ready = count(set.status.as_ref().and_then(|status| status.ready_replicas));
    // Old clusters do not tell what is available.
    let available = set.status.as_ref().and_then(|status| status.available_replicas);
    let available = available.map_or(ready, |available| count(Some(available)));
    Controller { wanted: wanted(&set.metadata, replicas), available, ready, trouble: None }
}

fn of_daemon_set(set: &DaemonSet) -> Controller {
    let status = set.status.as_ref();
    Controller {
        wanted: wanted(&set.metadata, status.map(|status| status.desired_number_scheduled)),
        available: count(status.and_then(|status| status.number_available)),
        ready: count(status.map(|status| status.number_ready)),
        trouble: None,
    }
}

fn of_bare_pod(pod: &Pod) -> Controller {
    let ready = u32::from(is_ready(pod));
    let wanted = u32::from(!is_leaving(pod) && !has_ended(pod));
    Controller { wanted, available: ready, ready, trouble: None }
}

/// What Helm runs around a release is no part of what runs.
fn is_hook(object: &ObjectMeta) -> bool {
    object.annotations.as_ref().is_some_and(|annotations| annotations.contains_key("helm.sh/hook"))
}

fn job_run(job: &Job) -> JobRun {
    let status = job.status.as_ref();
    let state = if let Some(done) = job_condition(job, "Complete") {
        let at = status.and_then(|status| status.completion_time.as_ref()).or(done.last_transition_time.as_ref());
        JobRunState::Succeeded { at: at.map(|time| time.0) }
    } else if let Some(failed) = job_condition(job, "Failed") {
        let reason = clause(failed.reason.as_deref().unwrap_or("Failed"));
        let message = clause(failed.message.as_deref().unwrap_or_default());
        let at = failed.last_transition_time.as_ref().map(|time| time.0);
        JobRunState::Failed { at, reason: format!("{reason}: {message}") }
    } else {
        JobRunState::Running
    };
    let started = status.and_then(|status| status.start_time.as_ref()).map(|time| time.0);
    JobRun { name: job.metadata.name.clone().unwrap_or_default(), started, state }
}
