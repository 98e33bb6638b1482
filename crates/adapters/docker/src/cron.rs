//! Cron jobs, run while the server runs.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use slipway_core::failure::Failure;
use slipway_core::model::{Job, JobTrigger, ServiceKind};
use slipway_ports::{CancellationToken, Silent};
use tokio::task::JoinSet;

use crate::containers::{self, Container};
use crate::job;
use crate::local::LocalDocker;
use crate::record::{Place, Wanted};
use crate::rollout::retire;
use crate::schedule::Schedule;

/// The clock is looked at again after this long, in case it has jumped.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// So many runs that have ended are kept, to be looked at.
const KEPT_RUNS: usize = 3;

/// A schedule, and the text that it was read from.
struct Planned {
    text: (String, Option<String>),
    schedule: Schedule,
}

/// Begins runs when their time has come, until it is told to stop. What runs goes on, as containers do.
pub(crate) async fn keep(local: &LocalDocker, stop: CancellationToken) {
    let mut changes = local.records.changes();
    let mut planned: BTreeMap<Place, Planned> = BTreeMap::new();
    let mut running = JoinSet::new();
    loop {
        changes.mark_unchanged();
        let now = Timestamp::now();
        let jobs = jobs(local);
        plan(&mut planned, &jobs, now);
        for (place, plan) in &mut planned {
            if plan.schedule.is_due(now)
                && let Some(wanted) = jobs.get(place)
            {
                let (local, namespace, wanted) = (local.clone(), place.0.clone(), run_of(wanted, now));
                running.spawn(async move { begin(&local, &namespace, &wanted).await });
            }
        }
        let next = planned.values().filter_map(|planned| planned.schedule.next()).min();
        let until = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok()).unwrap_or(LONGEST_SLEEP);
        tokio::select! {
            () = stop.cancelled() => return,
            _ = changes.changed() => {}
            () = tokio::time::sleep(until.min(LONGEST_SLEEP)) => {}
            Some(_) = running.join_next() => {}
        }
    }
}

/// The cron jobs that are not stopped.
fn jobs(local: &LocalDocker) -> BTreeMap<Place, Wanted> {
    let all = local.records.all().into_iter().filter_map(|(place, record)| Some((place, record.newest()?.wanted.clone())));
    all.filter(|(_, wanted)| !wanted.stopped && trigger(wanted).is_some()).collect()
}

/// Schedule, time zone and concurrency of a cron job.
fn trigger(wanted: &Wanted) -> Option<(&str, Option<&str>, &str)> {
    match &wanted.service.kind {
        ServiceKind::Job(Job { trigger: JobTrigger::Cron { schedule, timezone, concurrency }, .. }) => {
            Some((schedule, timezone.as_deref(), concurrency))
        }
        _ => None,
    }
}

/// Keeps the schedules that are as they were; reads those that are new.
fn plan(planned: &mut BTreeMap<Place, Planned>, jobs: &BTreeMap<Place, Wanted>, now: Timestamp) {
    planned.retain(|place, _| jobs.contains_key(place));
    for (place, wanted) in jobs {
        let Some((cron, timezone, _)) = trigger(wanted) else { continue };
        let text = (cron.to_owned(), timezone.map(str::to_owned));
        if planned.get(place).is_some_and(|planned| planned.text == text) {
            continue;
        }
        match Schedule::read(cron, timezone, now) {
            Ok(schedule) => {
                planned.insert(place.clone(), Planned { text, schedule });
            }
            Err(reason) => tracing::error!(job = place.1, reason, "the schedule of a cron job can not be read; it does not run"),
        }
    }
}

/// The job as one run of it, named after its minute.
fn run_of(wanted: &Wanted, now: Timestamp) -> Wanted {
    Wanted { run: format!("c{}", now.as_second() / 60), ..wanted.clone() }
}

async fn begin(local: &LocalDocker, namespace: &str, wanted: &Wanted) {
    if let Err(failure) = try_begin(local, namespace, wanted).await {
        tracing::warn!(job = %wanted.service.name, namespace, %failure, "a run of a cron job has failed");
    }
}

async fn try_begin(local: &LocalDocker, namespace: &str, wanted: &Wanted) -> Result<(), Failure> {
    let service = wanted.service.name.as_str();
    let docker = local.engine.docker().await?;
    let before = containers::list(docker, namespace, Some(service)).await?;
    let (running, ended): (Vec<Container>, Vec<Container>) = before.into_iter().partition(Container::is_running);
    let concurrency = trigger(wanted).map_or("allow", |(_, _, concurrency)| concurrency);
    match concurrency {
        "forbid" if !running.is_empty() => {
            tracing::info!(job = service, namespace, "the run before goes on, so this one is left out");
            return Ok(());
        }
        "replace" => retire(local, &running).await?,
        _ => {}
    }
    retire(local, &oldest(ended)).await?;
    local.run(namespace, wanted).await
}

/// All but the newest runs.
fn oldest(mut ended: Vec<Container>) -> Vec<Container> {
    ended.sort_by(|a, b| (&b.run, b.ordinal).cmp(&(&a.run, a.ordinal)));
    let mut runs: Vec<Option<String>> = ended.iter().map(|container| container.run.clone()).collect();
    runs.dedup();
    let kept: Vec<_> = runs.into_iter().take(KEPT_RUNS - 1).collect();
    ended.retain(|container| !kept.contains(&container.run));
    ended
}

impl LocalDocker {
    /// One run of a cron job, to its end.
    async fn run(&self, namespace: &str, wanted: &Wanted) -> Result<(), Failure> {
        self.have_image(namespace, wanted, &CancellationToken::new()).await?;
        job::run(self, namespace, wanted, &Silent, &CancellationToken::new()).await
    }
}
