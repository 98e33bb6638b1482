//! Gitea, Forgejo and Gogs: <https://docs.gitea.com/usage/webhooks>. Their payloads are GitHub's but for a few words.

use serde::Deserialize;
use slipway_core::auto_deploy::{Notice, What};

use crate::checked;
use crate::content;
use crate::github_shape::{self as shape, Person, Repository};
use crate::refusal::Refusal;

#[derive(Debug, Deserialize)]
struct Delete {
    /// Without `refs/heads/`.
    r#ref: String,
    ref_type: String,
    repository: Repository,
    sender: Option<Person>,
}

#[derive(Debug, Deserialize)]
struct AnyPullRequest {
    pull_request: PullRequest,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    /// Gogs names the branches, but no commit.
    head_branch: Option<String>,
}

/// Reads an event.
pub(crate) fn read(event: &str, json: &[u8]) -> Result<Vec<Notice>, Refusal> {
    let notice = match event {
        "push" => shape::push(event, json)?,
        "delete" => delete(event, json)?,
        "pull_request" if is_of_gogs(json) => {
            shape::other(json, checked::ignored(event, "Gogs does not tell the commit of a pull request"))
        }
        "pull_request" => shape::pull_request(event, json)?,
        "issue_comment" => shape::comment(event, json)?,
        _ => shape::other(json, checked::ignored_event(event)),
    };
    Ok(vec![notice])
}

fn is_of_gogs(json: &[u8]) -> bool {
    content::parse::<AnyPullRequest>(json).is_ok_and(|any| any.pull_request.head_branch.is_some())
}

/// A branch or tag went: no push tells it.
fn delete(event: &str, json: &[u8]) -> Result<Notice, Refusal> {
    let told: Delete = content::parse(json)?;
    let name = checked::branch_name("ref", &told.r#ref)?;
    let what = match told.ref_type.as_str() {
        "branch" => What::Push { branch: name, before: None, after: None, forced: false, commits: 0, link: None },
        "tag" => What::Tag { tag: name, after: None },
        _ => checked::ignored(event, "the ref is neither a branch nor a tag"),
    };
    Ok(told.repository.checked()?.notice(told.sender.as_ref().and_then(Person::name), what))
}
