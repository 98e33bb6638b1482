//! What a deployment would do, and why.

use serde::{Deserialize, Serialize};
use slipway_core::failure::Failure;
use utoipa::ToSchema;

use super::schema::{ActionSchema, FailureView, PhaseSchema, ServiceTypeSchema};

/// What a deployment would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// What is done.
    #[schema(value_type = ActionSchema)]
    pub action: String,
    /// In execution order, empty ones too.
    pub stages: Vec<PlanStageView>,
}

/// A stage of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStageView {
    /// Its place, from 0.
    pub order: usize,
    /// Its name.
    pub name: String,
    /// Who takes part, in file order.
    pub services: Vec<PlanServiceView>,
}

/// A service of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanServiceView {
    /// Its name.
    pub name: String,
    /// `application`, `container`, `database`, `job` or `helm`.
    #[schema(value_type = ServiceTypeSchema)]
    pub kind: String,
    /// The version, short.
    pub version: String,
    /// What happens to it, build first.
    pub steps: Vec<PlanStepView>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStepView {
    /// `build` or `release`.
    #[schema(value_type = PhaseSchema)]
    pub phase: String,
    /// `build`, `skip`, `release`, `stop`, `restart`, `remove` or `fail`.
    pub does: String,
    /// Why.
    pub reason: String,
    /// How it would fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FailureView>)]
    pub failure: Option<Failure>,
    /// The base images of an image that is not built anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<BaseView>,
}

/// A base image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaseView {
    /// Its name and tag, as Docker shortens them.
    pub image: String,
    /// The digest that the image was built on.
    pub built_on: String,
    /// Whether the tag stands for something else now: `same`, `moved` or `unknown`.
    pub state: String,
    /// The digest that a moved tag stands for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Why it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FailureView>)]
    pub failure: Option<Failure>,
}
