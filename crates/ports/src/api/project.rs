//! Projects, as the faces show and change them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SecretView;

/// A project: it groups environments, gives them variables and secrets, and starts and stops them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectView {
    /// Unique on the server.
    pub name: String,
    /// Counts the changes of what it gives, from 1; 0 when it never gave anything.
    pub version: u64,
    /// The names of its variables, in file order.
    pub variables: Vec<String>,
    /// Its secrets, in file order.
    pub secrets: Vec<SecretView>,
    /// When environments without schedules of their own start and stop; of each the first that is for it counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<ScheduleRuleView>,
    /// The most previews that it has at a time.
    pub preview_limit: u32,
    /// The names of its environments.
    pub environments: Vec<String>,
}

/// When environments of some names start and stop by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleRuleView {
    /// The names of the environments that it is for: `*` stands for any text, `?` for one character.
    pub environments: String,
    /// What these environments are for; absent: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whose clock counts, as the IANA names it.
    pub timezone: String,
    /// When they start; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<WeekdayTimeView>,
    /// When they stop; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<WeekdayTimeView>,
}

/// A time of day on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeekdayTimeView {
    /// `monday` to `sunday`.
    pub weekdays: Vec<String>,
    /// `HH:MM`.
    pub time: String,
}

/// What applying the file of a project did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedProjectView {
    /// The project.
    pub name: String,
    /// The version that is stored now.
    pub version: u64,
    /// What changed, one sentence each; empty when nothing did.
    pub changes: Vec<String>,
}
