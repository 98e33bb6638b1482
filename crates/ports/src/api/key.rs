//! The key that seals secrets at rest.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a rotation of the key has sealed anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRotationView {
    /// Secrets of environments, generated passwords and outputs of jobs.
    pub secrets: u64,
    /// Credentials of projects.
    pub credentials: u64,
    /// Secrets that are kept for the target `local`.
    pub local_secrets: u64,
}
