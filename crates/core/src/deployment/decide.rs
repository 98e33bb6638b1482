//! Which facts follow from an input.

use std::collections::{BTreeSet, HashMap};

use super::due::{Due, due};
use super::event::{Actor, CancelScope, Event, Fact, Outcome, Phase, SkipReason, StepId, StepResult, Timestamp, Trigger};
use super::state::{Deployment, RunState, StepState};
use super::timing::Timing;
use crate::failure::{Failure, FailureKind};
use crate::model::FailurePolicy;
use crate::plan::Plan;

/// What comes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Its turn has come.
    Start,
    /// These steps, which are due, are about to begin.
    Begin(Vec<StepId>),
    /// A step that was begun has ended.
    Ended {
        /// Which.
        step: StepId,
        /// Of which attempt this is the end.
        attempt: u32,
        /// How.
        outcome: StepOutcome,
        /// What it did until then, as far as whoever ran it knows.
        timings: Vec<Timing>,
    },
    /// A step that was begun can not succeed any more; what it began is about to be put away.
    Failing {
        /// Which.
        step: StepId,
        /// In which attempt.
        attempt: u32,
        /// How it will have failed.
        failure: Failure,
    },
    /// Somebody wants it to end.
    Cancel {
        /// Who.
        actor: Actor,
        /// What of it.
        scope: CancelScope,
        /// Whether a running lifecycle job is stopped too.
        force: bool,
    },
    /// A later request is to be joined to it.
    Merge {
        /// What both together come to.
        plan: Box<Plan>,
        /// Who or what asked.
        trigger: Trigger,
    },
    /// Somebody says whether it may go on into a stage.
    Approve {
        /// Who.
        actor: Actor,
        /// The stage's place in the order of execution.
        stage: usize,
        /// Whether it may.
        approved: bool,
    },
    /// Whoever ran its steps is gone.
    OwnerGone,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It did what it should.
    Done(StepResult),
    /// There was nothing to do.
    Unneeded(SkipReason),
    /// It did not.
    Failed(Failure),
}

/// An input that means nothing in this state; the state stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The deployment has finished.
    #[error("the deployment has {0}")]
    Finished(&'static str),
    /// The deployment is not queued.
    #[error("the deployment is {0}, not queued")]
    NotQueued(&'static str),
    /// The step is not in the plan, not running, or another attempt of it is.
    #[error("the {0} is not running in that attempt")]
    NotRunning(StepId),
    /// The step is not due: it is not in the plan, not waiting, or something comes before it.
    #[error("the {0} is not due")]
    NotDue(StepId),
    /// The service is not in the plan, or has ended.
    #[error("`{0}` has nothing left to cancel in this deployment")]
    NothingToCancel(String),
    /// Only requests of the same actor and the same action are joined.
    #[error("the deployment is another's, or of another action")]
    NotJoined,
    /// The stage wants no approval, or somebody has spoken.
    #[error("the stage `{0}` waits for no approval in this deployment")]
    NoApproval(String),
}

/// Turns an input into the facts that follow from it, consequences included. No facts: it changes nothing.
pub fn decide(state: &Deployment, input: Input, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    if let RunState::Finished { .. } = state.state() {
        return Err(Refusal::Finished(state.state().as_str()));
    }
    let mut facts = match input {
        Input::Start => start(state)?,
        Input::Begin(steps) => begin(state, steps)?,
        Input::Ended { step, attempt, outcome, timings } => ended(state, &step, attempt, outcome, timings)?,
        Input::Failing { step, attempt, failure } => failing(state, step, attempt, failure)?,
        Input::Cancel { actor, scope, force } => cancel(state, actor, scope, force)?,
        Input::Merge { plan, trigger } => merge(state, plan, trigger)?,
        Input::Approve { actor, stage, approved } => approve(state, actor, stage, approved)?,
        Input::OwnerGone => interrupted(state),
    };
    finish(state, &mut facts);
    Ok(facts.into_iter().map(|fact| Event { at: now, fact }).collect())
}

fn start(state: &Deployment) -> Result<Vec<Fact>, Refusal> {
    match state.state() {
        RunState::Queued => Ok(vec![Fact::Started]),
        other => Err(Refusal::NotQueued(other.as_str())),
    }
}

/// What is being stopped or put away goes on being so by the next owner; the rest waits again.
fn interrupted(state: &Deployment) -> Vec<Fact> {
    let is_ending = |step: &StepId| state.is_canceled(&step.service) || state.failing(step).is_some();
    let running = state.running().into_iter().filter(|step| !is_ending(step));
    running.map(|step| Fact::StepInterrupted { step }).collect()
}

fn begin(state: &Deployment, steps: Vec<StepId>) -> Result<Vec<Fact>, Refusal> {
    let begins = due(state).into_iter().filter_map(|wanted| match wanted {
        Due::Begin { step, attempt } => Some((step, attempt)),
        Due::Stop(_) => None,
    });
    let mut begins: HashMap<StepId, u32> = begins.collect();
    let begun = steps.into_iter().map(|step| match begins.remove(&step) {
        Some(attempt) => Ok(Fact::StepStarted { step, attempt }),
        None => Err(Refusal::NotDue(step)),
    });
    begun.collect()
}

fn must_run(state: &Deployment, step: &StepId, attempt: u32) -> Result<(), Refusal> {
    match state.step(step) {
        Some(StepState::Running { attempt: running, .. }) if *running == attempt => Ok(()),
        _ => Err(Refusal::NotRunning(step.clone())),
    }
}

/// That it is said twice changes nothing, and the first reason stands.
fn failing(state: &Deployment, step: StepId, attempt: u32, failure: Failure) -> Result<Vec<Fact>, Refusal> {
    must_run(state, &step, attempt)?;
    Ok(if state.failing(&step).is_some() { Vec::new() } else { vec![Fact::StepFailing { step, failure }] })
}

fn ended(
    state: &Deployment,
    step: &StepId,
    attempt: u32,
    outcome: StepOutcome,
    timings: Vec<Timing>,
) -> Result<Vec<Fact>, Refusal> {
    must_run(state, step, attempt)?;
    let index = state.index[&step.service];
    let mut ending = Ending::new(state);
    if !timings.is_empty() {
        ending.facts.push(Fact::StepTimed { step: step.clone(), timings });
    }
    // However the putting away went, the step failed before.
    let outcome = state.failing(step).cloned().map_or(outcome, StepOutcome::Failed);
    match outcome {
        StepOutcome::Done(result) => {
            let image = result.image.clone();
            ending.end(index, step.phase, |step| Fact::StepSucceeded { step, result });
            ending.go_on(index, step.phase, image.as_deref());
        }
        StepOutcome::Unneeded(reason) => {
            let image = reason.image().map(str::to_owned);
            ending.end(index, step.phase, |step| Fact::StepSkipped { step, reason });
            ending.go_on(index, step.phase, image.as_deref());
        }
        StepOutcome::Failed(failure) if failure.kind == FailureKind::Canceled && state.is_canceled(&step.service) => {
            ending.cancel_service(index, Some(step.phase));
        }
        StepOutcome::Failed(failure) => ending.fail(index, step.phase, &failure),
    }
    Ok(ending.facts)
}

fn followers(state: &Deployment, leader: usize) -> impl Iterator<Item = usize> {
    state.same_image.with(leader).iter().copied().filter(move |index| *index != leader && state.builds.waiting().contains(index))
}

/// A queued deployment takes in what came after it (product.md, *Queue*).
fn merge(state: &Deployment, plan: Box<Plan>, trigger: Trigger) -> Result<Vec<Fact>, Refusal> {
    if state.state() != RunState::Queued {
        return Err(Refusal::NotQueued(state.state().as_str()));
    }
    if plan.action != state.plan.action || trigger.actor != state.trigger.actor {
        return Err(Refusal::NotJoined);
    }
    Ok(vec![Fact::Merged { plan, trigger }])
}

/// The same answer twice is one; a refusal ends the deployment.
fn approve(state: &Deployment, actor: Actor, stage: usize, approved: bool) -> Result<Vec<Fact>, Refusal> {
    match state.approval(stage) {
        Some(earlier) if earlier.is_approved == approved => return Ok(Vec::new()),
        None if state.plan.needs_approval(stage) && state.state() != RunState::Canceling => {}
        _ => {
            let name = state.plan.stages().get(stage).map_or_else(|| stage.to_string(), |stage| stage.name.to_string());
            return Err(Refusal::NoApproval(name));
        }
    }
    if approved {
        return Ok(vec![Fact::StageApproved { stage, actor }]);
    }
    let mut facts = vec![Fact::StageRefused { stage, actor: actor.clone() }];
    facts.extend(cancel(state, actor, CancelScope::Deployment, false)?);
    Ok(facts)
}

fn cancel(state: &Deployment, actor: Actor, scope: CancelScope, force: bool) -> Result<Vec<Fact>, Refusal> {
    let mut ending = Ending::new(state);
    ending.facts.push(Fact::CancelRequested { actor, scope: scope.clone(), force });
    if state.cancel.contains(&scope) {
        // Only the force can be new, and it means something to what runs; what waited was canceled before.
        let runs = state.running().iter().any(|step| scope.covers(&step.service));
        let is_new = force && runs && !state.forced.contains(&scope);
        return Ok(if is_new { ending.facts } else { Vec::new() });
    }
    match scope {
        CancelScope::Deployment => {
            for phase in [Phase::Build, Phase::Release] {
                for index in state.queue(phase).waiting() {
                    ending.end(*index, phase, |step| Fact::StepCanceled { step });
                }
            }
        }
        CancelScope::Service(name) => {
            let refusal = || Refusal::NothingToCancel(name.to_string());
            let index = *state.index.get(&name).ok_or_else(refusal)?;
            let runs = [Phase::Build, Phase::Release].iter().any(|phase| state.queue(*phase).running().contains(&index));
            if !runs && state.services[index].release.has_ended() {
                return Err(refusal());
            }
            if runs {
                // Its other step waits for the running one, and is canceled with it.
                return Ok(ending.facts);
            }
            ending.cancel_service(index, None);
        }
    }
    Ok(ending.facts)
}

/// The steps that end because another one ended; each is ended once.
struct Ending<'a> {
    state: &'a Deployment,
    ended: BTreeSet<(usize, Phase)>,
    facts: Vec<Fact>,
}

impl<'a> Ending<'a> {
    fn new(state: &'a Deployment) -> Self {
        Self { state, ended: BTreeSet::new(), facts: Vec::new() }
    }

    fn end(&mut self, index: usize, phase: Phase, fact: impl FnOnce(StepId) -> Fact) {
        if self.ended.insert((index, phase)) {
            self.facts.push(fact(self.state.step_id(index, phase)));
        }
    }

    /// A build ended well: its followers end with it (C12). A service that was canceled too late to stop the build is not released.
    fn go_on(&mut self, index: usize, phase: Phase, image: Option<&str>) {
        if phase == Phase::Release {
            return;
        }
        let state = self.state;
        let with = &state.plan.services[index].name;
        for follower in followers(state, index) {
            let reason = SkipReason::SharedBuild { with: with.clone(), image: image.map(str::to_owned) };
            self.end(follower, Phase::Build, |step| Fact::StepSkipped { step, reason });
        }
        if state.is_canceled(with) && state.releases.waiting().contains(&index) {
            self.cancel_service(index, None);
        }
    }

    /// A step failed; so do the builds that wait for it in its stage, and what can not start any more is skipped.
    fn fail(&mut self, index: usize, phase: Phase, failure: &Failure) {
        let state = self.state;
        self.end(index, phase, |step| Fact::StepFailed { step, failure: failure.clone() });
        let stage = state.services[index].stage;
        let mut without_image = vec![index];
        if phase == Phase::Build {
            for follower in followers(state, index).filter(|follower| state.services[*follower].stage == stage) {
                self.end(follower, Phase::Build, |step| Fact::StepFailed { step, failure: failure.clone() });
                without_image.push(follower);
            }
        }
        self.skip_rest(stage, &without_image);
    }

    /// A service is canceled: its running step, if it has one, and what waits of it. That counts as its failure.
    fn cancel_service(&mut self, index: usize, running: Option<Phase>) {
        let state = self.state;
        for phase in [Phase::Build, Phase::Release] {
            if running == Some(phase) || state.queue(phase).waiting().contains(&index) {
                self.end(index, phase, |step| Fact::StepCanceled { step });
            }
        }
        self.skip_rest(state.services[index].stage, &[index]);
    }

    /// B8: what never starts after a failure in a stage.
    fn skip_rest(&mut self, stage: usize, without_image: &[usize]) {
        let state = self.state;
        let from = match state.policy() {
            FailurePolicy::FailFast => 0,
            FailurePolicy::FinishStage => state.stage(stage).end,
        };
        let skip = |step| Fact::StepSkipped { step, reason: SkipReason::EarlierFailure };
        for phase in [Phase::Build, Phase::Release] {
            for index in state.queue(phase).waiting().range(from..) {
                self.end(*index, phase, skip);
            }
        }
        for index in without_image {
            if state.releases.waiting().contains(index) {
                self.end(*index, Phase::Release, skip);
            }
        }
    }
}

/// Appends the last fact once no step is open.
fn finish(state: &Deployment, facts: &mut Vec<Fact>) {
    let mut open = state.open_count();
    let mut failed = state.failed_stage.is_some();
    let mut begun = state.state() != RunState::Queued;
    let mut canceled = state.state() == RunState::Canceling;
    for fact in facts.iter() {
        match fact {
            Fact::StepSucceeded { .. } | Fact::StepSkipped { .. } => open -= 1,
            Fact::StepFailed { .. } | Fact::StepCanceled { .. } => {
                open -= 1;
                failed = true;
            }
            Fact::Started => begun = true,
            Fact::CancelRequested { scope, .. } => canceled |= *scope == CancelScope::Deployment,
            Fact::Accepted { .. }
            | Fact::Merged { .. }
            | Fact::StageApproved { .. }
            | Fact::StageRefused { .. }
            | Fact::StepTimed { .. }
            | Fact::StepFailing { .. }
            | Fact::StepStarted { .. }
            | Fact::StepInterrupted { .. }
            | Fact::Finished { .. } => {}
        }
    }
    if open == 0 && (begun || canceled) {
        let outcome = match (canceled, failed) {
            (true, _) => Outcome::Canceled,
            (false, true) => Outcome::Failed,
            (false, false) => Outcome::Succeeded,
        };
        facts.push(Fact::Finished { outcome });
    }
}
