//! What must be running now. It depends on the state alone, so a lost wake-up loses no work.

use super::event::{Phase, StepId};
use super::state::{Deployment, RunState, StepState};
use crate::model::PipelineMode;

/// What the state asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// A step to begin, with the number of its attempt.
    Begin {
        /// Which.
        step: StepId,
        /// From 1.
        attempt: u32,
    },
    /// A running step to stop; asked for again until it has ended.
    Stop(StepId),
}

/// Everything that the state asks for, in order.
pub fn due(state: &Deployment) -> Vec<Due> {
    // Most deployments are never canceled, and then the running steps need no look.
    let running = if state.cancel.is_empty() { Vec::new() } else { state.running() };
    let stops = running.into_iter().filter(|step| state.is_canceled(&step.service)).map(Due::Stop);
    let begins = begins(state).into_iter().map(|(index, phase)| {
        let attempts = match state.services[index].step(phase) {
            Some(StepState::Waiting { attempts }) => *attempts,
            _ => 0,
        };
        Due::Begin { step: state.step_id(index, phase), attempt: attempts + 1 }
    });
    stops.chain(begins).collect()
}

fn begins(state: &Deployment) -> Vec<(usize, Phase)> {
    if state.state() != RunState::Running {
        return Vec::new();
    }
    match state.mode() {
        PipelineMode::Phased => phased(state),
        PipelineMode::Eager => eager(state),
    }
}

/// C1 and C3: the first stage that has anything open, once it is approved; its builds, then its releases.
fn phased(state: &Deployment) -> Vec<(usize, Phase)> {
    let first = [state.builds.first_open(), state.releases.first_open()].into_iter().flatten().min();
    let Some(first) = first else { return Vec::new() };
    if !state.is_approved(state.services[first].stage) {
        return Vec::new();
    }
    let stage = state.stage(state.services[first].stage);
    let pipeline = &state.plan.environment.pipeline;
    if state.builds.has_open_in(&stage) {
        state.builds.next_in(stage, pipeline.max_parallel_builds).map(|index| (index, Phase::Build)).collect()
    } else {
        state.releases.next_in(stage, pipeline.max_parallel_deploys).map(|index| (index, Phase::Release)).collect()
    }
}

/// B3: builds of all stages share one window; releases keep the order of the stages, and wait for approval.
fn eager(state: &Deployment) -> Vec<(usize, Phase)> {
    let pipeline = &state.plan.environment.pipeline;
    let all = 0..state.services.len();
    let builds = state.builds.next_in(all, pipeline.max_parallel_builds).map(|index| (index, Phase::Build));
    let first = state.releases.first_open().map(|first| state.services[first].stage);
    let stage = first.filter(|stage| state.is_approved(*stage)).map(|stage| state.stage(stage)).unwrap_or_default();
    let releases = state.releases.next_in(stage, pipeline.max_parallel_deploys).map(|index| (index, Phase::Release));
    builds.chain(releases).collect()
}
