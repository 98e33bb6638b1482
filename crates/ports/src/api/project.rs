//! Projects, as the faces show and change them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SecretView;

/// A project: it groups environments, and gives them variables and secrets.
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
    /// The names of its environments.
    pub environments: Vec<String>,
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
