//! How Helm reaches the cluster of a target.

use slipway_core::failure::{Code, Failure};
use slipway_ports::Target;

use crate::worker::ClusterAccess;

/// The kubeconfig and the context of a target.
pub(crate) fn cluster_of(target: &Target) -> Result<ClusterAccess, Failure> {
    let cluster = target.cluster().filter(|cluster| !cluster.kubeconfig.is_empty());
    let cluster =
        cluster.ok_or_else(|| Failure::permanent(Code::ClusterRefused, format!("target `{}` has no kubeconfig", target.name)))?;
    Ok(ClusterAccess { kubeconfig: cluster.kubeconfig.clone().into(), context: cluster.context.clone() })
}
