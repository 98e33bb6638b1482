//! A command run in a container.

use futures::SinkExt as _;
use futures::channel::mpsc as sizes;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, TerminalSize};
use kube::{Api, ResourceExt};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{ExecInput, ExecOutput, ExecRequest, ExecStreams};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::members::Members;
use super::pods::{Use, choose, no_such_pod};
use crate::calls::Calls;
use crate::connection::Connection;
use crate::text::clause;
use crate::trouble::Trouble;

/// How many bytes are read at a time.
const BUFFER: usize = 32 * 1024;

/// Runs it until it ends.
pub(super) async fn exec(
    connection: &Connection,
    calls: &Calls,
    request: &ExecRequest,
    streams: ExecStreams,
) -> Result<i32, Failure> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &request.namespace);
    let members = Members::new(&connection.client, calls, &request.namespace, &request.release, request.of);
    let pod = choose(&pods, calls, &members, request.pod.as_deref(), Use::Command).await?;
    let container = container(&pod, request)?;
    let pod = pod.name_any();
    let parameters = AttachParams {
        container: Some(container),
        stdin: request.input,
        stdout: true,
        // A terminal has one output.
        stderr: !request.terminal,
        tty: request.terminal,
        max_stdin_buf_size: Some(BUFFER),
        max_stdout_buf_size: Some(BUFFER),
        max_stderr_buf_size: Some(BUFFER),
    };
    // A command may be silent for as long as it likes.
    let patient: Api<Pod> = Api::namespaced(connection.patient.clone(), &request.namespace);
    let what = format!("run a command in pod {pod}");
    let opened = calls.once(patient.exec(&pod, request.command.clone(), &parameters)).await;
    let mut process = opened
        .map_err(|trouble| if trouble.is_not_found() { no_such_pod(&request.release, &pod) } else { trouble.failure(&what) })?;
    let lost = || Failure::permanent(Code::Internal, format!("the streams to pod {pod} were not made"));
    let status = process.take_status().ok_or_else(lost)?;
    let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
    let sizes = process.terminal_size();
    let ExecStreams { input, output } = streams;
    let reading = read(stdout, stderr, &output);
    let ended = {
        let mut feeding = std::pin::pin!(feed(input, stdin, sizes));
        let mut reading = std::pin::pin!(reading);
        tokio::select! {
            read = &mut reading => read,
            // Input may end before the command does.
            () = &mut feeding => reading.await,
        }
    };
    if ended.is_err() {
        return Err(Failure::canceled("nobody reads the output of the command any more"));
    }
    match status.await {
        Some(status) => exit_code(&status, &what),
        None => Err(Trouble::away("the connection ended before the command").failure(&what)),
    }
}

/// Sends what the command writes, of both streams, until they end.
async fn read<O: AsyncRead + Unpin, E: AsyncRead + Unpin>(
    stdout: Option<O>,
    stderr: Option<E>,
    output: &mpsc::Sender<ExecOutput>,
) -> Result<(), Unread> {
    let out = async {
        match stdout {
            Some(stdout) => forward(stdout, output, ExecOutput::Stdout).await,
            None => Ok(()),
        }
    };
    let err = async {
        match stderr {
            Some(stderr) => forward(stderr, output, ExecOutput::Stderr).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(out, err).map(|_| ())
}

/// The container that is meant: the one that is named, else the first of the pod.
fn container(pod: &Pod, request: &ExecRequest) -> Result<String, Failure> {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let found = containers.iter().find(|container| request.container.as_ref().is_none_or(|name| *name == container.name));
    found.map(|container| container.name.clone()).ok_or_else(|| {
        let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
        let named = request.container.clone().unwrap_or_default();
        Failure::permanent(Code::PodUnavailable, format!("pod {} has no container {named:?}", pod.name_any()))
            .with_hint(format!("it has: {}", names.join(", ")))
    })
}

/// Sends input and sizes until the command ends; the end of the input is told to it.
async fn feed<W: AsyncWrite + Unpin>(
    mut input: mpsc::Receiver<ExecInput>,
    mut stdin: Option<W>,
    mut terminal: Option<sizes::Sender<TerminalSize>>,
) {
    while let Some(next) = input.recv().await {
        match next {
            ExecInput::Bytes(bytes) => {
                // A command that reads no more, or has ended, takes no more; its exit code tells how it went.
                let Some(open) = &mut stdin else { continue };
                if open.write_all(&bytes).await.is_err() {
                    stdin = None;
                }
            }
            ExecInput::Resized { columns, rows } => {
                let Some(open) = &mut terminal else { continue };
                // A command that has ended needs no size.
                let _ = open.send(TerminalSize { width: columns, height: rows }).await;
            }
        }
    }
    // A terminal whose input is closed goes away under the command: it stays as long as that runs.
    if terminal.is_none()
        && let Some(open) = &mut stdin
    {
        // As above: a command that has ended needs no end of its input.
        let _ = open.shutdown().await;
    }
    std::future::pending::<()>().await;
}

/// Nobody takes the output any more.
struct Unread;

async fn forward<R: AsyncRead + Unpin>(
    mut from: R,
    to: &mpsc::Sender<ExecOutput>,
    kind: fn(Vec<u8>) -> ExecOutput,
) -> Result<(), Unread> {
    let mut buffer = vec![0; BUFFER];
    loop {
        // The end of a connection that breaks shows in the missing status.
        let count = from.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            return Ok(());
        }
        to.send(kind(buffer[..count].to_vec())).await.map_err(|_| Unread)?;
    }
}

/// What the API server says of the end of a command.
fn exit_code(status: &Status, what: &str) -> Result<i32, Failure> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.as_ref().and_then(|details| details.causes.as_deref()).unwrap_or_default();
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    if let Some(code) = code.and_then(|cause| cause.message.as_deref()?.parse().ok()) {
        return Ok(code);
    }
    let words = clause(status.message.as_deref().unwrap_or("the cluster gives no reason"));
    Err(Failure::permanent(Code::ExecFailed, format!("could not {what}: {words}"))
        .with_hint("name a program that the image has; for pipes and variables name its shell: sh -c '…'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(value: serde_json::Value) -> Result<i32, Failure> {
        exit_code(&serde_json::from_value(value).unwrap(), "run a command in pod api-0")
    }

    #[test]
    fn an_exit_code_is_told_apart_from_a_command_that_does_not_start() {
        assert_eq!(status(json!({"status": "Success"})), Ok(0));
        let ended = json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with exit code 7",
            "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}});
        assert_eq!(status(ended), Ok(7));
        let missing = json!({"status": "Failure", "reason": "InternalError", "message": "exec: \"nosuch\": executable file not found in $PATH"});
        let failure = status(missing).unwrap_err();
        assert_eq!(failure.code, Code::ExecFailed);
        assert!(failure.message.contains("executable file not found"), "{failure}");
    }
}
