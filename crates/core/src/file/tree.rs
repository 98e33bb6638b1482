//! A YAML document as a tree in which every node knows where it stands.
//!
//! The tree is made from the events of the parser with a stack of its own, so that no text, however deep, makes anything
//! here recurse; anchors, aliases and tags are refused, so that a small text never becomes a large value.

use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::problem::{Location, Problem};
use super::reader::MOST_PROBLEMS;

/// Most bytes of a file.
pub(super) const LARGEST_FILE: usize = 1 << 20;
/// Most mappings and lists inside each other.
pub(super) const DEEPEST: usize = 32;
/// Most characters of a key.
pub(super) const LONGEST_KEY: usize = 256;

/// One value of the document.
#[derive(Debug)]
pub(super) struct Node {
    pub line: usize,
    pub column: usize,
    pub value: Value,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Value {
    /// A text without quotes, whose meaning its reader decides.
    Plain(String),
    /// A text in quotes or in a block.
    Quoted(String),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
    /// Something that is refused already; readers pass over it.
    Refused,
}

/// One key of a mapping with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub line: usize,
    pub column: usize,
    pub node: Node,
}

/// Reads the one document of a text; `None` when there is no tree at all. What is wrong is in `problems`.
pub(super) fn read(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let start = Location { line: 1, column: 1, path: String::new() };
    if text.len() > LARGEST_FILE {
        problems.push(start.problem(format!("the file has {} bytes; expected at most {LARGEST_FILE}", text.len())));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { stack: Vec::new(), root: None, documents: 0, problems: Vec::new() };
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => {
                if let Err(fatal) = builder.take(event, &span.start) {
                    problems.push(fatal);
                    return None;
                }
            }
            Err(error) => {
                let place = at(error.marker());
                problems.push(place.problem(format!("this is not YAML: {}", error.info())));
                return None;
            }
        }
    }
    problems.append(&mut builder.problems);
    if builder.root.is_none() && problems.is_empty() {
        problems.push(start.problem("the file is empty; expected a mapping that begins with `apiVersion: slipway.dev/v1`"));
    }
    builder.root
}

fn at(marker: &Marker) -> Location {
    Location { line: marker.line().max(1), column: marker.col() + 1, path: String::new() }
}

/// A mapping or list whose end has not come yet.
struct Open {
    line: usize,
    column: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Mapping { entries: Vec<Entry>, seen: HashSet<String>, key: Option<PendingKey> },
}

/// A key whose value has not come yet; `name` is absent when the key was refused.
struct PendingKey {
    name: Option<String>,
    line: usize,
    column: usize,
}

struct Builder {
    stack: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    problems: Vec<Problem>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, marker: &Marker) -> Result<(), Problem> {
        let place = at(marker);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(place.problem("a second document begins here; expected one document in a file"));
                }
            }
            Event::Alias(_) => {
                self.refuse(&place, "YAML aliases (`*name`) are not allowed; write the value out");
                self.put(&place, Value::Refused);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let refused = self.refuse_decoration(&place, anchor, tag.as_deref());
                let value = match style {
                    _ if refused => Value::Refused,
                    ScalarStyle::Plain => Value::Plain(text.into_owned()),
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded => {
                        Value::Quoted(text.into_owned())
                    }
                };
                self.put(&place, value);
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_decoration(&place, anchor, tag.as_deref());
                self.open(&place, Inside::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_decoration(&place, anchor, tag.as_deref());
                self.open(&place, Inside::Mapping { entries: Vec::new(), seen: HashSet::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn refuse(&mut self, place: &Location, message: impl Into<String>) {
        if self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        let mut problem = place.problem(message);
        problem.path = self.path();
        self.problems.push(problem);
    }

    fn refuse_decoration(&mut self, place: &Location, anchor: usize, tag: Option<&Tag>) -> bool {
        if anchor != 0 {
            self.refuse(place, "YAML anchors (`&name`) are not allowed; write the value out where it is needed");
        }
        if let Some(tag) = tag {
            self.refuse(place, format!("YAML tags (`{tag}`) are not allowed; put a text in quotes"));
        }
        anchor != 0 || tag.is_some()
    }

    fn open(&mut self, place: &Location, inside: Inside) -> Result<(), Problem> {
        if self.stack.len() >= DEEPEST {
            return Err(place.problem(format!("mappings and lists are nested too deeply; expected at most {DEEPEST} levels")));
        }
        self.stack.push(Open { line: place.line, column: place.column, inside });
        Ok(())
    }

    fn close(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        let place = Location { line: open.line, column: open.column, path: String::new() };
        match open.inside {
            Inside::List(nodes) => self.put(&place, Value::List(nodes)),
            Inside::Mapping { entries, .. } => self.put(&place, Value::Mapping(entries)),
        }
    }

    /// Puts a finished node where it belongs: as the root, the next item, the next key or the value of the last key.
    fn put(&mut self, place: &Location, value: Value) {
        let (line, column) = (place.line, place.column);
        match self.stack.last_mut().map(|open| &mut open.inside) {
            None => self.root = Some(Node { line, column, value }),
            Some(Inside::List(nodes)) => nodes.push(Node { line, column, value }),
            Some(Inside::Mapping { entries, key, .. }) if key.is_some() => {
                if let Some(PendingKey { name: Some(name), line: key_line, column: key_column }) = key.take() {
                    // An empty value has no place of its own.
                    let empty = matches!(&value, Value::Plain(text) if text.is_empty());
                    let (line, column) = if empty { (key_line, key_column) } else { (line, column) };
                    entries.push(Entry { key: name, line: key_line, column: key_column, node: Node { line, column, value } });
                }
            }
            Some(Inside::Mapping { .. }) => self.put_key(place, value),
        }
    }

    fn put_key(&mut self, place: &Location, value: Value) {
        let name = match value {
            Value::Plain(text) | Value::Quoted(text) => Some(text),
            Value::List(_) | Value::Mapping(_) => {
                self.refuse(place, "a key must be a text, not a mapping or list");
                None
            }
            Value::Refused => None,
        };
        let name = name.filter(|name| self.accept_key(place, name));
        if let Some(Open { inside: Inside::Mapping { key, .. }, .. }) = self.stack.last_mut() {
            *key = Some(PendingKey { name, line: place.line, column: place.column });
        }
    }

    fn accept_key(&mut self, place: &Location, name: &str) -> bool {
        if name.is_empty() || name.chars().count() > LONGEST_KEY {
            self.refuse(place, format!("expected a key of 1 to {LONGEST_KEY} characters"));
            return false;
        }
        let Some(Open { inside: Inside::Mapping { seen, .. }, .. }) = self.stack.last_mut() else { return false };
        if seen.insert(name.to_owned()) {
            return true;
        }
        self.refuse(place, format!("the key `{name}` is here twice; keep one"));
        false
    }

    fn path(&self) -> String {
        self.stack.iter().fold(String::new(), |path, open| match &open.inside {
            Inside::List(nodes) => format!("{path}[{}]", nodes.len()),
            Inside::Mapping { key: Some(PendingKey { name: Some(name), .. }), .. } => join(&path, name),
            Inside::Mapping { .. } => path,
        })
    }
}

/// The path of a key in the mapping at `path`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
