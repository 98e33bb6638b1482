//! Server-sent events: the name of each, and what its data is.
//!
//! On the wire the name stands in the line `event:` and the JSON in `data:`; here the two are one value, so that a client that
//! has both reads it as one of these.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    DeploymentHeadView, DeploymentView, EnvironmentStateView, LogLineView, OverviewView, PodLineView, ProblemDetails,
    RemovedView, RunningChange, RunningView, ServiceView,
};

/// No data: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nothing {}

/// An event of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum DeploymentEvent {
    /// Without lines of the log: everything follows.
    Begin(Nothing),
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

/// An event of an environment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum EnvironmentEvent {
    /// Everything follows; what was told before may be gone.
    Begin(Nothing),
    /// Its configuration, as it is now.
    Environment(Box<EnvironmentStateView>),
    /// The head of a deployment, as it is now.
    Deployment(Box<DeploymentHeadView>),
    /// What runs of it, as it is now.
    Running(Box<RunningView>),
    /// What is different of what runs since the event before.
    Change(RunningChange),
    /// It can not be found out what runs; `running` follows when it can again.
    Away(Box<ProblemDetails>),
    /// The environment is gone.
    Removed(RemovedView),
}

/// An event of the list of all environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum OverviewEvent {
    /// Everything follows; what was told before may be gone.
    Begin(Nothing),
    /// An environment, as it is now.
    Environment(Box<OverviewView>),
    /// An environment is gone.
    Removed(RemovedView),
}
