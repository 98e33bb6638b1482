//! How Helm reaches the cluster of a target.

use slipway_core::failure::{Code, Failure};
use slipway_ports::Target;

use crate::worker::ClusterAccess;

/// The kubeconfig and the context of a target.
pub(crate) fn cluster_of(target: &Target) -> Result<ClusterAccess, Failure> {
    if target.kubeconfig.is_empty() {
        return Err(Failure::permanent(Code::ClusterRefused, format!("target `{}` has no kubeconfig", target.name)));
    }
    Ok(ClusterAccess { kubeconfig: target.kubeconfig.clone().into(), context: target.context.clone() })
}
