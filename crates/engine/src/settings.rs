//! What the operator sets.

use std::num::NonZeroUsize;
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
    /// How many finished deployments of an environment are kept, besides those that something needs.
    pub keep_deployments: NonZeroUsize,
    /// How long an image stays in the registry that no deployment needs and nobody uses.
    pub keep_images: Duration,
    /// How many bytes the log of a deployment may have, about: a bit more than that until its middle is cut out.
    pub most_log_bytes: u64,
    /// The URL of the page as others reach it, with a slash at its end; absent: only this machine does.
    pub page: Option<String>,
    /// What time it is when something happens.
    pub clock: Clock,
}

impl Settings {
    /// Deployments that are kept unless the operator says otherwise.
    pub const KEEP_DEPLOYMENTS: NonZeroUsize = NonZeroUsize::new(20).unwrap();
    /// How long unused images are kept unless the operator says otherwise.
    pub const KEEP_IMAGES: Duration = Duration::from_hours(7 * 24);
    /// Bytes of a log unless the operator says otherwise.
    pub const MOST_LOG_BYTES: u64 = 64 << 20;
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
            keep_deployments: Self::KEEP_DEPLOYMENTS,
            keep_images: Self::KEEP_IMAGES,
            most_log_bytes: Self::MOST_LOG_BYTES,
            page: None,
            clock: Clock::default(),
        }
    }
}
