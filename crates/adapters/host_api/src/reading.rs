//! Answers of an API, read.

use serde::de::DeserializeOwned;
use slipway_core::auto_deploy::told::Unfit;

/// An answer that is not what the host documents: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub(crate) struct Unread {
    field: String,
    problem: &'static str,
}

/// A value of the JSON. The message of the parser is left out: it may quote the answer.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unread> {
    let mut from = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let problem = if error.inner().is_data() { "is not of the form that the host documents" } else { "is no JSON" };
        Unread { field: error.path().to_string(), problem }
    })
}

/// What is told in a field.
pub(crate) fn fit<T>(field: &str, read: Result<T, Unfit>) -> Result<T, Unread> {
    read.map_err(|unfit| Unread { field: field.to_owned(), problem: unfit.as_str() })
}

/// What must be in a field.
pub(crate) fn given<T>(field: &str, value: Option<T>) -> Result<T, Unread> {
    value.ok_or_else(|| Unread { field: field.to_owned(), problem: "is missing" })
}
