//! Where the outside reaches a service: the addresses of its load balancers.

use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service, ServicePort};

use crate::text::clean;

/// What the load balancers of a service have come to.
pub(super) struct Balanced {
    /// The addresses that were given, with their ports.
    pub(super) addresses: Vec<String>,
    /// What still waits for one, in words.
    pub(super) pending: Option<String>,
}

/// Reads it off the Services of type `LoadBalancer` among some.
pub(super) fn balanced(services: &[&Service]) -> Balanced {
    let is_wanted = |service: &&&Service| {
        let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
        kind == Some("LoadBalancer") && service.metadata.deletion_timestamp.is_none()
    };
    let mut balanced = Balanced { addresses: Vec::new(), pending: None };
    for service in services.iter().filter(is_wanted) {
        let given = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
        let given = given.and_then(|given| given.ingress.as_deref()).unwrap_or_default();
        let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
        let hosts: Vec<String> = given.iter().filter_map(host).collect();
        balanced.addresses.extend(hosts.iter().flat_map(|host| ports.iter().map(move |port| address(host, port))));
        if hosts.is_empty() {
            let name = service.metadata.name.as_deref().unwrap_or_default();
            balanced
                .pending
                .get_or_insert_with(|| format!("the Service {name} has no address yet: it waits for a load balancer"));
        }
    }
    balanced.addresses.sort();
    balanced
}

/// An address or a name, as it is written before a port.
fn host(given: &LoadBalancerIngress) -> Option<String> {
    let name = given.hostname.as_deref().filter(|name| !name.is_empty()).map(clean);
    let address = given.ip.as_deref().filter(|address| !address.is_empty()).map(clean);
    name.or_else(|| address.map(|address| if address.contains(':') { format!("[{address}]") } else { address }))
}

fn address(host: &str, port: &ServicePort) -> String {
    let transport = if port.protocol.as_deref() == Some("UDP") { "/udp" } else { "" };
    format!("{host}:{}{transport}", port.port)
}
