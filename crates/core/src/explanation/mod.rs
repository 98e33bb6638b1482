//! What happened in a deployment, when, how long, waiting for what, and why: read off its facts (B7).
//!
//! The life of each step, from the acceptance of the deployment to its end, is cut into [`Piece`]s: what it was doing, or what it
//! waited for. They touch each other and do not overlap. A piece begins and ends with a *fact*, not with a moment, so two facts of
//! the same millisecond keep their order, and a clock that ran backwards makes pieces of no length but none that is negative.
//!
//! The *critical path* is the chain of what determined the end: from the last fact backwards, each piece ends with the fact that
//! the next one began with. Its pieces add up to the whole time from acceptance to end.

mod critical_path;
mod gates;
mod piece;
mod record;
mod timeline;

pub use piece::{Blocker, CriticalPiece, Doing, Piece};

use crate::deployment::{Actor, Deployment, Event, IllegalEvent, Phase, SkipReason, StepId, StepResult, StepState, Timestamp};
use crate::failure::Failure;
use crate::model::{Name, StageName};
use crate::plan::Plan;
use gates::Gates;
use record::{Position, Record, Slot};

/// A deployment of the same environment with a smaller number, which had not finished when this one was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    /// Its number.
    pub number: u64,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
}

/// What happened, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The deployment, as its facts have left it.
    pub deployment: Deployment,
    /// When it finished; of one that has not, the moment of this explanation.
    pub until: Timestamp,
    /// Its place in the queue.
    pub queued: Piece,
    /// In execution order, empty ones too.
    pub stages: Vec<StageExplanation>,
    /// What determined the end, or this moment of a deployment that goes on; in the order of time.
    pub critical_path: Vec<CriticalPiece>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageExplanation {
    /// Its name.
    pub name: StageName,
    /// When the first of its steps began.
    pub began_at: Option<Timestamp>,
    /// When the last of its steps ended, if all have.
    pub ended_at: Option<Timestamp>,
    /// The steps of its services, in execution order; the build of a service comes before its release.
    pub steps: Vec<StepExplanation>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepExplanation {
    /// Which.
    pub step: StepId,
    /// From the acceptance of the deployment to the end of the step, or to this moment.
    pub pieces: Vec<Piece>,
    /// How it ended.
    pub end: Option<StepEnd>,
}

/// How a step ended, and what that came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// It did what it should.
    Succeeded(StepResult),
    /// There was nothing to do, or nothing that could be done any more.
    Skipped {
        /// Why.
        reason: SkipReason,
        /// What an earlier failure was.
        root: Option<RootCause>,
    },
    /// It ended badly.
    Failed {
        /// How.
        failure: Failure,
        /// The step that this one shared its failure with, and that really ran.
        root: Option<RootCause>,
    },
    /// It was ended, or never begun.
    Canceled {
        /// Who asked for that.
        by: Option<Actor>,
    },
}

/// What an end came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCause {
    /// A step failed.
    Failed {
        /// Which.
        step: StepId,
        /// In which stage.
        stage: StageName,
    },
    /// A service was canceled.
    Canceled {
        /// Which.
        service: Name,
        /// In which stage.
        stage: StageName,
    },
}

impl std::fmt::Display for RootCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed { step, stage } => write!(f, "the {step} failed in `{stage}`"),
            Self::Canceled { service, stage } => write!(f, "{service} was canceled in `{stage}`"),
        }
    }
}

/// Explains a deployment from its whole log. `ahead` are the deployments that it stood behind; `now` is the end of what has none.
pub fn explain(events: &[Event], ahead: &[Ahead], now: Timestamp) -> Result<Explanation, IllegalEvent> {
    let deployment = Deployment::replay(events.iter().cloned())?;
    let (until, queued, stages, critical_path) = {
        let record = Record::of(&deployment, events, now);
        let behind = behind(ahead, &record);
        let gates = Gates::of(&record, behind);
        let timelines = timeline::timelines(&record, &gates);
        let plan = deployment.plan();
        let stages = (0..plan.stage_count()).map(|order| stage(&record, &timelines, order)).collect();
        let left_queue = record.started.unwrap_or(record.end);
        let queued = record.piece(0, left_queue, Doing::Queued { behind });
        (record.time(record.end), queued, stages, critical_path::of(&record, &gates, &timelines, behind))
    };
    Ok(Explanation { deployment, until, queued, stages, critical_path })
}

/// The name of a stage by its place in the order of execution.
fn stage_name(plan: &Plan, order: usize) -> StageName {
    plan.stages()[order].name.clone()
}

/// The last deployment that had to end before this one could start.
fn behind(ahead: &[Ahead], record: &Record<'_>) -> Option<u64> {
    let accepted = record.time(0);
    let relevant = ahead.iter().filter(|other| other.finished_at.is_none_or(|at| at > accepted));
    relevant.max_by_key(|other| (other.finished_at.is_none(), other.finished_at, other.number)).map(|other| other.number)
}

fn stage(record: &Record<'_>, timelines: &timeline::Timelines, order: usize) -> StageExplanation {
    let plan = record.deployment.plan();
    let services = record.deployment.stage(order);
    let slots = services.flat_map(|index| [Phase::Build, Phase::Release].map(|phase| Slot::of(index, phase)));
    let slots: Vec<Slot> = slots.filter(|slot| record.step(*slot).is_some()).collect();
    let began: Option<Position> = slots.iter().filter_map(|slot| record.first_run(*slot)).min();
    let ended: Option<Vec<Position>> = slots.iter().map(|slot| record.ended(*slot)).collect();
    StageExplanation {
        name: stage_name(plan, order),
        began_at: began.map(|at| record.time(at)),
        ended_at: ended.and_then(|ended| ended.into_iter().max()).map(|at| record.time(at)),
        steps: slots
            .iter()
            .map(|slot| StepExplanation {
                step: record.step_id(*slot),
                pieces: timelines.pieces(*slot).to_vec(),
                end: end(record, *slot),
            })
            .collect(),
    }
}

fn end(record: &Record<'_>, slot: Slot) -> Option<StepEnd> {
    let at = record.ended(slot)?;
    let ran = record.ran_to(slot, at).is_some();
    Some(match record.deployment.step(&record.step_id(slot))? {
        StepState::Waiting { .. } | StepState::Running { .. } => return None,
        StepState::Succeeded { result, .. } => StepEnd::Succeeded(result.clone()),
        StepState::Skipped { reason, .. } => {
            let root = if *reason == SkipReason::EarlierFailure { record.root(at) } else { None };
            StepEnd::Skipped { reason: reason.clone(), root }
        }
        StepState::Failed { failure, .. } => {
            StepEnd::Failed { failure: failure.clone(), root: if ran { None } else { record.root(at) } }
        }
        StepState::Canceled { .. } => StepEnd::Canceled { by: record.canceled_by(slot, at) },
    })
}
