//! Lines of pods that are read more than once, each of them told once.

use std::collections::HashMap;

use jiff::Timestamp;

/// What was read of the lines of each container. Within one reading every line is a new one: two may have the same time.
#[derive(Debug, Default)]
pub struct SeenLines {
    containers: HashMap<(String, String), Times>,
}

/// The times of a container's last lines.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// When this reading began; lines up to it were told.
    before: Option<Timestamp>,
    now: Timestamp,
}

impl SeenLines {
    /// Whether a line was not told before. One without a time counts as new.
    pub fn is_new(&mut self, pod: &str, container: &str, at: Option<Timestamp>) -> bool {
        let Some(at) = at else { return true };
        let times = self.containers.entry((pod.to_owned(), container.to_owned()));
        let times = times.or_insert(Times { before: None, now: at });
        times.now = times.now.max(at);
        times.before.is_none_or(|before| at > before)
    }

    /// What comes now is read again, from some earlier line on.
    pub fn read_again(&mut self) {
        for times in self.containers.values_mut() {
            times.before = Some(times.now);
        }
    }

    /// From when on a line may be missing: a container that was silent for long may have written meanwhile. Absent: nothing was read.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.containers.values().map(|times| times.now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn lines_of_one_time_are_all_told_and_what_is_read_again_is_not() {
        let mut seen = SeenLines::default();
        let mut told = |second: i64| seen.is_new("a", "api", at(second));
        assert!(told(10) && told(10) && told(12), "one reading");
        seen.read_again();
        let mut told = |second: i64| seen.is_new("a", "api", at(second));
        assert!(!told(10) && !told(12) && told(13) && told(13));
        assert!(seen.is_new("b", "api", at(1)), "another pod");
        assert!(seen.is_new("a", "api", None));
        assert_eq!(seen.oldest(), at(1));
    }
}
