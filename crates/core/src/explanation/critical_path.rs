//! The chain of what determined the end.

use super::gates::Gates;
use super::piece::{CriticalPiece, Doing};
use super::record::{Position, Record};
use super::timeline::Timelines;
use crate::deployment::{Actor, Fact, StepId};

/// Walks backwards from the end: each piece ends where the one that came after it began.
pub(super) fn of(record: &Record<'_>, gates: &Gates<'_>, timelines: &Timelines, behind: Option<u64>) -> Vec<CriticalPiece> {
    let walk = Walk { record, gates, timelines, behind };
    let mut path = Vec::new();
    let mut at = record.end;
    while at > 0 {
        let link = walk.link(at);
        let mut piece = record.piece(link.from, at, link.doing);
        if let Some(slot) = link.step.as_ref().and_then(|step| record.slot_of(step)) {
            piece.parts = record.parts(slot, &piece, link.from);
        }
        // An attempt is told however short it was; what took no time else is no part of the makespan.
        if piece.milliseconds() > 0 || matches!(piece.doing, Doing::Running { .. }) {
            path.push(CriticalPiece { step: link.step, piece });
        }
        at = link.from;
    }
    path.reverse();
    path
}

/// What led to a fact, since when.
struct Link {
    from: Position,
    step: Option<StepId>,
    doing: Doing,
}

/// What the walk looks at.
struct Walk<'a> {
    record: &'a Record<'a>,
    gates: &'a Gates<'a>,
    timelines: &'a Timelines,
    behind: Option<u64>,
}

impl Walk<'_> {
    fn link(&self, at: Position) -> Link {
        let record = self.record;
        let whole = |from, doing| Link { from, step: None, doing };
        match record.fact(at) {
            None => self.now(),
            Some(Fact::Accepted { .. } | Fact::Merged { .. } | Fact::Started) => self.queued(),
            Some(Fact::StageApproved { stage, actor }) => self.approval(*stage, at, Some(actor.clone())),
            Some(Fact::StageRefused { stage, .. }) => self.approval(*stage, at, None),
            Some(Fact::StepStarted { step, .. }) => self.began(step, at),
            Some(Fact::CancelRequested { actor, .. }) => match record.started.filter(|started| *started < at) {
                Some(_) => whole(record.head(at - 1), Doing::UntilCanceled { by: actor.clone() }),
                None => self.queued(),
            },
            // The step goes on until what it left is put back.
            Some(Fact::Finished { .. } | Fact::StepTimed { .. } | Fact::StepFailing { .. }) => {
                whole(record.head(at), Doing::Ready)
            }
            Some(
                Fact::StepSucceeded { step, .. }
                | Fact::StepSkipped { step, .. }
                | Fact::StepFailed { step, .. }
                | Fact::StepCanceled { step }
                | Fact::StepInterrupted { step },
            ) => match record.slot_of(step).and_then(|slot| record.ran_to(slot, at)) {
                Some(run) => Link {
                    from: run.from,
                    step: Some(step.clone()),
                    doing: Doing::Running { attempt: run.attempt, interrupted: run.interrupted },
                },
                // It followed from another fact, in the same moment.
                None => Link { from: record.head(at), step: Some(step.clone()), doing: Doing::Ready },
            },
        }
    }

    fn queued(&self) -> Link {
        Link { from: 0, step: None, doing: Doing::Queued { behind: self.behind } }
    }

    /// Somebody spoke about a stage: the deployment had come to it, and waited.
    fn approval(&self, stage: usize, at: Position, by: Option<Actor>) -> Link {
        let reached = self.gates.reached(self.record, stage).filter(|reached| *reached < at);
        match (reached, self.record.started) {
            (Some(from), _) => Link { from, step: None, doing: Doing::Approval { by } },
            (None, Some(started)) if started < at => Link { from: self.record.head(at - 1), step: None, doing: Doing::Ready },
            (None, _) => self.queued(),
        }
    }

    /// A step began: it had been ready for a while.
    fn began(&self, step: &StepId, at: Position) -> Link {
        let ready = self.record.slot_of(step).and_then(|slot| {
            let runs = &self.record.step(slot)?.runs;
            self.timelines.ready(slot, runs.iter().position(|run| run.from == at)?)
        });
        Link { from: ready.unwrap_or(at - 1), step: Some(step.clone()), doing: Doing::Ready }
    }

    /// The deployment goes on: what has run for the longest time is what it waits for, or somebody's word.
    fn now(&self) -> Link {
        let record = self.record;
        let running = record.slots().filter_map(|slot| {
            let run = record.step(slot)?.runs.last().filter(|run| run.until.is_none())?;
            Some((run.from, slot, run.attempt))
        });
        match (running.min(), record.started) {
            (Some((from, slot, attempt)), _) => {
                Link { from, step: Some(record.step_id(slot)), doing: Doing::Running { attempt, interrupted: false } }
            }
            (None, Some(_)) => match record.deployment.awaited_approval() {
                Some(stage) => self.approval(stage, record.end, None),
                None => Link { from: record.end - 1, step: None, doing: Doing::Ready },
            },
            (None, None) => self.queued(),
        }
    }
}
