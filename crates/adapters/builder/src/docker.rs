//! The BuildKit in a Docker Engine.
//!
//! The engine speaks BuildKit's gRPC behind `POST /grpc`, which turns an HTTP connection into one of gRPC. `buildctl` does not know
//! that: it is pointed at a socket of ours, and each connection to it is passed on to a connection of the engine that was turned so.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use slipway_core::failure::{Code, Failure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::outcome;

/// How long the engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than an engine tells of itself.
const LONGEST_ANSWER: u64 = 1 << 20;
/// More than an answer has before its body.
const LONGEST_HEAD: u64 = 16 << 10;
/// How an engine names the image store that BuildKit can push from.
const CONTAINERD_STORE: &str = "io.containerd.snapshotter.v1";

/// Lets `buildctl` speak to the BuildKit of an engine, for as long as it lives.
#[derive(Debug)]
pub(crate) struct DockerRelay {
    engine: PathBuf,
    socket: PathBuf,
    passing: JoinHandle<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(default)]
    server_version: String,
    #[serde(default)]
    driver: String,
    /// Pairs of a name and a value; nothing in very old engines.
    driver_status: Option<Vec<Vec<String>>>,
}

impl DockerRelay {
    /// Listens in a folder that only this user can enter, for the engine at a socket.
    pub(crate) fn listen(folder: &Path, engine: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let socket = folder.join("docker.sock");
        let _left_by_an_earlier_server = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket)?;
        let passing = tokio::spawn(pass_all(listener, engine.clone()));
        Ok(Self { engine, socket, passing })
    }

    /// The address that `buildctl` is given.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The socket of the engine.
    pub(crate) fn engine(&self) -> &Path {
        &self.engine
    }

    /// The engine's version, if its BuildKit can build for us.
    pub(crate) async fn engine_version(&self) -> Result<String, Failure> {
        let info: Info = ask(&self.engine, "/info").await.map_err(|error| self.unavailable(&error))?;
        let mut values = info.driver_status.iter().flatten().flatten();
        if values.any(|value| value == CONTAINERD_STORE) {
            return Ok(info.server_version);
        }
        let message = format!(
            "Docker Engine {} can not be the builder: it keeps images in `{}`, from which its BuildKit pushes none to a registry",
            info.server_version, info.driver
        );
        Err(Failure::permanent(Code::BuilderUnavailable, message).with_hint(
            "let the engine keep images in containerd (Engine 29 does; before, `\"features\": {\"containerd-snapshotter\": true}` in \
             daemon.json), or leave `--builder` out for a builder of Slipway's own",
        ))
    }

    fn unavailable(&self, error: &io::Error) -> Failure {
        outcome::unavailable(&format!("the Docker Engine at {} does not answer: {error}", self.engine.display()))
            .with_hint("start it, and let the user of the server use its socket (group `docker`)")
    }
}

impl Drop for DockerRelay {
    fn drop(&mut self) {
        self.passing.abort();
        let _gone_already = fs::remove_file(&self.socket);
    }
}

async fn pass_all(listener: UnixListener, engine: PathBuf) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let engine = engine.clone();
                tokio::spawn(async move {
                    if let Err(error) = pass(client, &engine).await {
                        tracing::debug!(%error, "a connection to the BuildKit of the Docker Engine ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the BuildKit of the Docker Engine can not be taken");
                // Such as too many open files: it passes.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn pass(mut client: UnixStream, engine: &Path) -> io::Result<()> {
    let request = "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n";
    let turned = async {
        let mut stream = BufReader::new(UnixStream::connect(engine).await?);
        stream.write_all(request.as_bytes()).await?;
        match head(&mut stream).await? {
            101 => Ok(stream),
            status => Err(io::Error::other(format!("the engine answers {status} to POST /grpc"))),
        }
    };
    let mut stream = timeout(PATIENCE, turned).await??;
    copy_bidirectional(&mut client, &mut stream).await.map(|_| ())
}

/// Asks the engine for a JSON document. By HTTP/1.0 its answer ends with the connection.
async fn ask<T: DeserializeOwned>(engine: &Path, path: &str) -> io::Result<T> {
    let asked = async {
        let mut stream = BufReader::new(UnixStream::connect(engine).await?);
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes()).await?;
        let status = head(&mut stream).await?;
        if status != 200 {
            return Err(io::Error::other(format!("it answers {status} to GET {path}")));
        }
        let mut body = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut body).await?;
        serde_json::from_slice(&body).map_err(io::Error::other)
    };
    timeout(PATIENCE, asked).await?
}

/// Reads the head of an answer; its status.
async fn head(stream: &mut BufReader<UnixStream>) -> io::Result<u16> {
    let unreadable = || io::Error::other("what answers is no Docker Engine");
    let mut head = stream.take(LONGEST_HEAD);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if head.read_until(b'\n', &mut line).await? == 0 {
            return Err(unreadable());
        }
        if line.trim_ascii().is_empty() {
            break;
        }
        lines.push(String::from_utf8_lossy(&line).into_owned());
    }
    let status = lines.first().and_then(|line| line.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?.parse().ok());
    status.ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An engine that gives each connection this answer, and then says again what it hears.
    fn engine(folder: &Path, answer: &'static str) -> PathBuf {
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut request = String::new();
                while !request.ends_with("\r\n\r\n") {
                    stream.read_line(&mut request).await.unwrap();
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
                if request.starts_with("POST /grpc ") {
                    let (mut reading, mut writing) = tokio::io::split(stream);
                    let _ended = tokio::io::copy(&mut reading, &mut writing).await;
                }
            }
        });
        socket
    }

    #[tokio::test]
    async fn a_connection_is_passed_on_once_the_engine_has_turned_it() {
        let folder = tempfile::tempdir().unwrap();
        let turned = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nwhat gRPC says first;";
        let relay = DockerRelay::listen(&folder.path().join("relay"), engine(folder.path(), turned)).unwrap();
        let address = relay.address();
        let mut stream = UnixStream::connect(address.strip_prefix("unix://").unwrap()).await.unwrap();
        stream.write_all(b"and what it hears").await.unwrap();
        let mut heard = vec![0; "what gRPC says first;and what it hears".len()];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(String::from_utf8(heard).unwrap(), "what gRPC says first;and what it hears");
        drop(relay);
        assert!(!Path::new(address.strip_prefix("unix://").unwrap()).exists());
    }

    #[tokio::test]
    async fn an_engine_that_does_not_turn_the_connection_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let relay = DockerRelay::listen(folder.path(), engine(folder.path(), "HTTP/1.1 404 Not Found\r\n\r\n")).unwrap();
        let mut stream = UnixStream::connect(relay.address().strip_prefix("unix://").unwrap()).await.unwrap();
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_engine_without_the_image_store_of_containerd_is_refused_with_the_reason() {
        for (answer, expected) in [
            (
                "HTTP/1.0 200 OK\r\n\r\n{\"ServerVersion\": \"29.1.0\", \"Driver\": \"overlayfs\", \"DriverStatus\": [[\"driver-type\", \"io.containerd.snapshotter.v1\"]]}",
                Ok("29.1.0"),
            ),
            (
                "HTTP/1.0 200 OK\r\n\r\n{\"ServerVersion\": \"20.10.24\", \"Driver\": \"overlay2\", \"DriverStatus\": [[\"a\", \"b\"]]}",
                Err("Docker Engine 20.10.24 can not be the builder"),
            ),
            ("HTTP/1.0 200 OK\r\n\r\n{\"ServerVersion\": \"1.0\", \"DriverStatus\": null}", Err("can not be the builder")),
            ("HTTP/1.0 500 No\r\n\r\n{}", Err("does not answer: it answers 500")),
            ("SSH-2.0-OpenSSH\r\n\r\n", Err("no Docker Engine")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let relay = DockerRelay::listen(folder.path(), engine(folder.path(), answer)).unwrap();
            match (relay.engine_version().await, expected) {
                (Ok(version), Ok(expected)) => assert_eq!(version, expected),
                (Err(failure), Err(expected)) => assert!(failure.message.contains(expected), "{failure}"),
                (found, _) => panic!("{answer}: {found:?}"),
            }
        }
    }
}
