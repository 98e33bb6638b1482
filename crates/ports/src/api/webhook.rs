//! Webhooks and what they told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SecretText;

/// A webhook that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewWebhook {
    /// Who will tell: `github`, `gitlab`, `gitea`, `bitbucket-cloud` or `bitbucket-data-center`; of images
    /// `pipeline` or `registry`.
    pub host: String,
    /// The project whose environments follow; absent: those of all projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookView {
    /// A UUID.
    pub id: String,
    /// Who tells.
    pub host: String,
    /// The project whose environments follow; absent: those of all projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Where the host posts to.
    pub url: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
}

/// A webhook that was made, with what the host signs by. Nobody is told it again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeWebhookView {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// The secret to enter at the host.
    #[schema(value_type = String, format = Password)]
    pub secret: SecretText,
}

/// Something that was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    /// Counts all deliveries.
    pub number: u64,
    /// The host's id of it.
    pub id: String,
    /// The event, by the host's name for it.
    pub event: String,
    /// What it tells, such as `push to main of acme/shop`.
    pub tells: Vec<String>,
    /// When it came.
    pub at: Timestamp,
    /// When it was settled; absent while it is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// What came of it.
    pub effects: Vec<EffectView>,
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectView {
    /// `deployed`, `joined` to what was queued, `superseded` by a later delivery, `ignored`, or `failed`.
    pub kind: String,
    /// The environment, as `project/name`; absent: nothing follows what was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The services.
    pub services: Vec<String>,
    /// Why.
    pub why: String,
    /// The id of the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

/// How many deliveries are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// The most that are listed, 1 to 250; absent: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 250)]
    pub limit: Option<u32>,
}

/// A delivery that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakenView {
    /// The host's id of it.
    pub delivery: String,
    /// Whether it was told before.
    pub known: bool,
}
