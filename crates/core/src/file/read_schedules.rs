//! Reads when environments start and stop by themselves.

use crate::model::{Schedule, ScheduleRule, WeekdayTime};
use crate::pattern::Pattern;

use super::form::WEEKDAYS;
use super::keys::{SCHEDULE, SCHEDULE_RULE, WEEKDAY_TIME};
use super::notation;
use super::read_environment::{MODES, time_zone, words};
use super::reader::{Keys, Place, Reader};

/// The schedules of an environment.
pub(super) fn schedules(reader: &mut Reader, keys: &Keys<'_>) -> Vec<Schedule> {
    let mut schedules = Vec::new();
    for place in reader.list_at(keys, "schedules") {
        let Some(keys) = reader.keys(place, &SCHEDULE) else { continue };
        if keys.get("start").is_none() && keys.get("stop").is_none() {
            reader.refuse_value(&keys.place, "expected `start`, `stop` or both");
        }
        schedules.push(schedule(reader, &keys));
    }
    schedules
}

/// The rules of a project. Of two for the same environments the second would never count.
pub(super) fn rules(reader: &mut Reader, keys: &Keys<'_>) -> Vec<ScheduleRule> {
    let mut rules: Vec<ScheduleRule> = Vec::new();
    for place in reader.list_at(keys, "schedules") {
        let Some(keys) = reader.keys(place, &SCHEDULE_RULE) else { continue };
        let environments = reader.require(&keys, "environments").and_then(|place| pattern(reader, &place));
        let mode = keys.get("mode").and_then(|place| reader.choice(&place, &MODES));
        let schedule = schedule(reader, &keys);
        let Some(environments) = environments else { continue };
        if rules.iter().any(|earlier| earlier.environments == environments && earlier.mode == mode) {
            reader.refuse_value(
                &keys.place,
                format!("a rule before it is for the same environments, `{environments}`, and counts alone"),
            );
        }
        rules.push(ScheduleRule { environments, mode, schedule });
    }
    rules
}

fn schedule(reader: &mut Reader, keys: &Keys<'_>) -> Schedule {
    let timezone = keys.get("timezone").and_then(|place| time_zone(reader, &place));
    let start = keys.get("start").and_then(|place| weekday_time(reader, place));
    let stop = keys.get("stop").and_then(|place| weekday_time(reader, place));
    Schedule { timezone: timezone.unwrap_or_else(|| "UTC".to_owned()), start, stop }
}

fn weekday_time(reader: &mut Reader, place: Place<'_>) -> Option<WeekdayTime> {
    let keys = reader.keys(place, &WEEKDAY_TIME)?;
    let weekdays = match reader.require(&keys, "weekdays") {
        Some(place) => words(reader, &place, &WEEKDAYS, true),
        None => Vec::new(),
    };
    let time = reader.require(&keys, "time").and_then(|place| {
        reader.parsed(&place, "a time of day such as `07:30`, in quotes", |text| {
            notation::is_time_of_day(text).then(|| text.to_owned())
        })
    });
    Some(WeekdayTime { weekdays, time: time? })
}

/// A pattern of names.
fn pattern(reader: &mut Reader, place: &Place<'_>) -> Option<Pattern> {
    reader.parsed(place, "a pattern such as `preview-*`, 1 to 100 characters without spaces", |text| Pattern::new(text).ok())
}
