//! When an environment starts or stops next, in words, by the clock of the schedule that says so.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use slipway_ports::api::ScheduledRunView;

/// `stops by its schedule on Fri 27 Nov 19:30, Europe/Paris`.
pub(super) fn next_run(run: &ScheduledRunView) -> String {
    let verb = if run.action == "start" { "starts" } else { "stops" };
    let by = match &run.rule {
        Some(rule) => format!("the rule `{rule}` of its project"),
        None => "its schedule".to_owned(),
    };
    // A server may know zones that this program does not.
    let (zone, name) = match TimeZoneDatabase::bundled().get(&run.timezone) {
        Ok(zone) => (zone, run.timezone.as_str()),
        Err(_) => (TimeZone::UTC, "UTC"),
    };
    format!("{verb} by {by} on {}, {name}", run.at.to_zoned(zone).strftime("%a %d %b %H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_run_is_told_by_the_clock_of_its_schedule_and_not_of_who_asks() {
        let at = "2026-11-27T18:30:00Z".parse().unwrap();
        let mut run = ScheduledRunView { at, action: "stop".to_owned(), timezone: "Europe/Paris".to_owned(), rule: None };
        assert_eq!(next_run(&run), "stops by its schedule on Fri 27 Nov 19:30, Europe/Paris");
        run.timezone = "Asia/Kathmandu".to_owned();
        run.rule = Some("preview-*".to_owned());
        run.action = "start".to_owned();
        assert_eq!(next_run(&run), "starts by the rule `preview-*` of its project on Sat 28 Nov 00:15, Asia/Kathmandu");
        run.timezone = "Mars/Olympus".to_owned();
        assert_eq!(next_run(&run), "starts by the rule `preview-*` of its project on Fri 27 Nov 18:30, UTC");
    }
}
