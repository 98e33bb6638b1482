//! How the table of keys is written down: mappings, their keys, and what is not carried out yet.

/// The keys that a mapping may have.
pub(super) struct Shape {
    pub keys: &'static [Key],
}

/// One key of the file.
pub(super) struct Key {
    pub name: &'static str,
    pub content: Content,
    /// What holds when the key is absent; `required` when it must be there.
    pub default: &'static str,
    pub meaning: &'static str,
    pub support: Support,
}

/// What a key holds.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// A value, in words.
    Value(&'static str),
    /// A mapping of known keys.
    Mapping(&'static Shape),
    /// A list of mappings of known keys.
    ListOf(&'static Shape),
    /// A mapping of names of the user's own to values, each a text or a mapping of known keys.
    Named(&'static Shape),
}

/// Whether there is code that carries a key out.
#[derive(Clone, Copy)]
pub(super) enum Support {
    /// There is.
    Yes,
    /// There is none.
    NotYet,
    /// There is none for these values.
    NotYetFor(&'static [&'static str]),
    /// There is none for more than one item.
    NotYetSeveral,
}

impl Key {
    pub(super) const fn new(name: &'static str, content: Content, default: &'static str, meaning: &'static str) -> Self {
        Self { name, content, default, meaning, support: Support::Yes }
    }

    pub(super) const fn support(mut self, support: Support) -> Self {
        self.support = support;
        self
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
pub(super) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
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

/// Insertions, deletions and replacements between two texts.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, right) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
