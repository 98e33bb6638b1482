//! Refusals as problem details (RFC 9457).

use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::file;
use slipway_core::pipeline_edit::RefusalCode;
use slipway_engine::EngineError;
use slipway_ports::StoreError;
use slipway_ports::api::{FileProblem, ProblemDetails, REQUEST_CODES};

/// The answer to a request that was not done.
#[derive(Debug, Clone)]
pub(crate) struct Problem(pub(crate) Box<ProblemDetails>);

impl Problem {
    /// A problem with its stable word.
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        debug_assert!(
            is_known(code),
            "{code} is no code of a problem; see REQUEST_CODES in crates/ports/src/api/request_code.rs"
        );
        Self(Box::new(ProblemDetails {
            kind: format!("https://slipway.dev/errors/{code}"),
            title: code.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            hint: None,
            problems: Vec::new(),
        }))
    }

    /// The request does not read.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request-invalid", detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// The environment file is refused, with all that is wrong with it.
    pub(crate) fn file(problems: Vec<file::Problem>) -> Self {
        Self::refused_file("the environment file", problems)
    }

    /// The file of a project is refused, with all that is wrong with it.
    pub(crate) fn project_file(problems: Vec<file::Problem>) -> Self {
        Self::refused_file("the file of the project", problems)
    }

    /// A file can not be written, which is a defect of ours.
    pub(crate) fn unwritten(error: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the file can't be written: {error}"))
    }

    fn refused_file(what: &str, problems: Vec<file::Problem>) -> Self {
        let count = problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        let mut refused = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "file-invalid", format!("{what} has {count} {noun}"));
        let view = |problem: file::Problem| FileProblem {
            line: problem.line,
            column: problem.column,
            path: problem.path,
            message: problem.message,
        };
        refused.0.problems = problems.into_iter().map(view).collect();
        refused
    }

    /// The same with what to do next.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }
}

/// Whether a code has a page.
fn is_known(code: &str) -> bool {
    let is_failure = Code::ALL.into_iter().any(|known| known.as_str() == code);
    let is_refusal = || RefusalCode::ALL.into_iter().any(|known| known.as_str() == code);
    is_failure || is_refusal() || REQUEST_CODES.contains(&code)
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::NotFound(_) => Self::not_found(text),
            EngineError::Refused(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", text),
            EngineError::EnvironmentExists(_) => Self::new(StatusCode::CONFLICT, "environment-exists", text)
                .with_hint("choose another name; what is there is left as it is"),
            EngineError::NotCloned(refusal) => (*refusal).into(),
            EngineError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", text),
            EngineError::Unavailable(_) | EngineError::Fenced(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text)
            }
            EngineError::Internal(_) => {
                tracing::error!(%text, "internal error");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", text)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure.kind {
            FailureKind::Retry => StatusCode::SERVICE_UNAVAILABLE,
            FailureKind::Permanent => StatusCode::UNPROCESSABLE_ENTITY,
            FailureKind::Canceled => StatusCode::CONFLICT,
        };
        let mut problem = Self::new(status, failure.code.as_str(), failure.message);
        problem.0.hint = failure.hint;
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"slipway\""));
        }
        response
    }
}
