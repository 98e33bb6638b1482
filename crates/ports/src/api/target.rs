//! Where environments run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A cluster to deploy to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// The `ClusterIssuer` of cert-manager that gives public hosts their certificates; absent: no TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_issuer: Option<String>,
    /// Requests as a share of the limits, 1 to 100 percent.
    pub request_percent: u8,
    /// Whether environments that name no target run here.
    #[serde(default)]
    pub default: bool,
}

/// What runs the services of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// A Kubernetes cluster.
    Kubernetes,
    /// The Docker Engine of the server's machine.
    Docker,
}

impl TargetKind {
    /// The word that is written for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Docker => "docker",
        }
    }
}

/// A target that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// What runs its services.
    pub kind: TargetKind,
    /// The path of the kubeconfig of a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// The context in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Host names of public ports.
    pub domain: String,
    /// The port under which public http ports are reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port: Option<u16>,
    /// The `ClusterIssuer` of cert-manager that gives public hosts their certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_issuer: Option<String>,
    /// Requests as a share of the limits.
    pub request_percent: u8,
    /// Whether environments that name no target run here.
    pub default: bool,
    /// The version of its API server or engine, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
