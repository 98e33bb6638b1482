//! What refusals and silences of an API come to.

use std::error::Error;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde_json::Value;
use slipway_core::auto_deploy::told;
use slipway_core::failure::{Code, Failure};
use slipway_ports::SecretText;

use crate::ask::Ask;
use crate::caller::Answer;
use crate::reading::Unread;

/// The host did not answer, or broke off.
pub(crate) fn unreachable(ask: &Ask, error: &reqwest::Error) -> Failure {
    let what = if error.is_timeout() { "did not answer in time" } else { "can't be reached" };
    let message = format!("{} {what}: {} failed: {}", host(&ask.url), ask.doing, cause_of(error));
    Failure::retry(Code::RepositoryUnreachable, message)
}

/// The host answered something else than success.
pub(crate) fn refused(ask: &Ask, answer: &Answer, secrets: &[SecretText]) -> Failure {
    let said = said(&answer.body, secrets).map_or_else(String::new, |said| format!(": {said}"));
    let status = answer.status;
    let message = format!("{} answered {} to {}{said}", host(&ask.url), status.as_u16(), ask.doing);
    match status {
        _ if is_limited(status, &answer.headers) => {
            let wait = answer.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()).map(told::line);
            let wait = wait.map_or_else(String::new, |wait| format!("; it asks to wait {wait}"));
            Failure::retry(Code::RepositoryUnreachable, format!("{message}{wait}")).with_hint("the host limits calls")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::permanent(Code::RepositoryUnauthorized, message).with_hint(
            "the token must not have expired, and may read and comment on requests and set statuses of this repository",
        ),
        StatusCode::NOT_FOUND => {
            Failure::permanent(Code::RevisionNotFound, message).with_hint("a host answers so too where the token may not look")
        }
        // A conflict: somebody changed it in between.
        status if status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT) => {
            Failure::retry(Code::RepositoryUnreachable, message)
        }
        status if status.is_redirection() => Failure::permanent(Code::RepositoryUnreachable, message)
            .with_hint("redirects are not followed with a token: write the URL that the repository has now"),
        _ => Failure::permanent(Code::RepositoryUnreachable, message),
    }
}

/// The host answered more than is read.
pub(crate) fn too_large(ask: &Ask, largest: usize) -> Failure {
    let message = format!("{} answered more than {} MiB to {}", host(&ask.url), largest >> 20, ask.doing);
    Failure::permanent(Code::RepositoryUnreachable, message)
}

/// What an answer tells; it may be one that the host does not document.
pub(crate) fn told<T>(ask: &Ask, read: Result<T, Unread>) -> Result<T, Failure> {
    read.map_err(|unread| {
        let message = format!("{} answered {} with what can't be read: {unread}", host(&ask.url), ask.doing);
        Failure::permanent(Code::RepositoryUnreachable, message).with_hint("check the kind of git host, and its URL")
    })
}

/// Two answers do not fit together.
pub(crate) fn moved(ask: &Ask) -> Failure {
    let message = format!("{} does not list the newest commit in answer to {}", host(&ask.url), ask.doing);
    Failure::retry(Code::RepositoryUnreachable, message)
}

/// The host does not stop telling.
pub(crate) fn endless(ask: &Ask) -> Failure {
    Failure::permanent(Code::RepositoryUnreachable, format!("{} lists too much for {}", host(&ask.url), ask.doing))
}

/// Whether a refusal is for too many calls. GitHub says so with 403.
fn is_limited(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_used_up = || headers.get("x-ratelimit-remaining").is_some_and(|remaining| remaining == "0");
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => is_used_up() || headers.contains_key(RETRY_AFTER),
        _ => false,
    }
}

/// What a host says of a refusal, in any of their ways, on one line and without what is secret.
fn said(body: &[u8], secrets: &[SecretText]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let places = ["/message", "/error/message", "/errors/0/message", "/error_description", "/error"];
    let said = places.into_iter().find_map(|place| json.pointer(place).filter(|value| !value.is_null()))?;
    let mut text = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
    for secret in secrets.iter().map(SecretText::expose).filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
    }
    Some(told::line(&text)).filter(|text| !text.is_empty())
}

fn host(url: &Url) -> String {
    format!("the API of {}", url.origin().ascii_serialization())
}

fn cause_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    told::line(&cause.to_string())
}
