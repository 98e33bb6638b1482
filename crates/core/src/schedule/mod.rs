//! When environments start and stop by themselves.
//!
//! A schedule names times of day on days of the week, by the clock of a place. Where that clock skips a time, the run comes as much later as
//! the clock skips; a time that comes twice counts once, the first time. Time zones are those of the IANA database that is compiled in.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp as Moment, ToSpan as _};

use crate::deployment::Timestamp;
use crate::model::{Schedule, WeekdayTime};

mod in_force;

pub use in_force::{InForce, in_force};

/// How far from a moment all runs are known, whatever the zone. In it each time of a week has come at least once.
const HORIZON: Duration = Duration::from_hours(8 * 24);
/// So many days of a zone, before and after today, hold it.
const DAYS: i64 = 10;

/// What a schedule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScheduledAction {
    /// Brings up what was stopped, as it was.
    Start,
    /// Scales to nothing.
    Stop,
}

impl ScheduledAction {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
        }
    }
}

/// One time at which a schedule does something. Of two at one moment the stop comes last, and counts; one that two schedules bring about
/// is of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScheduledRun<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: ScheduledAction,
    /// The time zone of its schedule.
    pub timezone: &'a str,
}

/// Whether there is a time zone of this name.
pub fn is_time_zone(name: &str) -> bool {
    zone(name).is_some()
}

/// The first runs of schedules after a moment, in order; at most `count`.
pub fn next_runs(schedules: &[Schedule], after: Timestamp, count: usize) -> Vec<ScheduledRun<'_>> {
    let mut found = Vec::new();
    let mut from = after;
    while found.len() < count {
        let mut runs = around(schedules, from);
        runs.retain(|run| run.at > from);
        let Some(last) = runs.last() else { break };
        from = last.at;
        found.extend(runs);
    }
    found.truncate(count);
    found
}

/// The run that is due: the newest one after `since` and not after `now`. Those before it are overtaken by it, so a clock that jumps,
/// or a server that was away, brings about one run and no more.
pub fn due_run(schedules: &[Schedule], since: Timestamp, now: Timestamp) -> Option<ScheduledRun<'_>> {
    around(schedules, now).into_iter().rfind(|run| run.at > since && run.at <= now)
}

/// The runs of more than a week before and after a moment, in order, each once.
fn around(schedules: &[Schedule], at: Timestamp) -> Vec<ScheduledRun<'_>> {
    let Ok(moment) = Moment::from_millisecond(at.0) else { return Vec::new() };
    let mut runs = Vec::new();
    for schedule in schedules {
        let Some(zone) = zone(&schedule.timezone) else { continue };
        let today = moment.to_zoned(zone.clone()).date();
        let times = [(ScheduledAction::Start, &schedule.start), (ScheduledAction::Stop, &schedule.stop)];
        for (action, time) in times.into_iter().filter_map(|(action, time)| Some((action, time.as_ref()?))) {
            runs.extend(moments(time, today, &zone).map(|at| ScheduledRun { at, action, timezone: &schedule.timezone }));
        }
    }
    let horizon = i64::try_from(HORIZON.as_millis()).unwrap_or(i64::MAX);
    runs.retain(|run| (run.at.0 - at.0).abs() <= horizon);
    runs.sort_by_key(|run| (run.at, run.action));
    runs.dedup_by_key(|run| (run.at, run.action));
    runs
}

fn moments(time: &WeekdayTime, today: Date, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
    let days: Vec<_> = time.weekdays.iter().filter_map(|day| weekday(day)).collect();
    let clock = time.time.split_once(':').and_then(|(hour, minute)| Some((hour.parse().ok()?, minute.parse().ok()?)));
    (-DAYS..=DAYS).filter_map(move |offset| {
        let date = today.checked_add(offset.days()).ok().filter(|date| days.contains(&date.weekday()))?;
        let (hour, minute) = clock?;
        let moment = date.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(Timestamp(moment.timestamp().as_millisecond()))
    })
}

fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
