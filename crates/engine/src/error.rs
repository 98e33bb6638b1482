//! Why the engine did not take a request.

use slipway_core::clone;
use slipway_core::deployment::Refusal;
use slipway_ports::StoreError;

/// Why the engine did not take a request; nothing was begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// There is no such thing, or the caller may not see it.
    #[error("{0}")]
    NotFound(String),
    /// The request means nothing here, or something must be set first.
    #[error("{0}")]
    Refused(String),
    /// Somebody changed it meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// There is an environment of that name already.
    #[error("there is an environment {0} already")]
    EnvironmentExists(String),
    /// There is no clone of what was named.
    #[error("{0}")]
    NotCloned(Box<clone::Refusal>),
    /// It can not be found out, or kept, now.
    #[error("{0}")]
    Unavailable(String),
    /// Another server owns the store now, and this one may do nothing more.
    #[error("{0}")]
    Fenced(String),
    /// Slipway itself is wrong.
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::NotFound(_) => Self::NotFound(text),
            StoreError::Conflict { .. } => Self::Conflict(text),
            StoreError::Unavailable(_) => Self::Unavailable(text),
            StoreError::Fenced { .. } => Self::Fenced(text),
            StoreError::Damaged { .. } => Self::Internal(text),
        }
    }
}

impl From<clone::Refusal> for EngineError {
    fn from(refusal: clone::Refusal) -> Self {
        Self::NotCloned(Box::new(refusal))
    }
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.to_string())
    }
}
