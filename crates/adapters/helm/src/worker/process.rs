//! One worker process, from its start to its death.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::frame;
use super::protocol::{Answer, Call, Cancel, Numbered, WorkerError};

/// How many lines of its log are kept.
const KEPT_LINES: usize = 20;

/// How long the log of a dead worker is read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// Whether the supervisor killed it.
    pub killed: bool,
    /// Whether it ended by itself, as Go programs do that run out of stack or memory.
    pub crashed: bool,
    /// Whether one request alone was in flight, so that there is no doubt which one it was.
    pub alone: bool,
    /// How, in words.
    pub description: String,
    /// The last lines that it said.
    pub last_lines: Vec<String>,
}

/// What became of a request.
pub(super) type Outcome = Result<Result<Value, WorkerError>, Death>;

/// A worker that runs, or ran.
#[derive(Debug)]
pub(super) struct Process {
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    state: Arc<Mutex<State>>,
    kill: CancellationToken,
}

#[derive(Debug)]
enum State {
    Alive { next: u64, waiting: HashMap<u64, oneshot::Sender<Outcome>> },
    Dead(Death),
}

/// A request in flight. Dropped before its answer, it tells the worker to stop.
pub(super) struct Flight {
    pub(super) answer: oneshot::Receiver<Outcome>,
    id: u64,
    process: Arc<Process>,
    landed: bool,
}

impl Process {
    /// Takes a started child over; it must have all three pipes.
    pub(super) fn new(mut child: Child) -> io::Result<Arc<Self>> {
        let missing = || io::Error::other("the worker has no pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let (outbox, frames) = mpsc::unbounded_channel();
        let state = Arc::new(Mutex::new(State::Alive { next: 1, waiting: HashMap::new() }));
        let kill = CancellationToken::new();
        let log = tokio::spawn(keep_log(stderr));
        tokio::spawn(write_frames(stdin, frames));
        tokio::spawn(watch(child, stdout, log, Arc::clone(&state), kill.clone()));
        Ok(Arc::new(Self { outbox, state, kill }))
    }

    pub(super) fn is_alive(&self) -> bool {
        matches!(*lock(&self.state), State::Alive { .. }) && !self.kill.is_cancelled()
    }

    /// Sends a request off. Fails when it cannot be written down, or when the worker is dead.
    pub(super) fn send(self: &Arc<Self>, call: &Call) -> Result<Flight, SendError> {
        let (sender, answer) = oneshot::channel();
        let id = match &mut *lock(&self.state) {
            State::Dead(death) => return Err(SendError::Dead(death.clone())),
            State::Alive { next, waiting } => {
                let id = *next;
                *next += 1;
                waiting.insert(id, sender);
                id
            }
        };
        let flight = Flight { answer, id, process: Arc::clone(self), landed: false };
        let body = serde_json::to_vec(&Numbered { id, call }).map_err(|error| SendError::Unwritable(error.to_string()))?;
        let frame = frame::encode(&body).map_err(|error| SendError::Unwritable(error.to_string()))?;
        // A worker that is about to be found dead does not take it; the answer then tells of the death.
        let _ = self.outbox.send(frame);
        Ok(flight)
    }

    /// Kills the worker. Every request in flight learns of it.
    pub(super) fn kill(&self) {
        self.kill.cancel();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}

/// Why a request was not sent.
pub(super) enum SendError {
    Dead(Death),
    Unwritable(String),
}

impl Flight {
    /// Asks the worker to end the request; its answer then says so.
    pub(super) fn cancel(&self) {
        let id = match &mut *lock(&self.process.state) {
            State::Dead(_) => return,
            State::Alive { next, .. } => {
                let id = *next;
                *next += 1;
                id
            }
        };
        let cancel = Cancel { id, op: "cancel", target: self.id };
        if let Some(frame) = serde_json::to_vec(&cancel).ok().and_then(|body| frame::encode(&body).ok()) {
            let _ = self.process.outbox.send(frame);
        }
    }

    /// The answer has been received.
    pub(super) fn land(&mut self) {
        self.landed = true;
    }

    pub(super) fn kill_worker(&self) {
        self.process.kill();
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.landed {
            return;
        }
        self.cancel();
        if let State::Alive { waiting, .. } = &mut *lock(&self.process.state) {
            waiting.remove(&self.id);
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    // Nothing panics while it holds this lock, and the state is whole between any two statements.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn write_frames(mut stdin: ChildStdin, mut frames: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if stdin.write_all(&frame).await.is_err() {
            return; // It is dead or dying, which `watch` finds out.
        }
    }
}

/// Hands answers out until the worker ends or is to be killed, then tells everybody who still waits.
async fn watch(
    mut child: Child,
    mut stdout: ChildStdout,
    log: tokio::task::JoinHandle<Log>,
    state: Arc<Mutex<State>>,
    kill: CancellationToken,
) {
    let mut killed = false;
    let mut broken = None;
    loop {
        tokio::select! {
            () = kill.cancelled() => {
                killed = true;
                break;
            }
            received = frame::read(&mut stdout) => match received {
                Ok(Some(body)) => match serde_json::from_slice::<Answer>(&body) {
                    Ok(answer) => hand_out(&state, answer),
                    Err(error) => {
                        broken = Some(format!("it answered with something else: {error}"));
                        break;
                    }
                },
                Ok(None) => break,
                Err(error) => {
                    broken = Some(format!("its answers broke off: {error}"));
                    break;
                }
            },
        }
    }
    // It may have ended already; then there is nothing to kill.
    let _ = child.start_kill();
    let status = child.wait().await;
    // A program that the worker had started may keep its stderr open; its last words are not worth waiting for.
    let log = tokio::time::timeout(LAST_WORDS, log).await.map(Result::unwrap_or_default).unwrap_or_default();
    let death = describe_death(killed, broken, status.ok(), log);
    tracing::warn!(description = death.description, "the Helm worker has ended");
    bury(&state, &death);
}

fn hand_out(state: &Mutex<State>, answer: Answer) {
    let waiting = match &mut *lock(state) {
        State::Alive { waiting, .. } => waiting.remove(&answer.id),
        State::Dead(_) => None,
    };
    if let Some(sender) = waiting {
        // The caller may have gone; the answer is then nobody's.
        let _ = sender.send(Ok(answer.error.map_or(Ok(answer.result), Err)));
    }
}

fn bury(state: &Mutex<State>, death: &Death) {
    let before = std::mem::replace(&mut *lock(state), State::Dead(death.clone()));
    if let State::Alive { waiting, .. } = before {
        let alone = waiting.len() == 1;
        for sender in waiting.into_values() {
            let _ = sender.send(Err(Death { alone, ..death.clone() }));
        }
    }
}

fn describe_death(killed: bool, broken: Option<String>, status: Option<ExitStatus>, log: Log) -> Death {
    let ended = status.map_or_else(|| "its end is not known".to_owned(), |status| status.to_string());
    let description = match (killed, broken, log.fatal) {
        (true, _, _) => "it was killed: a request did not end in its time".to_owned(),
        (false, Some(broken), _) => broken,
        (false, None, Some(fatal)) => format!("{fatal} ({ended})"),
        (false, None, None) => ended,
    };
    Death {
        killed,
        crashed: !killed && status.is_some_and(|status| status.code().is_some_and(|code| code != 0)),
        alone: false,
        description,
        last_lines: log.lines.into(),
    }
}

/// What a worker said on stderr.
#[derive(Debug, Default)]
struct Log {
    /// The line with which Go programs say why they end.
    fatal: Option<String>,
    lines: VecDeque<String>,
}

async fn keep_log(stderr: ChildStderr) -> Log {
    let mut log = Log::default();
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "helm_worker", "{line}");
        if log.fatal.is_some() {
            continue; // What follows is a stack of thousands of lines.
        }
        if line.starts_with("fatal error:") || line.starts_with("panic:") {
            log.fatal = Some(line.clone());
        }
        if log.lines.len() == KEPT_LINES {
            log.lines.pop_front();
        }
        log.lines.push_back(line);
    }
    log
}
