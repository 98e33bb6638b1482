//! Keeps a worker running and takes requests to it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::process::{Death, Flight, Outcome, Process, SendError};
use super::protocol::{Call, Pong, VERSION, WorkerError};
use super::spawner::Spawner;

/// What the worker may see of this process's environment.
const PASSED_ON: [&str; 14] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GOMEMLIMIT",
    "GODEBUG",
    "SLIPWAY_HELM_WORKER_ADDRESS_SPACE",
];

/// Times of a supervisor.
#[derive(Debug, Clone, Copy)]
pub struct SupervisorOptions {
    /// For a new worker to answer.
    pub start: Duration,
    /// For a worker to answer that a request was ended, by its time or by a cancellation, before it is killed.
    pub grace: Duration,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        // The worker takes up to ten seconds to settle a release whose operation was ended.
        Self { start: Duration::from_secs(20), grace: Duration::from_secs(15) }
    }
}

/// Why a request has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The worker answered with an error.
    #[error("{} ({})", .0.message, .0.code)]
    Answered(WorkerError),
    /// The worker died under the request.
    #[error("the Helm worker died: {}", .0.description)]
    Died(Death),
    /// The request did not end in its time, and the worker was killed for it.
    #[error("the Helm worker did not answer within {0:?} and was killed")]
    Overdue(Duration),
    /// The request was canceled, and the worker was killed since it did not end it.
    #[error("canceled")]
    Canceled,
    /// There is no worker to be had.
    #[error("the Helm worker cannot be started: {0}")]
    Unavailable(String),
    /// The request is not one, or the result is not what was expected.
    #[error("the Helm worker was not understood: {0}")]
    Misunderstood(String),
}

/// Keeps a worker running: starts it with the first request and after every death.
#[derive(Debug)]
pub struct Supervisor {
    program: PathBuf,
    options: SupervisorOptions,
    spawner: Spawner,
    current: Mutex<Option<Arc<Process>>>,
}

impl Supervisor {
    /// For a worker program; nothing is started yet.
    pub fn new(program: impl Into<PathBuf>, options: SupervisorOptions) -> io::Result<Self> {
        Ok(Self { program: program.into(), options, spawner: Spawner::new()?, current: Mutex::new(None) })
    }

    /// Sends a request and waits for its end, which is never later than `timeout` and the grace after it.
    pub async fn call(&self, mut call: Call, timeout: Duration, cancel: &CancellationToken) -> Result<Value, CallError> {
        if cancel.is_cancelled() {
            return Err(CallError::Canceled);
        }
        call.timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut flight = self.depart(&call).await?;
        let outcome = tokio::select! {
            outcome = &mut flight.answer => outcome,
            () = cancel.cancelled() => {
                flight.cancel();
                return self.last_word(flight, CallError::Canceled).await;
            }
            // The worker ends a request in its time by itself, unless it is beyond hearing.
            () = tokio::time::sleep(timeout + self.options.grace) => {
                return self.last_word(flight, CallError::Overdue(timeout)).await;
            }
        };
        flight.land();
        received(outcome)
    }

    /// The version of Helm that the worker is built with.
    pub async fn version(&self) -> Result<String, CallError> {
        let ping = Call { op: "ping", ..Call::default() };
        let answer = self.call(ping, self.options.start, &CancellationToken::new()).await?;
        let pong: Pong = serde_json::from_value(answer).map_err(|error| CallError::Misunderstood(error.to_string()))?;
        Ok(pong.helm)
    }

    /// Sends the request to the worker that runs, or to a new one when that died before it could take it.
    async fn depart(&self, call: &Call) -> Result<Flight, CallError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.process().await?.send(call) {
                Ok(flight) => return Ok(flight),
                Err(SendError::Dead(_)) if attempts < 3 => {}
                Err(SendError::Dead(death)) => return Err(CallError::Died(death)),
                Err(SendError::Unwritable(reason)) => return Err(CallError::Misunderstood(reason)),
            }
        }
    }

    /// Gives the worker its grace after a cancellation; after that, or when it had its time, kills it.
    async fn last_word(&self, mut flight: Flight, otherwise: CallError) -> Result<Value, CallError> {
        if otherwise == CallError::Canceled
            && let Ok(outcome) = tokio::time::timeout(self.options.grace, &mut flight.answer).await
        {
            flight.land();
            return received(outcome);
        }
        flight.kill_worker();
        // Wait for the death, so that nothing of the request runs any more.
        let _ = (&mut flight.answer).await;
        flight.land();
        Err(otherwise)
    }

    async fn process(&self) -> Result<Arc<Process>, CallError> {
        let mut current = self.current.lock().await;
        if let Some(process) = current.as_ref().filter(|process| process.is_alive()) {
            return Ok(Arc::clone(process));
        }
        let process = self.start().await?;
        *current = Some(Arc::clone(&process));
        Ok(process)
    }

    async fn start(&self) -> Result<Arc<Process>, CallError> {
        let unavailable = |reason: String| CallError::Unavailable(format!("{}: {reason}", self.program.display()));
        let child = self.spawner.spawn(command(&self.program)).await.map_err(|error| unavailable(error.to_string()))?;
        let process = Process::new(child).map_err(|error| unavailable(error.to_string()))?;
        let ping = Call { op: "ping", timeout_ms: 1000, ..Call::default() };
        let Ok(mut flight) = process.send(&ping) else { return Err(unavailable("it ended at once".to_owned())) };
        let answer = match tokio::time::timeout(self.options.start, &mut flight.answer).await {
            Ok(outcome) => {
                flight.land();
                received(outcome).map_err(|error| unavailable(error.to_string()))?
            }
            Err(_) => return Err(unavailable(format!("it did not answer within {:?}", self.options.start))),
        };
        match serde_json::from_value::<Pong>(answer) {
            Ok(pong) if pong.protocol == VERSION => {
                tracing::info!(helm = pong.helm, program = %self.program.display(), "the Helm worker has started");
                Ok(process)
            }
            Ok(pong) => Err(unavailable(format!("it speaks protocol {}, expected {VERSION}", pong.protocol))),
            Err(error) => Err(unavailable(format!("it does not speak the protocol: {error}"))),
        }
    }
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn received(outcome: Result<Outcome, tokio::sync::oneshot::error::RecvError>) -> Result<Value, CallError> {
    match outcome {
        Ok(Ok(Ok(result))) => Ok(result),
        Ok(Ok(Err(error))) => Err(CallError::Answered(error)),
        Ok(Err(death)) => Err(CallError::Died(death)),
        Err(_) => Err(CallError::Unavailable("its supervisor is shutting down".to_owned())),
    }
}
