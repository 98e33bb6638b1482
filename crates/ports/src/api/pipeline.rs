//! The pipeline of an environment, as the faces show and edit it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::schema::ServiceTypeSchema;

/// A stage as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineStageView {
    /// Its place in the order of execution, from 0.
    pub order: usize,
    /// Unique in its environment.
    pub name: String,
    /// What a person says about it; may be empty.
    pub description: String,
    /// The type of service that goes here when nothing else is said.
    #[schema(required)]
    pub default_for: Option<String>,
    /// Whether somebody must approve before it starts.
    pub approval: Approval,
    /// Its services, in file order.
    pub services: Vec<PipelineServiceView>,
}

/// A service in its stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineServiceView {
    /// Its name.
    pub name: String,
    /// `application`, `container`, `database`, `job` or `helm`.
    #[schema(value_type = ServiceTypeSchema)]
    pub kind: String,
    /// Whether it is left out of what is done to the whole environment.
    pub skipped: bool,
}

/// Whether somebody must approve before a stage starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Somebody must.
    Required,
    /// Nobody need.
    #[default]
    None,
}

/// A place among the stages: `"first"`, `"last"`, `{"before": "NAME"}` or `{"after": "NAME"}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StagePosition {
    /// Before all others.
    First,
    /// After all others.
    #[default]
    Last,
    /// Right before this stage.
    Before(String),
    /// Right after this stage.
    After(String),
}

/// A stage to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewStage {
    /// 1 to 64 printable characters; unique in its environment.
    pub name: String,
    /// What a person says about it.
    #[serde(default)]
    pub description: String,
    /// Whether somebody must approve before it starts.
    #[serde(default)]
    pub approval: Approval,
    /// Where it stands.
    #[serde(default)]
    pub position: StagePosition,
}

/// What to change about a stage; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageChange {
    /// Its name from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What a person says about it; may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether somebody must approve before it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<StagePosition>,
}

/// Names a stage in the query: the path cannot hold one that is called `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageQuery {
    /// The stage.
    pub stage: String,
}

/// How a stage is deleted that the path names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveQuery {
    /// Where its services go; without it a stage that has some is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub move_services_to: Option<String>,
}

/// How a stage is deleted that the query names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageDeletion {
    /// The stage.
    pub stage: String,
    /// Where its services go; without it a stage that has some is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub move_services_to: Option<String>,
}

/// All stages in their new order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageOrder {
    /// Each stage once.
    pub stages: Vec<String>,
}

/// What to change about where a service is; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceChange {
    /// Its stage from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Whether it is left out of what is done to the whole environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<bool>,
}

/// What an edit of a pipeline did, and what the pipeline is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditedView {
    /// The project.
    pub project: String,
    /// The environment.
    pub name: String,
    /// The version that is stored now.
    pub version: u64,
    /// What changed, each a part of a sentence; empty when nothing did.
    pub changes: Vec<String>,
    /// All stages, in execution order.
    pub stages: Vec<PipelineStageView>,
}
