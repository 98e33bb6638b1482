//! `slipway exec`: runs a command in a container of a service.

use std::convert::Infallible;
use std::io::Write as _;

use clap::Args;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use slipway_core::model::Name;
use slipway_ports::api::{ExecBody, ExecControl, ExecEnd, STDERR};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::SignalKind;
use tokio_tungstenite::tungstenite::Message;

use crate::client::WebSocket;
use crate::context::Context;
use crate::stop::{Exit, Stop};
use crate::terminal::{self, RawTerminal};

/// How many bytes of input are read at a time.
const BUFFER: usize = 16 * 1024;

/// Run a command in a container of a service, and end with its exit code.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The service.
    #[arg(value_name = "SERVICE")]
    service: Name,
    /// In this pod; absent: a ready one.
    #[arg(long, value_name = "POD")]
    pod: Option<String>,
    /// In this container; absent: the first of the pod.
    #[arg(long, value_name = "CONTAINER")]
    container: Option<String>,
    /// Hand standard input to the command.
    #[arg(long, short = 'i')]
    stdin: bool,
    /// Give the command this terminal; with `--stdin`, as in `-it`, for a shell.
    #[arg(long, short = 't')]
    tty: bool,
    /// The program and its arguments. No shell reads them; for one write `-- sh -c 'ls | wc -l'`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(crate) async fn run(context: &Context, arguments: &Exec) -> Result<Exit, Stop> {
    let path = format!("{}/services/{}/exec", context.selection()?.path(), arguments.service);
    let socket = context.client()?.websocket(&path).await?;
    let raw = if arguments.tty { Some(RawTerminal::take()?) } else { None };
    let ended = talk(socket, arguments).await;
    // Before anything is told.
    drop(raw);
    ended
}

/// Passes input, output and sizes on until the command ends. Neither way waits for the other: a command may answer before it has read.
async fn talk(socket: WebSocket, arguments: &Exec) -> Result<Exit, Stop> {
    let (mut sink, mut stream) = socket.split();
    let (mut terminated, mut hung_up) = (terminal::listen(SignalKind::terminate())?, terminal::listen(SignalKind::hangup())?);
    tokio::select! {
        ended = receive(&mut stream) => ended,
        Err(stop) = send(&mut sink, arguments) => Err(stop),
        _ = terminated.recv() => Err(Stop::silent(Exit::OfCommand(143))),
        _ = hung_up.recv() => Err(Stop::silent(Exit::OfCommand(129))),
    }
}

async fn receive(stream: &mut SplitStream<WebSocket>) -> Result<Exit, Stop> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Binary(bytes))) => write(&bytes)?,
            Some(Ok(Message::Text(text))) => return end(text.as_str()),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(lost()),
        }
    }
}

/// Sends the command, then what there is to send. A connection that takes no more is about to tell why.
async fn send(sink: &mut SplitSink<WebSocket, Message>, arguments: &Exec) -> Result<Infallible, Stop> {
    let mut resized = terminal::listen(SignalKind::window_change())?;
    let mut input = arguments.stdin.then(tokio::io::stdin);
    let mut buffer = vec![0; BUFFER];
    say(sink, &ExecControl::Start(body(arguments))).await?;
    if arguments.tty {
        say(sink, &size()).await?;
    }
    if !arguments.stdin {
        say(sink, &ExecControl::End).await?;
    }
    loop {
        let read = async {
            match &mut input {
                Some(input) => input.read(&mut buffer).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = read => match read {
                Ok(0) | Err(_) => {
                    input = None;
                    say(sink, &ExecControl::End).await?;
                }
                Ok(count) => give(sink, Message::binary(buffer[..count].to_vec())).await,
            },
            _ = resized.recv(), if arguments.tty => say(sink, &size()).await?,
        }
    }
}

fn body(arguments: &Exec) -> ExecBody {
    ExecBody {
        command: arguments.command.clone(),
        pod: arguments.pod.clone(),
        container: arguments.container.clone(),
        terminal: arguments.tty,
        input: arguments.stdin,
    }
}

fn size() -> ExecControl {
    let (columns, rows) = terminal::size();
    ExecControl::Resize { columns, rows }
}

async fn say(sink: &mut SplitSink<WebSocket, Message>, control: &ExecControl) -> Result<(), Stop> {
    let text = serde_json::to_string(control).map_err(|error| Stop::new(Exit::Internal, error.to_string()))?;
    give(sink, Message::text(text)).await;
    Ok(())
}

async fn give(sink: &mut SplitSink<WebSocket, Message>, message: Message) {
    if sink.send(message).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Writes what the command has written, to the stream that it wrote to.
fn write(message: &[u8]) -> Result<(), Stop> {
    let Some((stream, bytes)) = message.split_first() else { return Ok(()) };
    let written = if *stream == STDERR {
        let mut stderr = std::io::stderr().lock();
        stderr.write_all(bytes).and_then(|()| stderr.flush())
    } else {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush())
    };
    // Nobody reads any more.
    written.map_err(|_| Stop::silent(Exit::Done))
}

/// How the command has ended, as the server says it.
fn end(text: &str) -> Result<Exit, Stop> {
    match serde_json::from_str(text) {
        Ok(ExecEnd::Exit(code)) => Ok(Exit::OfCommand(u8::try_from(code).unwrap_or(u8::MAX))),
        Ok(ExecEnd::Problem(problem)) => Err((*problem).into()),
        Err(error) => Err(Stop::new(Exit::Internal, format!("the server's message does not read back: {error}"))),
    }
}

fn lost() -> Stop {
    Stop::new(Exit::Unreachable, "the connection ended before the command")
        .with_hint("the command may go on in its container; `slipway status` shows whether the pod is still there")
}
