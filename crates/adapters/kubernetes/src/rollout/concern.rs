//! What stands against a rollout, and for how long it may.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::failure::{Code, Failure};

/// Something that keeps a release from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Concern {
    /// Tells it from others, and stays the same as long as it lasts.
    pub(crate) key: String,
    /// When it ends the rollout.
    pub(crate) grace: Grace,
    /// What is said then.
    pub(crate) finding: Finding,
}

/// When a concern ends a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grace {
    /// At once.
    None,
    /// When it lasts so long.
    For(Duration),
    /// It may pass by itself: only the end of the time makes it the reason.
    UntilTimeout,
}

/// Why a rollout failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) hint: String,
    /// Whose last lines belong to it.
    pub(crate) logs: Option<LogSource>,
}

/// A container whose last lines tell more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSource {
    pub(crate) pod: String,
    pub(crate) container: String,
}

impl Finding {
    /// The failure, without the lines of a log.
    pub(crate) fn failure(&self) -> Failure {
        Failure::permanent(self.code, self.message.clone()).with_hint(self.hint.clone())
    }
}

/// Since when each concern lasts, by our own clock: that of the cluster may differ, or jump.
#[derive(Debug, Default)]
pub(crate) struct Since {
    seen: BTreeMap<String, Duration>,
    ready: Option<Duration>,
}

impl Since {
    /// Since when the release is ready without a break.
    pub(crate) fn ready(&mut self, now: Duration) -> Duration {
        *self.ready.get_or_insert(now)
    }

    /// The release is not ready, now.
    pub(crate) fn not_ready(&mut self) {
        self.ready = None;
    }

    /// The first concern whose time is over, else when the next one's is.
    pub(crate) fn judge(&mut self, concerns: &[Concern], now: Duration) -> Result<Option<Duration>, Finding> {
        self.seen.retain(|key, _| concerns.iter().any(|concern| concern.key == *key));
        let mut next: Option<Duration> = None;
        for concern in concerns {
            let since = *self.seen.entry(concern.key.clone()).or_insert(now);
            let end = match concern.grace {
                Grace::None => since,
                Grace::For(grace) => since.saturating_add(grace),
                Grace::UntilTimeout => continue,
            };
            if end <= now {
                return Err(concern.finding.clone());
            }
            next = Some(next.map_or(end, |next| next.min(end)));
        }
        Ok(next)
    }
}
