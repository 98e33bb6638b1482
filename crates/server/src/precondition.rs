//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110): which version of an environment or a project an answer shows, and which one a request is meant
//! for.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use slipway_core::pipeline_edit::RefusalCode;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::problem::Problem;
use crate::request::header_parameter;

/// What a version is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An environment.
    Environment,
    /// What a project gives its environments; it is always there, at version 0 while it gives nothing.
    Project,
}

impl Subject {
    fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Project => "project",
        }
    }
}

/// The versions of something that a request may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Whichever there is: no `If-Match`, or `If-Match: *`.
    Any,
    /// One that has one of these tags.
    OneOf(Vec<String>),
    /// None: `If-None-Match: *` makes something new and changes nothing.
    New,
}

impl Precondition {
    /// Refuses a version that the request is not meant for; 0 is that of what is not there.
    pub(crate) fn check(&self, subject: Subject, version: u64) -> Result<(), Problem> {
        match self {
            Self::Any => Ok(()),
            Self::OneOf(tags) if tags.contains(&version.to_string()) => Ok(()),
            Self::OneOf(_) if version == 0 && subject == Subject::Environment => Err(Self::gone()),
            Self::OneOf(_) => Err(Self::stale(subject, version)),
            Self::New if version == 0 => Ok(()),
            Self::New => Err(Self::taken(subject)),
        }
    }

    /// The answer to a request that is meant for an environment that is not there any more.
    fn gone() -> Problem {
        let detail = "the environment that `If-Match` is about is not there any more: somebody deleted it";
        Problem::new(StatusCode::PRECONDITION_FAILED, RefusalCode::VersionStale.as_str(), detail)
            .with_hint("without `If-Match` the file makes it anew")
    }

    /// The answer to a request that would make what is there.
    fn taken(subject: Subject) -> Problem {
        let detail = format!("the {} is there already, and `If-None-Match: *` asks for a new one", subject.word());
        Problem::new(StatusCode::PRECONDITION_FAILED, "environment-exists", detail)
            .with_hint("choose another name, or edit the one that is there")
    }

    /// The answer to a request that is meant for another version than the one there is.
    fn stale(subject: Subject, version: u64) -> Problem {
        let what = subject.word();
        let detail = format!("the {what} is at version {version}, which `If-Match` does not name: somebody changed it");
        Problem::new(StatusCode::PRECONDITION_FAILED, RefusalCode::VersionStale.as_str(), detail)
            .with_hint("read it again, and send the change with the `ETag` of that answer")
    }

    fn parse(values: &[&str]) -> Option<Self> {
        if values.iter().any(|value| value.trim() == "*") {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        for value in values {
            let mut rest = value.trim();
            while !rest.is_empty() {
                let weak = rest.strip_prefix("W/");
                let (tag, after) = weak.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
                // A weak tag never matches here: `If-Match` compares strongly.
                if weak.is_none() {
                    tags.push(tag.to_owned());
                }
                let after = after.trim_start();
                rest = if after.is_empty() { after } else { after.strip_prefix(',')?.trim_start() };
            }
        }
        Some(Self::OneOf(tags))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(none) = parts.headers.get(header::IF_NONE_MATCH) {
            let is_any = none.as_bytes().trim_ascii() == b"*" && !parts.headers.contains_key(header::IF_MATCH);
            let expected = "`If-None-Match` does not read: expected `*`, without `If-Match`";
            return if is_any { Ok(Self::New) } else { Err(Problem::bad_request(expected)) };
        }
        let values: Result<Vec<&str>, _> = parts.headers.get_all(header::IF_MATCH).iter().map(HeaderValue::to_str).collect();
        let parsed = match values.as_deref() {
            Ok([]) => Some(Self::Any),
            Ok(values) => Self::parse(values),
            Err(_) => None,
        };
        parsed.ok_or_else(|| {
            Problem::bad_request(
                "`If-Match` does not read: expected `*`, or entity tags such as `\"7\"` with commas between them",
            )
        })
    }
}

impl IntoParams for Precondition {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "The version that the change is meant for, as `ETag` told it; with another one nothing is changed (412)";
        vec![header_parameter("If-Match", description)]
    }
}

/// An answer that shows a version of something; its tag is what `If-Match` takes.
pub(crate) struct Versioned<T>(pub(crate) u64, pub(crate) T);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, entity_tag(self.0))], Json(self.1)).into_response()
    }
}

/// The tag of a version.
pub(crate) fn entity_tag(version: u64) -> String {
    format!("\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::{Precondition, Subject};

    #[test]
    fn entity_tags_are_read_as_rfc_9110_writes_them() {
        let one_of = |tags: &[&str]| Some(Precondition::OneOf(tags.iter().copied().map(str::to_owned).collect()));
        for (values, expected) in [
            (&["*"][..], Some(Precondition::Any)),
            (&["\"7\""], one_of(&["7"])),
            (&["\"7\", \"a,b\" ,W/\"9\"", "\"8\""], one_of(&["7", "a,b", "8"])),
            (&["W/\"7\""], one_of(&[])),
            (&[""], one_of(&[])),
            (&["7"], None),
            (&["\"7"], None),
            (&["\"7\" \"8\""], None),
            (&["w/\"7\""], None),
        ] {
            assert_eq!(Precondition::parse(values), expected, "{values:?}");
        }
    }

    #[test]
    fn only_a_version_that_is_named_may_be_changed() {
        let named = Precondition::parse(&["\"7\", W/\"8\""]).unwrap();
        assert!(named.check(Subject::Environment, 7).is_ok());
        for stale in [8, 77, 0] {
            assert_eq!(named.check(Subject::Environment, stale).unwrap_err().0.status, 412, "{stale}");
        }
        assert!(Precondition::Any.check(Subject::Environment, 1).is_ok());
        assert!(Precondition::New.check(Subject::Environment, 0).is_ok());
        let taken = Precondition::New.check(Subject::Environment, 1).unwrap_err().0;
        assert_eq!((taken.status, taken.code.as_str()), (412, "environment-exists"));
    }
}
