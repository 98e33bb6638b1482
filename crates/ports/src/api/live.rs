//! What a page follows: an environment with its pipeline, the heads of its deployments, and all environments in a list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_core::running::RunningStatus;
use utoipa::ToSchema;

use super::schema::RunningStatusSchema;
use super::{EnvironmentView, HeadView, PipelineStageView, TriggerView};

/// The configuration of an environment, with its stages.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStateView {
    /// The environment; its deployments have events of their own.
    #[serde(flatten)]
    pub environment: EnvironmentView,
    /// Its stages with their services, in execution order.
    pub stages: Vec<PipelineStageView>,
}

/// A deployment as a board shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentHeadView {
    /// What every list has of it.
    #[serde(flatten)]
    pub head: HeadView,
    /// Who asked.
    pub trigger: TriggerView,
    /// When its turn came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
}

/// An environment in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverviewView {
    /// The project.
    pub project: String,
    /// The environment.
    pub name: String,
    /// What it is for.
    pub mode: String,
    /// Where it runs; absent: the server's default target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Counts its changes, from 1.
    pub version: u64,
    /// How many services it has.
    pub services: usize,
    /// The newest deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_deployment: Option<HeadView>,
    /// What runs, in one word, as long as somebody watches the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RunningStatusSchema>)]
    pub running: Option<RunningStatus>,
}

/// An environment that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovedView {
    /// The project.
    pub project: String,
    /// The environment.
    pub name: String,
}
