//! Lines of logs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::PhaseSchema;

/// One line of a deployment's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLineView {
    /// Its place in the log; it grows.
    pub number: u64,
    /// Its place among the lines of its service and phase, from 1; absent where lines are searched or followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// When it was read.
    pub at: Timestamp,
    /// Of which service.
    pub service: String,
    /// `build` or `release`.
    #[schema(value_type = PhaseSchema)]
    pub phase: String,
    /// The line, without its end.
    pub text: String,
}

/// Lines of a deployment's log, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// The lines of this page.
    pub items: Vec<LogLineView>,
    /// What to ask the next page with; absent on the last so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// What to ask for the page before with, as `before`; absent on the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_cursor: Option<String>,
}

/// The lines of a service in a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogSectionView {
    /// The service.
    pub service: String,
    /// `build` or `release`.
    #[schema(value_type = PhaseSchema)]
    pub phase: String,
    /// The number of its first line.
    pub first: u64,
    /// The number of its last line.
    pub last: u64,
    /// How many lines it has; those that were cut out count too.
    pub lines: u64,
}

/// One line of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodLineView {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// When it was written, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The line, without its end.
    pub text: String,
}
