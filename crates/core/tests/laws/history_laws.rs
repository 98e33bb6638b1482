//! The laws of what is kept of a history.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::name;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use slipway_core::deployed::Effect;
use slipway_core::deployment::Outcome;
use slipway_core::history::{Past, kept};
use slipway_core::model::Name;

fn outcome() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        6 => Just(Some(Outcome::Succeeded)),
        3 => Just(Some(Outcome::Failed)),
        1 => Just(Some(Outcome::Canceled)),
        1 => Just(None),
    ]
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![4 => Just(Effect::Released), 1 => Just(Effect::Gone), 1 => Just(Effect::Stopped), 2 => Just(Effect::Tried)]
}

/// A history with gaps, as one that was trimmed before has them, in any order.
fn history() -> impl Strategy<Value = Vec<Past>> {
    let past = (1..4_u64, outcome(), btree_map(0..6_u8, effect(), 0..4));
    let numbered = vec(past, 0..40).prop_map(|all| {
        let mut number = 0;
        let past = |(gap, outcome, effects): (u64, Option<Outcome>, BTreeMap<u8, Effect>)| {
            number += gap;
            let effects = effects.into_iter().map(|(service, effect)| (name(&format!("s{service}")), effect));
            Past { number, outcome, effects: effects.collect() }
        };
        all.into_iter().map(past).collect::<Vec<_>>()
    });
    numbered.prop_shuffle()
}

/// What is deployed, by the plain rules: who released a service or tried to, and whether it was stopped since.
fn deployed(all: &[Past]) -> BTreeMap<Name, (u64, bool)> {
    let mut oldest_first: Vec<&Past> = all.iter().collect();
    oldest_first.sort_by_key(|past| past.number);
    // By service: the release, the last try since it was there, and whether it is stopped.
    let mut states: BTreeMap<&Name, (Option<u64>, Option<u64>, bool)> = BTreeMap::new();
    for past in oldest_first {
        for (service, effect) in &past.effects {
            let (released, tried, stopped) = states.entry(service).or_default();
            match effect {
                Effect::Released => (*released, *tried, *stopped) = (Some(past.number), None, false),
                Effect::Gone => (*released, *tried, *stopped) = (None, None, false),
                // What stops a service that is not there stops what is tried next no more.
                Effect::Stopped => *stopped = true,
                Effect::Tried => {
                    *tried = Some(past.number);
                    *stopped &= released.is_some();
                }
            }
        }
    }
    let found = states
        .into_iter()
        .filter_map(|(service, (released, tried, stopped))| Some((service.clone(), (released.or(tried)?, stopped))));
    found.collect()
}

fn left(all: &[Past], most: usize) -> Vec<Past> {
    let kept = kept(all, most);
    all.iter().filter(|past| kept.contains(&past.number)).cloned().collect()
}

proptest! {
    #[test]
    fn what_is_deployed_is_the_same_after_others_have_gone(all in history(), most in 1..25_usize) {
        let first = left(&all, most);
        prop_assert_eq!(deployed(&first), deployed(&all));
        let second = left(&first, most);
        prop_assert_eq!(deployed(&second), deployed(&all), "nor does it change the next time");
    }

    #[test]
    fn what_is_recent_open_or_failed_last_stays(all in history(), most in 0..25_usize) {
        let kept = kept(&all, most);
        for past in all.iter().filter(|past| past.outcome.is_none()) {
            prop_assert!(kept.contains(&past.number), "{} has not finished", past.number);
        }
        let mut finished: Vec<u64> = all.iter().filter(|past| past.outcome.is_some()).map(|past| past.number).collect();
        finished.sort_unstable();
        for number in finished.iter().rev().take(most.max(1)) {
            prop_assert!(kept.contains(number), "{number} is one of the newest {most}");
        }
        let failed = all.iter().filter(|past| past.outcome == Some(Outcome::Failed)).map(|past| past.number).max();
        prop_assert!(failed.is_none_or(|number| kept.contains(&number)), "{failed:?} failed last");
    }

    #[test]
    fn no_more_stays_than_that(all in history(), most in 1..25_usize) {
        let kept = kept(&all, most);
        let services: BTreeSet<_> = all.iter().flat_map(|past| past.effects.keys()).collect();
        let open = all.iter().filter(|past| past.outcome.is_none()).count();
        // Of each service: its release, its removal or a try, and a stop.
        prop_assert!(kept.len() <= open + most + 1 + 3 * services.len(), "{kept:?}");
        prop_assert!(kept.iter().all(|number| all.iter().any(|past| past.number == *number)));
    }

    #[test]
    fn letting_go_again_and_again_comes_to_rest(all in history(), most in 1..25_usize) {
        let mut rounds = vec![all];
        while rounds.len() < 10 {
            let next = left(&rounds[rounds.len() - 1], most);
            rounds.push(next);
        }
        prop_assert_eq!(&rounds[9], &rounds[8]);
    }

    #[test]
    fn who_keeps_more_keeps_all_that_who_keeps_less_does(all in history(), most in 1..25_usize) {
        prop_assert!(kept(&all, most + 1).is_superset(&kept(&all, most)));
    }
}
