//! A stream of bytes to a port of a pod.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{ConnectRequest, PodConnection};

use super::members::Members;
use super::pods::{Use, choose, no_such_pod};
use crate::calls::Calls;
use crate::connection::Connection;

/// Opens it. Its end ends the websocket that carries it.
pub(super) async fn connect(connection: &Connection, calls: &Calls, request: &ConnectRequest) -> Result<PodConnection, Failure> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &request.namespace);
    let members = Members::new(&connection.client, calls, &request.namespace, &request.release, request.of);
    let pod = choose(&pods, calls, &members, request.pod.as_deref(), Use::Requests).await?.name_any();
    // A connection may be silent for as long as it likes.
    let patient: Api<Pod> = Api::namespaced(connection.patient.clone(), &request.namespace);
    let mut forwarder = calls.once(patient.portforward(&pod, &[request.port])).await.map_err(|trouble| {
        if trouble.is_not_found() {
            no_such_pod(&request.release, &pod)
        } else {
            trouble.failure(&format!("open port {} of pod {pod}", request.port))
        }
    })?;
    let lost = || Failure::permanent(Code::Internal, format!("the stream to port {} of pod {pod} was not made", request.port));
    let stream = forwarder.take_stream(request.port).ok_or_else(lost)?;
    Ok(PodConnection { pod, stream: Box::new(stream) })
}
