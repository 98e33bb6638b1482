//! Commands in containers of a service, by websocket.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use slipway_core::failure::Failure;
use slipway_ports::api::{ExecBody, ExecControl, ExecEnd, STDERR, STDOUT};
use slipway_ports::{CancellationToken, ExecInput, ExecOutput, ExecRequest, ExecStreams};
use tokio::sync::mpsc;

use super::placed::PlacedService;
use crate::app::App;
use crate::caller::OwnerOnly;
use crate::places::ServicePath;
use crate::problem::Problem;
use crate::request::{Place, Upgrade};

/// Messages that wait on either way.
const WAITING: usize = 16;
/// The largest message of a client.
const LARGEST_MESSAGE: usize = 1 << 20;

/// Runs a command in a container of a service, by websocket.
///
/// The first message of the client is the text `{"start": …}` with an `ExecBody`, so that no address and no log of requests holds the
/// command. Then its binary messages are input, and its texts are `ExecControl`. Binary messages of the server are output: the first byte
/// is 1 for standard output and 2 for standard error. Its last message is the text of an `ExecEnd`.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/services/{service}/exec",
    operation_id = "execute",
    tag = "running",
    params(ServicePath),
    responses((status = 101, description = "The websocket is open", headers(("Upgrade" = String, description = "`websocket`")))),
)]
pub(super) async fn exec(
    State(app): State<App>,
    _: OwnerOnly,
    Place(place): Place<ServicePath>,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Problem> {
    let placed = PlacedService::find(&app, &place).await?;
    let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| serve(app, placed, socket)))
}

async fn serve(app: App, placed: PlacedService, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let ended = match start(&mut stream).await {
        None => return,
        Some(Ok(body)) => run(&app, placed, body, &mut sink, stream).await,
        Some(Err(problem)) => Some(ExecEnd::Problem(problem.0)),
    };
    if let Some(ended) = ended {
        // Wire types always serialise; a client that has left needs no end.
        let text = serde_json::to_string(&ended).unwrap_or_default();
        let _ = sink.send(Message::Text(text.into())).await;
        let _ = sink.close().await;
    }
}

/// The command; `None` when the client has left.
async fn start(stream: &mut SplitStream<WebSocket>) -> Option<Result<ExecBody, Problem>> {
    loop {
        match stream.next().await?.ok()? {
            Message::Text(text) => {
                return Some(match serde_json::from_str(text.as_str()) {
                    Ok(ExecControl::Start(body)) if body.command.is_empty() => {
                        Err(Problem::bad_request("the command is empty; expected a program and its arguments"))
                    }
                    Ok(ExecControl::Start(body)) => Ok(body),
                    Ok(ExecControl::Resize { .. } | ExecControl::End) => {
                        Err(Problem::bad_request("the first message begins no command; expected `start`"))
                    }
                    Err(error) => Err(Problem::bad_request(format!("the first message does not read: {error}"))),
                });
            }
            Message::Binary(_) => return Some(Err(Problem::bad_request("the first message is binary; expected `start`"))),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => return None,
        }
    }
}

/// Runs it until it ends or the client leaves, which is no end that anybody is told.
async fn run(
    app: &App,
    placed: PlacedService,
    body: ExecBody,
    sink: &mut SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
) -> Option<ExecEnd> {
    let cancel: CancellationToken = app.inner.shutdown.child_token();
    let _leave = cancel.clone().drop_guard();
    let request = ExecRequest {
        of: placed.pods_of(),
        namespace: placed.namespace,
        release: placed.service.name.to_string(),
        pod: body.pod,
        container: body.container,
        command: body.command,
        terminal: body.terminal,
        input: body.input,
    };
    let (sender, input) = mpsc::channel(WAITING);
    let (output, mut written) = mpsc::channel(WAITING);
    let running = app.inner.workloads.exec(&placed.target, &request, ExecStreams { input, output }, &cancel);
    let telling = async {
        while let Some(output) = written.recv().await {
            let (stream, bytes) = match output {
                ExecOutput::Stdout(bytes) => (STDOUT, bytes),
                ExecOutput::Stderr(bytes) => (STDERR, bytes),
            };
            let mut message = Vec::with_capacity(bytes.len() + 1);
            message.push(stream);
            message.extend(bytes);
            sink.send(Message::Binary(Bytes::from(message))).await.ok()?;
        }
        Some(())
    };
    let ended: Result<i32, Failure> = tokio::select! {
        () = feed(stream, sender) => return None,
        (ended, told) = async { tokio::join!(running, telling) } => {
            told?;
            ended
        }
    };
    Some(match ended {
        Ok(code) => ExecEnd::Exit(code),
        Err(failure) => ExecEnd::Problem(Problem::from(failure).0),
    })
}

/// Passes on what the client sends; returns when it leaves.
async fn feed(mut stream: SplitStream<WebSocket>, sender: mpsc::Sender<ExecInput>) {
    let mut sender = Some(sender);
    while let Some(Ok(message)) = stream.next().await {
        let input = match message {
            Message::Binary(bytes) => Some(ExecInput::Bytes(bytes.to_vec())),
            Message::Text(text) => match serde_json::from_str(text.as_str()) {
                Ok(ExecControl::Resize { columns, rows }) => Some(ExecInput::Resized { columns, rows }),
                Ok(ExecControl::End) => {
                    sender = None;
                    None
                }
                Ok(ExecControl::Start(_)) | Err(_) => return,
            },
            Message::Ping(_) | Message::Pong(_) => None,
            Message::Close(_) => return,
        };
        if let (Some(input), Some(open)) = (input, &sender)
            && open.send(input).await.is_err()
        {
            // The command has ended; its end is on its way.
            sender = None;
        }
    }
}
