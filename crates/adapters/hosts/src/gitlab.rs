//! GitLab: <https://docs.gitlab.com/user/project/integrations/webhook_events/>. It has no ping: its test sends a real event.

use serde::Deserialize;
use slipway_core::auto_deploy::{Notice, RequestWhat, What};

use crate::checked::{self, Reference};
use crate::content;
use crate::refusal::Refusal;

#[derive(Debug, Default, Deserialize)]
struct Kind {
    object_kind: Option<String>,
    /// Of system hooks.
    event_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Project {
    path_with_namespace: String,
    git_http_url: Option<String>,
    git_ssh_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Person {
    username: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Push {
    r#ref: String,
    before: Option<String>,
    after: Option<String>,
    user_username: Option<String>,
    user_name: Option<String>,
    project: Project,
    /// At most the 20 newest.
    commits: Option<Vec<Commit>>,
    total_commits_count: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Commit {
    id: String,
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct MergeRequestEvent {
    user: Option<Person>,
    project: Project,
    object_attributes: MergeRequest,
}

#[derive(Debug, Deserialize)]
struct MergeRequest {
    iid: u64,
    /// Not there when the event is a test.
    action: Option<String>,
    title: String,
    url: Option<String>,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<u64>,
    target_project_id: u64,
    /// None when it is deleted.
    source: Option<Project>,
    /// None when there is none yet.
    last_commit: Option<LastCommit>,
}

#[derive(Debug, Deserialize)]
struct LastCommit {
    id: String,
}

#[derive(Debug, Deserialize)]
struct NoteEvent {
    user: Person,
    project: Project,
    object_attributes: Note,
    merge_request: Option<Noted>,
}

#[derive(Debug, Deserialize)]
struct Note {
    #[serde(rename = "note")]
    text: String,
    /// GitLab before 16 has none.
    action: Option<String>,
    /// Written by GitLab itself.
    #[serde(default)]
    system: bool,
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Noted {
    iid: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Other {
    project: Option<Project>,
    user: Option<Person>,
}

impl Project {
    fn checked(self) -> Result<checked::Repository, Refusal> {
        checked::Repository::new("project", &self.path_with_namespace, [self.git_http_url, self.git_ssh_url])
    }
}

impl Person {
    fn name(&self) -> Option<String> {
        checked::person([self.username.as_deref(), self.name.as_deref()])
    }
}

/// Reads an event. What it is stands in the body: the header is one for all events of a system hook.
pub(crate) fn read(event: &str, json: &[u8]) -> Result<Vec<Notice>, Refusal> {
    let kind: Kind = content::parse(json)?;
    let notice = match kind.object_kind.or(kind.event_name).as_deref() {
        Some("push" | "tag_push") => push(event, json)?,
        Some("merge_request") => merge_request(event, json)?,
        Some("note") => note(event, json)?,
        _ => other(event, json),
    };
    Ok(vec![notice])
}

fn push(event: &str, json: &[u8]) -> Result<Notice, Refusal> {
    let push: Push = content::parse(json)?;
    let after = checked::commit("after", push.after.as_deref())?;
    let commits = push.commits.unwrap_or_default();
    let what = match checked::reference("ref", &push.r#ref)? {
        Reference::Branch(branch) => What::Push {
            branch,
            before: checked::commit("before", push.before.as_deref())?,
            // GitLab does not tell whether commits were taken off the branch.
            forced: false,
            commits: checked::count(push.total_commits_count.unwrap_or(commits.len() as u64)),
            link: commits
                .iter()
                .find(|commit| Some(&commit.id) == after.as_ref())
                .and_then(|commit| checked::link(commit.url.as_deref())),
            after,
        },
        Reference::Tag(tag) => What::Tag { tag, after },
        Reference::Other => checked::ignored(event, "the ref is neither a branch nor a tag"),
    };
    let sender = checked::person([push.user_username.as_deref(), push.user_name.as_deref()]);
    Ok(push.project.checked()?.notice(sender, what))
}

fn merge_request(event: &str, json: &[u8]) -> Result<Notice, Refusal> {
    let told: MergeRequestEvent = content::parse(json)?;
    let request = told.object_attributes;
    let action = request.action.as_deref().unwrap_or("test");
    let what = match (request_what(action), request.last_commit) {
        (Some(what), Some(head)) => What::Request {
            number: request.iid,
            what,
            from: checked::branch_name("object_attributes.source_branch", &request.source_branch)?,
            into: checked::branch_name("object_attributes.target_branch", &request.target_branch)?,
            head: checked::some_commit("object_attributes.last_commit.id", &head.id)?,
            head_repository: request.source.map_or_else(Vec::new, |from| checked::urls([from.git_http_url, from.git_ssh_url])),
            from_fork: request.source_project_id != Some(request.target_project_id),
            title: checked::line(&request.title),
            link: checked::link(request.url.as_deref()),
        },
        (Some(_), None) => checked::ignored(event, "the merge request has no commit"),
        (None, _) => checked::ignored_action(event, action),
    };
    Ok(told.project.checked()?.notice(told.user.as_ref().and_then(Person::name), what))
}

fn request_what(action: &str) -> Option<RequestWhat> {
    match action {
        "open" | "reopen" => Some(RequestWhat::Opened),
        "update" => Some(RequestWhat::Updated),
        "close" => Some(RequestWhat::Closed { merged: false }),
        "merge" => Some(RequestWhat::Closed { merged: true }),
        _ => None,
    }
}

fn note(event: &str, json: &[u8]) -> Result<Notice, Refusal> {
    let told: NoteEvent = content::parse(json)?;
    let (note, by) = (told.object_attributes, told.user.name());
    let action = note.action.as_deref().unwrap_or("create");
    let what = match told.merge_request {
        None => checked::ignored(event, "the comment is not on a merge request"),
        Some(_) if note.system => checked::ignored(event, "the comment is by GitLab itself"),
        Some(_) if action != "create" => checked::ignored_action(event, action),
        Some(noted) => What::Comment {
            number: noted.iid,
            text: checked::comment(&note.text),
            by: by.clone().ok_or_else(|| Refusal::malformed("user", "has no name"))?,
            // GitLab does not tell the rights of the writer.
            may_write: false,
            link: checked::link(note.url.as_deref()),
        },
    };
    Ok(told.project.checked()?.notice(by, what))
}

fn other(event: &str, json: &[u8]) -> Notice {
    let other: Other = content::glance(json);
    let repository = other.project.and_then(|project| project.checked().ok());
    let sender = other.user.as_ref().and_then(Person::name);
    repository.unwrap_or_default().notice(sender, checked::ignored_event(event))
}
