//! Drives a deployment as the engine does, with a clock in place of the world.

use std::collections::HashMap;
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
pub fn simulate(environment: &Environment, durations: &Durations) -> Simulation {
    let (plan, services) = sealed::seal(environment);
    let mut simulator = Simulator::default();
    for service in services {
        simulator.add(service, durations.of(&service.name));
    }
    let trigger = Trigger { source: "simulation".to_owned(), actor: Actor("simulation".to_owned()) };
    let mut deployment = Deployment::accepted(plan, trigger, Timestamp(0));
    simulator.run(&mut deployment);
    Simulation {
        makespan: simulator.clock.now(),
        critical_path: critical_path::chain(&simulator.waited_for, simulator.ended.first().copied()),
        steps: simulator.steps,
        facts: deployment.version(),
    }
}

/// A deployment without a world. A step is known by its place in the order of the output.
#[derive(Default)]
struct Simulator {
    clock: Clock,
    steps: Vec<SimulatedStep>,
    places: HashMap<StepId, usize>,
    work: Vec<Work>,
    /// What ended at the last moment at which anything did.
    ended: Vec<usize>,
    /// The step that each step waited for before it began.
    waited_for: Vec<Option<usize>>,
}

/// What the world would make of a step.
struct Work {
    takes: Duration,
    outcome: StepOutcome,
}

impl Work {
    fn of(service: &Service, phase: Phase, known: ServiceDurations) -> Self {
        let code = match phase {
            Phase::Build => Code::BuildFailed,
            Phase::Release => Code::ReleaseFailed,
        };
        if phase == Phase::Release && !sealed::runs(service) {
            return Self { takes: Duration::ZERO, outcome: StepOutcome::Unneeded(SkipReason::NothingToRun) };
        }
        let outcome = if known.fails(phase) {
            StepOutcome::Failed(Failure::permanent(code, "its failure was given"))
        } else {
            StepOutcome::Done(StepResult::default())
        };
        Self { takes: known.of(phase), outcome }
    }
}

impl Simulator {
    fn add(&mut self, service: &Service, known: ServiceDurations) {
        let build = service.build().map(|_| Phase::Build);
        for phase in build.into_iter().chain([Phase::Release]) {
            self.places.insert(StepId { service: service.name.clone(), phase }, self.steps.len());
            self.work.push(Work::of(service, phase, known));
            self.waited_for.push(None);
            self.steps.push(SimulatedStep {
                service: service.name.clone(),
                stage: service.stage.clone(),
                phase,
                end: StepEnd::Skipped(SkipReason::EarlierFailure),
                span: None,
            });
        }
    }

    fn run(&mut self, deployment: &mut Deployment) {
        self.take(deployment, Input::Start);
        loop {
            let begins = due(deployment).into_iter().filter_map(|wanted| match wanted {
                Due::Begin { step, .. } => Some(step),
                Due::Stop(_) => None,
            });
            let begins: Vec<StepId> = begins.collect();
            if !begins.is_empty() {
                self.take(deployment, Input::Begin(begins));
            }
            let ended = self.clock.advance();
            if ended.is_empty() {
                return;
            }
            for place in &ended {
                let step = &self.steps[*place];
                let step = StepId { service: step.service.clone(), phase: step.phase };
                let outcome = self.work[*place].outcome.clone();
                self.take(deployment, Input::Ended { step, attempt: 1, outcome });
            }
            self.ended = ended;
        }
    }

    /// Decides, folds, and notes what became of the steps.
    fn take(&mut self, deployment: &mut Deployment, input: Input) {
        let now = Timestamp(i64::try_from(self.clock.now().as_millis()).unwrap_or(i64::MAX));
        let events = decide(deployment, input, now).expect("a step begins when it is due and ends once, in its only attempt");
        for event in events {
            deployment.evolve(&event).expect("a fact that was decided may follow");
            self.note(event.fact);
        }
    }

    fn note(&mut self, fact: Fact) {
        let now = self.clock.now();
        match fact {
            Fact::StepStarted { step, .. } => {
                let place = self.places[&step];
                self.waited_for[place] = critical_path::waited_for(&self.steps, place, &self.ended);
                self.steps[place].span = Some(Span { start: now, end: now });
                self.clock.begin(place, self.work[place].takes);
            }
            Fact::StepSucceeded { step, .. } => self.end(&step, StepEnd::Succeeded),
            Fact::StepFailed { step, .. } => self.end(&step, StepEnd::Failed),
            Fact::StepSkipped { reason: SkipReason::EarlierFailure, .. } => {}
            Fact::StepSkipped { step, reason } => self.end(&step, StepEnd::Skipped(reason)),
            Fact::Accepted { .. }
            | Fact::Started
            | Fact::StepCanceled { .. }
            | Fact::StepInterrupted { .. }
            | Fact::CancelRequested { .. }
            | Fact::Finished { .. } => {}
        }
    }

    /// A step that ends without having begun, such as a follower's build, was done in no time.
    fn end(&mut self, step: &StepId, end: StepEnd) {
        let now = self.clock.now();
        let place = self.places[step];
        let step = &mut self.steps[place];
        step.end = end;
        step.span.get_or_insert(Span { start: now, end: now }).end = now;
    }
}
