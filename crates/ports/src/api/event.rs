//! Server-sent events: the name of each, and what its data is.
//!
//! On the wire the name stands in the line `event:` and the JSON in `data:`; here the two are one value, so that a client that
//! has both reads it as one of these.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DeploymentView, LogLineView, PodLineView, ProblemDetails, RunningChange, RunningView, ServiceView};

/// No data: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nothing {}

/// An event of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum DeploymentEvent {
    /// All of it, as it is now: the first event, and one at each change that is not of one service.
    Deployment(Box<DeploymentView>),
    /// One service of it, as it is now.
    Service(Box<ServiceView>),
    /// A line of its log.
    Log(LogLineView),
    /// It has finished, and everything was sent.
    End(Nothing),
}

/// An event of the log of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum PodLogEvent {
    /// A line of a pod.
    Line(PodLineView),
    /// There are no more.
    End(Nothing),
    /// It ended badly.
    Problem(Box<ProblemDetails>),
}

/// An event of what runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum RunningEvent {
    /// All of it, as it is now.
    Running(Box<RunningView>),
    /// What is different since the event before.
    Change(RunningChange),
    /// It can not be found out right now; `running` follows when it can again.
    Away(Box<ProblemDetails>),
}
