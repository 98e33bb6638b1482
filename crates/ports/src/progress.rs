//! How long work tells what it is doing.

use slipway_core::deployment::Activity;

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
