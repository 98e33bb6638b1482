//! The facts of a deployment, in the past tense.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::timing::Timing;
use crate::failure::Failure;
use crate::model::Name;
use crate::plan::{Plan, Settled, VariablesSecret};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A fact and when it became one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub fact: Fact,
}

/// What happened to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The request was taken and sealed; always the first.
    Accepted {
        /// What will be done.
        plan: Box<Plan>,
        /// Who or what asked.
        trigger: Trigger,
    },
    /// While it was queued, a later request of the same actor and action was joined to it.
    Merged {
        /// What will be done instead.
        plan: Box<Plan>,
        /// Who or what asked.
        trigger: Trigger,
    },
    /// Its turn came in the queue of its environment.
    Started,
    /// Somebody lets it go on into a stage that wants approval.
    StageApproved {
        /// The stage's place in the order of execution.
        stage: usize,
        /// Who.
        actor: Actor,
    },
    /// Somebody does not let it go on; it is canceled.
    StageRefused {
        /// The stage's place in the order of execution.
        stage: usize,
        /// Who.
        actor: Actor,
    },
    /// A build or release begins.
    StepStarted {
        /// Which.
        step: StepId,
        /// From 1; one more after each interruption.
        attempt: u32,
    },
    /// It did what it should.
    StepSucceeded {
        /// Which.
        step: StepId,
        /// What came of it.
        result: StepResult,
    },
    /// What a step did while it ran, and when. It stands right before the fact that ends the step.
    StepTimed {
        /// Which.
        step: StepId,
        /// In the order of time. A clock that jumps leaves its marks in them: see [`Timing::within`].
        timings: Vec<Timing>,
    },
    /// There was nothing to do, or nothing that could be done any more.
    StepSkipped {
        /// Which.
        step: StepId,
        /// Why.
        reason: SkipReason,
    },
    /// It can not succeed any more, and what it began is being put away; then it has failed.
    StepFailing {
        /// Which.
        step: StepId,
        /// How it will have failed.
        failure: Failure,
    },
    /// It ended badly.
    StepFailed {
        /// Which.
        step: StepId,
        /// How.
        failure: Failure,
    },
    /// It was ended, or never begun, because somebody asked for that.
    StepCanceled {
        /// Which.
        step: StepId,
    },
    /// Its owner is gone; it is waiting again.
    StepInterrupted {
        /// Which.
        step: StepId,
    },
    /// Somebody wants it to end.
    CancelRequested {
        /// Who.
        actor: Actor,
        /// All of it or one service.
        scope: CancelScope,
        /// Whether a running lifecycle job is stopped too.
        force: bool,
    },
    /// Nothing is left to do; always the last.
    Finished {
        /// How it went.
        outcome: Outcome,
    },
}

impl Fact {
    /// The step that it is about; `None` when it is about the deployment or a stage.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::StepStarted { step, .. }
            | Self::StepTimed { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepFailing { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepCanceled { step }
            | Self::StepInterrupted { step } => Some(step),
            Self::Accepted { .. }
            | Self::Merged { .. }
            | Self::Started
            | Self::StageApproved { .. }
            | Self::StageRefused { .. }
            | Self::CancelRequested { .. }
            | Self::Finished { .. } => None,
        }
    }
}

/// Build or release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Source becomes an image.
    Build,
    /// An image becomes pods.
    Release,
}

impl Phase {
    /// The name as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Release => "release",
        }
    }
}

/// One of the at most two things that are done to a service in a deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepId {
    /// To which service.
    pub service: Name,
    /// Which of the two.
    pub phase: Phase,
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.phase.as_str(), self.service)
    }
}

/// What came of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepResult {
    /// The digest of the image that was built or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The repository of the image that was released, in the mirroring registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The Secret that the release takes its variables from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<VariablesSecret>,
    /// The revision of the Helm release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// What the job left for services of later stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Box<WrittenOutputs>>,
    /// How the release was when it had become healthy, as far as that could be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Box<Settled>>,
}

/// That a job has written outputs; their values lie sealed in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenOutputs {
    /// Their names.
    pub names: Vec<String>,
    /// Changes with their values, and tells nothing of them.
    pub digest: String,
}

/// Why a step was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum SkipReason {
    /// The registry holds the image for the same inputs (C5).
    ImagePresent {
        /// Its digest.
        image: String,
    },
    /// Another service of this deployment built the same image (C12).
    SharedBuild {
        /// Which.
        with: Name,
        /// The digest.
        image: Option<String>,
    },
    /// Something before it failed (B8).
    EarlierFailure,
    /// A job that does not run on this action.
    NothingToRun,
    /// Nothing of it is deployed that could be stopped or restarted.
    NotDeployed,
    /// All that it is made from is as in its last healthy release, and what runs is as it was released (B4); or a job that runs when
    /// its image or configuration has changed, and neither has.
    Unchanged,
}

impl SkipReason {
    /// The reason as a stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::ImagePresent { .. } => "image-present",
            Self::SharedBuild { .. } => "shared-build",
            Self::EarlierFailure => "earlier-failure",
            Self::NothingToRun => "nothing-to-run",
            Self::NotDeployed => "not-deployed",
            Self::Unchanged => "unchanged",
        }
    }

    /// The image that is there although nothing was built.
    pub fn image(&self) -> Option<&str> {
        match self {
            Self::ImagePresent { image } => Some(image),
            Self::SharedBuild { image, .. } => image.as_deref(),
            Self::EarlierFailure | Self::NothingToRun | Self::NotDeployed | Self::Unchanged => None,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImagePresent { .. } => f.write_str("image present"),
            Self::SharedBuild { with, .. } => write!(f, "same image as {with}"),
            Self::EarlierFailure => f.write_str("earlier failure"),
            Self::NothingToRun => f.write_str("nothing to run"),
            Self::NotDeployed => f.write_str("not deployed"),
            Self::Unchanged => f.write_str("unchanged"),
        }
    }
}

/// Who or what asked for a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// By which way: `cli`, `api` …
    pub source: String,
    /// Who.
    pub actor: Actor,
    /// Tells this request from all others, when it may be repeated: the one that was accepted is found by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// A page about what brought it about: of a commit, of a comparison. An `http` or `https` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

/// What of a deployment is canceled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CancelScope {
    /// All of it.
    Deployment,
    /// One service; that counts as its failure.
    Service(Name),
}

impl CancelScope {
    /// Whether a service is meant.
    pub fn covers(&self, service: &Name) -> bool {
        match self {
            Self::Deployment => true,
            Self::Service(name) => name == service,
        }
    }
}

/// How a deployment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every step succeeded or had nothing to do.
    Succeeded,
    /// A step failed.
    Failed,
    /// Somebody ended it.
    Canceled,
}
