//! What is kept of the past: deployments and logs.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::support::{Bench, access, application, container, environment, name, outcome, within};
use slipway_core::deployment::{CancelScope, Outcome};
use slipway_core::failure::{Code, Failure};
use slipway_engine::Settings;
use slipway_ports::testing::{MemoryStore, World};
use slipway_ports::{LogCut, LogLine, Store};

/// An engine that keeps few deployments and short logs.
fn sparing(world: Arc<World>, store: Arc<MemoryStore>, keep: usize, most_log_bytes: u64) -> Bench {
    let keep_deployments = NonZeroUsize::new(keep).expect("at least one is kept");
    Bench::set(world, store, Settings { keep_deployments, most_log_bytes, ..Settings::default() })
}

/// The numbers that are left, newest first, once they are these.
async fn left(bench: &Bench, expected: &[u64]) {
    within(async {
        loop {
            let all = bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 100).await.expect("it reads");
            if all.iter().map(|summary| summary.number).eq(expected.iter().copied()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_newest_the_last_failure_and_what_runs_are_kept() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    let bench = sparing(bench.world, bench.store, 2, 1 << 20);
    let broken = || Failure::permanent(Code::ReleaseFailed, "the chart does not apply");
    // The first one releases the cache, and nothing after it does.
    assert_eq!(outcome(&bench.deploy_to_the_end().await.1), Outcome::Succeeded);
    for _ in 0..3 {
        bench.world.edit("cache");
        bench.world.fail("release cache", broken());
        assert_eq!(outcome(&bench.deploy_to_the_end().await.1), Outcome::Failed);
    }
    // Of the failures only the newest ones stay.
    left(&bench, &[4, 3, 1]).await;
    bench.world.edit("cache");
    bench.world.hold("rollout cache");
    let id = bench.deploy().await;
    bench.begun_times("rollout cache", 2).await;
    bench.engine.cancel(&access(), &id, CancelScope::Deployment, false).await.expect("it can be canceled");
    let canceled = bench.end_of(&id).await;
    assert_eq!(outcome(&canceled), Outcome::Canceled);
    left(&bench, &[5, 4, 1]).await;
    assert_eq!(bench.try_deploy("demo").await.map(|summary| summary.number), Ok(6), "numbers go on");
}

#[tokio::test]
async fn a_start_with_a_smaller_setting_lets_go_of_more() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    for _ in 0..5 {
        bench.world.edit("cache");
        bench.deploy_to_the_end().await;
    }
    left(&bench, &[5, 4, 3, 2, 1]).await;
    let bench = sparing(bench.world, bench.store, 2, 1 << 20);
    assert_eq!(bench.engine.recover().await, Ok(0));
    left(&bench, &[5, 4]).await;
}

#[tokio::test]
async fn a_log_that_grows_too_long_loses_its_middle_and_says_so() {
    let services: Vec<String> = (0..30).map(|number| format!("s{number}")).collect();
    let bench = Bench::with(&environment(services.iter().map(|service| application(service)).collect())).await;
    let most = 4000;
    let bench = sparing(bench.world, bench.store, 20, most);
    let (id, _) = bench.deploy_to_the_end().await;
    let log = bench.log(&id).await;
    let notice = |line: &LogLine| line.text.contains("are cut out here");
    let kept: u64 = log.iter().map(|(_, line)| LogCut::weight(line.text.len() as u64)).sum();
    // It is looked at after every eighth of that, and the notice is a line of its own.
    assert!(kept > most / 2 && kept < most + most / 8 + 400, "{kept} bytes of log");
    assert_eq!(log.iter().filter(|(_, line)| notice(line)).count(), 1);
    let said = log.last().expect("it has a last line").0;
    let cut = said - (log.len() as u64 - 1);
    assert!(
        log.iter().any(|(_, line)| line.text.starts_with(&format!("[... {cut} lines of "))),
        "of {said} lines {cut} are gone: {log:?}"
    );
    assert_eq!(log[0].0, 1, "the beginning stays");
    let last = log.last().map(|(_, line)| line.text.clone());
    assert!(last.is_some_and(|text| text.starts_with("release ")), "and the end: {log:?}");
}
