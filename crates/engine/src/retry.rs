//! Trying again what may succeed later.

use std::future::Future;
use std::time::Duration;

use slipway_core::failure::{Failure, FailureKind};
use slipway_ports::{CancellationToken, Progress};

/// How often, and how patiently.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Before the second attempt; doubles from there.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, first_pause: Duration::from_millis(250), longest_pause: Duration::from_secs(5) }
    }
}

impl RetryPolicy {
    /// Runs `operation` until it succeeds, fails for good, is canceled, or has had its attempts.
    pub(crate) async fn run<T, F>(
        &self,
        progress: &dyn Progress,
        cancel: &CancellationToken,
        mut operation: impl FnMut() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut pause = self.first_pause;
        let mut attempt = 1;
        loop {
            if cancel.is_cancelled() {
                return Err(Failure::canceled("canceled before it began"));
            }
            match operation().await {
                Err(failure) if failure.kind == FailureKind::Retry && attempt < self.attempts => {
                    progress.line(&format!("{failure}; trying again in {:.1} s", pause.as_secs_f32()));
                }
                done => return done,
            }
            tokio::select! {
                () = cancel.cancelled() => return Err(Failure::canceled("canceled while waiting to try again")),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(self.longest_pause);
            attempt += 1;
        }
    }
}
