//! What a step has to wait for, in the order in which it is waited for.

use std::collections::HashMap;

use super::piece::{Blocker, Doing};
use super::record::{Position, Record, Slot};
use super::stage_name;
use crate::deployment::Phase;
use crate::image_key::ImageKey;
use crate::model::PipelineMode;
use crate::plan::BuildPlan;

/// Something that a step waits for.
pub(super) struct Hold {
    /// Until when; absent: still.
    pub(super) until: Option<Position>,
    pub(super) doing: Doing,
}

/// The end of many steps: when the last of them came to it.
#[derive(Debug, Clone, Copy, Default)]
enum Gate {
    /// There is nothing to wait for.
    #[default]
    Nothing,
    /// All have ended, this one last.
    Passed { slot: Slot, at: Position },
    /// This one has not ended; rather one that runs than one that waits itself.
    Closed { slot: Slot, runs: bool },
}

impl Gate {
    fn of(record: &Record<'_>, slot: Slot) -> Self {
        match record.step(slot) {
            None => Self::Nothing,
            Some(step) => match step.ended {
                Some(at) => Self::Passed { slot, at },
                None => Self::Closed { slot, runs: step.runs.last().is_some_and(|run| run.until.is_none()) },
            },
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, only) | (only, Self::Nothing) => only,
            (Self::Closed { runs: false, .. }, Self::Closed { runs: true, .. }) => other,
            (Self::Closed { .. }, _) => self,
            (_, Self::Closed { .. }) => other,
            (Self::Passed { at: one, .. }, Self::Passed { at: another, .. }) => {
                if another > one {
                    other
                } else {
                    self
                }
            }
        }
    }

    fn hold(self, record: &Record<'_>, doing: impl FnOnce(Option<Blocker>) -> Doing) -> Option<Hold> {
        let (slot, until) = match self {
            Self::Nothing => return None,
            Self::Passed { slot, at } => (slot, Some(at)),
            Self::Closed { slot, .. } => (slot, None),
        };
        let plan = record.deployment.plan();
        let stage = stage_name(plan, plan.services[slot.service()].stage);
        let blocker = Blocker { step: record.step_id(slot), stage, has_ended: until.is_some() };
        Some(Hold { until, doing: doing(Some(blocker)) })
    }
}

/// The gates of all stages, found in one walk.
pub(super) struct Gates<'a> {
    behind: Option<u64>,
    /// By stage: everything of the stages before that is waited for.
    earlier: Vec<Gate>,
    /// By stage: its builds.
    builds: Vec<Gate>,
    /// The services that share an image key, in execution order.
    sharing: HashMap<(&'a str, &'a ImageKey), Vec<usize>>,
}

impl<'a> Gates<'a> {
    pub(super) fn of(record: &Record<'a>, behind: Option<u64>) -> Self {
        let plan = record.deployment.plan();
        let bound: &[Phase] = match plan.environment.pipeline.mode {
            PipelineMode::Phased => &[Phase::Build, Phase::Release],
            // B3: builds run ahead, and nothing waits for those of earlier stages.
            PipelineMode::Eager => &[Phase::Release],
        };
        let of = |order: usize, phases: &[Phase]| {
            let services = record.deployment.stage(order);
            let slots = services.flat_map(|index| phases.iter().map(move |phase| (index, *phase)));
            slots.map(|(index, phase)| Gate::of(record, Slot::of(index, phase))).fold(Gate::Nothing, Gate::and)
        };
        let mut earlier = Vec::with_capacity(plan.stage_count());
        let mut before = Gate::Nothing;
        for order in 0..plan.stage_count() {
            earlier.push(before);
            before = before.and(of(order, bound));
        }
        let mut sharing: HashMap<(&str, &ImageKey), Vec<usize>> = HashMap::new();
        for (index, service) in plan.services.iter().enumerate() {
            if let Some(image) = service.build.as_ref().and_then(BuildPlan::image) {
                sharing.entry(image).or_default().push(index);
            }
        }
        let builds = (0..plan.stage_count()).map(|order| of(order, &[Phase::Build])).collect();
        Self { behind, earlier, builds, sharing }
    }

    /// What a step waits for before it may begin for the first time.
    pub(super) fn holds(&self, record: &Record<'_>, slot: Slot) -> Vec<Hold> {
        let (index, phase) = (slot.service(), slot.phase());
        let plan = record.deployment.plan();
        let order = plan.services[index].stage;
        let queued = Hold { until: record.started, doing: Doing::Queued { behind: self.behind } };
        let earlier = || self.earlier[order].hold(record, Doing::EarlierStages);
        let approval = || approved(record, order);
        let own_build = Gate::of(record, Slot::of(index, Phase::Build));
        let own_build = || own_build.hold(record, |_| Doing::OwnBuild);
        let rest = match (plan.environment.pipeline.mode, phase) {
            (PipelineMode::Phased, Phase::Build) => [self.shared(record, index), earlier(), approval(), None],
            (PipelineMode::Eager, Phase::Build) => [self.shared(record, index), None, None, None],
            (PipelineMode::Phased, Phase::Release) => {
                [earlier(), approval(), own_build(), self.builds[order].hold(record, Doing::BuildsOfStage)]
            }
            (PipelineMode::Eager, Phase::Release) => [own_build(), earlier(), approval(), None],
        };
        [Some(queued)].into_iter().chain(rest).flatten().collect()
    }

    /// When the deployment had come to a stage; absent when it has not.
    pub(super) fn reached(&self, record: &Record<'_>, order: usize) -> Option<Position> {
        match self.earlier[order] {
            Gate::Nothing => record.started,
            Gate::Passed { at, .. } => Some(at),
            Gate::Closed { .. } => None,
        }
    }

    /// The build that makes the same image, and goes before (C12). One that took the lead over waited for those before it.
    fn shared(&self, record: &Record<'_>, index: usize) -> Option<Hold> {
        let image = record.deployment.plan().services[index].build.as_ref()?.image()?;
        let group = self.sharing.get(&image)?;
        let own = Slot::of(index, Phase::Build);
        let before = group.iter().take_while(|other| **other != index).map(|other| Slot::of(*other, Phase::Build));
        if let Some(began) = record.first_run(own) {
            let ended = before.filter_map(|slot| record.ended(slot).map(|at| (at, slot)));
            let (until, slot) = ended.filter(|(at, _)| *at < began).max()?;
            return Some(shared_with(record, slot, Some(until)));
        }
        // It never ran: whoever had not ended before it, and ran, was its leader; else the first one that was to run.
        let end = record.ended(own).unwrap_or(record.end);
        let since = record.ended(own).map_or(record.end, |at| record.head(at));
        let is_open = |slot: &Slot| record.ended(*slot).is_none_or(|at| at >= since);
        let others = group.iter().filter(|other| **other != index).map(|other| Slot::of(*other, Phase::Build));
        let ran = others.filter(is_open).find(|slot| record.first_run(*slot).is_some_and(|at| at < end));
        let leader = ran.or_else(|| before.clone().find(is_open))?;
        Some(shared_with(record, leader, None))
    }
}

/// The word of somebody, of a stage that wants one.
fn approved(record: &Record<'_>, order: usize) -> Option<Hold> {
    if !record.deployment.plan().needs_approval(order) {
        return None;
    }
    let approved = record.approved(order);
    let by = approved.map(|(_, actor)| actor.clone());
    Some(Hold { until: approved.map(|(at, _)| at), doing: Doing::Approval { by } })
}

fn shared_with(record: &Record<'_>, slot: Slot, until: Option<Position>) -> Hold {
    Hold { until, doing: Doing::SharedBuild { with: record.step_id(slot).service } }
}
