//! What the operator sets.

use std::path::PathBuf;
use std::time::Duration;

use slipway_ports::SecretText;

use crate::{Clock, RetryPolicy};

/// How the engine works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What targets pull from the registry with; absent: it asks for nothing.
    pub pull_credential: Option<PullCredential>,
    /// How failures that may pass are met.
    pub retry: RetryPolicy,
    /// Where build contexts are written; absent: the system's folder for temporary files.
    pub work_folder: Option<PathBuf>,
    /// The longest that a rollout may take, unless its probes allow longer.
    pub rollout_timeout: Duration,
    /// What time it is when something happens.
    pub clock: Clock,
}

/// A user of the registry.
#[derive(Debug, Clone)]
pub struct PullCredential {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: SecretText,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pull_credential: None,
            retry: RetryPolicy::default(),
            work_folder: None,
            rollout_timeout: Duration::from_secs(600),
            clock: Clock::default(),
        }
    }
}
