//! What runs, and ways into it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_core::running::RunningStatus;
use utoipa::ToSchema;

use super::ProblemDetails;
use super::schema::RunningStatusSchema;

/// What runs of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningView {
    /// In one word.
    #[schema(value_type = RunningStatusSchema)]
    pub status: RunningStatus,
    /// Where it runs.
    pub target: String,
    /// Its services, in file order.
    pub services: Vec<RunningServiceView>,
}

impl RunningView {
    /// Takes over what is new.
    pub fn update(&mut self, change: RunningChange) {
        self.status = change.status;
        for changed in change.services {
            match self.services.iter_mut().find(|known| known.name == changed.name) {
                Some(known) => *known = changed,
                None => self.services.push(changed),
            }
        }
    }
}

/// What has changed of what runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningChange {
    /// The environment, in one word.
    #[schema(value_type = RunningStatusSchema)]
    pub status: RunningStatus,
    /// The services of which something is different.
    pub services: Vec<RunningServiceView>,
}

/// What runs of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningServiceView {
    /// Its name.
    pub name: String,
    /// In one word.
    #[schema(value_type = RunningStatusSchema)]
    pub status: RunningStatus,
    /// Why it is not simply running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// So many of its pods are ready.
    pub ready: u32,
    /// So many are wanted.
    pub wanted: u32,
    /// How often containers of its pods were restarted.
    pub restarts: u32,
    /// The image that its newest pod runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where the outside reaches its public ports that have no host name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Its pods, oldest first.
    pub pods: Vec<RunningPodView>,
    /// The last run of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<JobRunView>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningPodView {
    /// Its name.
    pub name: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Terminating`.
    pub phase: String,
    /// Whether it takes requests.
    pub ready: bool,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// How often its containers were restarted.
    pub restarts: u32,
    /// Its containers.
    pub containers: Vec<RunningContainerView>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningContainerView {
    /// Its name.
    pub name: String,
    /// The image, as it was asked for.
    pub image: String,
    /// The digest of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How often it was restarted.
    pub restarts: u32,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobRunView {
    /// The Job.
    pub name: String,
    /// `running`, `succeeded` or `failed`.
    pub state: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// A request to run a cron job now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobRunBody {
    /// Tells this run from others, so that the request can be repeated: up to 12 lower-case letters and digits; absent: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A run that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobStartedView {
    /// The Job.
    pub name: String,
}

/// A command, as the first message of a websocket says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecBody {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// One pod of the service; absent: a ready one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// One container of the pod; absent: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Whether the command has a terminal.
    #[serde(default)]
    pub terminal: bool,
    /// Whether it gets input.
    #[serde(default)]
    pub input: bool,
}

/// What a client says in text; bytes of the command's input are binary messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExecControl {
    /// Begin. The first message, and only that.
    Start(ExecBody),
    /// The terminal has this size now.
    Resize {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
    /// No more input comes.
    End,
}

/// What the server says in text. Output comes in binary messages, each with [`STDOUT`] or [`STDERR`] as its first byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExecEnd {
    /// The command has ended.
    Exit(i32),
    /// It could not be run.
    Problem(Box<ProblemDetails>),
}

/// The first byte of a message with standard output.
pub const STDOUT: u8 = 1;
/// The first byte of a message with standard error.
pub const STDERR: u8 = 2;

/// What is said in text on a stream to a port: by the server first, to whom the client is connected; by the client at the end of what it
/// sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ForwardControl {
    /// The stream goes to this pod.
    Pod(String),
    /// No more bytes come.
    End,
}
