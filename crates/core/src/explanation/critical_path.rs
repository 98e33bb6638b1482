//! The chain of what determined the end.

use super::piece::{CriticalPiece, Doing};
use super::record::{Position, Record};
use super::timeline::Timelines;
use crate::deployment::{Fact, StepId};

/// Walks backwards from the end: each piece ends where the one that came after it began.
pub(super) fn of(record: &Record<'_>, timelines: &Timelines, behind: Option<u64>) -> Vec<CriticalPiece> {
    let mut path = Vec::new();
    let mut at = record.end;
    while at > 0 {
        let link = link(record, timelines, behind, at);
        let piece = record.piece(link.from, at, link.doing);
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

fn link(record: &Record<'_>, timelines: &Timelines, behind: Option<u64>, at: Position) -> Link {
    let whole = |from, doing| Link { from, step: None, doing };
    match record.fact(at) {
        None => now(record, behind),
        Some(Fact::Accepted { .. } | Fact::Started) => whole(0, Doing::Queued { behind }),
        Some(Fact::StepStarted { step, .. }) => began(record, timelines, step, at),
        Some(Fact::CancelRequested { actor, .. }) => match record.started.filter(|started| *started < at) {
            Some(_) => whole(record.head(at - 1), Doing::UntilCanceled { by: actor.clone() }),
            None => whole(0, Doing::Queued { behind }),
        },
        Some(Fact::Finished { .. }) => whole(record.head(at), Doing::Ready),
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

/// A step began: it had been ready for a while.
fn began(record: &Record<'_>, timelines: &Timelines, step: &StepId, at: Position) -> Link {
    let attempt = record.slot_of(step).and_then(|slot| {
        let runs = &record.step(slot)?.runs;
        timelines.ready(slot, runs.iter().position(|run| run.from == at)?)
    });
    Link { from: attempt.unwrap_or(at - 1), step: Some(step.clone()), doing: Doing::Ready }
}

/// The deployment goes on: what has run for the longest time is what it waits for.
fn now(record: &Record<'_>, behind: Option<u64>) -> Link {
    let running = record.slots().filter_map(|slot| {
        let run = record.step(slot)?.runs.last().filter(|run| run.until.is_none())?;
        Some((run.from, slot, run.attempt))
    });
    match (running.min(), record.started) {
        (Some((from, slot, attempt)), _) => {
            Link { from, step: Some(record.step_id(slot)), doing: Doing::Running { attempt, interrupted: false } }
        }
        (None, Some(_)) => Link { from: record.end - 1, step: None, doing: Doing::Ready },
        (None, None) => Link { from: 0, step: None, doing: Doing::Queued { behind } },
    }
}
