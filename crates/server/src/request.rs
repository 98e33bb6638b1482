//! Reading requests; what does not read is a problem, never a bare text.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use slipway_core::model::Name;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Type};

use crate::problem::Problem;

/// The most that a request may send.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// How long a client may take to send it.
const LONGEST_BODY: Duration = Duration::from_secs(30);

/// The whole body.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = tokio::time::timeout(LONGEST_BODY, Bytes::from_request(request, state)).await.map_err(|_| {
            let detail = format!("the body did not come within {} s", LONGEST_BODY.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail)
        })?;
        read.map(Self).map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let detail = format!("the body has more than {MOST_BYTES} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
            } else {
                Problem::bad_request(format!("the body does not read: {rejection}"))
            }
        })
    }
}

impl Body {
    /// The body as text.
    pub(crate) fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.0).map_err(|error| Problem::bad_request(format!("the body is not UTF-8: {error}")))
    }

    /// The body as JSON; an empty one counts as `{}`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let text: &[u8] = if self.0.is_empty() { b"{}" } else { &self.0 };
        serde_json::from_slice(text).map_err(|error| Problem::bad_request(format!("the body is not what is expected: {error}")))
    }
}

/// The query of the URL.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(query)| Self(query)).map_err(|error| Problem::bad_request(format!("the query does not read: {error}")))
    }
}

/// Parts of the path.
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path)).map_err(|error| Problem::bad_request(format!("the path does not read: {error}")))
    }
}

/// The event that a client has seen last.
pub(crate) struct LastEventId(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned)))
    }
}

impl IntoParams for LastEventId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The id of the last event that the client has seen; what came after it follows, once";
        vec![header_parameter("Last-Event-ID", description)]
    }
}

/// A header that a request may have, for the document of the API.
pub(crate) fn header_parameter(name: &str, description: &str) -> Parameter {
    let text = Object::with_type(Type::String);
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    parameter.description(Some(description)).schema(Some(text)).build()
}

/// A request that wants to become a websocket.
pub(crate) struct Upgrade(pub(crate) WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        WebSocketUpgrade::from_request_parts(parts, state).await.map(Self).map_err(|rejection| {
            Problem::new(rejection.status(), "request-invalid", format!("this is no websocket: {}", rejection.body_text()))
        })
    }
}

/// A name in a path: one that can not exist is not found.
pub(crate) fn name(text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::not_found(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let never = axum::body::Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let request = Request::builder().body(never).unwrap();
        let problem = Body::from_request(request, &()).await.err().expect("no body");
        assert_eq!((problem.0.status, problem.0.code.as_str()), (408, "body-too-slow"));
    }
}
