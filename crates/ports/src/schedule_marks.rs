//! How far the schedules of environments were carried out.

use async_trait::async_trait;
use slipway_core::deployment::Timestamp;
use slipway_core::model::Name;

use crate::StoreError;

/// One mark for each environment that has schedules. A part of every [`Store`](crate::Store).
#[async_trait]
pub trait ScheduleMarks: Send + Sync {
    /// The mark of an environment.
    async fn schedule_mark(&self, project: &Name, environment: &Name) -> Result<Option<ScheduleMark>, StoreError>;

    /// Sets the mark of an environment, which is there.
    async fn put_schedule_mark(&self, project: &Name, environment: &Name, mark: &ScheduleMark) -> Result<(), StoreError>;
}

/// Up to when schedules were carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleMark {
    /// The schedules, as JSON: of others nothing was carried out yet.
    pub of: String,
    /// What was due until then is done, or came before there were these schedules.
    pub at: Timestamp,
}
