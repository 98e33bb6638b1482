//! Who is told of deployments, and what came of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SecretText;

/// A notification that is wanted. A list that is empty covers everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewNotification {
    /// `webhook` or `slack`.
    pub kind: String,
    /// Unique in the server; lower-case letters, digits and `-`, at most 40.
    pub name: String,
    /// Where it is told: an `https` or `http` URL. Slack's is a secret, and is not told again.
    #[schema(value_type = String, format = Password)]
    pub url: SecretText,
    /// Of which projects; `*` is any text, `?` one character.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// Of environments of which modes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<String>,
    /// Of which events: `started`, `succeeded`, `failed`, `canceled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationView {
    /// Its id in the API.
    pub id: String,
    /// Its name; absent: an environment names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The environment that names it, as `project/name`; absent: it is of the server's own list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// `webhook` or `slack`.
    pub kind: String,
    /// Where it is told, without what may be a secret of it; of one whose URL is a secret of its environment, the name of that.
    pub url: String,
    /// Of which projects; empty: all.
    pub projects: Vec<String>,
    /// Of environments of which modes; empty: all.
    pub modes: Vec<String>,
    /// Of which events; empty: all.
    pub events: Vec<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// Since when nothing arrives; absent: it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When it said that it wants to be told nothing any more (410). A ping that arrives takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
}

/// A notification that was made, with what signs its messages. Nobody is told it again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeNotificationView {
    /// The notification.
    #[serde(flatten)]
    pub notification: NotificationView,
    /// The secret to enter at the receiver, `whsec_…`; absent: Slack checks none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub secret: Option<SecretText>,
}

/// A message to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// `msg_…`, the header `webhook-id` of every attempt.
    pub id: String,
    /// Such as `deployment.failed`, or `ping`.
    pub event: String,
    /// What it tells, such as `deploy of shop/staging #7 failed`.
    pub tells: String,
    /// The id of the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// When it was made.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// `open`, `delivered` or `failed`.
    pub state: String,
    /// When it is tried next, or has come to its end.
    pub state_at: Timestamp,
    /// The status of the last answer; absent: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The first line of the last answer, or why there was none; absent: it was not tried yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}
