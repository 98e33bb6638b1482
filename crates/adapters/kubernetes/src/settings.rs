//! What may be set.

use std::time::Duration;

/// How a cluster is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether a kubeconfig may name a program that fetches credentials. It would run as the server's own user.
    pub credential_plugins: CredentialPlugins,
    /// The longest that a connection may take to be made.
    pub connect_timeout: Duration,
    /// The longest that one answer may take.
    pub answer_timeout: Duration,
    /// How long the API server may be away before a call fails.
    pub patience: Duration,
    /// How long a pod may fit on no node before the rollout fails: longer than zero where the cluster adds nodes.
    pub unschedulable_grace: Duration,
}

/// Whether credential plugins of a kubeconfig run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialPlugins {
    /// Such a kubeconfig is refused.
    Refused,
    /// They run.
    Allowed,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credential_plugins: CredentialPlugins::Refused,
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(15),
            patience: Duration::from_secs(60),
            unschedulable_grace: Duration::ZERO,
        }
    }
}
