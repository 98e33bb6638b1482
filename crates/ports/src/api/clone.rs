//! Clones of environments and of services.

use serde::{Deserialize, Serialize};
use slipway_core::model::{EnvironmentMode, Name};
use utoipa::ToSchema;

use super::SecretView;
use super::schema::{EnvironmentModeSchema, NameSchema};

/// What is to be different in a clone of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloneBody {
    /// Its name, which is free in its project.
    #[schema(value_type = NameSchema)]
    pub name: Name,
    /// Its project; absent: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NameSchema>)]
    pub project: Option<Name>,
    /// Where it runs; absent: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it is for; absent: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EnvironmentModeSchema>)]
    pub mode: Option<EnvironmentMode>,
    /// The services that it has; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<NameSchema>>)]
    pub services: Option<Vec<Name>>,
    /// Whether it gets the values of the secrets too; without it they are to be set.
    #[serde(default)]
    pub with_secrets: bool,
}

/// Where a service is cloned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceCloneBody {
    /// The environment.
    #[schema(value_type = NameSchema)]
    pub environment: Name,
    /// The project of that environment; absent: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NameSchema>)]
    pub project: Option<Name>,
    /// Its name there; absent: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NameSchema>)]
    pub name: Option<Name>,
    /// Whether variables that it takes, and that the environment lacks, are copied there; without it they are a refusal.
    #[serde(default)]
    pub with_variables: bool,
    /// Whether the values of its secrets are copied, where the environment has none; without it they are to be set.
    #[serde(default)]
    pub with_secrets: bool,
}

/// What a clone made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClonedView {
    /// The project of the environment that was made, or that has the service now.
    pub project: String,
    /// The environment.
    pub name: String,
    /// The version that is stored now.
    pub version: u64,
    /// The services that were cloned, in file order.
    pub services: Vec<ClonedServiceView>,
    /// The variables of the environment that were cloned, in file order.
    pub variables: Vec<String>,
    /// The secrets of the environment that the clone needs, in file order.
    pub secrets: Vec<SecretView>,
    /// What did not go along, such as host names, each in words.
    pub left_behind: Vec<String>,
}

/// A service that was cloned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClonedServiceView {
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
}
