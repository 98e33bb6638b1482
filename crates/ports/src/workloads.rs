//! What runs of an environment: seen live, its lines apart; and ways into its pods.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use slipway_core::failure::Failure;
use slipway_core::running::RunningStatus;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::{CancellationToken, PodsOf, Target};

/// What runs on a target. A pod is the smallest thing that runs: on a Docker engine it is one container.
#[async_trait]
pub trait Workloads: Send + Sync {
    /// Watches what runs in a namespace: `seen` gets all of it as soon as it is known, and again after each change; of changes that
    /// come faster than they are read the last one counts. Goes on until nobody listens any more, which is success.
    ///
    /// Fails with `cluster-unreachable` (retry), also when the target goes away in the middle, and `cluster-refused` (permanent).
    async fn watch(
        &self,
        target: &Target,
        namespace: &str,
        seen: watch::Sender<Option<RunningServices>>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure>;

    /// Runs a command in a container of a service until it ends, and returns its exit code.
    ///
    /// Fails with `pod-unavailable` (permanent: no such pod or container; retry: none of the service runs now), `exec-failed`
    /// (permanent: the command can not be started), `cluster-unreachable`, `cluster-refused`.
    async fn exec(
        &self,
        target: &Target,
        request: &ExecRequest,
        streams: ExecStreams,
        cancel: &CancellationToken,
    ) -> Result<i32, Failure>;

    /// Opens a stream of bytes to a port of a pod of a service: the pod that is named, else one that is ready. A port on which nothing
    /// listens may only show when the stream ends without a byte.
    ///
    /// Fails with `pod-unavailable`, `cluster-unreachable`, `cluster-refused`.
    async fn connect(&self, target: &Target, request: &ConnectRequest) -> Result<PodConnection, Failure>;

    /// Runs a cron job now, by the template that it runs by the clock, and returns the name of the Job, for
    /// [`Cluster::await_rollout`](crate::Cluster::await_rollout) and [`LogPods::OfJob`](crate::LogPods::OfJob). With a token that it
    /// was run with before, nothing is done.
    ///
    /// Fails with `release-failed` (permanent) when there is no such cron job.
    async fn run_job(&self, target: &Target, request: &JobRequest) -> Result<String, Failure>;
}

/// What runs in a namespace, by the name of the service.
pub type RunningServices = BTreeMap<String, RunningService>;

/// What runs of a service. One of which nothing is there at all is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningService {
    /// In one word.
    pub status: RunningStatus,
    /// Why it is not simply running, as the pod says it: `CrashLoopBackOff: …`.
    pub reason: Option<String>,
    /// So many of its pods are ready.
    pub ready: u32,
    /// So many are wanted.
    pub wanted: u32,
    /// Where the outside reaches its public ports that have no host name, as the target has given it: `203.0.113.7:5432`; of UDP
    /// `203.0.113.7:53/udp`.
    pub addresses: Vec<String>,
    /// Its pods, oldest first; those on their way out too.
    pub pods: Vec<RunningPod>,
    /// The last run of a job, if it has run.
    pub last_run: Option<JobRun>,
}

impl RunningService {
    /// How often containers of its pods were restarted.
    pub fn restarts(&self) -> u32 {
        self.pods.iter().map(RunningPod::restarts).sum()
    }

    /// The digest of the image that its newest pod runs, `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.pods.iter().rev().flat_map(|pod| &pod.containers).find_map(|container| container.digest.as_deref())
    }
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningPod {
    /// Its name.
    pub name: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, or `Terminating` on its way out.
    pub phase: String,
    /// Whether it takes requests.
    pub ready: bool,
    /// What is wrong with it, if anything is.
    pub reason: Option<String>,
    /// Where it runs.
    pub node: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// Its containers, those that go before the others too.
    pub containers: Vec<RunningContainer>,
}

impl RunningPod {
    /// How often its containers were restarted.
    pub fn restarts(&self) -> u32 {
        self.containers.iter().map(|container| container.restarts).sum()
    }
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningContainer {
    /// Its name.
    pub name: String,
    /// The image, as it was asked for.
    pub image: String,
    /// The digest of it, if it is known.
    pub digest: Option<String>,
    /// How often it was restarted.
    pub restarts: u32,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRun {
    /// The Job.
    pub name: String,
    /// When it began, if it has.
    pub started: Option<Timestamp>,
    /// How it stands.
    pub state: JobRunState,
}

/// How a run of a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobRunState {
    /// It has not ended.
    Running,
    /// It did what it should.
    Succeeded {
        /// When it ended.
        at: Option<Timestamp>,
    },
    /// It ended with an error.
    Failed {
        /// When.
        at: Option<Timestamp>,
        /// Why.
        reason: String,
    },
}

/// A command to run in a container.
#[derive(Debug, Clone)]
pub struct ExecRequest {
    /// The namespace.
    pub namespace: String,
    /// The service.
    pub release: String,
    /// How its pods are known.
    pub of: PodsOf,
    /// One of its pods; absent: one that is ready, else one that runs.
    pub pod: Option<String>,
    /// One of its containers; absent: the first.
    pub container: Option<String>,
    /// The program and its arguments; no shell reads them.
    pub command: Vec<String>,
    /// Whether it has a terminal. With one, all of its output is on standard output.
    pub terminal: bool,
    /// Whether it gets input; without, it reads an empty one.
    pub input: bool,
}

/// What goes in and out of a command.
#[derive(Debug)]
pub struct ExecStreams {
    /// Its input, which ends when the sender is dropped.
    pub input: mpsc::Receiver<ExecInput>,
    /// Its output.
    pub output: mpsc::Sender<ExecOutput>,
}

/// What a command gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecInput {
    /// Bytes for its standard input.
    Bytes(Vec<u8>),
    /// Its terminal has this size now.
    Resized {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
}

/// What a command writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecOutput {
    /// To its standard output.
    Stdout(Vec<u8>),
    /// To its standard error.
    Stderr(Vec<u8>),
}

/// A port of a pod to be connected to.
#[derive(Debug, Clone)]
pub struct ConnectRequest {
    /// The namespace.
    pub namespace: String,
    /// The service.
    pub release: String,
    /// How its pods are known.
    pub of: PodsOf,
    /// One of its pods; absent: one that is ready.
    pub pod: Option<String>,
    /// The port, of the pod.
    pub port: u16,
}

/// A stream of bytes, both ways.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// A stream to a pod.
pub struct PodConnection {
    /// The pod.
    pub pod: String,
    /// The bytes.
    pub stream: Box<dyn ByteStream>,
}

/// A cron job to be run now.
#[derive(Debug, Clone)]
pub struct JobRequest {
    /// The namespace.
    pub namespace: String,
    /// The service.
    pub release: String,
    /// Tells this run from others, the same for every attempt: lower-case letters and digits, at most 12.
    pub token: String,
}
