//! What is written: values, lists, and mappings that keep the order of their keys.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// A part of a document.
pub(super) enum Node {
    Value(serde_json::Value),
    List(Vec<Node>),
    Mapping(Mapping),
}

impl Node {
    pub(super) fn null() -> Self {
        Self::Value(serde_json::Value::Null)
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Value(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Mapping(Mapping(entries)) => entries.is_empty(),
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Mapping(Mapping(entries)) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

macro_rules! from_values {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Node {
            fn from(value: $kind) -> Self {
                Self::Value(value.into())
            }
        }
    )*};
}

from_values!(&str, String, bool, u16, u32, serde_json::Value);

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Self::List(items)
    }
}

impl From<Mapping> for Node {
    fn from(mapping: Mapping) -> Self {
        Self::Mapping(mapping)
    }
}

/// Keys and what stands under them, in their order.
#[derive(Default)]
pub(super) struct Mapping(Vec<(String, Node)>);

impl Mapping {
    pub(super) fn put(&mut self, key: &str, value: impl Into<Node>) {
        self.0.push((key.to_owned(), value.into()));
    }

    /// Nothing where it goes without saying.
    pub(super) fn put_unless(&mut self, goes_without_saying: bool, key: &str, value: impl Into<Node>) {
        if !goes_without_saying {
            self.put(key, value);
        }
    }

    pub(super) fn put_some(&mut self, key: &str, value: Option<impl Into<Node>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Nothing for an empty list or mapping.
    pub(super) fn put_filled(&mut self, key: &str, value: impl Into<Node>) {
        let value = value.into();
        if !value.is_empty() {
            self.put(key, value);
        }
    }
}

pub(super) fn list<T>(items: &[T], write: impl Fn(&T) -> Mapping) -> Vec<Node> {
    items.iter().map(|item| write(item).into()).collect()
}

pub(super) fn texts(texts: &[String]) -> Vec<Node> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

/// A duration as a file has it, in the largest unit that it is a whole number of.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
