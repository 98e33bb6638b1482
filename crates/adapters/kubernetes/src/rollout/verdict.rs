//! The verdict: a pure function of what was seen.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use slipway_core::failure::Code;
use slipway_ports::RolloutKind;

use super::concern::{Concern, Finding, Grace, LogSource, Since};
use super::snapshot::{Snapshot, daemon_set_is_current, deployment_is_current, stateful_set_is_current};
use super::{admission, pods};
use crate::text::clause;

/// How long the main object may be missing: Helm made it before we look.
const MISSING_GRACE: Duration = Duration::from_secs(15);

/// How long a container without a readiness probe has to run, counting what the object itself waits before a pod is available.
const SETTLING: Duration = Duration::from_secs(3);
/// The same, for one that was restarted.
const SETTLING_AFTER_RESTART: Duration = Duration::from_secs(12);

/// What is to be said of a rollout now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is done.
    Ready,
    /// It can't become ready any more.
    Failed(Finding),
    /// Look again when something changes, or at this time.
    Waiting(Option<Duration>),
}

/// The verdict at a time, which counts from the beginning of the watch.
pub(crate) fn verdict(snapshot: &Snapshot, since: &mut Since, grace: Duration, now: Duration) -> Verdict {
    if is_ready(snapshot) {
        let settled = since.ready(now) + settling(snapshot);
        return if settled <= now { Verdict::Ready } else { Verdict::Waiting(Some(settled)) };
    }
    since.not_ready();
    match since.judge(&concerns(snapshot, grace), now) {
        Ok(next) => Verdict::Waiting(next),
        Err(finding) => Verdict::Failed(finding),
    }
}

/// Whether a rollout whose time is over may count as done, though it has not been ready for long.
pub(crate) fn is_ready_at_timeout(snapshot: &Snapshot) -> bool {
    is_ready(snapshot) && !pods::has_restarts(snapshot)
}

/// How long the release has to stay ready. A container without a readiness probe is ready as soon as it is started, also
/// one that ends in the next moment; one that did so before is waited for longer than the kubelet's first pause.
fn settling(snapshot: &Snapshot) -> Duration {
    match &snapshot.subject.kind {
        RolloutKind::Deployment | RolloutKind::StatefulSet | RolloutKind::DaemonSet if pods::lacks_probe(snapshot) => {
            if pods::has_restarts(snapshot) {
                SETTLING_AFTER_RESTART
            } else {
                SETTLING.saturating_sub(snapshot.min_ready())
            }
        }
        RolloutKind::Deployment
        | RolloutKind::StatefulSet
        | RolloutKind::DaemonSet
        | RolloutKind::Job { .. }
        | RolloutKind::CronJob
        | RolloutKind::Gone => Duration::ZERO,
    }
}

/// The reason of a rollout whose time is over.
pub(crate) fn at_timeout(snapshot: &Snapshot, grace: Duration, timeout: Duration) -> Finding {
    let seconds = timeout.as_secs();
    if let Some(concern) = concerns(snapshot, grace).into_iter().next() {
        let finding = concern.finding;
        return Finding { message: format!("{} (not ready within {seconds} s)", finding.message), ..finding };
    }
    let subject = &snapshot.subject;
    let state = super::narrate::state(snapshot);
    match &subject.kind {
        RolloutKind::Job { .. } => Finding {
            code: Code::JobTimeout,
            message: format!("job {} did not end within {seconds} s: {state}", subject.name),
            hint: "give the job more time (maxDuration), or make it shorter".to_owned(),
            logs: pods::any_log(snapshot),
        },
        RolloutKind::Gone => Finding {
            code: Code::RolloutTimeout,
            message: format!("the pods of {} are still there after {seconds} s: {state}", subject.name),
            hint: format!("look at what keeps them: kubectl -n {} describe pods", subject.namespace),
            logs: None,
        },
        RolloutKind::Deployment | RolloutKind::StatefulSet | RolloutKind::DaemonSet | RolloutKind::CronJob => Finding {
            code: Code::RolloutTimeout,
            message: format!("{} did not become ready within {seconds} s: {state}", subject.name),
            hint: format!("look at its pods: kubectl -n {} get pods,events", subject.namespace),
            logs: pods::any_log(snapshot),
        },
    }
}

/// Whether nothing is left to wait for.
fn is_ready(snapshot: &Snapshot) -> bool {
    match &snapshot.subject.kind {
        RolloutKind::Deployment => deployment_is_ready(snapshot),
        RolloutKind::StatefulSet => stateful_set_is_ready(snapshot),
        RolloutKind::DaemonSet => daemon_set_is_ready(snapshot),
        RolloutKind::Job { .. } => snapshot.job().is_some_and(|job| job_condition(job, "Complete").is_some()),
        RolloutKind::CronJob => snapshot.cron_jobs.get(&snapshot.subject.name).is_some(),
        RolloutKind::Gone => snapshot.pods.iter().next().is_none(),
    }
}

fn deployment_is_ready(snapshot: &Snapshot) -> bool {
    let Some(deployment) = snapshot.deployment().filter(|deployment| deployment_is_current(deployment)) else { return false };
    let (Some(spec), Some(status)) = (&deployment.spec, &deployment.status) else { return false };
    let wanted = spec.replicas.unwrap_or(1);
    let count = |number: Option<i32>| number.unwrap_or(0);
    count(status.updated_replicas) == wanted
        && count(status.replicas) == wanted
        && count(status.available_replicas) == wanted
        && count(status.ready_replicas) == wanted
}

fn stateful_set_is_ready(snapshot: &Snapshot) -> bool {
    let Some(set) = snapshot.stateful_set().filter(|set| stateful_set_is_current(set)) else { return false };
    let (Some(spec), Some(status)) = (&set.spec, &set.status) else { return false };
    let wanted = spec.replicas.unwrap_or(1);
    if status.replicas != wanted || status.ready_replicas.unwrap_or(0) != wanted {
        return false;
    }
    if !snapshot.min_ready().is_zero() && status.available_replicas.unwrap_or(0) != wanted {
        return false;
    }
    if spec.update_strategy.as_ref().and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
        return true;
    }
    // `currentRevision` follows `updateRevision` once every pod is updated; with no pod there is none to update.
    wanted == 0
        || (status.update_revision.is_some()
            && status.current_revision == status.update_revision
            && snapshot.new_pods().len() == usize::try_from(wanted).unwrap_or(usize::MAX))
}

fn daemon_set_is_ready(snapshot: &Snapshot) -> bool {
    let Some(set) = snapshot.daemon_set().filter(|set| daemon_set_is_current(set)) else { return false };
    let (Some(spec), Some(status)) = (&set.spec, &set.status) else { return false };
    let wanted = status.desired_number_scheduled;
    let updates = spec.update_strategy.as_ref().and_then(|strategy| strategy.type_.as_deref()) != Some("OnDelete");
    status.number_ready == wanted
        && status.number_misscheduled == 0
        && status.number_available.unwrap_or(0) == wanted
        && (!updates || status.updated_number_scheduled.unwrap_or(0) == wanted)
}

/// What stands against the rollout; what weighs most comes first.
fn concerns(snapshot: &Snapshot, grace: Duration) -> Vec<Concern> {
    let mut concerns = Vec::new();
    if snapshot.subject.kind == RolloutKind::Gone {
        // What is wrong with a pod is nothing to one that leaves.
        return concerns;
    }
    concerns.extend(missing(snapshot));
    if matches!(snapshot.subject.kind, RolloutKind::Job { .. }) {
        concerns.extend(failed_job(snapshot));
    }
    let mut of_pods = pods::concerns(snapshot, grace);
    concerns.extend(admission::concern(snapshot));
    concerns.append(&mut of_pods);
    // What ends the rollout at once is a better reason than what may pass.
    concerns.sort_by_key(|concern| match concern.grace {
        Grace::None => 0,
        Grace::For(_) => 1,
        Grace::UntilTimeout => 2,
    });
    concerns
}

fn missing(snapshot: &Snapshot) -> Option<Concern> {
    let (kind, there) = match &snapshot.subject.kind {
        RolloutKind::Deployment => ("Deployment", snapshot.deployment().is_some()),
        RolloutKind::StatefulSet => ("StatefulSet", snapshot.stateful_set().is_some()),
        RolloutKind::DaemonSet => ("DaemonSet", snapshot.daemon_set().is_some()),
        RolloutKind::Job { .. } => ("Job", snapshot.job().is_some()),
        RolloutKind::CronJob => ("CronJob", snapshot.cron_jobs.get(&snapshot.subject.name).is_some()),
        RolloutKind::Gone => return None,
    };
    let subject = &snapshot.subject;
    (!there).then(|| Concern {
        key: "missing".to_owned(),
        grace: Grace::For(MISSING_GRACE),
        finding: Finding {
            code: Code::ReleaseFailed,
            message: format!("there is no {kind} {} in namespace {}", subject.name, subject.namespace),
            hint: "somebody deleted it after it was released: deploy again".to_owned(),
            logs: None,
        },
    })
}

fn failed_job(snapshot: &Snapshot) -> Option<Concern> {
    let job = snapshot.job()?;
    let failed = job_condition(job, "Failed")?;
    let name = &snapshot.subject.name;
    let reason = failed.reason.as_deref().unwrap_or_default();
    let words = clause(failed.message.as_deref().unwrap_or(reason));
    let ended = pods::last_ended(snapshot);
    let exit = ended.as_ref().map(|ended| format!("; {}", ended.words)).unwrap_or_default();
    let logs = ended.map(|ended| LogSource { pod: ended.pod, container: ended.container }).or_else(|| pods::any_log(snapshot));
    let (code, message, hint) = if reason == "DeadlineExceeded" {
        let limit = job.spec.as_ref().and_then(|spec| spec.active_deadline_seconds);
        let limit = limit.map(|limit| format!(" of {limit} s")).unwrap_or_default();
        let message = format!("job {name} did not end within its time{limit}: {words}{exit}");
        (Code::JobTimeout, message, "give the job more time (maxDuration), or make it shorter")
    } else {
        (
            Code::JobFailed,
            format!("job {name} failed: {words}{exit}"),
            "read the job's last lines; its exit code tells its own reason",
        )
    };
    Some(Concern { key: "job".to_owned(), grace: Grace::None, finding: Finding { code, message, hint: hint.to_owned(), logs } })
}

/// A condition of a Job that holds.
pub(crate) fn job_condition<'a>(job: &'a Job, kind: &str) -> Option<&'a k8s_openapi::api::batch::v1::JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_deref()?;
    conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True")
}
