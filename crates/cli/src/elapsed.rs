//! Durations and ages as a person reads them.

use jiff::Timestamp;

/// `0.4s`, `12s`, `3m 05s`, `1h 02m`.
pub(crate) fn duration(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0..=9 => format!("{}.{}s", seconds, milliseconds % 1000 / 100),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The time between two moments; the second is now when it is not there.
pub(crate) fn between(from: Timestamp, to: Option<Timestamp>) -> String {
    let to = to.unwrap_or_else(Timestamp::now);
    duration(to.as_millisecond() - from.as_millisecond())
}

/// `5s ago`, `3m ago`, `2h ago`, `4d ago`.
pub(crate) fn age(at: Timestamp) -> String {
    let seconds = ((Timestamp::now().as_millisecond() - at.as_millisecond()) / 1000).max(0);
    match seconds {
        0..=59 => format!("{seconds}s ago"),
        60..=3599 => format!("{}m ago", seconds / 60),
        3600..=86_399 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_has_two_units_at_most() {
        let texts = [0, 450, 9_999, 10_000, 65_000, 3_720_000].map(duration);
        assert_eq!(texts, ["0.0s", "0.4s", "9.9s", "10s", "1m 05s", "1h 02m"]);
    }
}
