//! Time, for who wants to watch: a world with a pace takes its while for builds and rollouts, says lines, and lets run what was released.
//!
//! A service whose name ends with `-breaks` fails in its build, and one with `-fails` in its rollout.

use std::time::Duration;

use jiff::Timestamp;
use slipway_core::failure::{Code, Failure};
use slipway_core::names::sha256_hex;
use slipway_core::running::RunningStatus;

use super::World;
use crate::{Activity, CancellationToken, Progress, RolloutKind, RolloutRequest, RunningContainer, RunningPod, RunningService};

/// How long things take on average. Each service has its own share, from half to one and a half, always the same.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// A build.
    pub build: Duration,
    /// So many lines a build says.
    pub lines: u32,
    /// A rollout.
    pub rollout: Duration,
}

impl Pace {
    /// The share of a service, in percent.
    fn share(name: &str) -> u32 {
        50 + u32::from_str_radix(&sha256_hex(name.as_bytes())[..6], 16).unwrap_or_default() % 101
    }
}

impl World {
    /// From now on things take time.
    pub fn paced(&self, pace: Pace) {
        self.told().pace = Some(pace);
    }

    pub(super) fn pace(&self) -> Option<Pace> {
        self.told().pace
    }

    /// Builds for a while.
    pub(super) async fn build_at_pace(
        &self,
        name: &str,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let Some(pace) = self.pace() else { return Ok(()) };
        progress.activity(Activity::Building);
        let whole = pace.build * Pace::share(name) / 100;
        // Lines that come faster than a timer ticks come in bunches.
        let ticks = pace.lines.clamp(1, 50);
        for tick in 0..ticks {
            if tick == ticks - ticks / 5 {
                progress.activity(Activity::Pushing);
            }
            pass(whole / ticks, cancel).await?;
            for line in pace.lines * tick / ticks..pace.lines * (tick + 1) / ticks {
                progress.line(&format!("#{line} \u{1b}[32mcompiling\u{1b}[0m part {line} of {name}"));
            }
        }
        if name.ends_with("-breaks") {
            progress.line("error: the part does not compile");
            return Err(Failure::permanent(Code::BuildFailed, "the step `RUN make` ends with code 2"));
        }
        Ok(())
    }

    /// Waits for a rollout for a while; what it ends with runs then.
    pub(super) async fn roll_out_at_pace(
        &self,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let Some(pace) = self.pace() else { return Ok(()) };
        let name = request.release.as_str();
        if request.kind == RolloutKind::Gone {
            self.runs(name, None);
            return Ok(());
        }
        self.runs(name, Some(one_pod(name, RunningStatus::Starting)));
        pass(pace.rollout * Pace::share(name) / 100, cancel).await?;
        if name.ends_with("-fails") {
            self.runs(name, Some(one_pod(name, RunningStatus::Error)));
            progress.line("panic: no route to the database");
            let failure = Failure::permanent(Code::CrashLoop, format!("pod {name}-0: CrashLoopBackOff, exit code 1"));
            return Err(failure.with_hint(format!("read what it wrote: slipway logs {name}")));
        }
        self.runs(name, Some(one_pod(name, RunningStatus::Running)));
        Ok(())
    }
}

async fn pass(time: Duration, cancel: &CancellationToken) -> Result<(), Failure> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = cancel.cancelled() => Err(Failure::canceled("it was canceled")),
    }
}

fn one_pod(name: &str, status: RunningStatus) -> RunningService {
    let ready = status == RunningStatus::Running;
    let reason = (status == RunningStatus::Error).then(|| "CrashLoopBackOff: exit code 1".to_owned());
    let container = RunningContainer { name: name.to_owned(), image: format!("registry.test/{name}"), digest: None, restarts: 0 };
    let pod = RunningPod {
        name: format!("{name}-0"),
        phase: "Running".to_owned(),
        ready,
        reason: reason.clone(),
        node: None,
        started: Some(Timestamp::now()),
        containers: vec![container],
    };
    RunningService { status, reason, ready: u32::from(ready), wanted: 1, addresses: Vec::new(), pods: vec![pod], last_run: None }
}
