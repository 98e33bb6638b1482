//! The laws of what is kept of a history.

mod support;

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use slipway_core::deployment::Outcome;
use slipway_core::history::{Past, kept};
use support::{Run, name, scenario};

fn outcome() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        6 => Just(Some(Outcome::Succeeded)),
        3 => Just(Some(Outcome::Failed)),
        1 => Just(Some(Outcome::Canceled)),
        1 => Just(None),
    ]
}

/// A history with gaps, as one that was trimmed before has them, in any order.
fn history() -> impl Strategy<Value = Vec<Past>> {
    let past = (1..4_u64, outcome(), btree_set(0..6_u8, 0..4));
    vec(past, 0..40)
        .prop_map(|all| {
            let mut number = 0;
            let past = |(gap, outcome, released): (u64, Option<Outcome>, BTreeSet<u8>)| {
                number += gap;
                Past { number, outcome, released: released.into_iter().map(|service| name(&format!("s{service}"))).collect() }
            };
            all.into_iter().map(past).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

fn newest(all: &[Past], wanted: impl Fn(&Past) -> bool) -> Option<&Past> {
    all.iter().filter(|past| wanted(past)).max_by_key(|past| past.number)
}

proptest! {
    #[test]
    fn what_is_needed_stays(all in history(), most in 0..25_usize) {
        let kept = kept(&all, most);
        for past in all.iter().filter(|past| past.outcome.is_none()) {
            prop_assert!(kept.contains(&past.number), "{} has not finished", past.number);
        }
        let mut finished: Vec<u64> = all.iter().filter(|past| past.outcome.is_some()).map(|past| past.number).collect();
        finished.sort_unstable();
        for number in finished.iter().rev().take(most.max(1)) {
            prop_assert!(kept.contains(number), "{number} is one of the newest {most}");
        }
        if let Some(failed) = newest(&all, |past| past.outcome == Some(Outcome::Failed)) {
            prop_assert!(kept.contains(&failed.number), "{} failed last", failed.number);
        }
        for service in all.iter().flat_map(|past| &past.released) {
            let release = newest(&all, |past| past.released.contains(service)).expect("one released it");
            prop_assert!(kept.contains(&release.number), "{} released {service} last", release.number);
        }
    }

    #[test]
    fn no_more_stays_than_that(all in history(), most in 1..25_usize) {
        let kept = kept(&all, most);
        let services: BTreeSet<_> = all.iter().flat_map(|past| &past.released).collect();
        let unfinished = all.iter().filter(|past| past.outcome.is_none()).count();
        prop_assert!(kept.len() <= unfinished + most + 1 + services.len(), "{kept:?}");
        prop_assert!(kept.iter().all(|number| all.iter().any(|past| past.number == *number)));
    }

    #[test]
    fn letting_go_twice_lets_go_of_nothing_more(all in history(), most in 1..25_usize) {
        let first = kept(&all, most);
        let left: Vec<Past> = all.iter().filter(|past| first.contains(&past.number)).cloned().collect();
        prop_assert_eq!(kept(&left, most), first);
    }

    #[test]
    fn who_keeps_more_keeps_all_that_who_keeps_less_does(all in history(), most in 1..25_usize) {
        prop_assert!(kept(&all, most + 1).is_superset(&kept(&all, most)));
    }

    #[test]
    fn a_service_counts_as_released_when_its_release_succeeded(scenario in scenario(12)) {
        let run = Run::of(&scenario);
        let past = Past::of(7, &run.deployment);
        prop_assert!(past.outcome.is_some());
        for service in &run.plan.services {
            let state = run.deployment.service(&service.name).expect("it is in the plan").release.as_str();
            prop_assert_eq!(past.released.contains(&service.name), state == "succeeded");
        }
    }
}
