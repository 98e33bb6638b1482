//! GitHub: <https://docs.github.com/webhooks/webhook-events-and-payloads>.

use slipway_core::auto_deploy::{Notice, What};

use crate::checked;
use crate::github_shape as shape;
use crate::refusal::Refusal;

/// Reads an event. A branch or tag that comes or goes is told by `push` too.
pub(crate) fn read(event: &str, json: &[u8]) -> Result<Vec<Notice>, Refusal> {
    let notice = match event {
        "push" => shape::push(event, json)?,
        "pull_request" => shape::pull_request(event, json)?,
        "issue_comment" => shape::comment(event, json)?,
        "ping" => shape::other(json, What::Ping),
        _ => shape::other(json, checked::ignored_event(event)),
    };
    Ok(vec![notice])
}
