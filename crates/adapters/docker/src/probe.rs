//! One question to a container: is it well? Asked over the port of loopback that its own port is published at, so that it works
//! wherever the engine runs, or by a program inside it.

use std::net::SocketAddr;
use std::time::Duration;

use bollard::Docker;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, TE, USER_AGENT};
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use slipway_core::model::{Probe, ProbeCheck};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::containers::Container;
use crate::engine::words;
use crate::text::{clause, clean};

/// The engine's forwarder takes every connection, and ends it at once when nobody listens behind it.
const FORWARDED: Duration = Duration::from_millis(200);
/// More than a health answer has.
const MOST_BYTES: usize = 64 << 10;
/// `SERVING`, as protocol buffers write it.
const SERVING: [u8; 2] = [8, 1];

/// Asks once. What goes wrong is said in words.
pub(crate) async fn ask(docker: &Docker, container: &Container, probe: &Probe) -> Result<(), String> {
    let timeout = probe.timeout.max(Duration::from_secs(1));
    let asked = async {
        match &probe.check {
            ProbeCheck::Http { path, port } => http(address(container, *port)?, path).await,
            ProbeCheck::Tcp { port } => tcp(address(container, *port)?).await,
            ProbeCheck::Exec { command } => exec(docker, &container.id, command).await,
            ProbeCheck::Grpc { port } => grpc(address(container, *port)?).await,
        }
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", timeout.as_secs())),
    }
}

fn address(container: &Container, port: u16) -> Result<SocketAddr, String> {
    container.ports.get(&port).copied().ok_or_else(|| format!("port {port} is not published"))
}

async fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    TcpStream::connect(address).await.map_err(|error| clause(&error.to_string()))
}

async fn http(address: SocketAddr, path: &str) -> Result<(), String> {
    let said = |error: hyper::Error| clause(&error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(connect(address).await?)).await.map_err(said)?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path).header(HOST, address.to_string()).header(USER_AGENT, "slipway-probe");
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| clause(&error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(said);
    connection.abort();
    let status = answer?.status();
    if status.is_success() || status.is_redirection() { Ok(()) } else { Err(format!("GET {path} answers {status}")) }
}

async fn tcp(address: SocketAddr) -> Result<(), String> {
    let mut stream = connect(address).await?;
    match tokio::time::timeout(FORWARDED, stream.read(&mut [0; 1])).await {
        Ok(Ok(0) | Err(_)) => Err("nobody listens at the port".to_owned()),
        // It says something, or waits for us to.
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

async fn exec(docker: &Docker, id: &str, command: &[String]) -> Result<(), String> {
    let config =
        ExecConfig { cmd: Some(command.to_vec()), attach_stdout: Some(true), attach_stderr: Some(true), ..ExecConfig::default() };
    let exec = docker.create_exec(id, config).await.map_err(|error| words(&error))?;
    let started = docker.start_exec(&exec.id, None).await.map_err(|error| words(&error))?;
    let mut said = Vec::new();
    if let StartExecResults::Attached { mut output, .. } = started {
        while let Some(Ok(part)) = output.next().await {
            let room = MOST_BYTES.saturating_sub(said.len());
            said.extend_from_slice(&part.as_ref()[..part.as_ref().len().min(room)]);
        }
    }
    let ended = docker.inspect_exec(&exec.id).await.map_err(|error| words(&error))?;
    match ended.exit_code {
        Some(0) => Ok(()),
        code => {
            let code = code.map_or_else(|| "an unknown code".to_owned(), |code| format!("code {code}"));
            Err(clean(&format!("the program ended with {code}: {}", String::from_utf8_lossy(&said))))
        }
    }
}

/// The standard question of gRPC: `grpc.health.v1.Health/Check`, for the whole server.
async fn grpc(address: SocketAddr) -> Result<(), String> {
    let said = |error: hyper::Error| clause(&error.to_string());
    let stream = TokioIo::new(connect(address).await?);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.map_err(said)?;
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(format!("http://{address}/grpc.health.v1.Health/Check"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        // An empty message: not compressed, of length 0.
        .body(Full::new(Bytes::from_static(&[0; 5])))
        .map_err(|error| clause(&error.to_string()))?;
    let answered = async {
        let answer = sender.send_request(request).await.map_err(said)?;
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await.map_err(|error| clause(&error.to_string()))?;
        let status = body.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
        Ok::<_, String>((body.to_bytes(), status))
    };
    let answered = answered.await;
    connection.abort();
    let (body, status) = answered?;
    match status.as_ref().map(hyper::header::HeaderValue::as_bytes) {
        Some(b"0") if body.get(5..) == Some(&SERVING) => Ok(()),
        Some(b"0") => Err("the health service does not say SERVING".to_owned()),
        Some(status) => Err(format!("the health service answers with gRPC status {}", clean(&String::from_utf8_lossy(status)))),
        None => Err("what answers is no gRPC server".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// Takes connections, and does this with each.
    async fn listen<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream).await;
            }
        });
        address
    }

    async fn answering(text: &'static str) -> SocketAddr {
        listen(move |mut stream| async move {
            let mut request = [0; 1024];
            let _read = stream.read(&mut request).await;
            let _sent = stream.write_all(text.as_bytes()).await;
        })
        .await
    }

    #[tokio::test]
    async fn an_answer_of_http_below_400_is_well() {
        for (status, is_well) in [("200 OK", true), ("302 Found", true), ("404 Not Found", false), ("503 Away", false)] {
            let text: &'static str = Box::leak(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into_boxed_str());
            assert_eq!(http(answering(text).await, "/healthz").await.is_ok(), is_well, "{status}");
        }
        assert!(http(answering("SSH-2.0\r\n").await, "/").await.is_err());
    }

    #[tokio::test]
    async fn a_forwarder_that_ends_the_connection_at_once_has_nobody_behind_it() {
        let closing = listen(|stream| async move { drop(stream) }).await;
        assert_eq!(tcp(closing).await, Err("nobody listens at the port".to_owned()));
        let (kept, mut keeper) = tokio::sync::mpsc::channel(1);
        let silent = listen(move |stream| {
            let kept = kept.clone();
            async move { kept.send(stream).await.unwrap() }
        })
        .await;
        assert_eq!(tcp(silent).await, Ok(()));
        drop(keeper.recv().await);
    }

    #[tokio::test]
    async fn what_is_no_grpc_server_is_not_well() {
        assert!(grpc(answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await).await.is_err());
    }
}
