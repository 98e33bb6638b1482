//! Short lives of deployments, explained: what the laws of `explanation_laws.rs` come to.

use crate::support::{Image, Scenario, failure, good_end, name};
use slipway_core::deployment::{
    Actor, CancelScope, Deployment, Due, Event, Fact, Input, Phase, RunState, StepId, StepOutcome, StepState, Timestamp, Trigger,
    decide, due,
};
use slipway_core::explanation::{Ahead, Doing, Explanation, RootCause, StepEnd, explain};

/// A deployment that is driven by hand, on a clock of its own.
struct Told {
    deployment: Deployment,
    log: Vec<Event>,
}

impl Told {
    fn accepted(scenario: &Scenario) -> Self {
        let trigger = Trigger { source: "cli".to_owned(), actor: Actor("root".to_owned()), request: None, link: None };
        let fact = Fact::Accepted { plan: Box::new(scenario.plan()), trigger };
        let log = vec![Event { at: Timestamp(0), fact }];
        Self { deployment: Deployment::replay(log.clone()).expect("it begins with `Accepted`"), log }
    }

    /// Takes an input at a second, and begins what is due.
    fn take(&mut self, second: i64, input: Input) -> &mut Self {
        self.fold(second, input);
        let begins = due(&self.deployment).into_iter().filter_map(|due| match due {
            Due::Begin { step, .. } => Some(step),
            Due::Stop(_) => None,
        });
        let begins: Vec<StepId> = begins.collect();
        if !begins.is_empty() {
            self.fold(second, Input::Begin(begins));
        }
        self
    }

    fn fold(&mut self, second: i64, input: Input) {
        for event in decide(&self.deployment, input, Timestamp(second * 1000)).expect("the input means something") {
            self.deployment.evolve(&event).expect("the fact may follow");
            self.log.push(event);
        }
    }

    fn end(&mut self, second: i64, step: &str, outcome: impl FnOnce(&StepId) -> StepOutcome) -> &mut Self {
        let step = step_id(step);
        let Some(StepState::Running { attempt, .. }) = self.deployment.step(&step) else { panic!("the {step} is not running") };
        let input = Input::Ended { attempt: *attempt, outcome: outcome(&step), step, timings: Vec::new() };
        self.take(second, input)
    }

    fn explained(&self, now: i64) -> Explanation {
        explain(&self.log, &[], Timestamp(now * 1000)).expect("the log is legal")
    }
}

/// `build s0` in its two words.
fn step_id(text: &str) -> StepId {
    let (phase, service) = text.split_once(' ').expect("a phase and a service");
    let phase = if phase == "build" { Phase::Build } else { Phase::Release };
    StepId { service: name(service), phase }
}

fn line(from: Timestamp, to: Timestamp, text: &str) -> String {
    format!("{:>3}-{:<3} {text}", from.0 / 1000, to.0 / 1000)
}

/// The pieces of one step.
fn pieces(explanation: &Explanation, step: &str) -> String {
    let wanted = step_id(step);
    let found = explanation.stages.iter().flat_map(|stage| &stage.steps).find(|found| found.step == wanted);
    let pieces = &found.expect("the step is in the plan").pieces;
    pieces.iter().map(|piece| line(piece.from, piece.to, &piece.doing.to_string())).collect::<Vec<_>>().join("\n")
}

fn path(explanation: &Explanation) -> String {
    let link = |link: &slipway_core::explanation::CriticalPiece| {
        let whose = link.step.as_ref().map_or("the deployment".to_owned(), |step| format!("the {step}"));
        line(link.piece.from, link.piece.to, &format!("{whose}: {}", link.piece.doing))
    };
    explanation.critical_path.iter().map(link).collect::<Vec<_>>().join("\n")
}

fn root(explanation: &Explanation, step: &str) -> Option<RootCause> {
    let wanted = step_id(step);
    let found = explanation.stages.iter().flat_map(|stage| &stage.steps).find(|found| found.step == wanted);
    match found.and_then(|found| found.end.clone()) {
        Some(StepEnd::Skipped { root, .. } | StepEnd::Failed { root, .. }) => root,
        _ => None,
    }
}

#[test]
fn b07_each_step_tells_what_it_waited_for() {
    let shop = Scenario {
        max_builds: 1,
        ..Scenario::of(&[(0, Image::Brought), (1, Image::Built(1)), (1, Image::Built(2)), (1, Image::Built(1))])
    };
    let mut told = Told::accepted(&shop);
    told.take(3, Input::Start).end(10, "release s0", good_end).end(20, "build s1", good_end).end(25, "build s2", good_end);
    told.end(26, "release s1", good_end).end(31, "release s2", good_end).end(32, "release s3", good_end);
    let explanation = told.explained(99);
    insta::assert_snapshot!(pieces(&explanation, "build s2"), @r"
     0-3   queued
     3-10  waiting for the stages before: the release of s0 in `stage 0` was the last to end
    10-20  waiting for a free place, 1 at a time: the end of the build of s1 made room
    20-25  running
    ");
    insta::assert_snapshot!(pieces(&explanation, "build s3"), @r"
    0-3   queued
    3-20  waiting for the build of s1, which makes the same image
    ");
    insta::assert_snapshot!(pieces(&explanation, "release s1"), @r"
     0-3   queued
     3-10  waiting for the stages before: the release of s0 in `stage 0` was the last to end
    10-20  waiting for its own build
    20-25  waiting for the other builds of the stage: the build of s2 in `stage 1` was the last to end
    25-26  running
    ");
    insta::assert_snapshot!(path(&explanation), @r"
     0-3   the deployment: queued
     3-10  the release of s0: running
    10-20  the build of s1: running
    20-25  the build of s2: running
    25-32  the release of s3: running
    ");
}

#[test]
fn b07_a_restart_of_the_server_is_told() {
    let mut told = Told::accepted(&Scenario::of(&[(0, Image::Built(1))]));
    told.take(0, Input::Start).take(7, Input::OwnerGone).end(12, "build s0", good_end).end(15, "release s0", good_end);
    let explanation = told.explained(99);
    insta::assert_snapshot!(pieces(&explanation, "build s0"), @r"
    0-7   running, until the server was restarted
    7-12  running, attempt 2
    ");
    insta::assert_snapshot!(path(&explanation), @r"
     0-7   the build of s0: running, until the server was restarted
     7-12  the build of s0: running, attempt 2
    12-15  the release of s0: running
    ");
}

#[test]
fn b07_what_an_earlier_failure_was_is_named() {
    let shop = Scenario::of(&[(0, Image::Built(1)), (0, Image::Brought), (1, Image::Built(1)), (1, Image::Brought)]);
    let mut told = Told::accepted(&shop);
    told.take(1, Input::Start).end(5, "build s0", |_| StepOutcome::Failed(failure())).end(8, "release s1", good_end);
    let explanation = told.explained(99);
    for step in ["release s0", "build s2", "release s2", "release s3"] {
        let text = root(&explanation, step).map(|root| root.to_string());
        assert_eq!(text.as_deref(), Some("the build of s0 failed in `stage 0`"), "{step}");
    }
    insta::assert_snapshot!(pieces(&explanation, "release s3"), @r"
    0-1   queued
    1-5   waiting for the stages before
    ");
}

#[test]
fn b07_a_deployment_that_goes_on_tells_what_it_waits_for_now() {
    let shop = Scenario { max_releases: 1, ..Scenario::of(&[(0, Image::Brought), (0, Image::Brought), (1, Image::Brought)]) };
    let mut told = Told::accepted(&shop);
    told.take(1, Input::Start);
    let explanation = told.explained(13);
    insta::assert_snapshot!(pieces(&explanation, "release s1"), @r"
    0-1   queued
    1-13  waiting for a free place, 1 at a time
    ");
    insta::assert_snapshot!(pieces(&explanation, "release s2"), @r"
    0-1   queued
    1-13  waiting for the stages before: the release of s0 in `stage 0` has not ended
    ");
    insta::assert_snapshot!(path(&explanation), @r"
    0-1   the deployment: queued
    1-13  the release of s0: running
    ");
}

#[test]
fn b07_a_queued_deployment_stands_behind_the_last_one_that_had_to_end() {
    let told = Told::accepted(&Scenario::of(&[(0, Image::Brought)]));
    let ahead = [(2, None), (1, Some(9)), (0, Some(-5))];
    let ahead =
        ahead.map(|(number, finished)| Ahead { number, finished_at: finished.map(|second: i64| Timestamp(second * 1000)) });
    let explanation = explain(&told.log, &ahead, Timestamp(4000)).expect("the log is legal");
    assert_eq!(explanation.queued.doing, Doing::Queued { behind: Some(2) });
    assert_eq!(
        (explanation.queued.milliseconds(), path(&explanation)),
        (4000, "  0-4   the deployment: queued behind deployment 2".to_owned())
    );
}

#[test]
fn b07_who_canceled_a_step_is_told() {
    let mut told = Told::accepted(&Scenario::of(&[(0, Image::Brought), (1, Image::Brought)]));
    told.take(1, Input::Start)
        .take(4, Input::Cancel { actor: Actor("ada".to_owned()), scope: CancelScope::Deployment, force: false });
    told.end(6, "release s0", |_| StepOutcome::Failed(slipway_core::failure::Failure::canceled("stopped")));
    assert!(matches!(told.deployment.state(), RunState::Finished { .. }));
    let explanation = told.explained(99);
    let ends = explanation.stages.iter().flat_map(|stage| &stage.steps).map(|step| step.end.clone());
    let by_ada = StepEnd::Canceled { by: Some(Actor("ada".to_owned())) };
    assert_eq!(ends.collect::<Vec<_>>(), [Some(by_ada.clone()), Some(by_ada)]);
    insta::assert_snapshot!(path(&explanation), @r"
    0-1   the deployment: queued
    1-6   the release of s0: running
    ");
}

#[test]
fn b07_a_stage_that_wants_approval_tells_how_long_it_waited_for_whom() {
    let mut told = Told::accepted(&Scenario { approvals: 0b10, ..Scenario::of(&[(0, Image::Brought), (1, Image::Brought)]) });
    told.take(1, Input::Start).end(3, "release s0", good_end);
    insta::assert_snapshot!(pieces(&told.explained(8), "release s1"), @r"
    0-1   queued
    1-3   waiting for the stages before: the release of s0 in `stage 0` was the last to end
    3-8   waiting for approval
    ");
    insta::assert_snapshot!(path(&told.explained(8)), @r"
    0-1   the deployment: queued
    1-3   the release of s0: running
    3-8   the deployment: waiting for approval
    ");
    told.take(9, Input::Approve { actor: Actor("ada".to_owned()), stage: 1, approved: true }).end(12, "release s1", good_end);
    insta::assert_snapshot!(pieces(&told.explained(99), "release s1"), @r"
    0-1   queued
    1-3   waiting for the stages before: the release of s0 in `stage 0` was the last to end
    3-9   waiting for approval: ada gave it
    9-12  running
    ");
    insta::assert_snapshot!(path(&told.explained(99)), @r"
    0-1   the deployment: queued
    1-3   the release of s0: running
    3-9   the deployment: waiting for approval: ada gave it
    9-12  the release of s1: running
    ");
}
