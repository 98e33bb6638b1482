use proptest::prelude::*;

use super::*;
use crate::file::{ApplyOptions, ParseOptions, apply, parse};
use crate::model::{Environment, EnvironmentMode, ScheduleRule};
use crate::pattern::Pattern;

const HOUR: i64 = 3_600_000;
const WEEK: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<Moment>().unwrap().as_millisecond())
}

fn time(days: &[&str], time: &str) -> WeekdayTime {
    WeekdayTime { weekdays: days.iter().map(|day| (*day).to_owned()).collect(), time: time.to_owned() }
}

fn schedule(zone: &str, start: impl Into<Option<WeekdayTime>>, stop: impl Into<Option<WeekdayTime>>) -> Schedule {
    Schedule { timezone: zone.to_owned(), start: start.into(), stop: stop.into() }
}

fn words(runs: &[ScheduledRun]) -> Vec<String> {
    runs.iter().map(|run| format!("{} {}", run.action.as_str(), Moment::from_millisecond(run.at.0).unwrap())).collect()
}

#[test]
fn an_office_week_starts_in_the_morning_and_stops_in_the_evening_by_its_own_clock() {
    let week = [schedule("Europe/Paris", time(&WEEK[..5], "08:00"), time(&WEEK[..5], "19:30"))];
    // A Friday, in winter time.
    let runs = next_runs(&week, at("2026-11-27T12:00:00Z"), 3);
    assert_eq!(words(&runs), ["stop 2026-11-27T18:30:00Z", "start 2026-11-30T07:00:00Z", "stop 2026-11-30T18:30:00Z"]);
    // In summer time an hour earlier.
    let runs = next_runs(&week, at("2026-07-03T12:00:00Z"), 1);
    assert_eq!(words(&runs), ["stop 2026-07-03T17:30:00Z"]);
}

#[test]
fn a_time_that_the_clock_skips_comes_later_and_one_that_comes_twice_counts_once() {
    let sunday = [schedule("Europe/Paris", time(&["sunday"], "02:30"), None)];
    let spring = next_runs(&sunday, at("2026-03-28T12:00:00Z"), 2);
    assert_eq!(words(&spring), ["start 2026-03-29T01:30:00Z", "start 2026-04-05T00:30:00Z"]);
    let autumn = next_runs(&sunday, at("2026-10-24T12:00:00Z"), 2);
    assert_eq!(words(&autumn), ["start 2026-10-25T00:30:00Z", "start 2026-11-01T01:30:00Z"]);
}

#[test]
fn of_what_was_missed_the_newest_alone_is_due() {
    let daily = [schedule("UTC", time(&WEEK, "08:00"), time(&WEEK, "20:00"))];
    let due = |since: &str, now: &str| due_run(&daily, at(since), at(now)).map(|run| run.action);
    assert_eq!(due("2026-11-20T12:00:00Z", "2026-11-27T21:00:00Z"), Some(ScheduledAction::Stop));
    assert_eq!(due("2026-11-20T12:00:00Z", "2026-11-27T09:00:00Z"), Some(ScheduledAction::Start));
    assert_eq!(due("2026-11-27T20:00:00Z", "2026-11-27T21:00:00Z"), None, "it was done");
    assert_eq!(due("2027-11-27T20:00:00Z", "2026-11-27T21:00:00Z"), None, "the clock was set back");
}

#[test]
fn nothing_comes_of_nothing() {
    assert_eq!(next_runs(&[], at("2026-11-27T12:00:00Z"), 3), []);
    assert_eq!(next_runs(&[schedule("UTC", None, None)], at("2026-11-27T12:00:00Z"), 3), []);
    assert_eq!(next_runs(&[schedule("Mars/Olympus", time(&WEEK, "08:00"), None)], at("2026-11-27T12:00:00Z"), 3), []);
    assert!(
        is_time_zone("Europe/Paris")
            && is_time_zone("UTC")
            && !is_time_zone("Mars/Olympus")
            && !is_time_zone("../etc")
            && !is_time_zone("")
    );
}

fn environment(name: &str) -> Environment {
    let text = format!("apiVersion: slipway.dev/v1\nkind: Environment\nname: {name}\n");
    apply(None, &parse(&text, &ParseOptions::default()).unwrap(), ApplyOptions::default()).unwrap().environment
}

fn rule(environments: &str, zone: &str) -> ScheduleRule {
    let environments = Pattern::new(environments).unwrap();
    ScheduleRule { environments, mode: None, schedule: schedule(zone, time(&WEEK, "08:00"), None) }
}

/// The zones of what counts, and the rule that it is of.
fn counted(environment: &Environment, rules: &[ScheduleRule]) -> (Vec<String>, Option<String>) {
    let found = in_force(environment, rules);
    (
        found.schedules.iter().map(|schedule| schedule.timezone.clone()).collect(),
        found.rule.map(|rule| rule.environments.to_string()),
    )
}

#[test]
fn of_the_rules_of_a_project_the_first_counts_that_is_for_the_environment() {
    let mut rules = [rule("preview-1?", "Europe/Paris"), rule("preview-*", "Asia/Tokyo"), rule("*", "UTC")];
    let of = |name: &str, rules: &[ScheduleRule]| counted(&environment(name), rules);
    let is = |zone: &str, rule: &str| (vec![zone.to_owned()], Some(rule.to_owned()));
    assert_eq!(of("preview-12", &rules), is("Europe/Paris", "preview-1?"));
    assert_eq!(of("preview-2", &rules), is("Asia/Tokyo", "preview-*"));
    assert_eq!(of("staging", &rules), is("UTC", "*"));
    assert_eq!(of("staging", &rules[..2]), (vec![], None));
    rules[0].mode = Some(EnvironmentMode::Preview);
    assert_eq!(of("preview-12", &rules), is("Asia/Tokyo", "preview-*"), "it is no preview, whatever its name");
}

#[test]
fn schedules_of_its_own_and_a_rule_without_times_keep_the_other_rules_away() {
    let mut rules = [rule("keep-*", "Europe/Paris"), rule("*", "UTC")];
    let mut own = environment("keep-1");
    own.schedules = vec![schedule("Asia/Tokyo", None, time(&WEEK, "20:00"))];
    assert_eq!(counted(&own, &rules), (vec!["Asia/Tokyo".to_owned()], None));
    rules[0].schedule.start = None;
    assert_eq!(counted(&environment("keep-1"), &rules), (vec![], Some("keep-*".to_owned())));
}

#[test]
fn a_run_that_two_schedules_bring_about_comes_once_by_the_clock_of_the_first() {
    let noon = |zone: &str, clock: &str| schedule(zone, time(&WEEK, clock), None);
    let both = [noon("Europe/Paris", "13:00"), noon("UTC", "12:00")];
    let runs = next_runs(&both, at("2026-11-27T08:00:00Z"), 2);
    assert_eq!(words(&runs), ["start 2026-11-27T12:00:00Z", "start 2026-11-28T12:00:00Z"]);
    assert!(runs.iter().all(|run| run.timezone == "Europe/Paris"));
}

fn any_time() -> impl Strategy<Value = Option<WeekdayTime>> {
    let days = proptest::sample::subsequence(WEEK.to_vec(), 1..=7);
    let one = (days, 0..24u8, 0..60u8).prop_map(|(days, hour, minute)| time(&days, &format!("{hour:02}:{minute:02}")));
    proptest::option::of(one)
}

fn any_schedules() -> impl Strategy<Value = Vec<Schedule>> {
    let zones = proptest::sample::select(vec!["UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]);
    proptest::collection::vec((zones, any_time(), any_time()).prop_map(|(zone, start, stop)| schedule(zone, start, stop)), 0..4)
}

proptest! {
    #[test]
    fn runs_come_in_order_after_the_moment_and_go_on_where_the_first_ones_end(
        schedules in any_schedules(), at in 1_700_000_000_000i64..1_900_000_000_000, count in 1usize..20,
    ) {
        let runs = next_runs(&schedules, Timestamp(at), count);
        prop_assert!(runs.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(runs.iter().all(|run| run.at > Timestamp(at)));
        let is_empty = schedules.iter().all(|schedule| schedule.start.is_none() && schedule.stop.is_none());
        prop_assert_eq!(runs.len(), if is_empty { 0 } else { count });
        let longer = next_runs(&schedules, Timestamp(at), count + 7);
        prop_assert_eq!(&longer[..runs.len()], &runs[..]);
    }

    #[test]
    fn each_run_is_due_once_however_often_is_looked_and_nothing_else_is(
        schedules in any_schedules(), start in 1_700_000_000_000i64..1_900_000_000_000,
        steps in proptest::collection::vec(1i64..30 * HOUR, 1..20),
    ) {
        let (mut since, mut now) = (Timestamp(start), Timestamp(start));
        let mut done = Vec::new();
        for step in steps {
            now = Timestamp(now.0 + step);
            if let Some(run) = due_run(&schedules, since, now) {
                prop_assert!(run.at > since && run.at <= now);
                done.push(run);
                since = run.at;
            }
            prop_assert_eq!(due_run(&schedules, since, now), None);
        }
        let all: Vec<_> = next_runs(&schedules, Timestamp(start), 200).into_iter().filter(|run| run.at <= now).collect();
        prop_assert!(done.iter().all(|run| all.contains(run)));
        prop_assert_eq!(done.last().map(|run| run.at), all.last().map(|run| run.at), "the newest is never missed");
    }
}
