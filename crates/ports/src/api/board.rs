//! An environment as a board shows it: its stages, and on each service what is wanted, what is deployed and what was last done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::{ActionSchema, ServiceTypeSchema};
use super::{Approval, State};

/// The board of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoardView {
    /// The project.
    pub project: String,
    /// The environment.
    pub name: String,
    /// Counts its changes, from 1.
    pub version: u64,
    /// Its stages, in execution order.
    pub stages: Vec<BoardStageView>,
}

/// A column of a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoardStageView {
    /// Its place, from 0.
    pub order: usize,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The type of service that goes to it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ServiceTypeSchema>)]
    pub default_for: Option<String>,
    /// Whether a deployment waits before it.
    pub approval: Approval,
    /// Its services, in file order.
    pub services: Vec<BoardServiceView>,
}

/// A card of a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoardServiceView {
    /// Its name.
    pub name: String,
    /// `application`, `container`, `database`, `job` or `helm`.
    #[schema(value_type = ServiceTypeSchema)]
    pub kind: String,
    /// Whether it is left out of what is done to the whole environment.
    pub skipped: bool,
    /// The version that is wanted, as it is configured: a branch, a tag, a version or a range of them.
    pub wanted: String,
    /// The version that is deployed, short; absent: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
    /// Whether it was stopped since it was deployed.
    pub stopped: bool,
    /// What was last done to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_deployment: Option<BoardDeploymentView>,
    /// Where the outside reaches it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// The part of a service in a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoardDeploymentView {
    /// The deployment.
    pub id: String,
    /// Its number.
    pub number: u64,
    /// What was done.
    #[schema(value_type = ActionSchema)]
    pub action: String,
    /// How far the service has come in it.
    pub state: State,
    /// When it ended, or else began, or else was asked for.
    pub at: Timestamp,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
