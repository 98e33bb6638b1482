//! Reads values out of the tree and collects what is wrong with them.
//!
//! Every function reports its problems and goes on with a stand-in, so that one run finds all of them; the caller throws the
//! result away when there is any problem.

use super::ParseOptions;
use super::form::one_of;
use super::problem::{Location, Problem};
use super::scalar;
use super::table::{Content, Shape, nearest};
use super::tree::{Entry, Node, Value, join};

/// Most problems that are reported of one file.
pub(super) const MOST_PROBLEMS: usize = 500;
/// Most keys of one mapping, and items of one list.
pub(super) const MOST_ITEMS: usize = 2000;
/// Most bytes of a text that is no content.
const LONGEST_WORD: usize = 1024;

/// The problems so far.
pub(super) struct Reader {
    pub options: ParseOptions,
    /// Whether the file's list of secrets could not be read, so that nobody knows which there are.
    pub secrets_are_unknown: bool,
    problems: Vec<Problem>,
}

/// A value and where it is.
#[derive(Clone)]
pub(super) struct Place<'t> {
    pub node: &'t Node,
    pub path: String,
}

impl Place<'_> {
    pub(super) fn location(&self) -> Location {
        Location { line: self.node.line, column: self.node.column, path: self.path.clone() }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.node.value, Value::Plain(text) if scalar::is_null(text))
    }
}

/// A mapping and its keys.
///
/// An unknown key is a problem. When it most likely stands for a known one that is not there, its value is read as that key's,
/// so that a slip in a key hides nothing and is not told a second time as something missing.
#[derive(Clone)]
pub(super) struct Keys<'t> {
    pub place: Place<'t>,
    entries: &'t [Entry],
    slips: Vec<Slip<'t>>,
}

/// An unknown key and what it most likely stands for.
#[derive(Clone)]
struct Slip<'t> {
    meant: &'static str,
    entry: &'t Entry,
    /// Whether the value has the form of what the meant key holds.
    fits: bool,
}

impl<'t> Slip<'t> {
    fn of(entry: &'t Entry, shape: &Shape) -> Option<Self> {
        let meant = shape.nearest(&entry.key)?;
        let fits = match (shape.key(meant)?.content, &entry.node.value) {
            (Content::Mapping(_) | Content::Named(_), value) => matches!(value, Value::Mapping(_)),
            (Content::ListOf(_), value) => matches!(value, Value::List(_)),
            (Content::Value(_), _) => true,
        };
        Some(Self { meant, entry, fits })
    }
}

impl<'t> Keys<'t> {
    /// The keys of a value, if it is a mapping that is not too long, without a word about unknown ones.
    pub(super) fn of(place: Place<'t>, shape: &Shape) -> Option<Self> {
        let Value::Mapping(entries) = &place.node.value else { return None };
        if entries.len() > MOST_ITEMS {
            return None;
        }
        let unknown = entries.iter().filter(|entry| shape.key(&entry.key).is_none());
        let slips = unknown.filter_map(|entry| Slip::of(entry, shape)).collect();
        Some(Keys { place, entries, slips })
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<Place<'t>> {
        self.entry(key).map(|entry| self.at(entry))
    }

    /// Whether a key is there in its right spelling.
    pub(super) fn is_exact(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether a key is there in any spelling, with any value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.is_exact(key) || self.slips.iter().any(|slip| slip.meant == key)
    }

    /// Those of some keys that are there, in file order.
    pub(super) fn present<'k>(&self, keys: &[&'k str]) -> Vec<&'k str> {
        let place_of = |key: &&'k str| self.entry(key).map(|entry| ((entry.line, entry.column), *key));
        let mut found: Vec<_> = keys.iter().filter_map(place_of).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, key)| key).collect()
    }

    /// The key, else what stands for it.
    fn entry(&self, key: &str) -> Option<&'t Entry> {
        let exact = self.entries.iter().find(|entry| entry.key == key);
        let slip = || self.slips.iter().find(|slip| slip.meant == key && slip.fits).map(|slip| slip.entry);
        exact.or_else(slip)
    }

    /// The values of all keys, in file order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'t str, Place<'t>)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), self.at(entry)))
    }

    /// Where a key stands, for what is wrong with the key itself.
    pub(super) fn key_location(&self, key: &str) -> Location {
        self.entry(key).map_or_else(|| self.place.location(), |entry| self.location_of(entry))
    }

    fn at(&self, entry: &'t Entry) -> Place<'t> {
        Place { node: &entry.node, path: join(&self.place.path, &entry.key) }
    }

    fn location_of(&self, entry: &Entry) -> Location {
        Location { line: entry.line, column: entry.column, path: join(&self.place.path, &entry.key) }
    }
}

impl Reader {
    pub(super) fn new(options: ParseOptions, problems: Vec<Problem>) -> Self {
        Self { options, secrets_are_unknown: false, problems }
    }

    /// Takes a problem down.
    pub(super) fn refuse(&mut self, location: &Location, message: impl Into<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(location.problem(message));
        }
    }

    /// Takes a problem with a value down.
    pub(super) fn refuse_value(&mut self, place: &Place<'_>, message: impl Into<String>) {
        self.refuse(&place.location(), message);
    }

    /// Whether no more problems are taken down.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MOST_PROBLEMS
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems, by place.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        let key = |problem: &Problem| (problem.line, problem.column, problem.message.clone());
        self.problems.sort_by_key(key);
        self.problems.dedup();
        self.problems
    }

    /// A mapping of known keys.
    pub(super) fn keys<'t>(&mut self, place: Place<'t>, shape: &Shape) -> Option<Keys<'t>> {
        let mut keys = self.named(place)?;
        for entry in keys.entries {
            if shape.key(&entry.key).is_none() && !self.is_full() {
                let slip = Slip::of(entry, shape);
                self.refuse_unknown(&keys, entry, slip.as_ref(), shape);
                keys.slips.extend(slip);
            }
        }
        Some(keys)
    }

    fn refuse_unknown(&mut self, keys: &Keys<'_>, entry: &Entry, slip: Option<&Slip<'_>>, shape: &Shape) {
        let message = if let Some(slip) = slip {
            format!("unknown key `{}`; did you mean `{}`?", entry.key, slip.meant)
        } else if let Some(elsewhere) = super::reference::place_of(&entry.key) {
            format!("unknown key `{}` here; it belongs to `{elsewhere}`", entry.key)
        } else {
            let known: Vec<_> = shape.keys.iter().map(|key| format!("`{}`", key.name)).collect();
            format!("unknown key `{}`; expected one of {}", entry.key, known.join(", "))
        };
        self.refuse(&keys.location_of(entry), message);
    }

    /// A mapping whose keys are the user's own.
    pub(super) fn named<'t>(&mut self, place: Place<'t>) -> Option<Keys<'t>> {
        let Value::Mapping(entries) = &place.node.value else { return self.refuse_content(&place, "a mapping") };
        if entries.len() > MOST_ITEMS {
            self.refuse_value(&place, format!("{} keys; expected at most {MOST_ITEMS}", entries.len()));
            return None;
        }
        Some(Keys { place, entries, slips: Vec::new() })
    }

    /// A value that must be there.
    pub(super) fn require<'t>(&mut self, keys: &Keys<'t>, key: &str) -> Option<Place<'t>> {
        let found = keys.get(key);
        if found.is_none() && !keys.has(key) {
            self.refuse_value(&keys.place, format!("`{key}` is missing"));
        }
        found
    }

    /// The items of a list.
    pub(super) fn list<'t>(&mut self, place: &Place<'t>) -> Vec<Place<'t>> {
        match &place.node.value {
            Value::List(nodes) if nodes.len() > MOST_ITEMS => {
                self.refuse_value(place, format!("{} items; expected at most {MOST_ITEMS}", nodes.len()));
                Vec::new()
            }
            Value::List(nodes) => {
                let at = |(index, node)| Place { node, path: format!("{}[{index}]", place.path) };
                nodes.iter().enumerate().map(at).collect()
            }
            Value::Plain(_) | Value::Quoted(_) | Value::Mapping(_) | Value::Refused => {
                self.refuse_content(place, "a list").unwrap_or_default()
            }
        }
    }

    /// The items of a list under a key; absent: none.
    pub(super) fn list_at<'t>(&mut self, keys: &Keys<'t>, key: &str) -> Vec<Place<'t>> {
        keys.get(key).map(|place| self.list(&place)).unwrap_or_default()
    }

    /// A text: in quotes, or a word that no reader of YAML takes for something else, or a plain whole number.
    pub(super) fn text(&mut self, place: &Place<'_>) -> Option<String> {
        match &place.node.value {
            Value::Quoted(text) => Some(text.clone()),
            Value::Plain(text) if scalar::is_plain_text(text) => Some(text.clone()),
            Value::Plain(text) if scalar::is_null(text) => self.refuse_content(place, "a text"),
            Value::Plain(text) => {
                self.refuse_value(place, format!("`{text}` is {}, expected a text; write \"{text}\"", scalar::describe(text)));
                None
            }
            Value::List(_) | Value::Mapping(_) | Value::Refused => self.refuse_content(place, "a text"),
        }
    }

    /// A text of one line that is not empty.
    pub(super) fn word(&mut self, place: &Place<'_>) -> Option<String> {
        let text = self.text(place)?;
        if text.is_empty() || text.len() > LONGEST_WORD || text.chars().any(char::is_control) {
            self.refuse_value(place, format!("expected a text of one line and 1 to {LONGEST_WORD} bytes"));
            return None;
        }
        Some(text)
    }

    /// A scalar as it stands in the file, with or without quotes: quantities are read the same either way.
    pub(super) fn source<'t>(&mut self, place: &Place<'t>, expected: &str) -> Option<&'t str> {
        match &place.node.value {
            Value::Quoted(text) => Some(text),
            Value::Plain(text) if !scalar::is_null(text) => Some(text),
            _ => self.refuse_content(place, expected),
        }
    }

    /// A value that a function reads from its text.
    pub(super) fn parsed<T>(&mut self, place: &Place<'_>, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.source(place, expected)?;
        let value = parse(text);
        if value.is_none() {
            self.refuse_value(place, format!("{} is not allowed; expected {expected}", shown(text)));
        }
        value
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, place: &Place<'_>) -> Option<bool> {
        match &place.node.value {
            Value::Plain(text) if text == "true" => Some(true),
            Value::Plain(text) if text == "false" => Some(false),
            _ => self.refuse_content(place, "`true` or `false`"),
        }
    }

    /// A whole number between two bounds.
    pub(super) fn number(&mut self, place: &Place<'_>, least: u32, most: u32) -> Option<u32> {
        let found = match &place.node.value {
            Value::Plain(text) if scalar::is_decimal(text) => text.parse().ok().filter(|value| (least..=most).contains(value)),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        let expected =
            if most == u32::MAX { format!("a number from {least}") } else { format!("a number from {least} to {most}") };
        self.refuse_content(place, &expected)
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&mut self, place: &Place<'_>, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
        let expected = one_of(&words);
        let text = self.source(place, &expected)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let hint = nearest(text, choices.iter().map(|(word, _)| *word)).map(|near| format!("; did you mean `{near}`?"));
        self.refuse_value(place, format!("{} is not allowed; expected {expected}{}", shown(text), hint.unwrap_or_default()));
        None
    }

    /// Says what was expected instead of what is there.
    pub(super) fn refuse_content<T>(&mut self, place: &Place<'_>, expected: &str) -> Option<T> {
        let found = match &place.node.value {
            Value::Refused => return None,
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Plain(text) if scalar::is_null(text) => "nothing".to_owned(),
            Value::Plain(text) => shown(text),
            Value::Quoted(text) => format!("the text {text:?}", text = cut(text)),
        };
        self.refuse_value(place, format!("expected {expected}, found {found}"));
        None
    }
}

/// A text in a message.
pub(super) fn shown(text: &str) -> String {
    let text = cut(text);
    if text.is_empty() || text.chars().any(|character| character.is_control() || character == '`') {
        format!("{text:?}")
    } else {
        format!("`{text}`")
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(77).chain("...".chars()).collect() }
}
