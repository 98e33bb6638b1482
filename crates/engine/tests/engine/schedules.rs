//! Environments that start and stop by the clock, over a world in memory and a clock of the test's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::support::{Bench, access, application, environment, name};
use slipway_core::deployment::Timestamp;
use slipway_core::model::{Environment, Project, Schedule, ScheduleRule, WeekdayTime};
use slipway_core::plan::Action;
use slipway_engine::{Clock, Settings};
use slipway_ports::{CancellationToken, DeploymentSummary, ScheduleMarks as _, Store as _};

/// Milliseconds.
const HOUR: i64 = 3_600_000;
/// Friday, 2026-11-27, 12:00 UTC.
const FRIDAY_NOON: i64 = 1_795_780_800_000;

fn office_hours() -> Environment {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday"];
    let at = |time: &str| Some(WeekdayTime { weekdays: days.map(str::to_owned).to_vec(), time: time.to_owned() });
    let mut environment = environment(vec![application("api")]);
    environment.schedules = vec![Schedule { timezone: "UTC".to_owned(), start: at("08:00"), stop: at("20:00") }];
    environment
}

/// An environment that is up, and the clock of its server.
async fn at_noon() -> (Bench, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(FRIDAY_NOON));
    let bench = Bench::with_settings(&office_hours(), settings(&clock)).await;
    bench.deploy_to_the_end().await;
    (bench, clock)
}

fn settings(clock: &Arc<AtomicI64>) -> Settings {
    let clock = clock.clone();
    Settings { clock: Clock::new(move || Timestamp(clock.load(Ordering::SeqCst))), ..Settings::default() }
}

/// Looks at the schedules as a server does that runs for a few looks, and returns the deployments, the newest first.
async fn look(bench: &Bench) -> Vec<DeploymentSummary> {
    let stop = CancellationToken::new();
    let (engine, stops) = (bench.engine.clone(), stop.clone());
    let keeping = tokio::spawn(async move { engine.keep_schedules(&stops).await });
    // The time of the runtime is paused: it goes on as soon as nothing has anything to do.
    tokio::time::sleep(Duration::from_secs(200)).await;
    stop.cancel();
    keeping.await.expect("it ends");
    bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 100).await.expect("read")
}

fn actions(deployments: &[DeploymentSummary]) -> Vec<&str> {
    deployments.iter().rev().map(|deployment| deployment.action.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_environment_stops_in_the_evening_and_starts_in_the_morning_once_each() {
    let (bench, clock) = at_noon().await;
    assert_eq!(actions(&look(&bench).await), ["deploy"], "what was due before there was the schedule is not done");
    clock.store(FRIDAY_NOON + 9 * HOUR, Ordering::SeqCst);
    let evening = look(&bench).await;
    assert_eq!(actions(&evening), ["deploy", "stop"]);
    let stopped = bench.end_of(&evening[0].id).await;
    assert_eq!((&*stopped.trigger().source, &*stopped.trigger().actor.0), ("schedule", "schedule"));
    assert_eq!(actions(&look(&bench).await), ["deploy", "stop"], "looked at again, nothing is due");
    // Monday morning: of the weekend nothing is due.
    clock.store(FRIDAY_NOON + 3 * 24 * HOUR, Ordering::SeqCst);
    let monday = look(&bench).await;
    assert_eq!(actions(&monday), ["deploy", "stop", "deploy"]);
    let started = bench.end_of(&monday[0].id).await;
    assert!(started.plan().request.current, "it comes up as it was");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_brings_about_one_deployment_at_most() {
    let (bench, clock) = at_noon().await;
    look(&bench).await;
    clock.store(FRIDAY_NOON + 365 * 24 * HOUR + 9 * HOUR, Ordering::SeqCst);
    assert_eq!(actions(&look(&bench).await), ["deploy", "stop"]);
    clock.store(FRIDAY_NOON, Ordering::SeqCst);
    assert_eq!(actions(&look(&bench).await), ["deploy", "stop"], "set back, nothing is due twice");
    clock.store(FRIDAY_NOON + 9 * HOUR, Ordering::SeqCst);
    assert_eq!(actions(&look(&bench).await), ["deploy", "stop"], "it is stopped already");
}

#[tokio::test(start_paused = true)]
async fn what_is_as_the_schedule_wants_it_is_left_alone() {
    let (bench, clock) = at_noon().await;
    look(&bench).await;
    bench.act(Action::Stop).await;
    clock.store(FRIDAY_NOON + 9 * HOUR, Ordering::SeqCst);
    assert_eq!(actions(&look(&bench).await), ["deploy", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn schedules_that_were_taken_away_count_anew_when_they_come_back() {
    let (bench, clock) = at_noon().await;
    look(&bench).await;
    let put = async |environment: &Environment, version| {
        bench.store.put_environment(&access(), environment, version).await.expect("stored");
        clock.fetch_add(HOUR, Ordering::SeqCst);
        look(&bench).await
    };
    put(&Environment { schedules: Vec::new(), ..office_hours() }, 1).await;
    clock.store(FRIDAY_NOON + 10 * HOUR, Ordering::SeqCst);
    assert_eq!(actions(&put(&office_hours(), 2).await), ["deploy"], "the evening before they came back is not theirs");
}

#[tokio::test(start_paused = true)]
async fn b06_a_run_that_was_asked_for_before_a_kill_is_not_asked_for_again() {
    let (bench, clock) = at_noon().await;
    look(&bench).await;
    let mark = bench.store.schedule_mark(&name("shop"), &name("demo")).await.expect("read").expect("there is one");
    clock.store(FRIDAY_NOON + 9 * HOUR, Ordering::SeqCst);
    let first = look(&bench).await;
    bench.end_of(&first[0].id).await;
    // As a server leaves it that was killed after it had asked, and before it moved the mark. Somebody has started it since.
    bench.store.put_schedule_mark(&name("shop"), &name("demo"), &mark).await.expect("kept");
    bench.deploy_to_the_end().await;
    assert_eq!(actions(&look(&bench).await), ["deploy", "stop", "deploy"]);
}

/// A rule by which environments of these names are up in office hours of another clock.
fn rule(environments: &str, timezone: &str) -> ScheduleRule {
    let schedule = Schedule { timezone: timezone.to_owned(), ..office_hours().schedules.remove(0) };
    ScheduleRule { environments: environments.parse().expect("a pattern"), mode: None, schedule }
}

/// An environment that is up and has no schedules, in a project with these rules.
async fn ruled(rules: &[ScheduleRule]) -> (Bench, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(FRIDAY_NOON));
    let bench = Bench::with_settings(&Environment { schedules: Vec::new(), ..office_hours() }, settings(&clock)).await;
    bench.deploy_to_the_end().await;
    put_rules(&bench, rules).await;
    assert_eq!(actions(&look(&bench).await), ["deploy"]);
    (bench, clock)
}

async fn put_rules(bench: &Bench, rules: &[ScheduleRule]) {
    let stored = bench.store.project(&access(), &name("shop")).await.expect("a project needs no making");
    let project = Project { schedules: rules.to_vec(), ..stored.project };
    bench.engine.put_project(&access(), &project, stored.version).await.expect("it is stored");
}

async fn at(bench: &Bench, clock: &AtomicI64, hours: i64) -> Vec<String> {
    clock.store(FRIDAY_NOON + hours * HOUR, Ordering::SeqCst);
    actions(&look(bench).await).into_iter().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_that_is_for_it_stops_an_environment_without_schedules_of_its_own() {
    // In Paris the evening is an hour before that of UTC.
    let (bench, clock) = ruled(&[rule("other-*", "Asia/Tokyo"), rule("de?o", "Europe/Paris"), rule("*", "Asia/Tokyo")]).await;
    clock.store(FRIDAY_NOON + 7 * HOUR - 60_000, Ordering::SeqCst);
    assert_eq!(actions(&look(&bench).await), ["deploy"]);
    assert_eq!(at(&bench, &clock, 7).await, ["deploy", "stop"]);
    // Monday, 06:00 and 07:00.
    assert_eq!(at(&bench, &clock, 2 * 24 + 18).await, ["deploy", "stop"]);
    assert_eq!(at(&bench, &clock, 2 * 24 + 19).await, ["deploy", "stop", "deploy"]);
}

#[tokio::test(start_paused = true)]
async fn schedules_of_its_own_keep_the_rules_of_the_project_away() {
    let (bench, clock) = at_noon().await;
    put_rules(&bench, &[rule("*", "Asia/Tokyo"), rule("demo", "Europe/Paris")]).await;
    look(&bench).await;
    assert_eq!(at(&bench, &clock, 7).await, ["deploy"], "evening in Paris, long since in Tokyo");
    assert_eq!(at(&bench, &clock, 8).await, ["deploy", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_without_times_keeps_an_environment_up_that_a_later_one_would_stop() {
    let mut never = rule("demo", "UTC");
    (never.schedule.start, never.schedule.stop) = (None, None);
    let (bench, clock) = ruled(&[never, rule("*", "UTC")]).await;
    assert_eq!(at(&bench, &clock, 9).await, ["deploy"]);
    put_rules(&bench, &[rule("*", "UTC")]).await;
    look(&bench).await;
    assert_eq!(at(&bench, &clock, 10).await, ["deploy"], "the evening before the change is not this rule's");
    assert_eq!(at(&bench, &clock, 24 * 3 + 9).await, ["deploy", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_rule_counts_from_the_change_on() {
    let (bench, clock) = ruled(&[rule("*", "UTC")]).await;
    assert_eq!(at(&bench, &clock, 7).await, ["deploy"]);
    // There, it was evening an hour ago.
    put_rules(&bench, &[rule("*", "Europe/Athens")]).await;
    assert_eq!(actions(&look(&bench).await), ["deploy"]);
    assert_eq!(at(&bench, &clock, 8).await, ["deploy"], "the rule as it was counts no more");
    assert_eq!(at(&bench, &clock, 24 * 3 + 6).await, ["deploy", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_rule_is_looked_at_at_once() {
    let (bench, _) = ruled(&[]).await;
    let stop = CancellationToken::new();
    let (engine, stops) = (bench.engine.clone(), stop.clone());
    let keeping = tokio::spawn(async move { engine.keep_schedules(&stops).await });
    tokio::task::yield_now().await;
    let before = tokio::time::Instant::now();
    put_rules(&bench, &[rule("*", "UTC")]).await;
    let mark = async || bench.store.schedule_mark(&name("shop"), &name("demo")).await.expect("read");
    let mut turns = 0..10_000;
    while mark().await.is_none() && turns.next().is_some() {
        tokio::task::yield_now().await;
    }
    assert!(mark().await.is_some(), "the rule is looked at");
    assert_eq!(before.elapsed(), Duration::ZERO, "the pause between two looks is not waited for");
    stop.cancel();
    keeping.await.expect("it ends");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_under_a_rule_brings_about_one_deployment_at_most() {
    let (bench, clock) = ruled(&[rule("*", "UTC")]).await;
    assert_eq!(at(&bench, &clock, 365 * 24 + 9).await, ["deploy", "stop"]);
    assert_eq!(at(&bench, &clock, 0).await, ["deploy", "stop"], "set back, nothing is due twice");
    assert_eq!(at(&bench, &clock, 9).await, ["deploy", "stop"], "it is stopped already");
    assert_eq!(at(&bench, &clock, 24 * 3).await, ["deploy", "stop", "deploy"]);
}
