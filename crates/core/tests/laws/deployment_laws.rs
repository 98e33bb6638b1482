//! The laws of a deployment, tried on random deployments. `deployment_stories.rs` shows them at work.
//!
//! A law is checked on the log alone, by a ledger that shares no code with the fold under test. The rules C1 to C14 and B1 to B8
//! are those of the pipeline contract.

use crate::support::{Ledger, Mark, Run, Scenario, drive_to_the_end, failure, good_end, scenario};
use proptest::prelude::*;
use slipway_core::deployment::{
    Actor, Deployment, Due, Event, Fact, Input, Outcome, Phase, Refusal, RunState, SkipReason, StepId, StepResult, StepState,
    Timestamp, Trigger, decide, due,
};
use slipway_core::model::{FailurePolicy, PipelineMode};

const BOTH: [Phase; 2] = [Phase::Build, Phase::Release];

/// So many cases, or as many as `PROPTEST_CASES` asks for.
fn cases(few: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { few };
    ProptestConfig { cases, failure_persistence: None, ..default }
}

fn phased(scenario: Scenario) -> Scenario {
    Scenario { mode: PipelineMode::Phased, ..scenario }
}

fn eager(scenario: Scenario) -> Scenario {
    Scenario { mode: PipelineMode::Eager, ..scenario }
}

/// The step that a fact begins, and whether for the first time.
fn begun(event: &Event) -> Option<(&StepId, bool)> {
    match &event.fact {
        Fact::StepStarted { step, attempt } => Some((step, *attempt == 1)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn c01_a_stage_starts_only_after_all_before_it(scenario in scenario(30)) {
        let binds: &[Phase] = match scenario.mode {
            PipelineMode::Phased => &BOTH,
            PipelineMode::Eager => &[Phase::Release],
        };
        Run::of(&scenario).each_fact(|before, event| {
            if let Some((step, _)) = begun(event) && binds.contains(&step.phase) {
                let open = before.open_before(before.stage(&step.service), binds);
                prop_assert!(open.is_empty(), "the {step} begins while earlier stages have {open:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn c02_each_service_is_in_exactly_one_stage(scenario in scenario(30)) {
        let plan = scenario.plan();
        let deployment = Run::accepted(&scenario).deployment;
        prop_assert_eq!(deployment.stage_count(), scenario.stages);
        for (index, service) in plan.services.iter().enumerate() {
            let stages: Vec<_> = (0..scenario.stages).filter(|order| deployment.stage(*order).contains(&index)).collect();
            prop_assert_eq!(stages, vec![service.stage]);
        }
        let places: usize = (0..scenario.stages).map(|order| deployment.stage(order).len()).sum();
        prop_assert_eq!(places, plan.services.len());
    }

    #[test]
    fn c03_no_release_of_a_stage_before_its_builds_end(scenario in scenario(30).prop_map(phased)) {
        Run::of(&scenario).each_fact(|before, event| {
            if let Some((StepId { service, phase: Phase::Release }, _)) = begun(event) {
                let stage = before.stage(service);
                let open = before.open(|other| other == stage, &[Phase::Build]);
                prop_assert!(open.is_empty(), "{service} is released while its stage has {open:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn c04_at_most_n_builds_and_the_window_slides(scenario in scenario(30)) {
        slides(&scenario, Phase::Build, scenario.max_builds)?;
    }

    #[test]
    fn c07_at_most_n_releases_and_the_window_slides(scenario in scenario(30)) {
        slides(&scenario, Phase::Release, scenario.max_releases)?;
    }

    #[test]
    fn c12_the_same_key_is_built_once(scenario in scenario(30)) {
        Run::of(&scenario).each_fact(|before, event| {
            if let Some((StepId { service, phase: Phase::Build }, _)) = begun(event) {
                for other in before.sharing(before.index(service)) {
                    let mark = before.build(other);
                    let unbuilt = matches!(mark, Some(Mark::Waiting { .. } | Mark::Canceled | Mark::Skipped));
                    prop_assert!(unbuilt, "{service} builds what s{other} builds, too, whose build is {mark:?}");
                }
            }
            if let Fact::StepSkipped { step, reason: SkipReason::SharedBuild { with, .. } } = &event.fact {
                let leader = before.index(with);
                prop_assert!(before.sharing(before.index(&step.service)).any(|other| other == leader));
                prop_assert_eq!(before.build(leader), Some(Mark::Good), "the image of {} is there first", with);
            }
            Ok(())
        })?;
    }

    #[test]
    fn b03_eager_keeps_the_order_of_releases(scenario in scenario(30).prop_map(eager)) {
        let mut newest = 0;
        Run::of(&scenario).each_fact(|before, event| {
            if let Some((StepId { service, phase: Phase::Release }, _)) = begun(event) {
                let stage = before.stage(service);
                prop_assert!(stage >= newest, "stage {stage} is released after stage {newest}");
                newest = stage;
            }
            Ok(())
        })?;
    }

    #[test]
    fn b08_finish_stage_ends_the_stage_and_starts_no_later_one(mut scenario in scenario(30)) {
        scenario.policy = FailurePolicy::FinishStage;
        let mut given_up = 0;
        let run = Run::of(&scenario);
        run.each_fact(|before, event| {
            let failed = before.failed_stages.first().copied().unwrap_or(usize::MAX);
            if let Some((step, true)) = begun(event) {
                prop_assert!(before.stage(&step.service) <= failed, "the {step} begins after a failure in stage {failed}");
            }
            if let Fact::StepSkipped { step, reason: SkipReason::EarlierFailure } = &event.fact {
                let without_image = step.phase == Phase::Release
                    && matches!(before.build(before.index(&step.service)), Some(Mark::Failed | Mark::Canceled | Mark::Skipped));
                let later = before.stage(&step.service) > failed;
                prop_assert!(later || without_image, "the {step} is given up, and stage {failed} failed");
                given_up += 1;
            }
            Ok(())
        })?;
        prop_assert!(given_up == 0 || matches!(outcome(&run), Outcome::Failed | Outcome::Canceled));
    }

    #[test]
    fn b08_fail_fast_begins_nothing_after_a_failure(mut scenario in scenario(30)) {
        scenario.policy = FailurePolicy::FailFast;
        Run::of(&scenario).each_fact(|before, event| {
            if let Some((step, true)) = begun(event) {
                prop_assert!(before.failed_stages.is_empty(), "the {step} begins after a failure");
            }
            if let Fact::StepSkipped { step, reason: SkipReason::EarlierFailure } = &event.fact {
                prop_assert!(before.of(step).is_waiting(), "the {step} runs, and may finish");
                prop_assert!(!before.failed_stages.is_empty(), "the {step} is given up, and nothing failed");
            }
            Ok(())
        })?;
    }

    #[test]
    fn b08_only_what_somebody_canceled_is_stopped(scenario in scenario(30)) {
        Run::of(&scenario).each_turn(|after, turn| {
            for step in &turn.stops {
                prop_assert!(after.all_canceled || after.canceled.contains(&step.service), "the {step} is stopped by nobody");
                prop_assert!(after.of(step).is_running());
            }
            let running = after.services().flat_map(|index| BOTH.map(|phase| (index, phase)));
            let wanted = running.filter(|(index, phase)| {
                after.step(*index, *phase).is_some_and(Mark::is_running)
                    && (after.all_canceled || after.canceled.contains(&after.plan.services[*index].name))
            });
            prop_assert_eq!(turn.stops.len(), wanted.count(), "everything that runs and was canceled is stopped");
            Ok(())
        })?;
    }

    #[test]
    fn a_stage_that_wants_approval_is_entered_after_it_alone(mut scenario in scenario(30), approvals in any::<u8>()) {
        scenario.approvals = approvals;
        let binds: &[Phase] = match scenario.mode {
            PipelineMode::Phased => &BOTH,
            PipelineMode::Eager => &[Phase::Release],
        };
        Run::of(&scenario).each_fact(|before, event| {
            if let Some((step, _)) = begun(event) && binds.contains(&step.phase) {
                prop_assert!(before.may_enter(before.stage(&step.service)), "the {step} begins without approval");
            }
            if let Fact::StageRefused { .. } = &event.fact {
                prop_assert!(!before.all_canceled);
            }
            Ok(())
        })?;
    }

    /// What is asked for while a deployment is queued takes its place and leaves the order of deployments alone.
    #[test]
    fn a_merged_request_is_done_as_if_it_had_been_the_first(first in scenario(12), later in scenario(12)) {
        let mut merged = Run::accepted(&first).deployment;
        let (version, accepted_at) = (merged.version(), merged.accepted_at());
        let trigger = Trigger { source: "test".to_owned(), actor: Actor("tester".to_owned()), request: None, link: None };
        let input = Input::Merge { plan: Box::new(later.plan()), trigger: trigger.clone() };
        let facts = decide(&merged, input, Timestamp(5)).map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
        prop_assert_eq!(facts.len(), 1);
        merged.evolve(&facts[0]).map_err(|illegal| TestCaseError::fail(illegal.to_string()))?;
        prop_assert_eq!(merged.plan(), &later.plan());
        prop_assert_eq!((merged.version(), merged.accepted_at()), (version + 1, accepted_at));
        prop_assert_eq!(merged.merged().len(), 1);
        let other = Trigger { actor: Actor("another".to_owned()), ..trigger };
        let strange = Input::Merge { plan: Box::new(later.plan()), trigger: other };
        prop_assert_eq!(decide(&merged, strange, Timestamp(6)), Err(Refusal::NotJoined));
        let log = drive_to_the_end(&later.plan(), merged);
        prop_assert!(ends_with_the_end(&log));
    }

    #[test]
    fn nothing_starts_after_cancel(scenario in scenario(30)) {
        Run::of(&scenario).each_fact(|before, event| {
            if let Some((step, _)) = begun(event) {
                let canceled = before.all_canceled || before.canceled.contains(&step.service);
                prop_assert!(!canceled, "the {step} begins, and was canceled");
            }
            Ok(())
        })?;
    }

    #[test]
    fn every_deployment_ends(scenario in scenario(30)) {
        let run = Run::of(&scenario);
        let mut ends = 0;
        run.each_fact(|before, event| {
            if let Fact::StepSucceeded { step, .. } | Fact::StepSkipped { step, .. } | Fact::StepFailed { step, .. }
                | Fact::StepCanceled { step } = &event.fact
            {
                prop_assert!(before.of(step).is_open(), "the {step} ends twice");
                ends += 1;
            }
            if let Fact::Finished { outcome } = &event.fact {
                let expected = match (before.all_canceled, before.failed_stages.is_empty()) {
                    (true, _) => Outcome::Canceled,
                    (false, false) => Outcome::Failed,
                    (false, true) => Outcome::Succeeded,
                };
                prop_assert_eq!(*outcome, expected);
            }
            Ok(())
        })?;
        let steps = run.plan.services.iter().map(|service| 1 + usize::from(service.build.is_some())).sum::<usize>();
        prop_assert_eq!(ends, steps, "every step ends");
        prop_assert!(ends_with_the_end(&run.events));
        prop_assert!(run.deployment.services().iter().all(|service| service.release.has_ended()));
    }

    #[test]
    fn what_a_lost_owner_had_begun_begins_again_before_anything_new(scenario in scenario(30)) {
        Run::of(&scenario).each_turn(|after, turn| {
            if turn.at_rest {
                for (index, phase) in after.services().flat_map(|index| BOTH.map(|phase| (index, phase))) {
                    let left = after.step(index, phase) == Some(Mark::Waiting { interrupted: true });
                    prop_assert!(!left, "the {} of s{index} was interrupted, and is left", phase.as_str());
                }
            }
            Ok(())
        })?;
    }

    /// Whatever its executor says in the end, and whoever drives it then.
    #[test]
    fn b06_a_step_that_is_failing_fails_and_is_never_begun_again(scenario in scenario(30)) {
        Run::of(&scenario).each_fact(|before, event| {
            let (Fact::StepStarted { step: about, .. }
            | Fact::StepSucceeded { step: about, .. }
            | Fact::StepInterrupted { step: about }
            | Fact::StepSkipped { step: about, .. }
            | Fact::StepCanceled { step: about }) = &event.fact
            else {
                return Ok(());
            };
            prop_assert!(before.of(about) != Mark::Failing, "{:?} of a step that is failing", event.fact);
            Ok(())
        })?;
    }

    #[test]
    fn a_repeated_input_changes_nothing(scenario in scenario(30)) {
        let run = Run::of(&scenario);
        let mut deployment = Run::accepted(&scenario).deployment;
        for turn in &run.turns {
            for event in &run.events[turn.facts.clone()] {
                deployment.evolve(event).map_err(|illegal| TestCaseError::fail(illegal.to_string()))?;
            }
            match decide(&deployment, turn.input.clone(), Timestamp(i64::MAX)) {
                // The same request once more is one request.
                Ok(_) if matches!(turn.input, Input::Merge { .. }) => {}
                Ok(facts) => prop_assert!(facts.is_empty(), "{:?} again leads to {facts:?}", turn.input),
                Err(Refusal::Finished(_)) => prop_assert!(run.has_finished()),
                Err(refusal) => {
                    let told_twice = matches!(
                        turn.input,
                        Input::Start | Input::Begin(_) | Input::Ended { .. } | Input::Cancel { .. } | Input::Approve { .. }
                    );
                    prop_assert!(told_twice, "{:?} again is refused: {refusal}", turn.input);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn nothing_begins_that_is_not_due(scenario in scenario(10)) {
        let run = Run::of(&scenario);
        let mut deployment = Run::accepted(&scenario).deployment;
        for turn in &run.turns {
            let is_due = |step: &StepId| due(&deployment).iter().any(|wanted| matches!(wanted, Due::Begin { step: due, .. } if due == step));
            for step in run.plan.services.iter().flat_map(|service| BOTH.map(|phase| StepId { service: service.name.clone(), phase })) {
                let begins = decide(&deployment, Input::Begin(vec![step.clone()]), Timestamp(7));
                prop_assert_eq!(begins.is_ok(), is_due(&step), "{} of {:?}", step, deployment.state());
                let twice = decide(&deployment, Input::Begin(vec![step.clone(), step]), Timestamp(7));
                prop_assert!(twice.is_err(), "one step begins twice");
            }
            for event in &run.events[turn.facts.clone()] {
                deployment.evolve(event).map_err(|illegal| TestCaseError::fail(illegal.to_string()))?;
            }
        }
    }

    #[test]
    fn a_log_cut_after_every_event_replays_to_the_same_state(scenario in scenario(12)) {
        let run = Run::of(&scenario);
        let mut log = vec![accepted(&run)];
        let mut deployment = Run::accepted(&scenario).deployment;
        for event in &run.events {
            let replayed = Deployment::replay(log.iter().cloned());
            prop_assert_eq!(replayed.as_ref(), Ok(&deployment));
            deployment.evolve(event).map_err(|illegal| TestCaseError::fail(illegal.to_string()))?;
            log.push(event.clone());
        }
        prop_assert_eq!(Deployment::replay(log), Ok(run.deployment));
    }

    /// The facts of one decision are appended together, so a log is cut between decisions.
    #[test]
    fn a_deployment_goes_on_to_its_end_from_every_cut(scenario in scenario(10)) {
        let run = Run::of(&scenario);
        for turn in &run.turns {
            let mut log = run.events[..turn.facts.end].to_vec();
            let cut = Deployment::replay(std::iter::once(accepted(&run)).chain(log.iter().cloned()));
            log.extend(drive_to_the_end(&run.plan, cut.map_err(|illegal| TestCaseError::fail(illegal.to_string()))?));
            prop_assert!(ends_with_the_end(&log));
            let built = log.iter().filter(|event| matches!(&event.fact, Fact::StepSucceeded { step, .. } if step.phase == Phase::Build));
            let mut keys: Vec<_> = built.filter_map(|event| key_of(&run, event)).collect();
            let all = keys.len();
            keys.sort();
            keys.dedup();
            prop_assert_eq!(keys.len(), all, "no image is built twice");
        }
    }

    /// An executor that outlived its dispatcher reports the end of an attempt that is not the one that runs.
    #[test]
    fn the_end_of_another_attempt_is_refused(scenario in scenario(20)) {
        let run = Run::of(&scenario);
        let mut deployment = Run::accepted(&scenario).deployment;
        for event in &run.events {
            for step in deployment.running() {
                let Some(StepState::Running { attempt, .. }) = deployment.step(&step) else { continue };
                for other in [attempt - 1, attempt + 1] {
                    let end = Input::Ended { step: step.clone(), attempt: other, outcome: good_end(&step), timings: Vec::new() };
                    prop_assert_eq!(decide(&deployment, end, Timestamp(7)), Err(Refusal::NotRunning(step.clone())));
                }
            }
            deployment.evolve(event).map_err(|illegal| TestCaseError::fail(illegal.to_string()))?;
        }
    }

    #[test]
    fn illegal_events_are_refused_and_leave_the_state_unchanged(scenario in scenario(6)) {
        let run = Run::of(&scenario);
        let mut deployment = Run::accepted(&scenario).deployment;
        let mut ledger = Ledger::new(&run.plan);
        for event in &run.events {
            for fact in every_fact(&run) {
                let mut tried = deployment.clone();
                let done = tried.evolve(&Event { at: Timestamp(7), fact: fact.clone() });
                prop_assert_eq!(done.is_ok(), is_legal(&ledger, &deployment, &fact), "{:?} on {:?}", fact, deployment.state());
                if done.is_err() {
                    prop_assert_eq!(&tried, &deployment, "{:?} was refused, and left a trace", fact);
                }
            }
            deployment.evolve(event).map_err(|illegal| TestCaseError::fail(illegal.to_string()))?;
            ledger.enter(event);
        }
        for fact in every_fact(&run) {
            prop_assert!(deployment.evolve(&Event { at: Timestamp(7), fact }).is_err(), "nothing follows the end");
        }
    }
}

/// At most `window` steps of a phase run; at rest none waits that could begin; they begin in execution order.
fn slides(scenario: &Scenario, phase: Phase, window: u32) -> Result<(), TestCaseError> {
    let window = window as usize;
    let run = Run::of(scenario);
    run.each_fact(|before, event| {
        let Some((step, first)) = begun(event).filter(|(step, _)| step.phase == phase) else { return Ok(()) };
        let index = before.index(&step.service);
        prop_assert!(before.running(phase) < window, "the {step} begins outside the window of {window}");
        prop_assert!(before.could_begin(index, phase), "the {step} begins too early");
        let earlier = (0..index).find(|other| first && before.could_begin(*other, phase));
        prop_assert!(earlier.is_none(), "the {step} begins before s{earlier:?}");
        Ok(())
    })?;
    run.each_turn(|after, turn| {
        let left = after.services().find(|index| after.could_begin(*index, phase));
        let full = after.running(phase) == window;
        prop_assert!(!turn.at_rest || full || left.is_none(), "s{left:?} could begin, and the window of {window} has room");
        Ok(())
    })
}

fn ends_with_the_end(log: &[Event]) -> bool {
    matches!(log.last(), Some(Event { fact: Fact::Finished { .. }, .. }))
}

fn outcome(run: &Run) -> Outcome {
    match run.deployment.state() {
        RunState::Finished { outcome, .. } => outcome,
        other => panic!("the deployment is {}", other.as_str()),
    }
}

fn accepted(run: &Run) -> Event {
    let trigger = Trigger { source: "test".to_owned(), actor: Actor("tester".to_owned()), request: None, link: None };
    Event { at: Timestamp(0), fact: Fact::Accepted { plan: Box::new(run.plan.clone()), trigger } }
}

fn key_of(run: &Run, event: &Event) -> Option<String> {
    let Fact::StepSucceeded { step, .. } = &event.fact else { return None };
    let service = run.plan.services.iter().find(|service| service.name == step.service)?;
    Some(service.build.as_ref()?.key()?.to_string())
}

/// One fact of each sort about each step, and all about the deployment.
fn every_fact(run: &Run) -> Vec<Fact> {
    let mut facts = vec![Fact::Started, accepted(run).fact, Fact::Finished { outcome: Outcome::Succeeded }];
    let services = run.plan.services.iter().map(|service| service.name.clone()).chain([crate::support::name("nobody")]);
    for step in services.flat_map(|service| BOTH.map(|phase| StepId { service: service.clone(), phase })) {
        facts.extend([
            Fact::StepStarted { step: step.clone(), attempt: 1 },
            Fact::StepStarted { step: step.clone(), attempt: 2 },
            Fact::StepSucceeded { step: step.clone(), result: StepResult::default() },
            Fact::StepSkipped { step: step.clone(), reason: SkipReason::EarlierFailure },
            Fact::StepTimed { step: step.clone(), timings: Vec::new() },
            Fact::StepFailing { step: step.clone(), failure: failure() },
            Fact::StepFailed { step: step.clone(), failure: failure() },
            Fact::StepCanceled { step: step.clone() },
            Fact::StepInterrupted { step },
        ]);
    }
    facts
}

/// The table of the facts, once more.
fn is_legal(ledger: &Ledger<'_>, deployment: &Deployment, fact: &Fact) -> bool {
    let mark = |step: &StepId| {
        let index = ledger.plan.services.iter().position(|service| service.name == step.service);
        index.and_then(|index| ledger.step(index, step.phase))
    };
    match fact {
        Fact::Accepted { .. } => false,
        Fact::StageApproved { stage, .. } | Fact::StageRefused { stage, .. } => {
            deployment.approval(*stage).is_none() && deployment.plan().needs_approval(*stage)
        }
        Fact::Merged { .. } | Fact::Started => !ledger.started && !ledger.all_canceled,
        Fact::StepStarted { step, attempt } => {
            let waits = matches!(deployment.step(step), Some(StepState::Waiting { attempts }) if attempts + 1 == *attempt);
            ledger.started && !ledger.all_canceled && waits && mark(step).is_some_and(Mark::is_waiting)
        }
        Fact::StepSucceeded { step, .. } | Fact::StepFailing { step, .. } | Fact::StepInterrupted { step } => {
            mark(step) == Some(Mark::Running)
        }
        Fact::StepTimed { step, .. } => matches!(mark(step), Some(Mark::Running | Mark::Failing)),
        Fact::StepSkipped { step, .. } => mark(step).is_some_and(|mark| mark.is_open() && mark != Mark::Failing),
        Fact::StepFailed { step, .. } | Fact::StepCanceled { step } => mark(step).is_some_and(Mark::is_open),
        Fact::CancelRequested { .. } => true,
        Fact::Finished { .. } => ledger.open(|_| true, &BOTH).is_empty(),
    }
}
