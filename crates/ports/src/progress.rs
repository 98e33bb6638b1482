//! How long work tells what it is doing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a running step is doing right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// Reading the source from git.
    Fetching,
    /// Building the image.
    Building,
    /// Sending the image to the registry.
    Pushing,
    /// Copying somebody else's image into the registry.
    Mirroring,
    /// Handing the chart to Helm.
    Releasing,
    /// Watching until the rollout or the job has ended.
    Waiting,
}

/// Where a step reports to. It never blocks: what does not fit is dropped by the receiver's own rule.
pub trait Progress: Send + Sync {
    /// The step does something else now.
    fn activity(&self, activity: Activity);

    /// One line of the step's log, without its line end; no secret is in it.
    fn line(&self, text: &str);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn activity(&self, _: Activity) {}

    fn line(&self, _: &str) {}
}
