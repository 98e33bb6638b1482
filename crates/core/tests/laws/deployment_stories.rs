//! Short lives of deployments, told by their logs: what the laws of `deployment_laws.rs` come to.

use crate::support::{How, Image, Run, Scenario, good_end, name};
use slipway_core::deployment::{CancelScope, Input, Phase, StepId};
use slipway_core::model::{FailurePolicy, PipelineMode};

/// Runs a deployment to its end: the named steps end as they are told when they are the oldest that run, all others well.
fn told(scenario: &Scenario, mut ends: impl FnMut(&mut Run, &str) -> How) -> Vec<String> {
    let mut run = Run::accepted(scenario);
    run.take(Input::Start);
    while !run.has_finished() {
        run.begin_due();
        let step = run.deployment.running().first().cloned().expect("something runs in a deployment that has not finished");
        let how = ends(&mut run, &step.to_string());
        run.end(&step, how);
    }
    run.story()
}

#[test]
fn a_deployment_goes_stage_by_stage_builds_before_releases() {
    let shop = Scenario::of(&[(0, Image::Brought), (1, Image::Built(1)), (1, Image::Brought)]);
    let expected = [
        "started",
        "release s0 begins",
        "release s0 succeeds",
        "build s1 begins",
        "build s1 succeeds",
        "release s1 begins",
        "release s2 begins",
        "release s1 succeeds",
        "release s2 succeeds",
        "finished: succeeded",
    ];
    assert_eq!(told(&shop, |_, _| How::Done), expected);
}

#[test]
fn eager_builds_run_ahead_and_a_service_is_released_as_soon_as_its_image_is_there() {
    let shop = Scenario {
        mode: PipelineMode::Eager,
        ..Scenario::of(&[(0, Image::Built(1)), (0, Image::Brought), (1, Image::Built(2))])
    };
    let expected = [
        "started",
        "build s0 begins",
        "build s2 begins",
        "release s1 begins",
        "build s0 succeeds",
        "release s0 begins",
        "build s2 succeeds",
        "release s0 succeeds",
        "release s1 succeeds",
        "release s2 begins",
        "release s2 succeeds",
        "finished: succeeded",
    ];
    assert_eq!(told(&shop, |_, _| How::Done), expected);
}

#[test]
fn a_failed_build_leaves_its_siblings_alone_and_no_later_stage_starts() {
    let shop = Scenario::of(&[(0, Image::Built(1)), (0, Image::Built(2)), (1, Image::Brought)]);
    let expected = [
        "started",
        "build s0 begins",
        "build s1 begins",
        "build s0 fails",
        "release s2 is skipped: earlier failure",
        "release s0 is skipped: earlier failure",
        "build s1 succeeds",
        "release s1 begins",
        "release s1 succeeds",
        "finished: failed",
    ];
    assert_eq!(told(&shop, |_, step| if step == "build of s0" { How::Fails } else { How::Done }), expected);
}

#[test]
fn two_services_with_one_key_share_a_build_across_stages() {
    let shop = Scenario::of(&[(0, Image::Built(1)), (1, Image::Built(1))]);
    let expected = [
        "started",
        "build s0 begins",
        "build s0 succeeds",
        "build s1 is skipped: same image as s0",
        "release s0 begins",
        "release s0 succeeds",
        "release s1 begins",
        "release s1 succeeds",
        "finished: succeeded",
    ];
    assert_eq!(told(&shop, |_, _| How::Done), expected);
}

#[test]
fn a_canceled_leader_hands_its_build_over() {
    let shop = Scenario::of(&[(0, Image::Built(1)), (0, Image::Built(1)), (0, Image::Built(1))]);
    let mut canceled = false;
    let story = told(&shop, |run, _| {
        if !std::mem::replace(&mut canceled, true) {
            run.cancel(CancelScope::Service(name("s1")));
            // The build still runs: nothing begins.
            run.begin_due();
            run.cancel(CancelScope::Service(name("s0")));
        }
        How::Done
    });
    let expected = [
        "started",
        "build s0 begins",
        "cancel s1",
        "build s1 is canceled",
        "release s1 is canceled",
        "cancel s0",
        "build s0 is canceled",
        "release s0 is canceled",
        "build s2 begins",
        "build s2 succeeds",
        "release s2 begins",
        "release s2 succeeds",
        "finished: failed",
    ];
    assert_eq!(story, expected);
}

#[test]
fn a_build_that_was_canceled_too_late_leaves_its_image_and_is_not_released() {
    let mut run = Run::accepted(&Scenario::of(&[(0, Image::Built(1)), (1, Image::Built(1))]));
    run.take(Input::Start);
    run.begin_due();
    run.cancel(CancelScope::Service(name("s0")));
    let build = StepId { service: name("s0"), phase: Phase::Build };
    run.take(Input::Ended { outcome: good_end(&build), step: build, attempt: 1, timings: Vec::new() });
    let expected = [
        "started",
        "build s0 begins",
        "cancel s0",
        "build s0 succeeds",
        "build s1 is skipped: same image as s0",
        "release s0 is canceled",
        "release s1 is skipped: earlier failure",
        "finished: failed",
    ];
    assert_eq!(run.story(), expected);
}

#[test]
fn a_build_that_goes_on_after_a_failure_can_still_be_canceled() {
    let mut shop = Scenario::of(&[(0, Image::Built(1)), (0, Image::Built(2))]);
    shop.policy = FailurePolicy::FailFast;
    let mut run = Run::accepted(&shop);
    run.take(Input::Start);
    run.begin_due();
    run.end(&StepId { service: name("s0"), phase: Phase::Build }, How::Fails);
    run.cancel(CancelScope::Service(name("s1")));
    run.end(&StepId { service: name("s1"), phase: Phase::Build }, How::Done);
    let expected = [
        "started",
        "build s0 begins",
        "build s1 begins",
        "build s0 fails",
        "release s0 is skipped: earlier failure",
        "release s1 is skipped: earlier failure",
        "cancel s1",
        "build s1 is canceled",
        "finished: failed",
    ];
    assert_eq!(run.story(), expected);
}
