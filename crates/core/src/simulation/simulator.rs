//! Drives a deployment as the engine does, with a clock in place of the world.

use std::time::Duration;

use super::clock::Clock;
use super::critical_path;
use super::durations::{Durations, ServiceDurations};
use super::sealed;
use super::simulated::{SimulatedStep, Simulation, Span, StepEnd};
use crate::deployment::{
    Actor, Deployment, Due, Fact, Input, Phase, SkipReason, StepId, StepOutcome, StepResult, Timestamp, Trigger, decide, due,
};
use crate::failure::{Code, Failure};
use crate::model::{Environment, Service};

/// Simulates a deployment of all services of an environment that are not skipped.
pub fn simulate<'e>(environment: &'e Environment, durations: &Durations) -> Simulation<'e> {
    let mut simulator = Simulator::new(environment, durations);
    simulator.run();
    Simulation {
        makespan: simulator.clock.now(),
        critical_path: critical_path::chain(&simulator.waited_for, simulator.ended.first().copied()),
        facts: simulator.deployment.version(),
        steps: simulator.steps,
    }
}

/// A deployment without a world. A step is known by its place in the order of the output.
struct Simulator<'e> {
    deployment: Deployment,
    clock: Clock,
    steps: Vec<SimulatedStep<'e>>,
    /// The first step of each service, in execution order; its release is its last.
    first_steps: Vec<usize>,
    work: Vec<Work>,
    /// What ended at the last moment at which anything did.
    ended: Vec<usize>,
    /// The step that each step waited for before it began.
    waited_for: Vec<Option<usize>>,
}

/// What the world would make of a step.
struct Work {
    takes: Duration,
    ends: End,
}

/// How a step would end.
#[derive(Clone, Copy)]
enum End {
    Well,
    Badly,
    /// There is nothing to do.
    AtOnce,
}

impl Work {
    fn of(service: &Service, phase: Phase, known: ServiceDurations) -> Self {
        if phase == Phase::Release && !sealed::runs(service) {
            return Self { takes: Duration::ZERO, ends: End::AtOnce };
        }
        Self { takes: known.of(phase), ends: if known.fails(phase) { End::Badly } else { End::Well } }
    }

    fn outcome(&self, phase: Phase) -> StepOutcome {
        let code = match phase {
            Phase::Build => Code::BuildFailed,
            Phase::Release => Code::ReleaseFailed,
        };
        match self.ends {
            End::Well => StepOutcome::Done(StepResult::default()),
            End::Badly => StepOutcome::Failed(Failure::permanent(code, "the durations say that it fails")),
            End::AtOnce => StepOutcome::Unneeded(SkipReason::NothingToRun),
        }
    }
}

impl<'e> Simulator<'e> {
    fn new(environment: &'e Environment, durations: &Durations) -> Self {
        let services = sealed::taking_part(environment);
        let mut planned = Vec::with_capacity(services.len());
        let mut first_steps = Vec::with_capacity(services.len());
        let mut steps = Vec::with_capacity(2 * services.len());
        let mut work = Vec::with_capacity(2 * services.len());
        for (stage, service) in services {
            planned.push(sealed::planned(service, stage));
            first_steps.push(steps.len());
            let known = durations.of(&service.name);
            let build = service.build().map(|_| Phase::Build);
            for phase in build.into_iter().chain([Phase::Release]) {
                work.push(Work::of(service, phase, known));
                let end = StepEnd::Skipped(SkipReason::EarlierFailure);
                steps.push(SimulatedStep { service: &service.name, stage: &service.stage, phase, end, span: None });
            }
        }
        let trigger =
            Trigger { source: "simulation".to_owned(), actor: Actor("simulation".to_owned()), request: None, link: None };
        Self {
            deployment: Deployment::accepted(sealed::plan(environment, planned), trigger, Timestamp(0)),
            clock: Clock::default(),
            waited_for: vec![None; steps.len()],
            steps,
            first_steps,
            work,
            ended: Vec::new(),
        }
    }

    fn run(&mut self) {
        self.take(Input::Start);
        loop {
            let begins = due(&self.deployment).into_iter().filter_map(|wanted| match wanted {
                Due::Begin { step, .. } => Some(step),
                Due::Stop(_) => None,
            });
            let begins: Vec<StepId> = begins.collect();
            if !begins.is_empty() {
                self.take(Input::Begin(begins));
            }
            let ended = self.clock.advance();
            if ended.is_empty() {
                return;
            }
            for place in &ended {
                let step = &self.steps[*place];
                let step = StepId { service: step.service.clone(), phase: step.phase };
                let outcome = self.work[*place].outcome(step.phase);
                self.take(Input::Ended { step, attempt: 1, outcome, timings: Vec::new() });
            }
            self.ended = ended;
        }
    }

    /// Decides, folds, and notes what became of the steps.
    fn take(&mut self, input: Input) {
        let now = Timestamp(i64::try_from(self.clock.now().as_millis()).unwrap_or(i64::MAX));
        let events =
            decide(&self.deployment, input, now).expect("a step begins when it is due and ends once, in its only attempt");
        for event in events {
            self.deployment.evolve(&event).expect("a fact that was decided may follow");
            self.note(event.fact);
        }
    }

    fn note(&mut self, fact: Fact) {
        let now = self.clock.now();
        match fact {
            Fact::StepStarted { step, .. } => {
                let place = self.place(&step);
                self.waited_for[place] = critical_path::waited_for(&self.steps, place, &self.ended);
                self.steps[place].span = Some(Span { start: now, end: now });
                self.clock.begin(place, self.work[place].takes);
            }
            Fact::StepSucceeded { step, .. } => self.end(&step, StepEnd::Succeeded),
            Fact::StepFailed { step, .. } => self.end(&step, StepEnd::Failed),
            Fact::StepSkipped { step, reason } if reason != SkipReason::EarlierFailure => {
                self.end(&step, StepEnd::Skipped(reason));
            }
            Fact::StepSkipped { .. }
            | Fact::Accepted { .. }
            | Fact::Merged { .. }
            | Fact::StageApproved { .. }
            | Fact::StageRefused { .. }
            | Fact::Started
            | Fact::StepCanceled { .. }
            | Fact::StepInterrupted { .. }
            | Fact::StepTimed { .. }
            | Fact::StepFailing { .. }
            | Fact::CancelRequested { .. }
            | Fact::Finished { .. } => {}
        }
    }

    fn place(&self, step: &StepId) -> usize {
        let service = self.deployment.position(&step.service).expect("a fact names a service of the plan");
        let first = self.first_steps[service];
        if self.steps[first].phase == step.phase { first } else { first + 1 }
    }

    /// A step that ends without having begun, such as a follower's build, was done in no time.
    fn end(&mut self, step: &StepId, end: StepEnd) {
        let now = self.clock.now();
        let place = self.place(step);
        let step = &mut self.steps[place];
        step.end = end;
        step.span.get_or_insert(Span { start: now, end: now }).end = now;
    }
}
