//! What of a service only one environment can have.

use crate::model::{Service, ServiceKind, Workload};

/// A service without the host names that are its own, and in words what was taken away. Its public ports get the names that the target
/// makes.
pub(super) fn stripped(service: &Service) -> (Service, Vec<String>) {
    let mut stripped = service.clone();
    let Some(workload) = workload(&mut stripped.kind) else { return (stripped, Vec::new()) };
    let hosts = workload.ports.iter_mut().filter_map(|port| port.host.take());
    let mut names: Vec<String> = hosts.collect();
    names.append(&mut workload.domains);
    let told = names.iter().map(|host| format!("the host name `{host}` of the service `{}`", service.name)).collect();
    (stripped, told)
}

fn workload(kind: &mut ServiceKind) -> Option<&mut Workload> {
    match kind {
        ServiceKind::Application(application) => Some(&mut application.workload),
        ServiceKind::Container(container) => Some(&mut container.workload),
        ServiceKind::Job(job) => Some(&mut job.workload),
        ServiceKind::Database(_) | ServiceKind::Helm(_) => None,
    }
}
