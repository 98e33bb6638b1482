//! How far a client has read the lines of pods, as one text: the id of each line that it is sent.
//!
//! A line has a time and no number. So of each container it says the time of the last line, and how many lines of that time were sent:
//! lines may share one. A client that comes back with it is read to from the oldest of those times on, and what it has is left out.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use slipway_ports::PodLine;

/// Containers that an id tells of; of more, those that were silent for longest are not told.
const MOST: usize = 64;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LinePositions {
    containers: BTreeMap<u64, Position>,
    /// What was sent before this connection.
    before: BTreeMap<u64, Position>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    at: Timestamp,
    /// So many lines of that time.
    lines: u64,
}

impl LinePositions {
    /// Reads an id; anything else is a client that has seen nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let position = |text: &str| {
            let mut parts = text.splitn(3, '.');
            let container = u64::from_str_radix(parts.next()?, 16).ok()?;
            let at = Timestamp::from_nanosecond(parts.next()?.parse().ok()?).ok()?;
            Some((container, Position { at, lines: parts.next()?.parse().ok()? }))
        };
        let containers: BTreeMap<_, _> = text.split('-').map(position).collect::<Option<_>>()?;
        Some(Self { before: containers.clone(), containers })
    }

    /// From when on a line may be missing.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.containers.values().map(|position| position.at).min()
    }

    /// Takes in a line; whether it is to be sent. One without a time always is.
    pub(crate) fn take(&mut self, line: &PodLine) -> bool {
        let Some(at) = line.at else { return true };
        let container = container(line);
        if let Some(before) = self.before.get_mut(&container) {
            if at < before.at {
                return false;
            }
            if at == before.at && before.lines > 0 {
                before.lines -= 1;
                return false;
            }
        }
        let position = self.containers.entry(container).or_insert(Position { at, lines: 0 });
        if position.at == at {
            position.lines += 1;
        } else {
            *position = Position { at, lines: 1 };
        }
        if self.containers.len() > MOST
            && let Some(silent) = self.containers.iter().min_by_key(|(_, position)| **position).map(|(container, _)| *container)
        {
            self.containers.remove(&silent);
        }
        true
    }
}

impl fmt::Display for LinePositions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (container, Position { at, lines })) in self.containers.iter().enumerate() {
            let before = if place == 0 { "" } else { "-" };
            write!(f, "{before}{container:x}.{}.{lines}", at.as_nanosecond())?;
        }
        Ok(())
    }
}

/// A short word for a container of a pod, the same for every server.
fn container(line: &PodLine) -> u64 {
    let digest = Sha256::digest(format!("{}/{}", line.pod, line.container));
    digest.iter().take(8).fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pod: &str, nanosecond: i128) -> PodLine {
        let at = Timestamp::from_nanosecond(nanosecond).ok();
        PodLine { pod: pod.to_owned(), container: "api".to_owned(), at, text: String::new() }
    }

    #[test]
    fn lines_of_one_time_that_a_break_parts_are_sent_once_each() {
        let all = [line("a", 10), line("b", 11), line("a", 12), line("a", 12), line("b", 12), line("a", 12), line("a", 13)];
        for cut in 0..=all.len() {
            let mut first = LinePositions::default();
            assert!(all[..cut].iter().all(|line| first.take(line)), "{cut}");
            let id = first.to_string();
            let mut second = LinePositions::parse(&id).unwrap_or_default();
            let from = second.oldest();
            // As the target gives them again: from that time on.
            let again = all.iter().filter(|line| from.is_none_or(|from| line.at >= Some(from)));
            let told: Vec<_> = again.filter(|line| second.take(line)).collect();
            assert_eq!(told, all[cut..].iter().collect::<Vec<_>>(), "{cut}: {id}");
            // And once more after nothing but that.
            assert_eq!(LinePositions::parse(&second.to_string()).map(|third| third.containers), Some(second.containers));
        }
    }

    #[test]
    fn ids_stay_short_and_nonsense_is_none() {
        let mut positions = LinePositions::default();
        for pod in 0..200 {
            assert!(positions.take(&line(&format!("pod-{pod}"), pod)));
        }
        assert_eq!(positions.containers.len(), MOST);
        assert_eq!(positions.oldest(), Timestamp::from_nanosecond(200 - 64).ok());
        for text in ["", "1", "1.2", "1.2.x", "x.1.1", "1.1.1-", "12-340"] {
            assert_eq!(LinePositions::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_without_a_time_is_always_sent() {
        let mut positions = LinePositions::parse("1.2.3").unwrap();
        assert!(positions.take(&PodLine { at: None, ..line("a", 1) }));
        assert_eq!(positions.to_string(), "1.2.3");
    }
}
