//! Who asks: the owner by the token of the server, or somebody who signed in with a browser.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use jiff::Timestamp;

use crate::problem::Problem;

/// By which way somebody asks. The guard notes it on each request that it lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// With the token of the server.
    Owner,
    /// With a session, which lasts until then.
    Session(Timestamp),
}

/// A caller with the token of the server. What a page never needs is refused to a session, which lies in the storage of a browser: to end the
/// server, to change its key, to sign others in, and to be in a pod (a page can open no websocket with a token).
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnerOnly;

fn nobody() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "token-missing", "the request carries no bearer token")
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or_else(nobody)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OwnerOnly {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, state).await? {
            Caller::Owner => Ok(Self),
            Caller::Session(_) => {
                let detail = "this wants the token of the server, and the request carries a session";
                Err(Problem::new(StatusCode::FORBIDDEN, "owner-only", detail).with_hint("use the command line: slipway --help"))
            }
        }
    }
}
