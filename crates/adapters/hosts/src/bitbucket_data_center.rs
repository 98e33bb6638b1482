//! Bitbucket Data Center: <https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html>.

use serde::Deserialize;
use slipway_core::auto_deploy::{Notice, RequestWhat, What};

use crate::checked::{self, Reference};
use crate::content;
use crate::refusal::Refusal;

#[derive(Debug, Deserialize)]
struct Repository {
    id: u64,
    slug: String,
    project: Project,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Deserialize)]
struct Project {
    key: String,
}

#[derive(Debug, Default, Deserialize)]
struct Links {
    #[serde(default)]
    clone: Vec<Link>,
    /// Older servers put a null into it.
    #[serde(default, rename = "self")]
    own: Vec<Option<Link>>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Person {
    name: Option<String>,
    #[serde(rename = "displayName")]
    display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RefsChanged {
    actor: Option<Person>,
    repository: Repository,
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    r#ref: Ref,
    from_hash: Option<String>,
    to_hash: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Ref {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequestEvent {
    actor: Option<Person>,
    pull_request: PullRequest,
    comment: Option<Comment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    id: u64,
    title: String,
    from_ref: Side,
    to_ref: Side,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Side {
    id: String,
    latest_commit: String,
    repository: Repository,
}

#[derive(Debug, Deserialize)]
struct Comment {
    text: String,
    author: Person,
}

#[derive(Debug, Default, Deserialize)]
struct Other {
    repository: Option<Repository>,
    actor: Option<Person>,
}

impl Repository {
    fn urls(&self) -> impl Iterator<Item = Option<String>> {
        self.links.clone.iter().map(|link| link.href.clone())
    }

    fn checked(&self) -> Result<checked::Repository, Refusal> {
        checked::Repository::new("repository.links.clone", &format!("{}/{}", self.project.key, self.slug), self.urls())
    }
}

impl Links {
    fn page(&self) -> Option<&str> {
        self.own.iter().flatten().find_map(|link| link.href.as_deref())
    }
}

impl Person {
    fn known_as(&self) -> Option<String> {
        checked::person([self.name.as_deref(), self.display_name.as_deref()])
    }
}

fn name(person: Option<&Person>) -> Option<String> {
    person.and_then(Person::known_as)
}

/// Reads an event.
pub(crate) fn read(event: &str, json: &[u8]) -> Result<Vec<Notice>, Refusal> {
    let request = |what| Ok(vec![pull_request(json, what)?]);
    match event {
        "repo:refs_changed" => refs_changed(event, json),
        "pr:opened" => request(RequestWhat::Opened),
        "pr:from_ref_updated" | "pr:modified" => request(RequestWhat::Updated),
        "pr:merged" => request(RequestWhat::Closed { merged: true }),
        "pr:declined" | "pr:deleted" => request(RequestWhat::Closed { merged: false }),
        "pr:comment:added" => Ok(vec![comment(json)?]),
        "diagnostics:ping" => Ok(vec![other(json, What::Ping)]),
        _ => Ok(vec![other(json, checked::ignored_event(event))]),
    }
}

fn refs_changed(event: &str, json: &[u8]) -> Result<Vec<Notice>, Refusal> {
    let told: RefsChanged = content::parse(json)?;
    let repository = told.repository.checked()?;
    let sender = name(told.actor.as_ref());
    let page = told.repository.links.page().and_then(|page| page.strip_suffix("/browse"));
    checked::changes("changes", told.changes, |change| {
        Ok(repository.clone().notice(sender.clone(), moved(event, page, &change)?))
    })
}

fn moved(event: &str, page: Option<&str>, change: &Change) -> Result<What, Refusal> {
    let before = checked::commit("changes.fromHash", change.from_hash.as_deref())?;
    let after = checked::commit("changes.toHash", change.to_hash.as_deref())?;
    Ok(match checked::reference("changes.ref.id", &change.r#ref.id)? {
        Reference::Branch(branch) => What::Push {
            branch,
            before,
            link: page.zip(after.as_ref()).and_then(|(page, after)| checked::link(Some(&format!("{page}/commits/{after}")))),
            after,
            // Bitbucket Data Center tells neither.
            forced: false,
            commits: 0,
        },
        Reference::Tag(tag) => What::Tag { tag, after },
        Reference::Other => checked::ignored(event, "the ref is neither a branch nor a tag"),
    })
}

fn pull_request(json: &[u8], what: RequestWhat) -> Result<Notice, Refusal> {
    let told: PullRequestEvent = content::parse(json)?;
    let PullRequest { id, title, from_ref, to_ref, links } = told.pull_request;
    let what = What::Request {
        number: id,
        what,
        from: checked::branch("pullRequest.fromRef.id", &from_ref.id)?,
        into: checked::branch("pullRequest.toRef.id", &to_ref.id)?,
        head: checked::some_commit("pullRequest.fromRef.latestCommit", &from_ref.latest_commit)?,
        head_repository: checked::urls(from_ref.repository.urls()),
        from_fork: from_ref.repository.id != to_ref.repository.id,
        title: checked::line(&title),
        link: checked::link(links.page()),
    };
    Ok(to_ref.repository.checked()?.notice(name(told.actor.as_ref()), what))
}

fn comment(json: &[u8]) -> Result<Notice, Refusal> {
    let told: PullRequestEvent = content::parse(json)?;
    let comment = told.comment.ok_or_else(|| Refusal::malformed("comment", "is missing"))?;
    let what = What::Comment {
        number: told.pull_request.id,
        text: checked::comment(&comment.text),
        by: comment.author.known_as().ok_or_else(|| Refusal::malformed("comment.author", "has no name"))?,
        // Bitbucket does not tell the rights of the writer.
        may_write: false,
        link: checked::link(told.pull_request.links.page()),
    };
    Ok(told.pull_request.to_ref.repository.checked()?.notice(name(told.actor.as_ref()), what))
}

fn other(json: &[u8], what: What) -> Notice {
    let other: Other = content::glance(json);
    let repository = other.repository.and_then(|repository| repository.checked().ok());
    repository.unwrap_or_default().notice(name(other.actor.as_ref()), what)
}
