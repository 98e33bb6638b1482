//! Payloads in the shape of GitHub's, which Gitea, Forgejo and Gogs took over.

use serde::Deserialize;
use serde::de::IgnoredAny;
use slipway_core::auto_deploy::{Notice, RequestWhat, What};

use crate::checked::{self, Reference};
use crate::content;
use crate::refusal::Refusal;

/// Members of what owns a repository, and those that were invited to it, as GitHub calls them.
const MAY_WRITE: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];

#[derive(Debug, Deserialize)]
pub(crate) struct Repository {
    id: u64,
    full_name: String,
    clone_url: Option<String>,
    ssh_url: Option<String>,
    /// What the sender may do; GitHub does not say it.
    permissions: Option<Permissions>,
}

#[derive(Debug, Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Person {
    login: Option<String>,
    /// Gogs has this alone.
    username: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Push {
    r#ref: String,
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    forced: bool,
    #[serde(alias = "compare_url")]
    compare: Option<String>,
    commits: Option<Vec<IgnoredAny>>,
    /// Where `commits` is cut.
    total_commits: Option<u64>,
    repository: Repository,
    sender: Option<Person>,
}

#[derive(Debug, Deserialize)]
struct PullRequestEvent {
    action: String,
    number: u64,
    pull_request: PullRequest,
    repository: Repository,
    sender: Option<Person>,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    title: String,
    html_url: Option<String>,
    #[serde(default)]
    merged: Option<bool>,
    head: Head,
    base: Base,
}

#[derive(Debug, Deserialize)]
struct Head {
    r#ref: String,
    sha: String,
    /// None when it is deleted.
    repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Base {
    r#ref: String,
}

#[derive(Debug, Deserialize)]
struct CommentEvent {
    action: String,
    issue: Issue,
    comment: Comment,
    repository: Repository,
    sender: Option<Person>,
}

#[derive(Debug, Deserialize)]
struct Issue {
    number: u64,
    /// There if the issue is a pull request.
    pull_request: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Comment {
    body: String,
    html_url: Option<String>,
    user: Person,
    /// GitHub alone says it.
    author_association: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Other {
    repository: Option<Repository>,
    sender: Option<Person>,
}

impl Repository {
    pub(crate) fn checked(self) -> Result<checked::Repository, Refusal> {
        checked::Repository::new("repository", &self.full_name, [self.clone_url, self.ssh_url])
    }
}

impl Person {
    pub(crate) fn name(&self) -> Option<String> {
        checked::person([self.login.as_deref(), self.username.as_deref()])
    }
}

fn name(person: Option<&Person>) -> Option<String> {
    person.and_then(Person::name)
}

/// A push to a branch or of a tag.
pub(crate) fn push(event: &str, json: &[u8]) -> Result<Notice, Refusal> {
    let push: Push = content::parse(json)?;
    let after = checked::commit("after", push.after.as_deref())?;
    let what = match checked::reference("ref", &push.r#ref)? {
        Reference::Branch(branch) => What::Push {
            branch,
            before: checked::commit("before", push.before.as_deref())?,
            after,
            forced: push.forced,
            commits: checked::count(push.total_commits.unwrap_or(push.commits.map_or(0, |commits| commits.len() as u64))),
            link: checked::link(push.compare.as_deref()),
        },
        Reference::Tag(tag) => What::Tag { tag, after },
        Reference::Other => checked::ignored(event, "the ref is neither a branch nor a tag"),
    };
    Ok(push.repository.checked()?.notice(name(push.sender.as_ref()), what))
}

/// Something was done to a pull request.
pub(crate) fn pull_request(event: &str, json: &[u8]) -> Result<Notice, Refusal> {
    let told: PullRequestEvent = content::parse(json)?;
    let PullRequest { title, html_url, merged, head, base } = told.pull_request;
    let what = match request_what(&told.action, merged.unwrap_or_default()) {
        Some(what) => What::Request {
            number: told.number,
            what,
            from: checked::branch_name("pull_request.head.ref", &head.r#ref)?,
            into: checked::branch_name("pull_request.base.ref", &base.r#ref)?,
            head: checked::some_commit("pull_request.head.sha", &head.sha)?,
            from_fork: head.repo.as_ref().is_none_or(|repository| repository.id != told.repository.id),
            head_repository: head.repo.map_or_else(Vec::new, |from| checked::urls([from.clone_url, from.ssh_url])),
            title: checked::line(&title),
            link: checked::link(html_url.as_deref()),
        },
        None => checked::ignored_action(event, &told.action),
    };
    Ok(told.repository.checked()?.notice(name(told.sender.as_ref()), what))
}

fn request_what(action: &str, merged: bool) -> Option<RequestWhat> {
    match action {
        "opened" | "reopened" => Some(RequestWhat::Opened),
        // The first two are GitHub's word and Gitea's for new commits.
        "synchronize" | "synchronized" | "edited" | "ready_for_review" | "converted_to_draft" => Some(RequestWhat::Updated),
        "closed" => Some(RequestWhat::Closed { merged }),
        _ => None,
    }
}

/// Somebody commented on an issue or a pull request.
pub(crate) fn comment(event: &str, json: &[u8]) -> Result<Notice, Refusal> {
    let told: CommentEvent = content::parse(json)?;
    let (by, sender) = (told.comment.user.name(), name(told.sender.as_ref()));
    let what = if told.action != "created" {
        checked::ignored_action(event, &told.action)
    } else if told.issue.pull_request.is_none() {
        checked::ignored(event, "the comment is on an issue")
    } else {
        let association = told.comment.author_association.as_deref().unwrap_or_default();
        // Gitea tells the rights of the sender, who is the writer.
        let sender_may = told.repository.permissions.as_ref().is_some_and(|permissions| permissions.push);
        What::Comment {
            number: told.issue.number,
            text: checked::comment(&told.comment.body),
            may_write: by.is_some() && (MAY_WRITE.contains(&association) || (sender_may && by == sender)),
            by: by.ok_or_else(|| Refusal::malformed("comment.user", "has no name"))?,
            link: checked::link(told.comment.html_url.as_deref()),
        }
    };
    Ok(told.repository.checked()?.notice(sender, what))
}

/// What does not depend on the rest of the payload.
pub(crate) fn other(json: &[u8], what: What) -> Notice {
    let other: Other = content::glance(json);
    let repository = other.repository.and_then(|repository| repository.checked().ok());
    repository.unwrap_or_default().notice(name(other.sender.as_ref()), what)
}
