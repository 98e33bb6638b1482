//! Drives a deployment as a dispatcher does, without a world.

use std::ops::Range;

use proptest::test_runner::TestCaseError;
use slipway_core::deployment::{
    Activity, Actor, CancelScope, Deployment, Due, Event, Input, Phase, RunState, SkipReason, StepId, StepOutcome, StepResult,
    StepState, Timestamp, Timing, Trigger, decide, due,
};
use slipway_core::failure::{Code, Failure};
use slipway_core::plan::{BuildPlan, Plan};

use super::scenario::Move;
use super::{How, Ledger, Scenario};

/// A deployment from its acceptance to its end.
pub(crate) struct Run {
    pub(crate) plan: Plan,
    /// All facts after `Accepted`.
    pub(crate) events: Vec<Event>,
    pub(crate) turns: Vec<Turn>,
    pub(crate) deployment: Deployment,
}

/// One input, and what followed from it.
pub(crate) struct Turn {
    pub(crate) input: Input,
    /// Its facts, as a range of [`Run::events`].
    pub(crate) facts: Range<usize>,
    /// What was to be stopped after it.
    pub(crate) stops: Vec<StepId>,
    /// Whether everything that is due had begun after it.
    pub(crate) at_rest: bool,
}

impl Run {
    /// A deployment that was accepted and not begun.
    pub(crate) fn accepted(scenario: &Scenario) -> Self {
        let plan = scenario.plan();
        let trigger = Trigger { source: "test".to_owned(), actor: actor(), request: None, link: None };
        let deployment = Deployment::accepted(plan.clone(), trigger, Timestamp(0));
        Self { plan, events: Vec::new(), turns: Vec::new(), deployment }
    }

    /// The whole life of a deployment. It ends within a bound, or there is a deadlock.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let mut run = Self::accepted(scenario);
        let mut moves = scenario.moves.iter();
        // A queued deployment may be canceled before its turn comes.
        if let Some(Move::CancelService(_) | Move::CancelDeployment | Move::Merge) = scenario.moves.first() {
            run.make(moves.next().expect("there is a first move"));
        }
        if !run.has_finished() {
            run.take(Input::Start);
        }
        for next in moves {
            run.begin_due();
            if run.has_finished() {
                break;
            }
            run.make(next);
        }
        run.drive_to_the_end();
        run
    }

    pub(crate) fn has_finished(&self) -> bool {
        matches!(self.deployment.state(), RunState::Finished { .. })
    }

    /// Every running step ends well, or is canceled when that is wanted, until the deployment has finished.
    fn drive_to_the_end(&mut self) {
        for _ in 0..=2 * self.plan.services.len() + self.deployment.stage_count() {
            self.begin_due();
            let running = self.deployment.running();
            if let (true, Some(stage)) = (running.is_empty(), self.deployment.awaited_approval()) {
                self.take(Input::Approve { actor: actor(), stage, approved: true });
                continue;
            }
            let Some(step) = running.first() else { break };
            self.take(end(&self.deployment, step, How::Done, false));
        }
        assert!(self.has_finished(), "nothing runs, nothing is due, and the deployment has not finished: {:?}", self.story());
    }

    /// Begins everything that is due, at once.
    pub(crate) fn begin_due(&mut self) {
        let begins: Vec<_> = due(&self.deployment)
            .into_iter()
            .filter_map(|wanted| match wanted {
                Due::Begin { step, .. } => Some(step),
                Due::Stop(_) => None,
            })
            .collect();
        if !begins.is_empty() {
            self.take(Input::Begin(begins));
        }
        if let Some(last) = self.turns.last_mut() {
            last.at_rest = true;
        }
    }

    fn make(&mut self, next: &Move) {
        let running = self.deployment.running();
        match next {
            Move::End { which, how, too_late } => {
                if !running.is_empty() {
                    let step = &running[which.index(running.len())];
                    self.take(end(&self.deployment, step, *how, *too_late));
                }
            }
            Move::Failing { which } => {
                if !running.is_empty() {
                    let step = running[which.index(running.len())].clone();
                    let attempt = attempt_of(&self.deployment, &step);
                    self.take(Input::Failing { step, attempt, failure: failure() });
                }
            }
            Move::CancelDeployment => self.cancel(CancelScope::Deployment),
            Move::CancelService(which) => {
                if !self.plan.services.is_empty() {
                    let service = &self.plan.services[which.index(self.plan.services.len())];
                    self.cancel(CancelScope::Service(service.name.clone()));
                }
            }
            Move::OwnerGone => self.take(Input::OwnerGone),
            Move::Approve { stage, approved } => {
                let stage = stage.index(self.deployment.stage_count());
                self.take_if_it_means_something(Input::Approve { actor: actor(), stage, approved: *approved });
            }
            Move::Merge => {
                let trigger = Trigger { source: "test".to_owned(), actor: actor(), request: None, link: None };
                self.take_if_it_means_something(Input::Merge { plan: Box::new(self.plan.clone()), trigger });
            }
        }
    }

    /// A refusal is an answer, too.
    fn take_if_it_means_something(&mut self, input: Input) {
        if decide(&self.deployment, input.clone(), self.now()).is_ok() {
            self.take(input);
        }
    }

    /// Somebody cancels.
    pub(crate) fn cancel(&mut self, scope: CancelScope) {
        self.take_if_it_means_something(Input::Cancel { actor: actor(), scope, force: false });
    }

    /// Decides and folds. The facts of one decision are appended together.
    pub(crate) fn take(&mut self, input: Input) {
        let facts = decide(&self.deployment, input.clone(), self.now())
            .unwrap_or_else(|refusal| panic!("{input:?} is refused: {refusal}; so far {:?}", self.story()));
        let from = self.events.len();
        for event in facts {
            self.deployment
                .evolve(&event)
                .unwrap_or_else(|illegal| panic!("{input:?} leads to a fact that is {illegal}; so far {:?}", self.story()));
            self.events.push(event);
        }
        let stops = due(&self.deployment).into_iter().filter_map(|wanted| match wanted {
            Due::Stop(step) => Some(step),
            Due::Begin { .. } => None,
        });
        self.turns.push(Turn { input, facts: from..self.events.len(), stops: stops.collect(), at_rest: false });
    }

    /// A running step ends; one that is being stopped is canceled.
    pub(crate) fn end(&mut self, step: &StepId, how: How) {
        self.take(end(&self.deployment, step, how, false));
    }

    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.events.len()).expect("a log is shorter than that") + 1)
    }

    /// Shows each fact to a law, with the ledger as it was before the fact.
    pub(crate) fn each_fact(
        &self,
        mut law: impl FnMut(&Ledger<'_>, &Event) -> Result<(), TestCaseError>,
    ) -> Result<(), TestCaseError> {
        let mut ledger = Ledger::new(&self.plan);
        for event in &self.events {
            law(&ledger, event)?;
            ledger.enter(event);
        }
        Ok(())
    }

    /// Shows each turn to a law, with the ledger after it.
    pub(crate) fn each_turn(
        &self,
        mut law: impl FnMut(&Ledger<'_>, &Turn) -> Result<(), TestCaseError>,
    ) -> Result<(), TestCaseError> {
        let mut ledger = Ledger::new(&self.plan);
        for turn in &self.turns {
            self.events[turn.facts.clone()].iter().for_each(|event| ledger.enter(event));
            law(&ledger, turn)?;
        }
        Ok(())
    }

    /// The log in a few words a line.
    pub(crate) fn story(&self) -> Vec<String> {
        // What a step did while it ran changes nothing of what comes next.
        let told = self.events.iter().filter(|event| !matches!(event.fact, slipway_core::deployment::Fact::StepTimed { .. }));
        told.map(super::ledger::in_words).collect()
    }
}

/// Goes on with a deployment whose driver is gone, until it has finished; returns the facts that came to it.
pub(crate) fn drive_to_the_end(plan: &Plan, deployment: Deployment) -> Vec<Event> {
    let mut run = Run { plan: plan.clone(), events: Vec::new(), turns: Vec::new(), deployment };
    if run.has_finished() {
        return Vec::new();
    }
    run.take(Input::OwnerGone);
    if run.deployment.state() == RunState::Queued {
        run.take(Input::Start);
    }
    run.drive_to_the_end();
    run.events
}

fn attempt_of(deployment: &Deployment, step: &StepId) -> u32 {
    let Some(StepState::Running { attempt, .. }) = deployment.step(step) else { panic!("the {step} is not running") };
    *attempt
}

/// The end of a running step, as an executor would report it.
fn end(deployment: &Deployment, step: &StepId, how: How, too_late: bool) -> Input {
    let attempt = attempt_of(deployment, step);
    let build = deployment.plan().services.iter().find(|service| service.name == step.service);
    let build = build.and_then(|service| service.build.as_ref()).filter(|_| step.phase == Phase::Build);
    let outcome = match (build, how) {
        (Some(BuildPlan::Impossible(failure)), _) => StepOutcome::Failed(failure.clone()),
        (_, How::Fails) => StepOutcome::Failed(failure()),
        _ if deployment.is_canceled(&step.service) && !too_late => StepOutcome::Failed(Failure::canceled("it was canceled")),
        (_, How::Done) => good_end(step),
        (_, How::Unneeded) => StepOutcome::Unneeded(match step.phase {
            Phase::Build => SkipReason::ImagePresent { image: "sha256:there".to_owned() },
            Phase::Release => SkipReason::NothingToRun,
        }),
    };
    Input::Ended { step: step.clone(), attempt, outcome, timings: timings(deployment, step) }
}

/// What the step did, as a clock that jumps would tell it: before it began, over one another, and backwards.
fn timings(deployment: &Deployment, step: &StepId) -> Vec<Timing> {
    let Some(StepState::Running { since, .. }) = deployment.step(step) else { return Vec::new() };
    let timing = |activity, from, to| Timing { activity, from: Timestamp(since.0 + from), to: Timestamp(since.0 + to) };
    vec![
        timing(Activity::Fetching, -5, 1),
        timing(Activity::Building, 1, 3),
        timing(Activity::Pushing, 2, 4),
        timing(Activity::Waiting, 9, 6),
        timing(Activity::Waiting, 5, 100_000),
    ]
}

fn actor() -> Actor {
    Actor("tester".to_owned())
}

/// A step did what it should.
pub(crate) fn good_end(step: &StepId) -> StepOutcome {
    StepOutcome::Done(match step.phase {
        Phase::Build => StepResult { image: Some(format!("sha256:{}", step.service)), ..StepResult::default() },
        Phase::Release => StepResult { revision: Some(1), ..StepResult::default() },
    })
}

/// A failure that stays.
pub(crate) fn failure() -> Failure {
    Failure::permanent(Code::BuildFailed, "it failed")
}
