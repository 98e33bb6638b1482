//! A clock that jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::support::{Bench, application, container, environment, outcome};
use slipway_core::deployment::{Fact, Outcome, Timestamp};
use slipway_engine::{Clock, Settings};

const DAY: i64 = 24 * 60 * 60 * 1000;
const NOON: i64 = 1_700_000_000_000;

/// A day back in the middle of a build, then two days forward in the middle of a release.
#[tokio::test]
async fn f11_a_clock_that_jumps_a_day_either_way_repeats_nothing_skips_nothing_and_no_step_ends_before_it_began() {
    let time = Arc::new(AtomicI64::new(NOON));
    let told = time.clone();
    let settings = Settings { clock: Clock::new(move || Timestamp(told.load(Ordering::SeqCst))), ..Settings::default() };
    let bench = Bench::with_settings(&environment(vec![container("cache"), application("api")]), settings).await;
    bench.world.hold("build api");
    bench.world.hold("release api");
    let id = bench.deploy().await;
    bench.begun("build api").await;
    time.store(NOON - DAY, Ordering::SeqCst);
    bench.world.let_go("build api");
    bench.begun("release api").await;
    time.store(NOON + DAY, Ordering::SeqCst);
    bench.world.let_go("release api");

    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Succeeded);
    let events = slipway_ports::Store::events(&*bench.store, &crate::support::access(), &id, 0).await.expect("they are stored");
    assert!(events.is_sorted_by_key(|recorded| recorded.event.at), "{events:#?}");
    let last = events.last().expect("there are facts");
    assert_eq!(last.event.at, Timestamp(NOON + DAY));
    let attempts = events.iter().filter(|recorded| matches!(recorded.event.fact, Fact::StepStarted { .. })).count();
    assert_eq!(attempts, 3, "each step once");
    for what in ["build api", "release api", "release cache", "rollout api", "rollout cache"] {
        assert_eq!(bench.world.count(what), 1, "{what}");
    }
}
