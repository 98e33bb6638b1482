//! When a cron job runs: a pure function of the clock, which may jump.

use jiff::Timestamp;

/// The times of a cron job, and the next of them.
#[derive(Debug)]
pub(crate) struct Schedule {
    times: cronexpr::Crontab,
    next: Option<Timestamp>,
}

impl Schedule {
    /// Reads the five fields of cron(8), in a time zone; the first time is after `now`.
    pub(crate) fn read(cron: &str, timezone: Option<&str>, now: Timestamp) -> Result<Self, String> {
        let text = format!("{cron} {}", timezone.unwrap_or("UTC"));
        let times = cronexpr::parse_crontab(&text).map_err(|error| error.to_string())?;
        let mut schedule = Self { times, next: None };
        schedule.next = schedule.after(now);
        Ok(schedule)
    }

    /// Whether it is time for a run, which is told once. What lies between two looks is one run: a clock that jumps ahead makes no
    /// storm. A clock that jumps back makes it wait for the next time by that clock.
    pub(crate) fn is_due(&mut self, now: Timestamp) -> bool {
        let upcoming = self.after(now);
        let is_due = self.next.is_some_and(|next| next <= now);
        if is_due || upcoming < self.next {
            self.next = upcoming;
        }
        is_due
    }

    /// The next time.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.next
    }

    fn after(&self, now: Timestamp) -> Option<Timestamp> {
        self.times.find_next(cronexpr::MakeTimestamp(now)).ok().map(|zoned| zoned.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_schedule_is_read_in_its_time_zone_also_when_the_clock_changes() {
        let schedule = Schedule::read("0 3 * * *", Some("Europe/Paris"), at("2026-01-01T00:00:00Z")).unwrap();
        assert_eq!(schedule.next(), Some(at("2026-01-01T02:00:00Z")));
        let summer = Schedule::read("0 3 * * *", Some("Europe/Paris"), at("2026-07-01T02:00:00Z")).unwrap();
        assert_eq!(summer.next(), Some(at("2026-07-02T01:00:00Z")));
        assert!(Schedule::read("nonsense", None, at("2026-01-01T00:00:00Z")).is_err());
        assert!(Schedule::read("0 3 * * *", Some("Mars/Olympus"), at("2026-01-01T00:00:00Z")).is_err());
    }

    #[test]
    fn a_clock_that_jumps_a_day_makes_one_run_and_then_the_usual_ones() {
        let mut schedule = Schedule::read("*/5 * * * *", None, at("2026-01-01T00:01:00Z")).unwrap();
        assert!(!schedule.is_due(at("2026-01-01T00:04:59Z")));
        assert!(schedule.is_due(at("2026-01-02T00:01:00Z")), "a day ahead");
        assert!(!schedule.is_due(at("2026-01-02T00:01:01Z")), "no storm");
        assert!(!schedule.is_due(at("2026-01-01T00:01:00Z")), "a day back");
        assert_eq!(schedule.next(), Some(at("2026-01-01T00:05:00Z")), "no day without a run");
        assert!(schedule.is_due(at("2026-01-01T00:05:00Z")));
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_a_look_tells_of_one_run_at_most_and_none_is_far_away(jumps in proptest::collection::vec(-90_000_i64..90_000, 1..50)) {
            let mut now = at("2026-03-28T00:00:00Z");
            let mut schedule = Schedule::read("0 * * * *", Some("Europe/Paris"), now).unwrap();
            for jump in jumps {
                now = Timestamp::from_second(now.as_second() + jump).unwrap();
                schedule.is_due(now);
                prop_assert!(!schedule.is_due(now));
                let wait = schedule.next().unwrap().as_second() - now.as_second();
                prop_assert!(wait > 0 && wait <= 7200, "{wait}");
            }
        }
    }
}
