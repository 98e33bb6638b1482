//! The JSON in a body, and values in the JSON.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::host::Host;
use crate::receive::Headers;
use crate::refusal::Refusal;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The JSON that a body holds: the body itself, or the field `payload` of GitHub's form.
///
/// # Errors
/// `ContentType`, `NotJson`, and `Malformed` for a form without its field.
pub(crate) fn json<'b>(host: Host, headers: &Headers<'_>, body: &'b [u8]) -> Result<Cow<'b, [u8]>, Refusal> {
    let kind = headers("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let json = if kind.eq_ignore_ascii_case(JSON) {
        Cow::Borrowed(body)
    } else if host == Host::GitHub && kind.eq_ignore_ascii_case(FORM) {
        let field = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        let (_, payload) = field.ok_or_else(|| Refusal::malformed("payload", "is missing in the form"))?;
        Cow::Owned(payload.into_owned().into_bytes())
    } else {
        return Err(Refusal::ContentType { expected: JSON });
    };
    serde_json::from_slice::<IgnoredAny>(&json).map_err(|_| Refusal::NotJson)?;
    Ok(json)
}

/// A value of the JSON.
///
/// # Errors
/// `NotJson`, and `Malformed` with the path of the field. The message of the parser is left out: it may quote the body.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refusal> {
    let mut from = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let inner = error.inner().to_string();
        let path = error.path().to_string();
        // The name in it is one of ours: that of a field of the struct.
        match inner.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((missing, _)) if path == "." => Refusal::malformed(missing, "is missing"),
            Some((missing, _)) => Refusal::malformed(format!("{path}.{missing}"), "is missing"),
            None if error.inner().is_data() => Refusal::malformed(path, "is not of the form that the host documents"),
            None => Refusal::NotJson,
        }
    })
}

/// What can be read of the repository and the sender of an event from which nothing follows; nothing, if it is of another form.
pub(crate) fn glance<T: DeserializeOwned + Default>(json: &[u8]) -> T {
    serde_json::from_slice(json).unwrap_or_default()
}
