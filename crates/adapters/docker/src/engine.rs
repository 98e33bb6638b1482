//! The connection to the engine, and its refusals as failures.

use std::path::PathBuf;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use slipway_core::failure::{Code, Failure};
use tokio::sync::OnceCell;

use crate::text::clause;

/// The longest that the engine may take to begin an answer: a stop waits for the containers.
const PATIENCE: Duration = Duration::from_secs(120);
/// Where an engine listens unless `DOCKER_HOST` says otherwise.
const USUAL_SOCKET: &str = "/var/run/docker.sock";

/// The Docker Engine of this machine.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    docker: OnceCell<Docker>,
}

impl Engine {
    /// A client of it, which speaks the version that the engine knows.
    pub(crate) async fn docker(&self) -> Result<&Docker, Failure> {
        self.docker
            .get_or_try_init(|| async {
                let docker = connect().map_err(|error| failure("connect", &error))?;
                docker.negotiate_version().await.map_err(|error| failure("connect", &error))
            })
            .await
    }

    /// Its version, such as `28.1.0`.
    pub(crate) async fn version(&self) -> Result<String, Failure> {
        let version = self.docker().await?.version().await.map_err(|error| failure("ask for the version", &error))?;
        Ok(version.version.unwrap_or_else(|| "of an unknown version".to_owned()))
    }
}

fn connect() -> Result<Docker, Error> {
    let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
    let docker = match host {
        Some(host) => Docker::connect_with_host(&host)?,
        None => Docker::connect_with_unix(&socket().display().to_string(), PATIENCE.as_secs(), API_DEFAULT_VERSION)?,
    };
    Ok(docker.with_timeout(PATIENCE))
}

/// The usual socket, else that of Docker Desktop or of an engine without root, if one is there.
fn socket() -> PathBuf {
    let usual = PathBuf::from(USUAL_SOCKET);
    if usual.exists() {
        return usual;
    }
    let of = |variable: &str, path: &str| std::env::var_os(variable).map(|folder| PathBuf::from(folder).join(path));
    let others = [of("HOME", ".docker/run/docker.sock"), of("XDG_RUNTIME_DIR", "docker.sock")];
    others.into_iter().flatten().find(|path| path.exists()).unwrap_or(usual)
}

/// The status of an answer that refuses.
pub(crate) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the engine says that there is no such thing.
pub(crate) fn is_missing(error: &Error) -> bool {
    status(error) == Some(404)
}

/// What the engine says, in one line.
pub(crate) fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => clause(message),
        Error::DockerStreamError { error } => clause(error),
        other => clause(&other.to_string()),
    }
}

/// A call that did not succeed: `what` is the thing that was to be done.
pub(crate) fn failure(what: &str, error: &Error) -> Failure {
    let words = words(error);
    match error {
        Error::DockerResponseServerError { .. } | Error::DockerStreamError { .. } | Error::JsonDataError { .. } => {
            Failure::permanent(Code::ClusterRefused, format!("the Docker Engine does not {what}: {words}"))
        }
        _ => Failure::retry(Code::ClusterUnreachable, format!("the Docker Engine does not answer ({what}): {words}"))
            .with_hint("start Docker, and let the user of the server use its socket (group `docker`, or DOCKER_HOST)"),
    }
}
