//! What a log says, read by other means than the code under test: plain marks, and walks over all services.

use std::collections::BTreeSet;

use slipway_core::deployment::{CancelScope, Event, Fact, Phase, SkipReason, StepId};
use slipway_core::image_key::ImageKey;
use slipway_core::model::{Name, PipelineMode};
use slipway_core::plan::{BuildPlan, Plan};

/// The marks of all steps after some facts.
#[derive(Clone)]
pub(crate) struct Ledger<'a> {
    pub(crate) plan: &'a Plan,
    builds: Vec<Option<Mark>>,
    releases: Vec<Mark>,
    pub(crate) started: bool,
    pub(crate) all_canceled: bool,
    pub(crate) canceled: BTreeSet<Name>,
    /// The stages in which a step failed or was canceled.
    pub(crate) failed_stages: BTreeSet<usize>,
    /// The stages that somebody approved.
    pub(crate) approved: BTreeSet<usize>,
}

/// How far a step has come, by the facts about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Waiting {
        interrupted: bool,
    },
    Running,
    /// It runs, and can only fail.
    Failing,
    /// Succeeded, or there was nothing to do.
    Good,
    /// Skipped after an earlier failure.
    Skipped,
    Failed,
    Canceled,
}

impl Mark {
    pub(crate) fn is_open(self) -> bool {
        self.is_waiting() || self.is_running()
    }

    pub(crate) fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Failing)
    }

    pub(crate) fn is_waiting(self) -> bool {
        matches!(self, Self::Waiting { .. })
    }
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let waiting = Mark::Waiting { interrupted: false };
        Self {
            plan,
            builds: plan.services.iter().map(|service| service.build.as_ref().map(|_| waiting)).collect(),
            releases: plan.services.iter().map(|_| waiting).collect(),
            started: false,
            all_canceled: false,
            canceled: BTreeSet::new(),
            failed_stages: BTreeSet::new(),
            approved: BTreeSet::new(),
        }
    }

    pub(crate) fn enter(&mut self, event: &Event) {
        match &event.fact {
            Fact::Started => self.started = true,
            Fact::StepStarted { step, .. } => self.mark(step, Mark::Running),
            Fact::StepInterrupted { step } => self.mark(step, Mark::Waiting { interrupted: true }),
            Fact::StepSkipped { step, reason: SkipReason::EarlierFailure } => self.mark(step, Mark::Skipped),
            Fact::StepSucceeded { step, .. } | Fact::StepSkipped { step, .. } => self.mark(step, Mark::Good),
            Fact::StepFailing { step, .. } => self.mark(step, Mark::Failing),
            Fact::StepFailed { step, .. } => self.mark(step, Mark::Failed),
            Fact::StepCanceled { step } => self.mark(step, Mark::Canceled),
            Fact::CancelRequested { scope: CancelScope::Deployment, .. } => self.all_canceled = true,
            Fact::CancelRequested { scope: CancelScope::Service(name), .. } => {
                self.canceled.insert(name.clone());
            }
            Fact::StageApproved { stage, .. } => {
                self.approved.insert(*stage);
            }
            Fact::Accepted { .. }
            | Fact::Merged { .. }
            | Fact::StageRefused { .. }
            | Fact::StepTimed { .. }
            | Fact::Finished { .. } => {}
        }
    }

    fn mark(&mut self, step: &StepId, mark: Mark) {
        let index = self.index(&step.service);
        if matches!(mark, Mark::Failed | Mark::Canceled) {
            self.failed_stages.insert(self.plan.services[index].stage);
        }
        match step.phase {
            Phase::Build => self.builds[index] = Some(mark),
            Phase::Release => self.releases[index] = mark,
        }
    }

    pub(crate) fn index(&self, service: &Name) -> usize {
        let found = self.plan.services.iter().position(|planned| planned.name == *service);
        found.unwrap_or_else(|| panic!("a fact names `{service}`, which is not in the plan"))
    }

    pub(crate) fn stage(&self, service: &Name) -> usize {
        self.plan.services[self.index(service)].stage
    }

    pub(crate) fn build(&self, index: usize) -> Option<Mark> {
        self.builds[index]
    }

    pub(crate) fn of(&self, step: &StepId) -> Mark {
        let index = self.index(&step.service);
        match step.phase {
            Phase::Build => self.builds[index].unwrap_or_else(|| panic!("a fact about the {step}, which there is not")),
            Phase::Release => self.releases[index],
        }
    }

    /// The mark of a step; `None` of a build that there is not.
    pub(crate) fn step(&self, index: usize, phase: Phase) -> Option<Mark> {
        match phase {
            Phase::Build => self.builds[index],
            Phase::Release => Some(self.releases[index]),
        }
    }

    /// Every service of the plan, as its index.
    pub(crate) fn services(&self) -> std::ops::Range<usize> {
        0..self.plan.services.len()
    }

    pub(crate) fn running(&self, phase: Phase) -> usize {
        self.services().filter(|index| self.step(*index, phase).is_some_and(Mark::is_running)).count()
    }

    /// The open steps of the stages before one.
    pub(crate) fn open_before(&self, stage: usize, phases: &[Phase]) -> Vec<String> {
        self.open(|other| other < stage, phases)
    }

    /// The open steps of the stages that are meant.
    pub(crate) fn open(&self, meant: impl Fn(usize) -> bool, phases: &[Phase]) -> Vec<String> {
        let services = self.services().filter(|index| meant(self.plan.services[*index].stage));
        services
            .flat_map(|index| phases.iter().map(move |phase| (index, *phase)))
            .filter(|(index, phase)| self.step(*index, *phase).is_some_and(Mark::is_open))
            .map(|(index, phase)| format!("{} {}", phase.as_str(), self.plan.services[index].name))
            .collect()
    }

    pub(crate) fn key(&self, index: usize) -> Option<&ImageKey> {
        self.plan.services[index].build.as_ref().and_then(BuildPlan::key)
    }

    /// The other services that build the same image.
    pub(crate) fn sharing(&self, index: usize) -> impl Iterator<Item = usize> {
        let key = self.key(index);
        self.services().filter(move |other| *other != index && key.is_some() && self.key(*other) == key)
    }

    /// Whether a step could begin now if its window had room.
    pub(crate) fn could_begin(&self, index: usize, phase: Phase) -> bool {
        let waits = self.step(index, phase).is_some_and(Mark::is_waiting);
        let wanted = self.started && !self.all_canceled && !self.canceled.contains(&self.plan.services[index].name);
        waits && wanted && self.stage_allows(index, phase) && self.has_what_it_needs(index, phase)
    }

    /// Whether somebody approved a stage, or need not.
    pub(crate) fn may_enter(&self, stage: usize) -> bool {
        !self.plan.environment.pipeline.stages[stage].approval_required || self.approved.contains(&stage)
    }

    fn stage_allows(&self, index: usize, phase: Phase) -> bool {
        let stage = self.plan.services[index].stage;
        if (self.plan.environment.pipeline.mode, phase) != (PipelineMode::Eager, Phase::Build) && !self.may_enter(stage) {
            return false;
        }
        match (self.plan.environment.pipeline.mode, phase) {
            (PipelineMode::Phased, Phase::Build) => self.open_before(stage, &[Phase::Build, Phase::Release]).is_empty(),
            (PipelineMode::Phased, Phase::Release) => {
                self.open_before(stage, &[Phase::Build, Phase::Release]).is_empty()
                    && self.open(|other| other == stage, &[Phase::Build]).is_empty()
            }
            (PipelineMode::Eager, Phase::Build) => true,
            (PipelineMode::Eager, Phase::Release) => self.open_before(stage, &[Phase::Release]).is_empty(),
        }
    }

    fn has_what_it_needs(&self, index: usize, phase: Phase) -> bool {
        match phase {
            Phase::Build => self.sharing(index).all(|other| match self.builds[other] {
                Some(Mark::Running | Mark::Failing) => false,
                Some(Mark::Waiting { .. }) => other > index,
                _ => true,
            }),
            Phase::Release => matches!(self.builds[index], None | Some(Mark::Good)),
        }
    }
}

/// A fact in a few words.
pub(crate) fn in_words(event: &Event) -> String {
    let step = |verb: &str, step: &StepId| format!("{} {} {verb}", step.phase.as_str(), step.service);
    match &event.fact {
        Fact::Accepted { .. } => "accepted".to_owned(),
        Fact::Merged { .. } => "merged".to_owned(),
        Fact::StageApproved { stage, .. } => format!("stage {stage} is approved"),
        Fact::StageRefused { stage, .. } => format!("stage {stage} is refused"),
        Fact::Started => "started".to_owned(),
        Fact::StepStarted { step: id, attempt: 1 } => step("begins", id),
        Fact::StepStarted { step: id, attempt } => step(&format!("begins, attempt {attempt}"), id),
        Fact::StepSucceeded { step: id, .. } => step("succeeds", id),
        Fact::StepSkipped { step: id, reason } => step(&format!("is skipped: {reason}"), id),
        Fact::StepTimed { step: id, .. } => step("is timed", id),
        Fact::StepFailing { step: id, .. } => step("is failing", id),
        Fact::StepFailed { step: id, .. } => step("fails", id),
        Fact::StepCanceled { step: id } => step("is canceled", id),
        Fact::StepInterrupted { step: id } => step("is interrupted", id),
        Fact::CancelRequested { scope: CancelScope::Deployment, .. } => "cancel all".to_owned(),
        Fact::CancelRequested { scope: CancelScope::Service(name), .. } => format!("cancel {name}"),
        Fact::Finished { outcome } => format!("finished: {outcome:?}").to_lowercase(),
    }
}
