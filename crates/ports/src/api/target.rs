//! Where environments run.

use serde::{Deserialize, Serialize};

/// A cluster to deploy to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTarget {
    /// Unique; absent: the name of the context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The absolute path of the kubeconfig.
    pub kubeconfig: String,
    /// The context in it; absent: its current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Host names of public ports: `{service}`, `{environment}` and `{project}` are replaced.
    pub domain: String,
    /// The port under which the Ingress controller is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port: Option<u16>,
    /// Requests as a share of the limits, 1 to 100 percent.
    pub request_percent: u8,
    /// Whether environments that name no target run here.
    #[serde(default)]
    pub default: bool,
}

/// A cluster that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// The path of the kubeconfig.
    pub kubeconfig: String,
    /// The context in it.
    pub context: String,
    /// Host names of public ports.
    pub domain: String,
    /// The port under which the Ingress controller is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port: Option<u16>,
    /// Requests as a share of the limits.
    pub request_percent: u8,
    /// Whether environments that name no target run here.
    pub default: bool,
    /// The version of its API server, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
