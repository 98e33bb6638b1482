//! Signing in with a browser.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SecretText;

/// A code that makes a session, once, on its way to the command line.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInCodeView {
    /// The code.
    #[schema(value_type = String)]
    pub code: SecretText,
    /// The address of the page; with `#code=…` at its end it signs in.
    pub page: String,
    /// When it works no more.
    pub expires_at: Timestamp,
}

/// What somebody signs in with: one of both.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignInBody {
    /// A code of `slipway open`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    pub code: Option<SecretText>,
    /// The token of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    pub token: Option<SecretText>,
}

/// A session.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// What later requests carry as `Authorization: Bearer`.
    #[schema(value_type = String)]
    pub token: SecretText,
    /// Who signed in.
    pub actor: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallerView {
    /// Who.
    pub actor: String,
    /// When the session ends; absent: it is the token of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
