//! What both ways to Helm have in common.

use std::time::Duration;

/// Limits of an operation, whichever program carries it out.
#[derive(Debug, Clone, Copy)]
pub struct HelmOptions {
    /// The longest that one operation may take. Helm does not wait for a rollout, so this is short.
    pub operation: Duration,
    /// The longest that a chart of a user's own may take to be rendered and checked.
    pub rendering: Duration,
    /// The longest that a rollback or uninstall may take: hooks of users run in them.
    pub hooks: Duration,
    /// How many revisions of a release are kept; each is a Secret in the cluster.
    pub history: u32,
}

impl Default for HelmOptions {
    fn default() -> Self {
        Self {
            operation: Duration::from_secs(120),
            rendering: Duration::from_secs(30),
            hooks: Duration::from_secs(600),
            history: 5,
        }
    }
}
