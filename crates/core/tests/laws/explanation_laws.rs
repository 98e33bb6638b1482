//! The laws of an explanation, tried on random deployments, whole ones and ones that go on. `explanation_stories.rs` shows some.

use std::collections::BTreeMap;

use crate::support::{Run, scenario};
use proptest::prelude::*;
use slipway_core::deployment::{Actor, Deployment, Due, Event, Fact, SkipReason, StepId, StepState, Timestamp, Trigger, due};
use slipway_core::explanation::{Doing, Explanation, Piece, RootCause, StepEnd, StepExplanation, explain};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// The whole log of a run, `Accepted` first.
fn log(run: &Run) -> Vec<Event> {
    let trigger = Trigger { source: "test".to_owned(), actor: Actor("tester".to_owned()), request: None, link: None };
    let accepted = Fact::Accepted { plan: Box::new(run.plan.clone()), trigger };
    [Event { at: Timestamp(0), fact: accepted }].into_iter().chain(run.events.iter().cloned()).collect()
}

fn explained(events: &[Event], now: i64) -> Explanation {
    explain(events, &[], Timestamp(now)).expect("a log of a run is legal")
}

fn steps(explanation: &Explanation) -> impl Iterator<Item = &StepExplanation> {
    explanation.stages.iter().flat_map(|stage| &stage.steps)
}

/// Each piece begins where the one before ended, none is negative, and together they are as long as the whole.
fn covers(pieces: &[&Piece], from: Timestamp, to: Timestamp) -> Result<(), TestCaseError> {
    prop_assert!(pieces.iter().all(|piece| piece.from <= piece.to), "{pieces:?}");
    prop_assert!(pieces.windows(2).all(|pair| pair[0].to == pair[1].from), "a gap or an overlap: {pieces:?}");
    if let (Some(first), Some(last)) = (pieces.first(), pieces.last()) {
        prop_assert_eq!((first.from, last.to), (from, to), "{:?}", pieces);
    }
    prop_assert_eq!(pieces.iter().map(|piece| piece.milliseconds()).sum::<i64>(), to.0 - from.0, "{:?}", pieces);
    Ok(())
}

fn check_sums(explanation: &Explanation) -> Result<(), TestCaseError> {
    let accepted = explanation.deployment.accepted_at();
    for step in steps(explanation) {
        let state = explanation.deployment.step(&step.step).expect("the step is in the plan");
        let end = state.ended_at().unwrap_or(explanation.until);
        prop_assert_eq!(state.has_ended(), step.end.is_some(), "{}", step.step);
        covers(&step.pieces.iter().collect::<Vec<_>>(), accepted, end)?;
        for piece in &step.pieces {
            let runs = matches!(piece.doing, Doing::Running { .. });
            prop_assert!(runs || piece.parts.is_empty(), "only what runs does something: {piece:?}");
            prop_assert!(
                piece.parts.iter().all(|part| piece.from <= part.from && part.from < part.to && part.to <= piece.to),
                "{piece:?}"
            );
            prop_assert!(piece.parts.windows(2).all(|pair| pair[0].to <= pair[1].from), "an overlap: {piece:?}");
        }
        let ran = step.pieces.iter().rev().find(|piece| matches!(piece.doing, Doing::Running { .. }));
        let is_told =
            |piece: &Piece| piece.milliseconds() == 0 || piece.parts.first().is_some_and(|part| part.from == piece.from);
        let interrupted = |piece: &Piece| matches!(piece.doing, Doing::Running { interrupted: true, .. });
        prop_assert!(step.end.is_none() || ran.is_none_or(|piece| interrupted(piece) || is_told(piece)), "{ran:?}");
    }
    let path: Vec<&Piece> = explanation.critical_path.iter().map(|link| &link.piece).collect();
    covers(&path, accepted, explanation.until)
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn the_pieces_of_each_step_and_of_the_critical_path_add_up(scenario in scenario(20)) {
        let log = log(&Run::of(&scenario));
        check_sums(&explained(&log, 1_000_000))?;
    }

    #[test]
    fn a_deployment_that_goes_on_is_explained_up_to_now(scenario in scenario(12), cut in any::<prop::sample::Index>(), later in 0..1000_i64) {
        let log = log(&Run::of(&scenario));
        // Facts of one decision are appended together: a log is never cut in the middle of one.
        let whole: Vec<usize> = (1..log.len()).filter(|at| log[at - 1].at != log[*at].at).chain([log.len()]).collect();
        let prefix = &log[..whole[cut.index(whole.len())]];
        let now = prefix.last().expect("it has a first fact").at.0 + later;
        check_sums(&explained(prefix, now))?;
    }

    #[test]
    fn a_clock_that_jumps_leaves_no_gap_and_nothing_negative(scenario in scenario(12), jumps in prop::collection::vec(-50..50_i64, 64)) {
        let mut log = log(&Run::of(&scenario));
        for (event, jump) in log.iter_mut().skip(1).zip(jumps.iter().cycle()) {
            event.at.0 += jump;
        }
        let explanation = explained(&log, 0);
        for step in steps(&explanation) {
            let pieces: Vec<&Piece> = step.pieces.iter().collect();
            let end = pieces.last().map_or(explanation.deployment.accepted_at(), |piece| piece.to);
            covers(&pieces, explanation.deployment.accepted_at(), end)?;
        }
        let path: Vec<&Piece> = explanation.critical_path.iter().map(|link| &link.piece).collect();
        covers(&path, explanation.deployment.accepted_at(), explanation.until)?;
    }

    /// The rules of the pipeline live in `due`; an explanation must tell the same.
    #[test]
    fn a_step_is_told_to_be_ready_exactly_while_it_is_due(scenario in scenario(20)) {
        let log = log(&Run::of(&scenario));
        let explanation = explained(&log, 1_000_000);
        let pieces: BTreeMap<&StepId, &[Piece]> = steps(&explanation).map(|step| (&step.step, step.pieces.as_slice())).collect();
        let mut state = Deployment::replay([log[0].clone()]).expect("it begins with `Accepted`");
        for (at, event) in log.iter().enumerate().skip(1) {
            state.evolve(event).expect("a log of a run is legal");
            let Some(next) = log.get(at + 1).filter(|next| next.at > event.at) else { continue };
            let due: Vec<StepId> = due(&state).into_iter().filter_map(|due| match due {
                Due::Begin { step, .. } => Some(step),
                Due::Stop(_) => None,
            }).collect();
            for (step, pieces) in &pieces {
                let piece = pieces.iter().find(|piece| piece.from <= event.at && piece.to >= next.at && piece.milliseconds() > 0);
                let expected = match state.step(step) {
                    Some(StepState::Waiting { .. }) => if due.contains(step) { "ready" } else { "waiting" },
                    Some(StepState::Running { .. }) => "running",
                    _ => "over",
                };
                let told = match piece.map(|piece| &piece.doing) {
                    Some(Doing::Ready) => "ready",
                    Some(Doing::Running { .. }) => "running",
                    Some(_) => "waiting",
                    None => "over",
                };
                prop_assert_eq!(told, expected, "the {} between {:?} and {:?}: {:?}", step, event.at, next.at, pieces);
            }
        }
    }

    #[test]
    fn an_earlier_failure_is_traced_to_the_step_that_failed_or_the_service_that_was_canceled(scenario in scenario(20)) {
        let explanation = explained(&log(&Run::of(&scenario)), 1_000_000);
        for step in steps(&explanation) {
            let Some(StepEnd::Skipped { reason: SkipReason::EarlierFailure, root } | StepEnd::Failed { root: root @ Some(_), .. }) = &step.end else {
                continue;
            };
            let own_end = explanation.deployment.step(&step.step).and_then(StepState::ended_at);
            match root {
                Some(RootCause::Failed { step: root, .. }) => {
                    let state = explanation.deployment.step(root);
                    prop_assert!(matches!(state, Some(StepState::Failed { .. })), "{root}: {state:?}");
                    prop_assert!(state.and_then(StepState::since).is_some(), "the root really ran");
                    prop_assert_eq!(state.and_then(StepState::ended_at), own_end);
                }
                Some(RootCause::Canceled { service, .. }) => prop_assert!(explanation.deployment.is_canceled(service)),
                None => prop_assert!(false, "the {} was skipped for no reason", step.step),
            }
        }
    }

    #[test]
    fn the_same_log_is_explained_in_the_same_way(scenario in scenario(12)) {
        let log = log(&Run::of(&scenario));
        prop_assert_eq!(explained(&log, 1_000_000), explained(&log, 1_000_000));
    }

    /// The chain holds: whatever a link of it ends with is what the next one had been waiting for.
    #[test]
    fn on_the_critical_path_no_step_waits_but_for_the_link_before(scenario in scenario(20)) {
        let explanation = explained(&log(&Run::of(&scenario)), 1_000_000);
        let pieces: BTreeMap<&StepId, &[Piece]> = steps(&explanation).map(|step| (&step.step, step.pieces.as_slice())).collect();
        for link in &explanation.critical_path {
            if let (Some(step), Doing::Running { .. }) = (&link.step, &link.piece.doing) {
                prop_assert!(pieces[step].contains(&link.piece), "the {step} did not run so: {:?}", link.piece);
            }
            prop_assert!(
                matches!(link.piece.doing, Doing::Running { .. } | Doing::Ready | Doing::Approval { .. } | Doing::Queued { .. } | Doing::UntilCanceled { .. }),
                "a wait for others is no link: {:?}", link
            );
        }
    }
}
