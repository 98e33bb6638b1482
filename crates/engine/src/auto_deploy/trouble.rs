//! Why something that was heard of is not worked on.

use slipway_core::failure::{Failure, FailureKind};
use slipway_ports::StoreError;

use crate::error::EngineError;

/// Why something that was heard of is not worked on.
pub(super) enum Trouble {
    /// The next attempt may do it.
    MayPass(String),
    /// No attempt does.
    Stays(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Unavailable(_) | EngineError::Conflict(_) | EngineError::Fenced(_) => Self::MayPass(error.to_string()),
            _ => Self::Stays(error.to_string()),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Retry | FailureKind::Canceled => Self::MayPass(failure.to_string()),
            FailureKind::Permanent => Self::Stays(failure.to_string()),
        }
    }
}
