//! Bitbucket Cloud: <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>.

use serde::Deserialize;
use serde::de::IgnoredAny;
use slipway_core::auto_deploy::{Notice, RequestWhat, What};

use crate::checked;
use crate::content;
use crate::refusal::Refusal;

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct Person {
    nickname: Option<String>,
    username: Option<String>,
    display_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Links {
    html: Option<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PushEvent {
    actor: Option<Person>,
    repository: Repository,
    push: Push,
}

#[derive(Debug, Deserialize)]
struct Push {
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Change {
    new: Option<Tip>,
    old: Option<Tip>,
    #[serde(default)]
    forced: bool,
    /// At most five.
    commits: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Deserialize)]
struct Tip {
    r#type: String,
    name: String,
    target: Option<Commit>,
}

#[derive(Debug, Deserialize)]
struct Commit {
    hash: String,
}

#[derive(Debug, Deserialize)]
struct PullRequestEvent {
    actor: Option<Person>,
    repository: Repository,
    pullrequest: PullRequest,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    id: u64,
    title: String,
    source: Side,
    destination: Side,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Deserialize)]
struct Side {
    branch: Branch,
    commit: Option<Commit>,
    /// None when it is deleted.
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Branch {
    name: String,
}

#[derive(Debug, Deserialize)]
struct CommentEvent {
    actor: Option<Person>,
    repository: Repository,
    pullrequest: Commented,
    comment: Comment,
}

#[derive(Debug, Deserialize)]
struct Commented {
    id: u64,
}

#[derive(Debug, Deserialize)]
struct Comment {
    content: Content,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Deserialize)]
struct Content {
    raw: String,
}

#[derive(Debug, Default, Deserialize)]
struct Other {
    repository: Option<Repository>,
    actor: Option<Person>,
}

impl Repository {
    /// Bitbucket tells no URL to clone by, but they follow from the name.
    fn urls(&self) -> [Option<String>; 2] {
        let name = &self.full_name;
        [Some(format!("https://bitbucket.org/{name}.git")), Some(format!("git@bitbucket.org:{name}.git"))]
    }

    fn checked(&self) -> Result<checked::Repository, Refusal> {
        checked::Repository::new("repository", &self.full_name, self.urls())
    }
}

impl Links {
    fn page(&self) -> Option<String> {
        checked::link(self.html.as_ref().and_then(|link| link.href.as_deref()))
    }
}

fn name(person: Option<&Person>) -> Option<String> {
    let person = person?;
    checked::person([person.nickname.as_deref(), person.username.as_deref(), person.display_name.as_deref()])
}

/// Reads an event.
pub(crate) fn read(event: &str, json: &[u8]) -> Result<Vec<Notice>, Refusal> {
    let request = |what| Ok(vec![pull_request(json, what)?]);
    match event {
        "repo:push" => push(event, json),
        "pullrequest:created" => request(RequestWhat::Opened),
        "pullrequest:updated" => request(RequestWhat::Updated),
        "pullrequest:fulfilled" => request(RequestWhat::Closed { merged: true }),
        "pullrequest:rejected" => request(RequestWhat::Closed { merged: false }),
        "pullrequest:comment_created" => Ok(vec![comment(json)?]),
        "diagnostics:ping" => Ok(vec![other(json, What::Ping)]),
        _ => Ok(vec![other(json, checked::ignored_event(event))]),
    }
}

fn push(event: &str, json: &[u8]) -> Result<Vec<Notice>, Refusal> {
    let told: PushEvent = content::parse(json)?;
    let repository = told.repository.checked()?;
    let sender = name(told.actor.as_ref());
    checked::changes("push.changes", told.push.changes, |change| {
        Ok(repository.clone().notice(sender.clone(), moved(event, change)?))
    })
}

fn moved(event: &str, change: Change) -> Result<What, Refusal> {
    let hash = |tip: Option<&Tip>| tip.and_then(|tip| tip.target.as_ref()).map(|target| target.hash.clone());
    let before = checked::commit("push.changes.old.target.hash", hash(change.old.as_ref()).as_deref())?;
    let after = match &change.new {
        Some(new) => {
            let hash = hash(Some(new)).ok_or_else(|| Refusal::malformed("push.changes.new.target", "is missing"))?;
            Some(checked::some_commit("push.changes.new.target.hash", &hash)?)
        }
        None => None,
    };
    let commits = checked::count(change.commits.map_or(0, |commits| commits.len() as u64));
    let link = change.links.page();
    let tip = change.new.or(change.old).ok_or_else(|| Refusal::malformed("push.changes", "has neither `new` nor `old`"))?;
    let named = || checked::branch_name("push.changes.name", &tip.name);
    Ok(match tip.r#type.as_str() {
        "branch" => What::Push { branch: named()?, before, after, forced: change.forced, commits, link },
        "tag" | "annotated_tag" => What::Tag { tag: named()?, after },
        _ => checked::ignored(event, "the ref is neither a branch nor a tag"),
    })
}

fn pull_request(json: &[u8], what: RequestWhat) -> Result<Notice, Refusal> {
    let told: PullRequestEvent = content::parse(json)?;
    let PullRequest { id, title, source, destination, links } = told.pullrequest;
    let commit = source.commit.ok_or_else(|| Refusal::malformed("pullrequest.source.commit", "is missing"))?;
    let same_name = |from: &Repository| from.full_name.eq_ignore_ascii_case(&told.repository.full_name);
    let what = What::Request {
        number: id,
        what,
        from: checked::branch_name("pullrequest.source.branch.name", &source.branch.name)?,
        into: checked::branch_name("pullrequest.destination.branch.name", &destination.branch.name)?,
        head: checked::short_commit("pullrequest.source.commit.hash", &commit.hash)?,
        from_fork: !source.repository.as_ref().is_some_and(same_name),
        head_repository: source.repository.map_or_else(Vec::new, |from| checked::urls(from.urls())),
        title: checked::line(&title),
        link: links.page(),
    };
    Ok(told.repository.checked()?.notice(name(told.actor.as_ref()), what))
}

fn comment(json: &[u8]) -> Result<Notice, Refusal> {
    let told: CommentEvent = content::parse(json)?;
    // The one that acts is the one that writes.
    let sender = name(told.actor.as_ref());
    let what = What::Comment {
        number: told.pullrequest.id,
        text: checked::comment(&told.comment.content.raw),
        by: sender.clone().ok_or_else(|| Refusal::malformed("actor", "has no name"))?,
        // Bitbucket does not tell the rights of the writer.
        may_write: false,
        link: told.comment.links.page(),
    };
    Ok(told.repository.checked()?.notice(sender, what))
}

fn other(json: &[u8], what: What) -> Notice {
    let other: Other = content::glance(json);
    let repository = other.repository.and_then(|repository| repository.checked().ok());
    repository.unwrap_or_default().notice(name(other.actor.as_ref()), what)
}
