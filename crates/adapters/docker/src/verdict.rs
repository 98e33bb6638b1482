//! The verdict of a rollout: a pure function of what was seen.

use slipway_core::failure::{Code, Failure};

use crate::containers::Life;
use crate::health::{Condition, Seen};

/// So many restarts are a crash loop.
const RESTARTS: u32 = 3;

/// What is to be said of a rollout now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All containers are ready.
    Ready,
    /// It can't become ready any more.
    Failed(Finding),
    /// Look again when something changes.
    Waiting,
}

/// Why a rollout failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) failure: Failure,
    /// Whose last lines belong to it.
    pub(crate) container: Option<String>,
}

/// The verdict over the containers of the new generation, of which there are to be so many.
pub(crate) fn verdict(seen: &[Seen], replicas: u32) -> Verdict {
    if let Some(crashing) = seen.iter().find(|seen| is_crashing(seen)) {
        return Verdict::Failed(crash(crashing));
    }
    let ready = seen.iter().filter(|seen| is_ready(seen)).count();
    if ready >= replicas as usize { Verdict::Ready } else { Verdict::Waiting }
}

/// The reason of a rollout whose time is over.
pub(crate) fn at_timeout(release: &str, seen: &[Seen], replicas: u32, seconds: u64) -> Finding {
    let slow = seen.iter().find(|seen| !is_ready(seen));
    let container = slow.map(|seen| seen.container.id.clone());
    if let Some(Seen { container: found, said: Some(said), .. }) = slow {
        let message = format!("container {} never became ready: {said} (not ready within {seconds} s)", found.name);
        let failure =
            Failure::permanent(Code::ProbeFailed, message).with_hint("correct the probe (port, path, delays) or what it asks");
        return Finding { failure, container };
    }
    let state = state(seen, replicas);
    let failure = Failure::permanent(Code::RolloutTimeout, format!("{release} did not become ready within {seconds} s: {state}"))
        .with_hint("look at its containers: docker ps --all --filter label=slipway.dev/service");
    Finding { failure, container }
}

/// How far a rollout has come, in words.
pub(crate) fn state(seen: &[Seen], replicas: u32) -> String {
    let ready = seen.iter().filter(|seen| is_ready(seen)).count();
    let restarted: u32 = seen.iter().map(|seen| seen.container.restarts + seen.probe_restarts).sum();
    let restarts = if restarted > 0 { format!(", {restarted} restarts") } else { String::new() };
    format!("{ready} of {replicas} containers ready{restarts}")
}

fn is_ready(seen: &Seen) -> bool {
    seen.condition == Condition::Ready && seen.container.is_running()
}

fn is_crashing(seen: &Seen) -> bool {
    let ends = matches!(seen.container.life, Life::Restarting(_) | Life::Ended(_));
    (ends && seen.container.restarts >= RESTARTS) || (!is_ready(seen) && seen.probe_restarts >= RESTARTS)
}

fn crash(seen: &Seen) -> Finding {
    let (how, out_of_memory) = match &seen.container.life {
        Life::Restarting(ended) | Life::Ended(ended) => (ended.words(), ended.out_of_memory),
        Life::Created | Life::Running => ("a probe had it started anew".to_owned(), false),
    };
    let probe = seen.given_up.as_ref().map(|said| format!("; {said}")).unwrap_or_default();
    let hint = match (out_of_memory, probe.is_empty()) {
        (true, _) => "give the service more memory, or make it use less",
        (false, false) => "it is started anew because the probe fails: correct the probe or what it asks",
        (false, true) => "read the last lines: the program ends by itself",
    };
    let times = seen.container.restarts + seen.probe_restarts;
    let message = format!("container {} was restarted {times} times: {how}{probe}", seen.container.name);
    Finding { failure: Failure::permanent(Code::CrashLoop, message).with_hint(hint), container: Some(seen.container.id.clone()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use slipway_core::model::Probes;

    use super::*;
    use crate::containers::{Container, Ended};

    pub(crate) fn seen(life: Life, condition: Condition, restarts: u32) -> Seen {
        let container = Container {
            id: "c".to_owned(),
            name: "ns-web-a-0".to_owned(),
            namespace: "ns".to_owned(),
            service: "web".to_owned(),
            generation: "a".to_owned(),
            ordinal: 0,
            run: None,
            image: "i".to_owned(),
            shape: String::new(),
            probes: Probes::default(),
            life,
            is_leaving: false,
            restarts,
            started_at: String::new(),
            finished_at: String::new(),
            address: None,
            ports: BTreeMap::new(),
        };
        Seen::new(container, condition)
    }

    pub(crate) fn ended(code: i64) -> Ended {
        Ended { code, out_of_memory: false, error: String::new() }
    }

    #[test]
    fn all_of_them_have_to_be_ready() {
        let ready = || seen(Life::Running, Condition::Ready, 0);
        assert_eq!(verdict(&[ready(), ready()], 2), Verdict::Ready);
        assert_eq!(verdict(&[ready()], 2), Verdict::Waiting);
        assert_eq!(verdict(&[ready(), seen(Life::Running, Condition::Starting, 0)], 2), Verdict::Waiting);
        let stopped_meanwhile = seen(Life::Ended(ended(0)), Condition::Ready, 0);
        assert_eq!(verdict(&[stopped_meanwhile], 1), Verdict::Waiting);
        assert_eq!(verdict(&[seen(Life::Running, Condition::Ready, 9)], 1), Verdict::Ready, "it has come up in the end");
    }

    #[test]
    fn b05_three_restarts_are_a_crash_loop_with_the_exit_code() {
        assert_eq!(verdict(&[seen(Life::Restarting(ended(3)), Condition::Starting, 2)], 1), Verdict::Waiting);
        let Verdict::Failed(finding) = verdict(&[seen(Life::Restarting(ended(3)), Condition::Starting, 3)], 1) else {
            panic!("a crash loop")
        };
        assert_eq!(finding.failure.code, Code::CrashLoop);
        assert!(finding.failure.message.contains("exit code 3"), "{}", finding.failure);
        let by_probe = Seen {
            probe_restarts: 3,
            said: Some("Readiness probe failed: y".to_owned()),
            given_up: Some("Liveness probe failed: x".to_owned()),
            ..seen(Life::Running, Condition::Starting, 0)
        };
        let Verdict::Failed(finding) = verdict(&[by_probe], 1) else { panic!("a crash loop") };
        assert!(finding.failure.message.contains("Liveness probe failed"), "{}", finding.failure);
    }

    #[test]
    fn the_reason_of_a_rollout_that_took_too_long_is_the_probe_if_that_failed() {
        let slow = || seen(Life::Running, Condition::Starting, 0);
        assert_eq!(at_timeout("web", &[slow()], 1, 5).failure.code, Code::RolloutTimeout);
        let failing = Seen { said: Some("Readiness probe failed: 503".to_owned()), ..slow() };
        let finding = at_timeout("web", &[failing], 1, 5);
        assert_eq!(finding.failure.code, Code::ProbeFailed);
        assert!(finding.failure.message.contains("503"));
    }
}
