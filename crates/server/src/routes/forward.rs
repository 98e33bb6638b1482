//! Streams to ports of a service's pods, by websocket.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use slipway_ports::api::ForwardControl;
use slipway_ports::{CancellationToken, ConnectRequest, PodConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use utoipa::IntoParams;

use super::placed::PlacedService;
use crate::app::App;
use crate::caller::OwnerOnly;
use crate::places::{PortPath, ServicePath};
use crate::problem::Problem;
use crate::request::{Parameters, Place, Upgrade};

/// How many bytes are read at a time.
const BUFFER: usize = 32 * 1024;

/// Which pod is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ForwardQuery {
    /// One pod of the service; absent: a ready one.
    pod: Option<String>,
}

/// Opens a stream to a port of a service, by websocket.
///
/// It connects first: what can not be connected is told as the answer to the request. Binary messages are bytes; texts are `ForwardControl`.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/services/{service}/ports/{port}",
    operation_id = "forwardPort",
    tag = "running",
    params(PortPath, ForwardQuery),
    responses((status = 101, description = "The websocket is open", headers(("Upgrade" = String, description = "`websocket`")))),
)]
pub(super) async fn forward(
    State(app): State<App>,
    _: OwnerOnly,
    Place(PortPath { project, environment, service, port }): Place<PortPath>,
    Parameters(query): Parameters<ForwardQuery>,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Problem> {
    let placed = PlacedService::find(&app, &ServicePath { project, environment, service }).await?;
    let request = ConnectRequest {
        of: placed.pods_of(),
        namespace: placed.namespace,
        release: placed.service.name.to_string(),
        pod: query.pod,
        port,
    };
    let connection = app.inner.workloads.connect(&placed.target, &request).await?;
    let shutdown = app.inner.shutdown.clone();
    Ok(upgrade.on_upgrade(move |socket| serve(connection, socket, shutdown)))
}

async fn serve(connection: PodConnection, socket: WebSocket, shutdown: CancellationToken) {
    let (mut sink, mut stream) = socket.split();
    let (mut from_pod, mut to_pod) = tokio::io::split(connection.stream);
    let outward = async {
        // Wire types always serialise.
        let pod = serde_json::to_string(&ForwardControl::Pod(connection.pod)).unwrap_or_default();
        sink.send(Message::Text(pod.into())).await.ok()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = from_pod.read(&mut buffer).await.unwrap_or(0);
            if count == 0 {
                // The other side learns of the end by the closing.
                return sink.close().await.ok();
            }
            sink.send(Message::Binary(Bytes::copy_from_slice(&buffer[..count]))).await.ok()?;
        }
    };
    let inward = async {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                // A pod that takes no more may still have something to say.
                Message::Binary(bytes) => {
                    if to_pod.write_all(&bytes).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                Message::Text(text) => {
                    let end = serde_json::from_str(text.as_str()).is_ok_and(|control| matches!(control, ForwardControl::End));
                    if !end || to_pod.shutdown().await.is_err() {
                        return;
                    }
                }
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return,
            }
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = inward => {}
        _ = outward => {}
    }
}
