//! How the table of keys is written down: mappings, and their keys.

use super::form::Form;

/// The keys that a mapping may have.
pub(super) struct Shape {
    /// What it is called in a schema.
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Which of its keys go together.
    pub relations: &'static [Relation],
}

/// Which keys of a mapping go together.
#[derive(Clone, Copy)]
pub(super) enum Relation {
    /// Exactly one of these is there.
    ExactlyOne(&'static [&'static str]),
    /// At least one of these is there.
    AtLeastOne(&'static [&'static str]),
    /// The two exclude each other.
    NotBoth(&'static str, &'static str),
    /// With the first, the others are there too.
    Needs(&'static str, &'static [&'static str]),
    /// With the first, nothing is there but these.
    Only(&'static str, &'static [&'static [&'static str]]),
}

/// One key of the file.
pub(super) struct Key {
    pub name: &'static str,
    pub content: Content,
    /// What holds when the key is absent; `required` when it must be there.
    pub default: &'static str,
    pub meaning: &'static str,
}

/// What a key holds.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// A value.
    Value(Form),
    /// A mapping of known keys.
    Mapping(&'static Shape),
    /// A list of mappings of known keys.
    ListOf(&'static Shape),
    /// A mapping of names of the user's own to values, each a text or a mapping of known keys.
    Named(&'static Shape),
}

impl Key {
    pub(super) const fn new(name: &'static str, content: Content, default: &'static str, meaning: &'static str) -> Self {
        Self { name, content, default, meaning }
    }
}

impl Shape {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The key that a misspelt one most likely stands for.
    pub(super) fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.keys.iter().map(|key| key.name))
    }
}

/// Most candidates that are compared, so that a long file full of errors stays quick.
const MOST_CANDIDATES: usize = 300;

/// The candidate that differs least from a text, if one is near enough.
pub(crate) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > 64 {
        return None;
    }
    let text = text.to_lowercase();
    candidates
        .take(MOST_CANDIDATES)
        .filter(|candidate| candidate.len() <= 64)
        .map(|candidate| (distance(&text, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two texts.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for row in 1..=left.len() {
        let mut current = vec![row];
        for column in 1..=right.len() {
            let replaced = above[column - 1] + usize::from(left[row - 1] != right[column - 1]);
            let mut best = replaced.min(above[column] + 1).min(current[column - 1] + 1);
            let swapped = row > 1 && column > 1 && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1];
            if swapped {
                best = best.min(before[column - 2] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_a_slip_away() {
        let words = ["command", "cpu", "edge", "ports"];
        for (text, near) in [("comand", "command"), ("egde", "edge"), ("CPU", "cpu"), ("port", "ports"), ("prots", "ports")] {
            assert_eq!(nearest(text, words.into_iter()), Some(near), "{text}");
        }
        for text in ["", "volumes", "memory", &"x".repeat(100)] {
            assert_eq!(nearest(text, words.into_iter()), None, "{text}");
        }
    }
}
