//! What a registry's answers and silences mean, as failures.

use std::error::Error;

use reqwest::{Response, StatusCode, header};
use serde::Deserialize;
use slipway_core::failure::{Code, Failure};

use super::endpoint::Endpoint;

/// How much of an error's body is read.
const LARGEST_ERROR: usize = 64 * 1024;
/// How much of what a registry says is shown.
const LONGEST_MESSAGE: usize = 300;

/// The registry did not answer, or broke off.
pub(crate) fn unreachable(endpoint: &Endpoint, error: reqwest::Error) -> Failure {
    // Redirects carry signed addresses: they are credentials of a kind.
    let error = error.without_url();
    let reason = cause_of(&error);
    let what = if error.is_timeout() { "did not answer in time" } else { "can't be reached" };
    let message = format!("registry {} {what}: {}", endpoint.shown(), reason);
    let hint = "check that the registry runs and that its address is right; the step is tried again";
    Failure::retry(Code::RegistryUnavailable, message).with_hint(hint)
}

/// What an error comes from in the end.
pub(crate) fn cause_of(error: &reqwest::Error) -> String {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = cause.to_string();
        source = cause.source();
    }
    printable(&reason)
}

/// The registry answered something else than success.
pub(crate) async fn refused(endpoint: &Endpoint, doing: &str, response: Response) -> Failure {
    let status = response.status();
    let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(printable);
    let said = said(response).await;
    let host = endpoint.shown();
    let message = format!("registry {host} answered {} to {doing}{said}", status.as_u16());
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Failure::permanent(Code::RegistryUnauthorized, message).with_hint(credential_hint(endpoint))
        }
        StatusCode::NOT_FOUND => Failure::permanent(Code::ImageNotFound, message)
            .with_hint("check the name and the tag; a private image may look as if it did not exist"),
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = wait.map_or_else(String::new, |wait| format!("; it asks to wait {wait}"));
            Failure::retry(Code::RegistryUnavailable, format!("{message}{wait}"))
                .with_hint("the registry limits requests; a credential often raises the limit")
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Failure::retry(Code::RegistryUnavailable, message)
        }
        _ => Failure::permanent(Code::RegistryUnavailable, message),
    }
}

/// A failure to authenticate for which no request is to blame.
pub(crate) fn unauthorized(endpoint: &Endpoint, why: &str) -> Failure {
    let message = format!("registry {} wants credentials: {why}", endpoint.shown());
    Failure::permanent(Code::RegistryUnauthorized, message).with_hint(credential_hint(endpoint))
}

fn credential_hint(endpoint: &Endpoint) -> String {
    format!("store a credential for {} that may read and write there", endpoint.credential_host)
}

/// Whether the body of a 404 is a registry's: something else in its place may answer 404 to everything.
pub(crate) async fn is_registry_error(response: Response) -> bool {
    errors(response).await.is_some()
}

#[derive(Deserialize)]
struct Envelope {
    errors: Vec<RegistryError>,
}

#[derive(Deserialize)]
struct RegistryError {
    code: String,
    #[serde(default)]
    message: Option<String>,
}

async fn errors(response: Response) -> Option<Vec<RegistryError>> {
    let body = super::session::read_at_most(response, LARGEST_ERROR).await?;
    serde_json::from_slice::<Envelope>(&body).ok().map(|envelope| envelope.errors)
}

async fn said(response: Response) -> String {
    let Some(errors) = errors(response).await else { return String::new() };
    let Some(first) = errors.into_iter().next() else { return String::new() };
    let text = format!(": {} {}", first.code, first.message.unwrap_or_default());
    printable(text.trim_end())
}

/// Text from outside without control characters, cut to a length that fits a line.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST_MESSAGE).collect()
}
