//! Ranges of versions, as Helm reads them: `^1.2`, `1.x`, `>=1 <2`, `1.2 - 1.4`, `~1 || 3.*`.
//!
//! Helm takes them from the Go package Masterminds/semver, whose answers to a table of ranges are the test of this one.

mod semantic_version;
mod text;

use std::cmp::Ordering;

pub use semantic_version::SemanticVersion;
use text::{Part, Text, Written};

/// Bytes of a range.
const LONGEST: usize = 512;
/// Alternatives between `||`.
const MOST_ALTERNATIVES: usize = 32;

/// Which versions are wanted: one of its alternatives must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    alternatives: Vec<Vec<Bound>>,
}

/// One condition of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    operator: Operator,
    version: SemanticVersion,
    known: Known,
}

/// How an operator is written, and what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The first part of a version that is left open, by `x`, `*` or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Major,
    Minor,
    All,
}

impl VersionRange {
    /// Reads a range; `None`: it is none.
    pub fn parse(range: &str) -> Option<Self> {
        if range.len() > LONGEST || range.split("||").count() > MOST_ALTERNATIVES {
            return None;
        }
        let alternatives = range.split("||").map(alternative).collect::<Option<_>>()?;
        Some(Self { alternatives })
    }

    /// Whether it holds for a version. One that is a prerelease is admitted only by an alternative that names one itself.
    pub fn admits(&self, version: &SemanticVersion) -> bool {
        self.alternatives.iter().any(|bounds| {
            let asks_for_prereleases = bounds.iter().any(|bound| bound.version.is_prerelease());
            (asks_for_prereleases || !version.is_prerelease()) && bounds.iter().all(|bound| bound.admits(version))
        })
    }
}

/// Of these versions the one that is written exactly so, else the newest that a range admits.
pub fn newest<'a>(wanted: &str, versions: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    if let Some(exact) = versions.clone().into_iter().find(|version| *version == wanted) {
        return Some(exact);
    }
    let range = VersionRange::parse(wanted)?;
    let known = versions.into_iter().filter_map(|text| Some((SemanticVersion::parse(text)?, text)));
    let admitted = known.filter(|(version, _)| range.admits(version));
    // Two that differ in what comes after `+` alone are equal; their texts say which it is, every time.
    admitted.max_by(|(a, a_text), (b, b_text)| a.precedence(b).then_with(|| a_text.cmp(b_text))).map(|(_, text)| text)
}

/// Whether a text says one version and no range: all three of its numbers.
pub fn is_exact(version: &str) -> bool {
    let mut text = Text::new(version);
    let written = text.version().filter(|_| text.is_empty());
    written.is_some_and(|written| written.parts.iter().all(|part| matches!(part, Part::Number(_))))
}

fn alternative(range: &str) -> Option<Vec<Bound>> {
    let mut text = Text::new(range);
    let mut bounds = Vec::new();
    // What stands before a condition: a hyphen's pair may follow a comma, and not spaces alone.
    let mut after_comma = true;
    loop {
        text.spaces();
        let operator = operator(&mut text);
        text.spaces();
        let first = text.version()?;
        match (operator, text.hyphen()) {
            (None, true) if after_comma => {
                let last = text.version()?;
                bounds.push(Bound::new(Operator::GreaterOrEqual, &first)?);
                bounds.push(Bound::new(Operator::LessOrEqual, &last)?);
            }
            (_, true) => return None,
            (operator, false) => bounds.push(Bound::new(operator.unwrap_or(Operator::Equal), &first)?),
        }
        let spaces = text.spaces();
        after_comma = text.take(",");
        match (text.is_empty(), after_comma, spaces) {
            (true, false, _) => return Some(bounds),
            (true, true, _) | (false, false, false) => return None,
            (false, _, _) => {}
        }
    }
}

fn operator(text: &mut Text<'_>) -> Option<Operator> {
    // The longer ones first.
    const OPERATORS: [(&str, Operator); 11] = [
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterOrEqual),
        ("=>", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        ("=<", Operator::LessOrEqual),
        ("~>", Operator::Tilde),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
    ];
    OPERATORS.into_iter().find(|(word, _)| text.take(word)).map(|(_, operator)| operator)
}

impl Bound {
    fn new(operator: Operator, written: &Written<'_>) -> Option<Self> {
        let number = |part: Part| match part {
            Part::Number(number) => Some(number),
            Part::Open => None,
        };
        let [major, minor, patch] = written.parts.map(number);
        let (known, numbers) = match (major, minor, patch) {
            (None, _, _) => (Known::Nothing, [0, 0, 0]),
            (Some(major), None, _) => (Known::Major, [major, 0, 0]),
            (Some(major), Some(minor), None) => (Known::Minor, [major, minor, 0]),
            (Some(major), Some(minor), Some(patch)) => (Known::All, [major, minor, patch]),
        };
        Some(Self { operator, version: SemanticVersion::new(numbers, written.prerelease)?, known })
    }

    fn admits(&self, version: &SemanticVersion) -> bool {
        let order = version.precedence(&self.version);
        match (self.operator, self.known) {
            (Operator::Less, _) => order == Ordering::Less,
            (Operator::GreaterOrEqual, _) => order != Ordering::Less,
            (Operator::Equal, Known::All) => order == Ordering::Equal,
            (Operator::NotEqual, Known::All) => order != Ordering::Equal,
            (Operator::Greater, Known::All | Known::Nothing) => order == Ordering::Greater,
            (Operator::LessOrEqual, Known::All) => order != Ordering::Greater,
            (Operator::Tilde | Operator::Equal, _) => order != Ordering::Less && self.is_close(version),
            (Operator::Caret, _) => order != Ordering::Less && self.is_compatible(version),
            (Operator::NotEqual, _) => self.differs(version),
            (Operator::Greater, _) => self.is_exceeded_by(version),
            (Operator::LessOrEqual, _) => !self.is_exceeded_by(version),
        }
    }

    /// `~`: the same minor version, or the same major one if no more is known.
    fn is_close(&self, version: &SemanticVersion) -> bool {
        let is_anything = matches!(self.known, Known::Nothing | Known::All) && self.version.numbers() == [0, 0, 0];
        let minor = self.known == Known::Major || version.minor() == self.version.minor();
        is_anything || (version.major() == self.version.major() && minor)
    }

    /// `^`: no part has changed that stands left of, or is, the first that is not zero.
    fn is_compatible(&self, version: &SemanticVersion) -> bool {
        let (own, other) = (&self.version, version);
        if own.major() > 0 || self.known == Known::Major {
            return other.major() == own.major();
        }
        if other.major() > 0 {
            return false;
        }
        if own.minor() > 0 || self.known == Known::Minor {
            return other.minor() == own.minor();
        }
        other.minor() == 0 && other.patch() == own.patch()
    }

    /// `!=` of a version with an open part.
    fn differs(&self, version: &SemanticVersion) -> bool {
        if version.major() != self.version.major() {
            return true;
        }
        match self.known {
            Known::Major => false,
            Known::Minor => version.minor() != self.version.minor() || !version.has_same_prerelease(&self.version),
            // Nothing is known: any version but that of the zeros is another.
            Known::Nothing | Known::All => {
                version.minor() != self.version.minor() || version.precedence(&self.version) != Ordering::Equal
            }
        }
    }

    /// Whether a version is beyond all that an open minor or patch stands for.
    fn is_exceeded_by(&self, version: &SemanticVersion) -> bool {
        match version.major().cmp(&self.version.major()) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => self.known != Known::Major && version.minor() > self.version.minor(),
        }
    }
}

#[cfg(test)]
mod tests;
