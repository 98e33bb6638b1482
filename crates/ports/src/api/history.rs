//! The past of an environment, as the faces show it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HeadView, TriggerView};

/// Deployments of an environment with what they changed, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage {
    /// The deployments of this page.
    pub items: Vec<HistoryView>,
    /// What to ask the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A deployment in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryView {
    /// What every list has of it.
    #[serde(flatten)]
    pub head: HeadView,
    /// Who asked.
    pub trigger: TriggerView,
    /// When its turn came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The services whose version is another one than in the deployment before, in execution order.
    pub changes: Vec<VersionChangeView>,
}

/// A version that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionChangeView {
    /// Of which service.
    pub service: String,
    /// The version before, short; absent when no kept deployment before had the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version since then, short.
    pub to: String,
}
