//! What runs of a service, told as of a cluster: a container is a pod. Pure functions of what was seen.

use jiff::Timestamp;
use slipway_core::model::ServiceKind;
use slipway_core::running::RunningStatus;
use slipway_ports::{JobRun, JobRunState, RunningContainer, RunningPod, RunningService};

use crate::containers::{Container, Life};
use crate::health::{Condition, Seen};
use crate::record::Wanted;
use crate::spec::{Blueprint, replicas};

/// What runs of a service.
pub(crate) fn service(wanted: &Wanted, seen: &[Seen]) -> RunningService {
    let last_run = matches!(wanted.service.kind, ServiceKind::Job(_)).then(|| last_run(seen)).flatten();
    let pods: Vec<RunningPod> = seen.iter().map(pod).collect();
    let ready = u32::try_from(pods.iter().filter(|pod| pod.ready).count()).unwrap_or(u32::MAX);
    let count = replicas(wanted);
    let (status, reason) = match (&wanted.service.kind, &last_run) {
        (ServiceKind::Job(_), run) => job(wanted.stopped, run.as_ref()),
        _ if count == 0 => (if pods.is_empty() { RunningStatus::Stopped } else { RunningStatus::Stopping }, None),
        _ => {
            let reason = pods.iter().find_map(|pod| pod.reason.clone());
            let status = match (&reason, ready) {
                (None, ready) if ready >= count => RunningStatus::Running,
                (None, _) => RunningStatus::Starting,
                (Some(_), 0) => RunningStatus::Error,
                (Some(_), _) => RunningStatus::Warning,
            };
            (status, reason)
        }
    };
    let addresses = Blueprint::of(wanted).map(|blueprint| blueprint.addresses()).unwrap_or_default();
    RunningService { status, reason, ready, wanted: count, addresses, pods, last_run }
}

fn job(stopped: bool, run: Option<&JobRun>) -> (RunningStatus, Option<String>) {
    match run.map(|run| &run.state) {
        Some(JobRunState::Running) => (RunningStatus::Running, None),
        _ if stopped => (RunningStatus::Stopped, None),
        Some(JobRunState::Succeeded { .. }) => (RunningStatus::Completed, None),
        Some(JobRunState::Failed { reason, .. }) => (RunningStatus::Error, Some(reason.clone())),
        None => (RunningStatus::Completed, Some("it has not run yet".to_owned())),
    }
}

/// The newest attempt of the newest run.
fn last_run(seen: &[Seen]) -> Option<JobRun> {
    let attempts = seen.iter().map(|seen| &seen.container).filter(|container| container.run.is_some());
    let last = attempts.max_by_key(|container| (time(&container.started_at), container.ordinal))?;
    let at = time(&last.finished_at);
    let state = match &last.life {
        Life::Created | Life::Running | Life::Restarting(_) => JobRunState::Running,
        Life::Ended(ended) if ended.code == 0 => JobRunState::Succeeded { at },
        Life::Ended(ended) => JobRunState::Failed { at, reason: ended.words() },
    };
    Some(JobRun { name: last.run_name()?, started: time(&last.started_at), state })
}

fn pod(seen: &Seen) -> RunningPod {
    let container = &seen.container;
    let (phase, reason) = match &container.life {
        Life::Created => ("Pending", None),
        Life::Running if seen.condition == Condition::NotReady || seen.probe_restarts > 0 => {
            ("Running", seen.said.clone().filter(|_| seen.condition != Condition::Ready))
        }
        Life::Running => ("Running", None),
        Life::Restarting(ended) => ("Running", Some(format!("restarted {} times: {}", container.restarts, ended.words()))),
        Life::Ended(ended) if ended.code == 0 && container.run.is_some() => ("Succeeded", None),
        Life::Ended(ended) => ("Failed", Some(ended.words())),
    };
    RunningPod {
        name: container.name.clone(),
        phase: phase.to_owned(),
        ready: seen.condition == Condition::Ready && container.is_running(),
        reason,
        node: None,
        started: time(&container.started_at),
        containers: vec![shown(container, seen.probe_restarts)],
    }
}

fn shown(container: &Container, probe_restarts: u32) -> RunningContainer {
    RunningContainer {
        name: container.service.clone(),
        image: container.image.clone(),
        digest: container.image.split_once('@').map(|(_, digest)| digest.to_owned()),
        restarts: container.restarts + probe_restarts,
    }
}

/// A time of the engine; what has not happened yet is in the year 1.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|time: &Timestamp| time.as_second() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::wanted;
    use crate::verdict::tests::{ended, seen};

    const WEB: &str =
        "  - name: web\n    container: {image: {name: docker.io/library/web, tag: '1'}}\n    instances: {min: 2, max: 2}";
    const JOB: &str = "  - name: job\n    job: {on: [start], source: {image: {name: docker.io/library/a, tag: '1'}}}";

    #[test]
    fn a_service_is_told_in_one_word() {
        let (ready, starting) = (seen(Life::Running, Condition::Ready, 0), seen(Life::Running, Condition::Starting, 0));
        let crashing = seen(Life::Restarting(ended(3)), Condition::Starting, 2);
        let failing =
            Seen { said: Some("Readiness probe failed: 503".to_owned()), ..seen(Life::Running, Condition::NotReady, 0) };
        for (of, expected) in [
            (vec![ready.clone(), ready.clone()], RunningStatus::Running),
            (vec![ready.clone(), starting.clone()], RunningStatus::Starting),
            (vec![ready.clone(), failing.clone()], RunningStatus::Warning),
            (vec![crashing.clone(), starting], RunningStatus::Error),
            (vec![], RunningStatus::Starting),
        ] {
            assert_eq!(service(&wanted(WEB), &of).status, expected, "{of:?}");
        }
        assert_eq!(service(&wanted(WEB), &[failing]).reason.as_deref(), Some("Readiness probe failed: 503"));
        let stopped = Wanted { stopped: true, ..wanted(WEB) };
        assert_eq!(service(&stopped, &[]).status, RunningStatus::Stopped);
        assert_eq!(service(&stopped, &[ready]).status, RunningStatus::Stopping);
    }

    #[test]
    fn what_is_public_without_a_host_tells_its_address() {
        let of = |service: &str| self::service(&wanted(service), &[]).addresses;
        let image = "image: {name: docker.io/library/a, tag: '1'}";
        let web = format!(
            "  - name: web\n    container: {{{image}}}\n    ports: [{{internal: 80, public: true}}, {{internal: 53, external: 54, protocol: udp, public: true}}, {{internal: 1, protocol: tcp}}]"
        );
        assert_eq!(of(&web), ["127.0.0.1:54/udp"]);
        assert_eq!(of("  - name: db\n    database: {type: redis, version: '7', access: public}"), ["127.0.0.1:6379"]);
        assert_eq!(of("  - name: db\n    database: {type: redis, version: '7'}"), [""; 0]);
    }

    #[test]
    fn a_job_is_as_its_last_run() {
        let attempt = |life: Life, started: &str| {
            let mut attempt = seen(life, Condition::Starting, 0);
            attempt.container.run = Some("r".to_owned());
            attempt.container.started_at = started.to_owned();
            attempt
        };
        let failed = attempt(Life::Ended(ended(1)), "2026-01-01T00:00:00Z");
        let succeeded = attempt(Life::Ended(ended(0)), "2026-01-01T00:00:05Z");
        assert_eq!(service(&wanted(JOB), std::slice::from_ref(&failed)).status, RunningStatus::Error);
        let told = service(&wanted(JOB), &[succeeded, failed]);
        assert_eq!((told.status, told.last_run.unwrap().name.as_str()), (RunningStatus::Completed, "web-r"));
        assert_eq!(service(&wanted(JOB), &[]).reason.as_deref(), Some("it has not run yet"));
    }
}
