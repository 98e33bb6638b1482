//! The life of each step, cut into pieces.

use std::collections::BTreeMap;

use super::gates::Gates;
use super::piece::{Doing, Piece};
use super::record::{Position, Record, Slot};

/// The pieces of all steps.
pub(super) struct Timelines(BTreeMap<Slot, Timeline>);

#[derive(Default)]
struct Timeline {
    pieces: Vec<Piece>,
    /// For each attempt: since when nothing was in its way.
    ready: Vec<Position>,
}

impl Timelines {
    pub(super) fn pieces(&self, slot: Slot) -> &[Piece] {
        self.0.get(&slot).map_or(&[], |timeline| &timeline.pieces)
    }

    /// Since when nothing was in the way of an attempt, from 0.
    pub(super) fn ready(&self, slot: Slot, attempt: usize) -> Option<Position> {
        self.0.get(&slot)?.ready.get(attempt).copied()
    }
}

pub(super) fn timelines(record: &Record<'_>, gates: &Gates<'_>) -> Timelines {
    let of = |slot| (slot, Cutter { record, slot, at: 0, timeline: Timeline::default() }.cut(gates));
    Timelines(record.slots().map(of).collect())
}

/// Cuts the life of one step, from its beginning to its end.
struct Cutter<'a> {
    record: &'a Record<'a>,
    slot: Slot,
    /// Everything before is cut.
    at: Position,
    timeline: Timeline,
}

impl Cutter<'_> {
    fn cut(mut self, gates: &Gates<'_>) -> Timeline {
        let Some(step) = self.record.step(self.slot) else { return self.timeline };
        let end = step.ended.unwrap_or(self.record.end);
        let first = step.runs.first().map(|run| run.from);
        let limit = first.unwrap_or(end);
        for hold in gates.holds(self.record, self.slot) {
            match hold.until {
                Some(until) if until <= limit => self.push(until, hold.doing),
                // It ended for another reason, which its end tells; or it waits still.
                Some(_) => self.push(limit, without_blocker(hold.doing)),
                None if step.ended.is_some() => self.push(limit, without_blocker(hold.doing)),
                None => self.push(limit, hold.doing),
            }
        }
        for run in &step.runs {
            self.wait_for_place(run.from);
            self.timeline.ready.push(self.at);
            self.push(run.from, Doing::Ready);
            let doing = Doing::Running { attempt: run.attempt, interrupted: run.interrupted };
            self.push(run.until.unwrap_or(end), doing);
            if let Some(piece) = self.timeline.pieces.last_mut() {
                piece.parts = self.record.parts(self.slot, piece, run.from);
            }
        }
        if self.at < end {
            let phase = self.slot.phase();
            // Its end followed from another fact, which may have made room, too late.
            let decided = if step.ended.is_some() { self.record.head(end) } else { end };
            let doing = if self.record.was_full(phase, decided) {
                Doing::Window { places: self.record.places(phase), freed_by: None }
            } else {
                Doing::Ready
            };
            self.push(end, doing);
        }
        self.timeline
    }

    /// A window that was full held the step until an end made room for it.
    fn wait_for_place(&mut self, began: Position) {
        let phase = self.slot.phase();
        let Some(room) = self.record.room_made(phase, self.at, began) else { return };
        let freed_by = self.record.step_that_ended(room);
        self.push(room, Doing::Window { places: self.record.places(phase), freed_by });
    }

    /// What took no time is left out, but for an attempt.
    fn push(&mut self, until: Position, doing: Doing) {
        if until <= self.at {
            return;
        }
        let piece = self.record.piece(self.at, until, doing);
        self.at = until;
        if piece.milliseconds() > 0 || matches!(piece.doing, Doing::Running { .. }) {
            self.timeline.pieces.push(piece);
        }
    }
}

fn without_blocker(doing: Doing) -> Doing {
    match doing {
        Doing::EarlierStages(_) => Doing::EarlierStages(None),
        Doing::BuildsOfStage(_) => Doing::BuildsOfStage(None),
        Doing::Approval { .. } => Doing::Approval { by: None },
        other @ (Doing::Queued { .. }
        | Doing::SharedBuild { .. }
        | Doing::OwnBuild
        | Doing::Window { .. }
        | Doing::Ready
        | Doing::Running { .. }
        | Doing::UntilCanceled { .. }) => other,
    }
}
