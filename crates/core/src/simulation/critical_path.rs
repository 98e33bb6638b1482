//! Which steps decided how long a simulated deployment took.

use super::simulated::{SimulatedStep, StepEnd};
use crate::deployment::{Phase, SkipReason};

/// What a step that begins now has waited for, of all that ended now: its image, else a place in its window, else the stage
/// before it. Steps are named by their places.
pub(super) fn waited_for(steps: &[SimulatedStep<'_>], begins: usize, ended: &[usize]) -> Option<usize> {
    let image = image_of(steps, begins);
    let phase = steps[begins].phase;
    let found = ended.iter().find(|other| image.is_some_and(|(service, phase)| is(&steps[**other], service, phase)));
    found.or_else(|| ended.iter().find(|other| steps[**other].phase == phase)).or(ended.first()).copied()
}

/// The chain that ends with a step: each of them began at the moment at which the one that it waited for ended.
pub(super) fn chain(waited_for: &[Option<usize>], last: Option<usize>) -> Vec<usize> {
    let mut chain: Vec<usize> = std::iter::successors(last, |place| waited_for[*place]).collect();
    chain.reverse();
    chain
}

/// The build that makes what a release releases; absent when nothing is built for it.
fn image_of<'s>(steps: &'s [SimulatedStep<'_>], release: usize) -> Option<(&'s str, Phase)> {
    let step = &steps[release];
    let build = release.checked_sub(1).map(|place| &steps[place]).filter(|build| build.service == step.service)?;
    let builder = match &build.end {
        StepEnd::Skipped(SkipReason::SharedBuild { with, .. }) => with,
        StepEnd::Skipped(_) | StepEnd::Succeeded | StepEnd::Failed => build.service,
    };
    Some((builder.as_str(), Phase::Build))
}

fn is(step: &SimulatedStep<'_>, service: &str, phase: Phase) -> bool {
    step.phase == phase && step.service.as_str() == service
}
