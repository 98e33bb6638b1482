//! What runs, in words.

use slipway_core::running::RunningStatus;
use slipway_ports::api::{RunningPodView, RunningServiceView, RunningView};

use crate::elapsed;
use crate::output;

/// `running 2/2`; a job has no number of pods.
pub(super) fn status(service: &RunningServiceView) -> String {
    let word = service.status.as_str();
    if service.wanted > 0 { format!("{word} {}/{}", service.ready, service.wanted) } else { word.to_owned() }
}

/// A table of services, each with its pods beneath where they tell more.
pub(super) fn rows(view: &RunningView) -> Vec<String> {
    let mut rows = Vec::new();
    for service in &view.services {
        rows.push(vec![
            service.name.clone(),
            status(service),
            restarts(service.restarts),
            service.pods.last().map_or(String::new(), age),
            last_run(service).or(service.reason.clone()).unwrap_or_default(),
        ]);
        let tells_more = service.pods.len() > 1 || service.status != RunningStatus::Running;
        for pod in service.pods.iter().filter(|_| tells_more) {
            rows.push(vec![
                format!("  {}", pod.name),
                pod.phase.to_lowercase(),
                restarts(pod.restarts),
                age(pod),
                pod.reason.clone().filter(|reason| Some(reason) != service.reason.as_ref()).unwrap_or_default(),
            ]);
        }
    }
    output::columns(&["SERVICE", "RUNNING", "RESTARTS", "AGE", "REASON"], &rows)
}

fn restarts(count: u32) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

fn age(pod: &RunningPodView) -> String {
    pod.started.map(elapsed::age).unwrap_or_default()
}

/// How the last run of a job went, and why.
fn last_run(service: &RunningServiceView) -> Option<String> {
    let run = service.last_run.as_ref()?;
    let when = run.ended.or(run.started).map_or(String::new(), |at| format!(" {}", elapsed::age(at)));
    let reason = service.reason.as_ref().or(run.reason.as_ref()).map_or(String::new(), |reason| format!(": {reason}"));
    Some(format!("last run {}{when}{reason}", run.state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, status: RunningStatus, ready: u32, wanted: u32, reason: Option<&str>) -> RunningServiceView {
        let pod = |number: u32| RunningPodView {
            name: format!("{name}-{number}"),
            phase: "Running".to_owned(),
            ready: true,
            reason: reason.map(str::to_owned),
            node: None,
            started: None,
            restarts: 0,
            containers: Vec::new(),
        };
        RunningServiceView {
            name: name.to_owned(),
            status,
            reason: reason.map(str::to_owned),
            ready,
            wanted,
            restarts: u32::from(reason.is_some()) * 3,
            digest: None,
            addresses: Vec::new(),
            pods: (0..wanted).map(pod).collect(),
            last_run: None,
        }
    }

    #[test]
    fn pods_are_shown_where_they_tell_more() {
        let view = RunningView {
            status: RunningStatus::Warning,
            target: "dev".to_owned(),
            services: vec![
                service("db", RunningStatus::Running, 1, 1, None),
                service("api", RunningStatus::Warning, 1, 2, Some("CrashLoopBackOff: exit code 3")),
                service("nightly", RunningStatus::Completed, 0, 0, None),
            ],
        };
        insta::assert_snapshot!(rows(&view).join("\n"), @"
        SERVICE  RUNNING      RESTARTS  AGE  REASON
        db       running 1/1
        api      warning 1/2  3              CrashLoopBackOff: exit code 3
          api-0  running
          api-1  running
        nightly  completed
        ");
    }
}
