//! Environments, as the faces show and change them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::HeadView;
use super::schema::ServiceTypeSchema;

/// How an environment file is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyQuery {
    /// Whether services that the file leaves out are removed; without it they are a refusal.
    #[serde(default)]
    pub prune: bool,
}

/// What applying a file did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedView {
    /// The project.
    pub project: String,
    /// The environment.
    pub name: String,
    /// The version that is stored now.
    pub version: u64,
    /// What changed, one sentence each; empty when nothing did.
    pub changes: Vec<String>,
    /// The services that the file left out, and that are removed.
    pub removed: Vec<String>,
}

/// An environment as it is stored, and what was last done to it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentView {
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
    /// Its services, in execution order.
    pub services: Vec<EnvironmentServiceView>,
    /// The newest deployment, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_deployment: Option<HeadView>,
    /// When its schedules, or those of its project, start and stop it next; at most three times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_runs: Vec<ScheduledRunView>,
    /// The request that it was made for, if it is a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<PreviewOfView>,
}

/// A pull or merge request, and the environment that was made for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewOfView {
    /// The environment that the request is against, in the same project.
    pub of: String,
    /// The kind of git host, such as `github`.
    pub host: String,
    /// The repository and the number: `acme/shop #7`.
    pub request: String,
    /// The branch that the request brings.
    pub branch: String,
    /// The repository that the branch lies in, if the request comes from a fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<String>,
    /// The title of the request when the preview was made.
    pub title: String,
    /// The request's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Why it is being deleted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

/// A time at which a schedule starts or stops an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledRunView {
    /// When.
    pub at: Timestamp,
    /// `start` or `stop`.
    pub action: String,
    /// The time zone of the schedule.
    pub timezone: String,
    /// The environments of the project's rule that it comes from; absent: from a schedule of the environment's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A service as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentServiceView {
    /// Its name.
    pub name: String,
    /// `application`, `container`, `database`, `job` or `helm`.
    #[schema(value_type = ServiceTypeSchema)]
    pub kind: String,
    /// Its stage.
    pub stage: String,
    /// Whether it is left out of what is done to the whole environment.
    pub skipped: bool,
    /// Where the outside reaches it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// A secret that an environment declares, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretView {
    /// Its name.
    pub name: String,
    /// Whether it has a value; a deployment is refused until all have one.
    pub set: bool,
}

/// The value of a secret, on its way to the server and never back.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretValue {
    /// The value.
    #[schema(value_type = String, format = Password, write_only)]
    pub value: crate::SecretText,
}
