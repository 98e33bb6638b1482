//! A project: it groups environments, and its variables reach all of them.

use serde::{Deserialize, Serialize};

use super::{Name, Variable};

/// Groups environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Unique on the server.
    pub name: Name,
    /// What it gives each of its environments.
    pub gives: FromProject,
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
