//! What an API is asked.

use reqwest::{Method, Url};
use serde_json::Value;

/// One request to an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// What it is for, as it stands in a failure: `reading request 7`.
    pub(crate) doing: String,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Value>,
}

impl Ask {
    /// Asks for what is there.
    pub(crate) fn read(doing: impl Into<String>, url: Url) -> Self {
        Self { doing: doing.into(), method: Method::GET, url, body: None }
    }

    /// Asks to write.
    pub(crate) fn write(doing: impl Into<String>, method: Method, url: Url, body: Value) -> Self {
        Self { doing: doing.into(), method, url, body: Some(body) }
    }

    /// The same with parameters.
    pub(crate) fn with(mut self, parameters: &[(&str, &str)]) -> Self {
        self.url.query_pairs_mut().extend_pairs(parameters);
        self
    }

    /// The same for a page of what is listed, by the names that the host has for its number and its size.
    pub(crate) fn with_page(self, (number, size): (&str, &str), page: u64) -> Self {
        self.with(&[(size, &PER_PAGE.to_string()), (number, &page.to_string())])
    }
}

/// How many things a page is asked to hold.
pub(crate) const PER_PAGE: usize = 100;

/// A part of what is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next one begins; none: it was the last.
    pub(crate) next: Option<u64>,
}

impl<T> Page<T> {
    /// A page of a list that tells no more than its things: a full one may have another after it.
    pub(crate) fn numbered(items: Vec<T>, number: u64) -> Self {
        let next = (items.len() >= PER_PAGE).then(|| number.saturating_add(1));
        Self { items, next }
    }

    /// The same with each thing made into another.
    pub(crate) fn map<U>(self, into: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(into).collect(), next: self.next }
    }

    /// All there is.
    pub(crate) fn only(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
