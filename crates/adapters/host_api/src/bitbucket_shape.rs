//! What Bitbucket Cloud and Bitbucket Data Center have in common: lists under `values`, words for builds, and no HTML in comments.

use serde::Deserialize;
use serde_json::Value;
use slipway_ports::{CommitState, CommitStatus};

use crate::shown;

/// The most characters of the description of a build.
const LONGEST_DESCRIPTION: usize = 255;

/// A part of what is listed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed<T> {
    pub(crate) values: Vec<T>,
    /// Where the next part begins, at Data Center.
    pub(crate) next_page_start: Option<u64>,
    /// The URL of the next part, at Cloud.
    pub(crate) next: Option<String>,
}

/// A status as a build, which must have a key of bounded length and a page.
pub(crate) fn build(status: &CommitStatus, longest_key: usize, page: &str) -> Value {
    let state = match status.state {
        CommitState::Pending => "INPROGRESS",
        CommitState::Success => "SUCCESSFUL",
        CommitState::Failure => "FAILED",
    };
    shown::object([
        ("state", Some(state)),
        ("key", Some(&shown::key(&status.context, longest_key))),
        ("name", Some(&shown::beginning(&status.context, LONGEST_DESCRIPTION))),
        ("description", Some(&shown::beginning(&status.description, LONGEST_DESCRIPTION))),
        ("url", Some(page)),
    ])
}

/// A mark as the definition of a link that nothing refers to: Bitbucket shows HTML, also a comment of it.
pub(crate) fn mark(mark: &str) -> String {
    format!("[//]: # (slipway:{mark})")
}
