//! Pieces of time, and what went on in them.

use std::fmt;

use crate::deployment::{Actor, StepId, Timestamp, Timing};
use crate::model::{Name, StageName};

/// A stretch of time in which one thing went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its first moment.
    pub from: Timestamp,
    /// Its last moment; the next piece begins with it.
    pub to: Timestamp,
    /// What went on.
    pub doing: Doing,
    /// What a step did while it ran, as far as that is on record: in the order of time, within the piece, none over another.
    pub parts: Vec<Timing>,
}

impl Piece {
    /// How long it lasted, in milliseconds.
    pub fn milliseconds(&self) -> i64 {
        self.to.0 - self.from.0
    }
}

/// A link of the critical path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalPiece {
    /// The step that it belongs to; absent of the deployment as a whole.
    pub step: Option<StepId>,
    /// The stretch of time.
    pub piece: Piece,
}

/// What a step was doing, or what it was waiting for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// The deployment waited for its turn.
    Queued {
        /// Behind which deployment of the environment.
        behind: Option<u64>,
    },
    /// The stages before had not come to their end (C1).
    EarlierStages(Option<Blocker>),
    /// Another service builds the same image (C12).
    SharedBuild {
        /// Which.
        with: Name,
    },
    /// The build of the service itself had not ended.
    OwnBuild,
    /// Other builds of the stage had not ended (C3).
    BuildsOfStage(Option<Blocker>),
    /// The stage wanted approval.
    Approval {
        /// Who gave it.
        by: Option<Actor>,
    },
    /// As many steps as may run at a time were running (C4, C7).
    Window {
        /// How many may.
        places: u32,
        /// Whose end made room.
        freed_by: Option<StepId>,
    },
    /// Nothing was in its way any more; the server had to begin it, and did not, as long as it was away.
    Ready,
    /// It was being done.
    Running {
        /// From 1.
        attempt: u32,
        /// Whether the server went away in the middle of it.
        interrupted: bool,
    },
    /// Nothing was on its way to the end, until somebody canceled.
    UntilCanceled {
        /// Who.
        by: Actor,
    },
}

/// The step that something waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// Which.
    pub step: StepId,
    /// In which stage.
    pub stage: StageName,
    /// Whether it has ended, as the last one of those that were waited for.
    pub has_ended: bool,
}

impl Doing {
    /// It as a stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::EarlierStages(_) => "earlier-stages",
            Self::SharedBuild { .. } => "shared-build",
            Self::OwnBuild => "own-build",
            Self::BuildsOfStage(_) => "builds-of-stage",
            Self::Approval { .. } => "approval",
            Self::Window { .. } => "window",
            Self::Ready => "ready",
            Self::Running { .. } => "running",
            Self::UntilCanceled { .. } => "until-canceled",
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.has_ended { "was the last to end" } else { "has not ended" };
        write!(f, "the {} in `{}` {verb}", self.step, self.stage)
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = |f: &mut fmt::Formatter<'_>, what: &str, blocker: &Option<Blocker>| match blocker {
            Some(blocker) => write!(f, "{what}: {blocker}"),
            None => f.write_str(what),
        };
        match self {
            Self::Queued { behind: Some(number) } => write!(f, "queued behind deployment {number}"),
            Self::Queued { behind: None } => f.write_str("queued"),
            Self::EarlierStages(blocker) => because(f, "waiting for the stages before", blocker),
            Self::SharedBuild { with } => write!(f, "waiting for the build of {with}, which makes the same image"),
            Self::OwnBuild => f.write_str("waiting for its own build"),
            Self::BuildsOfStage(blocker) => because(f, "waiting for the other builds of the stage", blocker),
            Self::Approval { by: Some(actor) } => write!(f, "waiting for approval: {} gave it", actor.0),
            Self::Approval { by: None } => f.write_str("waiting for approval"),
            Self::Window { places, freed_by: Some(step) } => {
                write!(f, "waiting for a free place, {places} at a time: the end of the {step} made room")
            }
            Self::Window { places, freed_by: None } => write!(f, "waiting for a free place, {places} at a time"),
            Self::Ready => f.write_str("ready, to be begun by the server"),
            Self::Running { attempt, interrupted } => {
                f.write_str("running")?;
                if *attempt > 1 {
                    write!(f, ", attempt {attempt}")?;
                }
                if *interrupted { f.write_str(", until the server was restarted") } else { Ok(()) }
            }
            Self::UntilCanceled { by } => write!(f, "going on until {} canceled", by.0),
        }
    }
}
