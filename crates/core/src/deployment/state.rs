//! A deployment as its facts have left it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::event::{Actor, CancelScope, Outcome, Phase, SkipReason, StepId, StepResult, Timestamp, Trigger};
use super::queue::Queue;
use super::same_image::SameImage;
use crate::failure::Failure;
use crate::model::{FailurePolicy, Name, PipelineMode};
use crate::plan::Plan;

/// A deployment: what was sealed, and how far it has come. Made by [`Deployment::accepted`], changed by
/// [`Deployment::evolve`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub(super) plan: Plan,
    pub(super) trigger: Trigger,
    pub(super) state: RunState,
    pub(super) accepted_at: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    pub(super) version: u64,
    pub(super) latest: Timestamp,
    pub(super) services: Vec<ServiceRun>,
    pub(super) index: HashMap<Name, usize>,
    pub(super) stages: Vec<Range<usize>>,
    pub(super) builds: Queue,
    pub(super) releases: Queue,
    pub(super) same_image: SameImage,
    pub(super) failed_stage: Option<usize>,
    pub(super) cancel: Vec<CancelScope>,
    /// The running steps that can not succeed any more, and why.
    pub(super) failing: BTreeMap<StepId, Failure>,
    /// Those of `cancel` that stop running jobs too.
    pub(super) forced: Vec<CancelScope>,
    /// The requests that were joined while it was queued.
    pub(super) merged: Vec<Merged>,
    /// What was said of stages that want approval.
    pub(super) approvals: BTreeMap<usize, Approval>,
}

/// A request that was joined to a queued deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Who asked.
    pub trigger: Trigger,
    /// When.
    pub at: Timestamp,
}

/// What somebody said of a stage that wants approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Whether the deployment may go on.
    pub is_approved: bool,
}

/// How far a deployment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It waits for its turn.
    Queued,
    /// It is being executed.
    Running,
    /// It ends early: what runs is being stopped.
    Canceling,
    /// It has ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
}

impl RunState {
    /// The state as product.md names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Canceling => "canceling",
            Self::Finished { outcome: Outcome::Succeeded, .. } => "succeeded",
            Self::Finished { outcome: Outcome::Failed, .. } => "failed",
            Self::Finished { outcome: Outcome::Canceled, .. } => "canceled",
        }
    }
}

/// One service in a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRun {
    /// Its build; absent when it is not built.
    pub build: Option<StepState>,
    /// Its release.
    pub release: StepState,
    pub(super) stage: usize,
}

impl ServiceRun {
    /// One of its steps; absent when it is not built.
    pub fn step(&self, phase: Phase) -> Option<&StepState> {
        match phase {
            Phase::Build => self.build.as_ref(),
            Phase::Release => Some(&self.release),
        }
    }
}

/// How far a step has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// It has not begun.
    Waiting {
        /// Attempts that were interrupted.
        attempts: u32,
    },
    /// It is being done.
    Running {
        /// From 1.
        attempt: u32,
        /// Since when.
        since: Timestamp,
    },
    /// It did what it should.
    Succeeded {
        /// When the last attempt began.
        since: Timestamp,
        /// When it ended.
        at: Timestamp,
        /// What came of it.
        result: StepResult,
    },
    /// There was nothing to do.
    Skipped {
        /// When the last attempt began, if one did.
        since: Option<Timestamp>,
        /// When that was found.
        at: Timestamp,
        /// Why.
        reason: SkipReason,
    },
    /// It ended badly.
    Failed {
        /// When the last attempt began, if one did.
        since: Option<Timestamp>,
        /// When it ended.
        at: Timestamp,
        /// How.
        failure: Failure,
    },
    /// It was ended, or never begun.
    Canceled {
        /// When the last attempt began, if one did.
        since: Option<Timestamp>,
        /// When.
        at: Timestamp,
    },
}

impl StepState {
    /// Whether it is over.
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Waiting { .. } | Self::Running { .. } => false,
            Self::Succeeded { .. } | Self::Skipped { .. } | Self::Failed { .. } | Self::Canceled { .. } => true,
        }
    }

    /// The state as product.md names it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "queued",
            Self::Running { .. } => "running",
            Self::Succeeded { .. } => "succeeded",
            Self::Skipped { .. } => "skipped",
            Self::Failed { .. } => "failed",
            Self::Canceled { .. } => "canceled",
        }
    }

    /// When the last attempt began.
    pub fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { .. } => None,
            Self::Running { since, .. } | Self::Succeeded { since, .. } => Some(*since),
            Self::Skipped { since, .. } | Self::Failed { since, .. } | Self::Canceled { since, .. } => *since,
        }
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { .. } | Self::Running { .. } => None,
            Self::Succeeded { at, .. } | Self::Skipped { at, .. } | Self::Failed { at, .. } | Self::Canceled { at, .. } => {
                Some(*at)
            }
        }
    }

    /// The image that the step left.
    pub fn image(&self) -> Option<&str> {
        match self {
            Self::Succeeded { result, .. } => result.image.as_deref(),
            Self::Skipped { reason, .. } => reason.image(),
            Self::Waiting { .. } | Self::Running { .. } | Self::Failed { .. } | Self::Canceled { .. } => None,
        }
    }
}

impl Deployment {
    /// A deployment that was just accepted: its first fact.
    pub fn accepted(plan: Plan, trigger: Trigger, at: Timestamp) -> Self {
        let images = plan.services.iter().enumerate();
        let same_image = SameImage::of(images.filter_map(|(index, service)| Some((index, service.build.as_ref()?.image()?))));
        let mut services = Vec::with_capacity(plan.services.len());
        let mut index = HashMap::with_capacity(plan.services.len());
        let mut builds = Queue::default();
        let mut releases = Queue::default();
        let waiting = StepState::Waiting { attempts: 0 };
        for (place, service) in plan.services.iter().enumerate() {
            let build = service.build.as_ref().map(|_| waiting.clone());
            if build.is_some() {
                builds.add(place, !same_image.is_follower(place));
            }
            releases.add(place, build.is_none());
            index.insert(service.name.clone(), place);
            services.push(ServiceRun { build, release: waiting.clone(), stage: service.stage });
        }
        Self {
            stages: stage_ranges(&services, plan.stage_count()),
            services,
            index,
            builds,
            releases,
            same_image,
            failed_stage: None,
            cancel: Vec::new(),
            forced: Vec::new(),
            failing: BTreeMap::new(),
            merged: Vec::new(),
            approvals: BTreeMap::new(),
            state: RunState::Queued,
            accepted_at: at,
            started_at: None,
            version: 1,
            latest: at,
            trigger,
            plan,
        }
    }

    /// What was sealed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Who asked.
    pub fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// How far it has come.
    pub fn state(&self) -> RunState {
        self.state
    }

    /// When it was accepted.
    pub fn accepted_at(&self) -> Timestamp {
        self.accepted_at
    }

    /// When its turn came.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// When its latest fact became one; the next is not of an earlier time.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// How many facts it has; the next append expects this number.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The services in execution order, as in the plan.
    pub fn services(&self) -> &[ServiceRun] {
        &self.services
    }

    /// One service.
    pub fn service(&self, name: &Name) -> Option<&ServiceRun> {
        self.index.get(name).map(|index| &self.services[*index])
    }

    /// The place of a service in [`Self::services`].
    pub fn position(&self, name: &Name) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// One step; absent when the service is not in the plan, or is not built.
    pub fn step(&self, step: &StepId) -> Option<&StepState> {
        self.service(&step.service)?.step(step.phase)
    }

    /// The services of a stage, as indexes into [`Self::services`].
    pub fn stage(&self, order: usize) -> Range<usize> {
        self.stages[order].clone()
    }

    /// How many stages there are, empty ones too.
    pub fn stage_count(&self) -> usize {
        self.stages.len()
    }

    /// The steps that run now.
    pub fn running(&self) -> Vec<StepId> {
        let of = |phase, queue: &Queue| queue.running().iter().map(|index| self.step_id(*index, phase)).collect::<Vec<_>>();
        [of(Phase::Build, &self.builds), of(Phase::Release, &self.releases)].concat()
    }

    /// Why a running step can not succeed any more, while what it began is being put away.
    pub fn failing(&self, step: &StepId) -> Option<&Failure> {
        self.failing.get(step)
    }

    /// Whether somebody wants a service to end.
    pub fn is_canceled(&self, service: &Name) -> bool {
        self.cancel.iter().any(|scope| scope.covers(service))
    }

    /// Whether somebody wants a service to end even if it is a job that runs.
    pub fn is_forced(&self, service: &Name) -> bool {
        self.forced.iter().any(|scope| scope.covers(service))
    }

    /// The requests that were joined to it while it was queued, oldest first.
    pub fn merged(&self) -> &[Merged] {
        &self.merged
    }

    /// What was said of a stage that wants approval, by its place in the order of execution.
    pub fn approval(&self, order: usize) -> Option<&Approval> {
        self.approvals.get(&order)
    }

    /// The stage that the deployment has come to, has services for, and waits for approval of.
    pub fn awaited_approval(&self) -> Option<usize> {
        if self.state != RunState::Running {
            return None;
        }
        let first = match self.mode() {
            PipelineMode::Phased => [self.builds.first_open(), self.releases.first_open()].into_iter().flatten().min(),
            PipelineMode::Eager => self.releases.first_open(),
        };
        first.map(|index| self.services[index].stage).filter(|stage| !self.is_approved(*stage))
    }

    /// Whether nothing stands in the way of a stage but the stages before it.
    pub(super) fn is_approved(&self, stage: usize) -> bool {
        !self.plan.needs_approval(stage) || self.approvals.get(&stage).is_some_and(|approval| approval.is_approved)
    }

    pub(super) fn step_id(&self, index: usize, phase: Phase) -> StepId {
        StepId { service: self.plan.services[index].name.clone(), phase }
    }

    pub(super) fn queue(&self, phase: Phase) -> &Queue {
        match phase {
            Phase::Build => &self.builds,
            Phase::Release => &self.releases,
        }
    }

    pub(super) fn queue_mut(&mut self, phase: Phase) -> &mut Queue {
        match phase {
            Phase::Build => &mut self.builds,
            Phase::Release => &mut self.releases,
        }
    }

    pub(super) fn open_count(&self) -> usize {
        self.builds.open_count() + self.releases.open_count()
    }

    pub(super) fn mode(&self) -> PipelineMode {
        self.plan.environment.pipeline.mode
    }

    pub(super) fn policy(&self) -> FailurePolicy {
        self.plan.environment.pipeline.on_failure
    }
}

fn stage_ranges(services: &[ServiceRun], stages: usize) -> Vec<Range<usize>> {
    let mut from = 0;
    (0..stages)
        .map(|order| {
            let count = services[from..].iter().take_while(|service| service.stage == order).count();
            let range = from..from + count;
            from += count;
            range
        })
        .collect()
}
