//! What `doctor` finds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How one check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It is as it should be.
    Ok,
    /// Something will not work that not everybody needs.
    Warning,
    /// Deployments will fail.
    Problem,
}

impl CheckStatus {
    /// The status as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// What.
    pub name: String,
    /// How it went.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl CheckView {
    /// It is as it should be.
    pub fn ok(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Ok, message: message.into(), hint: None }
    }

    /// Something is not as it should be.
    pub fn found(status: CheckStatus, name: impl Into<String>, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { name: name.into(), status, message: message.into(), hint }
    }
}

/// Everything that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorView {
    /// In the order in which a deployment needs the things.
    pub checks: Vec<CheckView>,
}
