//! Which steps decided how long a simulated deployment took.

use super::simulated::{SimulatedStep, StepEnd};
use crate::deployment::{Phase, SkipReason};

/// What a step that begins now has waited for, of all that ended now: its image, else a place in its window, else the stage
/// before it. Steps are named by their places.
pub(super) fn waited_for(steps: &[SimulatedStep<'_>], begins: usize, ended: &[usize]) -> Option<usize> {
    let step = &steps[begins];
    // A build right before a release is of the same service.
    let own_build = begins.checked_sub(1).filter(|build| step.phase == Phase::Release && steps[*build].phase == Phase::Build);
    let image = own_build.and_then(|build| match &steps[build].end {
        StepEnd::Skipped(SkipReason::SharedBuild { with, .. }) => {
            ended.iter().find(|other| steps[**other].phase == Phase::Build && steps[**other].service == with)
        }
        StepEnd::Skipped(_) | StepEnd::Succeeded | StepEnd::Failed => ended.iter().find(|other| **other == build),
    });
    image.or_else(|| ended.iter().find(|other| steps[**other].phase == step.phase)).or(ended.first()).copied()
}

/// The chain that ends with a step: each of them began at the moment at which the one that it waited for ended.
pub(super) fn chain(waited_for: &[Option<usize>], last: Option<usize>) -> Vec<usize> {
    let mut chain: Vec<usize> = std::iter::successors(last, |place| waited_for[*place]).collect();
    chain.reverse();
    chain
}
