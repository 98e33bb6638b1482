//! What is done to the services of an environment.

use serde::{Deserialize, Serialize};

use crate::model::JobEvent;

/// What is done to the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Bring them to the wanted version and configuration.
    Deploy,
    /// Scale them to nothing, and keep their volumes.
    Stop,
    /// Start their pods anew, with nothing changed.
    Restart,
    /// Remove them, and their volumes.
    Delete,
    /// Release again what an earlier deployment sealed.
    Rollback,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] = [Self::Deploy, Self::Stop, Self::Restart, Self::Delete, Self::Rollback];

    /// The name as commands and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Delete => "delete",
            Self::Rollback => "rollback",
        }
    }

    /// Whether the stages are gone through from the last to the first.
    pub fn is_reverse(self) -> bool {
        match self {
            Self::Stop | Self::Delete => true,
            Self::Deploy | Self::Restart | Self::Rollback => false,
        }
    }

    /// Whether something new is released: that takes images, values of secrets, and the approval of stages that want one.
    pub fn releases(self) -> bool {
        match self {
            Self::Deploy | Self::Rollback => true,
            Self::Stop | Self::Restart | Self::Delete => false,
        }
    }

    /// What of a lifecycle job's `on` it is; a restart runs no job.
    pub fn job_event(self) -> Option<JobEvent> {
        match self {
            Self::Deploy | Self::Rollback => Some(JobEvent::Start),
            Self::Stop => Some(JobEvent::Stop),
            Self::Delete => Some(JobEvent::Delete),
            Self::Restart => None,
        }
    }
}
