//! Versions by the rules of semver.org, taken as generously as Helm takes them: `v1.2` is 1.2.0.

use std::cmp::Ordering;

use super::text::{Part, Text};

/// Bytes of a version.
const LONGEST: usize = 256;

/// A version that has an order among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticVersion {
    numbers: [u64; 3],
    /// Without the hyphen; empty: it is a release.
    prerelease: String,
}

impl SemanticVersion {
    /// Reads a version; `None`: it has no order. What comes after `+` tells nothing of the order and is left out.
    pub fn parse(version: &str) -> Option<Self> {
        if version.len() > LONGEST {
            return None;
        }
        let mut text = Text::new(version);
        let written = text.version().filter(|_| text.is_empty())?;
        let mut numbers = [0; 3];
        for (number, (index, part)) in numbers.iter_mut().zip(written.parts.into_iter().enumerate()) {
            match part {
                Part::Number(known) => *number = known,
                Part::Open if index >= written.given => {}
                Part::Open => return None,
            }
        }
        Self::new(numbers, written.prerelease)
    }

    pub(super) fn new(numbers: [u64; 3], prerelease: &str) -> Option<Self> {
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_leading_zero = |part: &str| part.len() > 1 && part.starts_with('0') && is_number(part);
        (!prerelease.split('.').any(has_leading_zero)).then(|| Self { numbers, prerelease: prerelease.to_owned() })
    }

    /// Whether it comes before a release.
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }

    /// Which of two is newer.
    pub fn precedence(&self, other: &Self) -> Ordering {
        let prerelease = match (self.is_prerelease(), other.is_prerelease()) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            _ => compare_prereleases(&self.prerelease, &other.prerelease),
        };
        self.numbers.cmp(&other.numbers).then(prerelease)
    }

    pub(super) fn numbers(&self) -> [u64; 3] {
        self.numbers
    }

    pub(super) fn major(&self) -> u64 {
        self.numbers[0]
    }

    pub(super) fn minor(&self) -> u64 {
        self.numbers[1]
    }

    pub(super) fn patch(&self) -> u64 {
        self.numbers[2]
    }

    pub(super) fn has_same_prerelease(&self, other: &Self) -> bool {
        self.prerelease == other.prerelease
    }
}

/// Part by part: numbers by their size and before words, words by their letters, and the shorter one first.
fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| text.split('.').map(|part| part.parse::<u64>().map_err(|_| part.to_owned())).collect::<Vec<_>>();
    let (a, b) = (parts(a), parts(b));
    let of_parts = a.iter().zip(&b).map(|(a, b)| match (a, b) {
        (Ok(a), Ok(b)) => a.cmp(b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(a), Err(b)) => a.cmp(b),
    });
    of_parts.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
}
