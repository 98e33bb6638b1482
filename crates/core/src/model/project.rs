//! A project: it groups environments, and its variables reach all of them.

use serde::{Deserialize, Serialize};

use super::{EnvironmentMode, Name, Schedule, Variable};
use crate::pattern::Pattern;

/// Groups environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Unique on the server.
    pub name: Name,
    /// What it gives each of its environments.
    pub gives: FromProject,
    /// When its environments start and stop that have no schedules of their own; of each the first rule counts that is for it.
    #[serde(default)]
    pub schedules: Vec<ScheduleRule>,
    /// The most previews that it has at a time.
    #[serde(default = "preview_limit", skip_serializing_if = "is_preview_limit")]
    pub preview_limit: u32,
}

impl Project {
    /// The most previews at a time, unless the project says otherwise.
    pub const PREVIEW_LIMIT: u32 = 20;

    /// One of which nothing is said.
    pub fn bare(name: Name) -> Self {
        Self { name, gives: FromProject::default(), schedules: Vec::new(), preview_limit: Self::PREVIEW_LIMIT }
    }
}

fn preview_limit() -> u32 {
    Project::PREVIEW_LIMIT
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_preview_limit(limit: &u32) -> bool {
    *limit == Project::PREVIEW_LIMIT
}

/// When the environments of some names start and stop by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleRule {
    /// The names of the environments that it is for.
    pub environments: Pattern,
    /// What these are for; absent: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EnvironmentMode>,
    /// When they start and stop; without either they never do.
    pub schedule: Schedule,
}

/// What a project gives each of its environments: the scope between the built-in variables and those of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FromProject {
    /// Variables of all services of all its environments.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// The names of its secrets; their values are elsewhere.
    #[serde(default)]
    pub secrets: Vec<String>,
}

impl FromProject {
    /// Whether it gives nothing.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.secrets.is_empty()
    }
}
