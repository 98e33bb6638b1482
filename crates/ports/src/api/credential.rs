//! Credentials of a project, as the faces set and list them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SecretText;

/// A credential on its way to the server; what is secret in it never comes back. Exactly one of `git` and `registry` is there.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCredential {
    /// The git host it may be sent to, or a part of it: `https://github.com/acme`, `ssh://git@github.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// The registry it may be sent to, or a part of it: `ghcr.io`, `docker.io/acme`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The user; absent for a git host over HTTP: `x-access-token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password or token; of `https` and registries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    pub password: Option<SecretText>,
    /// A key as `ssh-keygen` writes it, without a passphrase; of `ssh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    pub private_key: Option<SecretText>,
    /// The keys that the host may prove itself with, as `ssh-keyscan` writes them; absent: the first that it shows is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<String>,
}

/// A credential, without what is secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialView {
    /// Its name.
    pub name: String,
    /// `git` or `registry`.
    pub kind: String,
    /// Where it may be sent.
    pub place: String,
    /// `password` or `ssh-key`.
    pub login: String,
    /// The user, of a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}
