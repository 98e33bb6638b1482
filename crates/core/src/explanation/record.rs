//! The log of a deployment, read once: at which fact each step began and ended, and how many ran after each.

use std::collections::BTreeMap;

use super::piece::{Doing, Piece};
use super::{RootCause, stage_name};
use crate::deployment::{Actor, CancelScope, Deployment, Event, Fact, Phase, RunState, StepId, Timestamp, Timing};
use crate::model::Name;

/// The place of a fact in the log, from 0; the one after the last is now.
pub(super) type Position = usize;

/// The place of a step among all steps: two per service, its build and its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(usize);

impl Slot {
    pub(super) fn of(service: usize, phase: Phase) -> Self {
        Self(service * 2 + place(phase))
    }

    /// The service, by its place in the plan.
    pub(super) fn service(self) -> usize {
        self.0 / 2
    }

    pub(super) fn phase(self) -> Phase {
        if self.0.is_multiple_of(2) { Phase::Build } else { Phase::Release }
    }
}

/// See the module.
pub(super) struct Record<'a> {
    pub(super) deployment: &'a Deployment,
    events: &'a [Event],
    /// When each fact became one, and now; never less than the one before.
    times: Vec<Timestamp>,
    index: BTreeMap<&'a Name, usize>,
    /// By slot; absent of a build that there is not.
    steps: Vec<Option<StepRecord<'a>>>,
    /// When the turn of the deployment came.
    pub(super) started: Option<Position>,
    /// When somebody let the deployment go on into a stage, and who.
    approved: BTreeMap<usize, (Position, &'a Actor)>,
    /// The last fact, or now.
    pub(super) end: Position,
    /// For each fact, the one that its decision began with.
    heads: Vec<Position>,
    /// How many steps of each phase ran after each fact.
    running: [Vec<usize>; 2],
    /// The ends of steps that ran while their window was full.
    made_room: [Vec<Position>; 2],
}

/// When a step ran.
#[derive(Debug, Default)]
pub(super) struct StepRecord<'a> {
    pub(super) runs: Vec<Run<'a>>,
    pub(super) ended: Option<Position>,
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) attempt: u32,
    pub(super) from: Position,
    pub(super) until: Option<Position>,
    pub(super) interrupted: bool,
    /// What it did, as far as that is on record.
    pub(super) timings: &'a [Timing],
}

fn place(phase: Phase) -> usize {
    match phase {
        Phase::Build => 0,
        Phase::Release => 1,
    }
}

impl<'a> Record<'a> {
    pub(super) fn of(deployment: &'a Deployment, events: &'a [Event], now: Timestamp) -> Self {
        let services = &deployment.plan().services;
        let finished = matches!(deployment.state(), RunState::Finished { .. });
        let mut record = Self {
            deployment,
            events,
            times: Vec::with_capacity(events.len() + 1),
            index: services.iter().enumerate().map(|(index, service)| (&service.name, index)).collect(),
            steps: services
                .iter()
                .flat_map(|service| [service.build.as_ref().map(|_| StepRecord::default()), Some(StepRecord::default())])
                .collect(),
            started: None,
            approved: BTreeMap::new(),
            end: if finished { events.len() - 1 } else { events.len() },
            heads: Vec::with_capacity(events.len()),
            running: [Vec::with_capacity(events.len()), Vec::with_capacity(events.len())],
            made_room: [Vec::new(), Vec::new()],
        };
        let mut counts = [0_usize; 2];
        for (at, event) in events.iter().enumerate() {
            record.note_time(event.at);
            record.note(at, &event.fact, &mut counts);
            for (running, count) in record.running.iter_mut().zip(counts) {
                running.push(count);
            }
        }
        record.note_time(now);
        record
    }

    fn note_time(&mut self, at: Timestamp) {
        let before = self.times.last().copied().unwrap_or(at);
        self.times.push(at.max(before));
    }

    fn note(&mut self, at: Position, fact: &'a Fact, counts: &mut [usize; 2]) {
        let mut is_head = false;
        match fact {
            Fact::Started => {
                self.started = Some(at);
                is_head = true;
            }
            Fact::Accepted { .. } | Fact::Merged { .. } | Fact::StageRefused { .. } | Fact::CancelRequested { .. } => {
                is_head = true;
            }
            Fact::StageApproved { stage, actor } => {
                self.approved.insert(*stage, (at, actor));
                is_head = true;
            }
            Fact::StepStarted { step, attempt } => {
                counts[place(step.phase)] += 1;
                if let Some(record) = self.step_mut(step) {
                    record.runs.push(Run { attempt: *attempt, from: at, until: None, interrupted: false, timings: &[] });
                }
            }
            Fact::StepInterrupted { step } => {
                counts[place(step.phase)] -= 1;
                if let Some(run) = self.step_mut(step).and_then(|record| record.runs.last_mut()) {
                    (run.until, run.interrupted) = (Some(at), true);
                }
            }
            Fact::StepSucceeded { step, .. }
            | Fact::StepSkipped { step, .. }
            | Fact::StepFailed { step, .. }
            | Fact::StepCanceled { step } => is_head = self.note_end(at, step, counts),
            Fact::StepTimed { step, timings } => {
                if let Some(run) = self.step_mut(step).and_then(|record| record.runs.last_mut()) {
                    run.timings = timings;
                }
            }
            Fact::StepFailing { .. } | Fact::Finished { .. } => {}
        }
        let head = if is_head { at } else { self.heads.last().copied().unwrap_or(at) };
        self.heads.push(head);
    }

    /// Whether the step ran; then its end is where a decision begins.
    fn note_end(&mut self, at: Position, step: &StepId, counts: &mut [usize; 2]) -> bool {
        let Some(record) = self.step_mut(step) else { return false };
        record.ended = Some(at);
        let Some(run) = record.runs.last_mut().filter(|run| run.until.is_none()) else { return false };
        run.until = Some(at);
        let place = place(step.phase);
        if counts[place] >= self.places(step.phase) as usize {
            self.made_room[place].push(at);
        }
        counts[place] -= 1;
        true
    }

    fn step_mut(&mut self, step: &StepId) -> Option<&mut StepRecord<'a>> {
        let slot = Slot::of(*self.index.get(&step.service)?, step.phase);
        self.steps[slot.0].as_mut()
    }

    /// The slots of all steps, of builds that there are not too.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.steps.len()).map(Slot)
    }

    pub(super) fn step(&self, slot: Slot) -> Option<&StepRecord<'a>> {
        self.steps[slot.0].as_ref()
    }

    pub(super) fn step_id(&self, slot: Slot) -> StepId {
        StepId { service: self.deployment.plan().services[slot.service()].name.clone(), phase: slot.phase() }
    }

    pub(super) fn slot_of(&self, step: &StepId) -> Option<Slot> {
        let slot = Slot::of(*self.index.get(&step.service)?, step.phase);
        self.step(slot).map(|_| slot)
    }

    /// How many steps of a phase may run at a time.
    pub(super) fn places(&self, phase: Phase) -> u32 {
        let pipeline = &self.deployment.plan().environment.pipeline;
        match phase {
            Phase::Build => pipeline.max_parallel_builds,
            Phase::Release => pipeline.max_parallel_deploys,
        }
    }

    pub(super) fn time(&self, at: Position) -> Timestamp {
        self.times[at]
    }

    pub(super) fn piece(&self, from: Position, to: Position, doing: Doing) -> Piece {
        Piece { from: self.time(from), to: self.time(to), doing, parts: Vec::new() }
    }

    /// What a step did in a piece that began with the fact at `from`; nothing, unless an attempt did.
    pub(super) fn parts(&self, slot: Slot, piece: &Piece, from: Position) -> Vec<Timing> {
        let run = self.step(slot).and_then(|step| step.runs.iter().find(|run| run.from == from));
        match (run, &piece.doing) {
            (Some(run), Doing::Running { .. }) => Timing::within(run.timings, piece.from, piece.to),
            _ => Vec::new(),
        }
    }

    /// The fact at a position; none is now.
    pub(super) fn fact(&self, at: Position) -> Option<&'a Fact> {
        self.events.get(at).map(|event| &event.fact)
    }

    /// The fact that the decision of this one began with.
    pub(super) fn head(&self, at: Position) -> Position {
        self.heads[at]
    }

    pub(super) fn first_run(&self, slot: Slot) -> Option<Position> {
        self.step(slot)?.runs.first().map(|run| run.from)
    }

    pub(super) fn ended(&self, slot: Slot) -> Option<Position> {
        self.step(slot)?.ended
    }

    /// The attempt that came to its end at a position.
    pub(super) fn ran_to(&self, slot: Slot, at: Position) -> Option<&Run<'a>> {
        self.step(slot)?.runs.iter().find(|run| run.until == Some(at))
    }

    /// When somebody let the deployment go on into a stage, and who.
    pub(super) fn approved(&self, stage: usize) -> Option<(Position, &'a Actor)> {
        self.approved.get(&stage).copied()
    }

    /// The step that a fact ended.
    pub(super) fn step_that_ended(&self, at: Position) -> Option<StepId> {
        match self.fact(at)? {
            Fact::StepSucceeded { step, .. }
            | Fact::StepSkipped { step, .. }
            | Fact::StepFailed { step, .. }
            | Fact::StepCanceled { step } => Some(step.clone()),
            Fact::Accepted { .. }
            | Fact::Merged { .. }
            | Fact::Started
            | Fact::StageApproved { .. }
            | Fact::StageRefused { .. }
            | Fact::StepStarted { .. }
            | Fact::StepInterrupted { .. }
            | Fact::StepTimed { .. }
            | Fact::StepFailing { .. }
            | Fact::CancelRequested { .. }
            | Fact::Finished { .. } => None,
        }
    }

    /// The last end, between two positions, of a step that ran while the window of its phase was full.
    pub(super) fn room_made(&self, phase: Phase, after: Position, before: Position) -> Option<Position> {
        let ends = &self.made_room[place(phase)];
        let count = ends.partition_point(|at| *at < before);
        ends[..count].last().copied().filter(|at| *at > after)
    }

    /// Whether the window of a phase was full just before a position.
    pub(super) fn was_full(&self, phase: Phase, before: Position) -> bool {
        self.running[place(phase)][before - 1] >= self.places(phase) as usize
    }

    /// The failure, or the cancel, that a fact followed from.
    pub(super) fn root(&self, at: Position) -> Option<RootCause> {
        let plan = self.deployment.plan();
        let stage = |service: &Name| Some(stage_name(plan, plan.services[*self.index.get(service)?].stage));
        match self.fact(self.head(at))? {
            Fact::StepFailed { step, .. } => Some(RootCause::Failed { step: step.clone(), stage: stage(&step.service)? }),
            // What ended well is the build of a service that was canceled too late for it.
            Fact::StepCanceled { step } | Fact::StepSucceeded { step, .. } | Fact::StepSkipped { step, .. } => {
                Some(RootCause::Canceled { service: step.service.clone(), stage: stage(&step.service)? })
            }
            Fact::CancelRequested { scope: CancelScope::Service(service), .. } => {
                Some(RootCause::Canceled { service: service.clone(), stage: stage(service)? })
            }
            Fact::CancelRequested { scope: CancelScope::Deployment, .. }
            | Fact::Accepted { .. }
            | Fact::Merged { .. }
            | Fact::Started
            | Fact::StageApproved { .. }
            | Fact::StageRefused { .. }
            | Fact::StepStarted { .. }
            | Fact::StepInterrupted { .. }
            | Fact::StepTimed { .. }
            | Fact::StepFailing { .. }
            | Fact::Finished { .. } => None,
        }
    }

    /// Who asked for the end of a step, the last one before it came.
    pub(super) fn canceled_by(&self, slot: Slot, at: Position) -> Option<Actor> {
        let service = &self.step_id(slot).service;
        self.events[..at].iter().rev().find_map(|event| match &event.fact {
            Fact::CancelRequested { actor, scope: CancelScope::Deployment, .. } => Some(actor.clone()),
            Fact::CancelRequested { actor, scope: CancelScope::Service(name), .. } if name == service => Some(actor.clone()),
            _ => None,
        })
    }
}
