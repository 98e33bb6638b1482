//! Of what somebody is told.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::model::{EnvironmentMode, Name};
use crate::pattern::Pattern;

/// Of what somebody is told: all that each of its lists covers. A list that is empty covers everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// Of which projects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<Pattern>,
    /// Of environments of which modes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<EnvironmentMode>,
    /// Of which events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

impl Filter {
    /// Whether somebody is told of an event in an environment.
    pub fn covers(&self, project: &Name, mode: EnvironmentMode, event: Event) -> bool {
        (self.projects.is_empty() || self.projects.iter().any(|pattern| pattern.matches(project.as_str())))
            && (self.modes.is_empty() || self.modes.contains(&mode))
            && (self.events.is_empty() || self.events.contains(&event))
    }
}
