//! The clock. The only one of the engine.

use std::time::{SystemTime, UNIX_EPOCH};

use slipway_core::deployment::Timestamp;

/// Now; a clock before 1970 reads as 1970.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
