//! What of a deployment is told.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::deployment::{Fact, Outcome};

/// Something that happened to a deployment, and that somebody may want to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Its turn came.
    Started,
    /// It ended, and all of it succeeded.
    Succeeded,
    /// It ended, and something failed.
    Failed,
    /// Somebody ended it.
    Canceled,
}

/// A word that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no event; expected `started`, `succeeded`, `failed` or `canceled`")]
pub struct UnknownEvent(pub String);

impl Event {
    /// Every event.
    pub const ALL: [Self; 4] = [Self::Started, Self::Succeeded, Self::Failed, Self::Canceled];

    /// The event that a fact is, if it is one.
    pub fn of(fact: &Fact) -> Option<Self> {
        match fact {
            Fact::Started => Some(Self::Started),
            Fact::Finished { outcome: Outcome::Succeeded } => Some(Self::Succeeded),
            Fact::Finished { outcome: Outcome::Failed } => Some(Self::Failed),
            Fact::Finished { outcome: Outcome::Canceled } => Some(Self::Canceled),
            Fact::Accepted { .. }
            | Fact::Merged { .. }
            | Fact::StageApproved { .. }
            | Fact::StageRefused { .. }
            | Fact::CancelRequested { .. }
            | Fact::StepStarted { .. }
            | Fact::StepSucceeded { .. }
            | Fact::StepSkipped { .. }
            | Fact::StepTimed { .. }
            | Fact::StepFailing { .. }
            | Fact::StepFailed { .. }
            | Fact::StepCanceled { .. }
            | Fact::StepInterrupted { .. } => None,
        }
    }

    /// The word of the wire and of the environment file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let known = Self::ALL.into_iter().find(|event| event.as_str() == text);
        known.ok_or_else(|| UnknownEvent(text.chars().take(100).collect()))
    }
}
