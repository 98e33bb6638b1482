//! Bitbucket Data Center: <https://developer.atlassian.com/server/bitbucket/rest>.

use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;
use slipway_core::auto_deploy::told;
use slipway_core::failure::Failure;
use slipway_ports::{CommitStatus, HostedRequest};

use crate::ask::{Ask, Page};
use crate::bitbucket_shape::{self as shape, Listed};
use crate::caller::Answer;
use crate::dialect::{Authorization, Dialect, Owner, Whose, Written};
use crate::place::{Place, below};
use crate::reading::{Unread, fit, given, parse};
use crate::shown;

const PAGE: (&str, &str) = ("start", "limit");

/// The longest key of a build.
const LONGEST_KEY: usize = 255;

/// The longest link of a build.
const LONGEST_LINK: usize = 450;

/// The header of every answer that says who asks. Nothing else does.
const WHO: &str = "x-ausername";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    title: String,
    state: String,
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
struct Repository {
    id: u64,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Default, Deserialize)]
struct Links {
    #[serde(default)]
    clone: Vec<Link>,
    #[serde(default, rename = "self")]
    own: Vec<Option<Link>>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Person {
    name: String,
    active: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Activity {
    /// There if somebody commented.
    comment: Option<Comment>,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    version: u64,
    text: String,
    author: Person,
}

/// A repository of Bitbucket Data Center.
pub(crate) struct BitbucketDataCenter {
    api: Url,
    repository: Url,
    /// Its page.
    page: Url,
    project: String,
    name: String,
}

impl BitbucketDataCenter {
    /// Over HTTP the path is `scm/PROJECT/NAME`, below that of the server; over SSH it is `PROJECT/NAME`.
    pub(crate) fn of(place: &Place) -> Result<Self, Failure> {
        let (before, project, name) = place.owner_and_name()?;
        let before = match before {
            [] if place.over_ssh => before,
            [before @ .., scm] if !place.over_ssh && scm == "scm" => before,
            _ => return Err(place.no_repository("scm/PROJECT/NAME")),
        };
        let root = below(&place.web, before)?;
        let api = below(&root, &["rest", "api", "latest"])?;
        let parts = ["projects", project, "repos", name];
        let (repository, page) = (below(&api, &parts)?, below(&root, &parts)?);
        Ok(Self { api, repository, page, project: project.to_owned(), name: name.to_owned() })
    }

    fn pull_request(&self, number: u64, below_it: &[&str]) -> Result<Url, Failure> {
        below(&below(&self.repository, &["pull-requests", &number.to_string()])?, below_it)
    }
}

impl Dialect for BitbucketDataCenter {
    fn authorization(&self, _user: &str) -> Authorization {
        Authorization::Bearer
    }

    fn request(&self, number: u64) -> Result<Ask, Failure> {
        Ok(Ask::read(format!("reading pull request {number}"), self.pull_request(number, &[])?))
    }

    fn read_request(&self, number: u64, body: &[u8]) -> Result<(HostedRequest, Option<Ask>), Unread> {
        let PullRequest { title, state, from_ref, to_ref, links } = parse(body)?;
        let request = HostedRequest {
            number,
            is_open: state == "OPEN",
            from: fit("fromRef.id", told::branch(&from_ref.id))?,
            into: fit("toRef.id", told::branch(&to_ref.id))?,
            head: fit("fromRef.latestCommit", told::some_commit(&from_ref.latest_commit))?,
            from_fork: from_ref.repository.id != to_ref.repository.id,
            head_repository: told::urls(from_ref.repository.links.clone.into_iter().map(|link| link.href)),
            title: told::line(&title),
            link: told::link(links.own.iter().flatten().find_map(|link| link.href.as_deref())),
        };
        Ok((request, None))
    }

    /// Persons with the right, however they have it: of their own, by a group, or by the project.
    fn rights(&self, person: &str, page: Option<u64>) -> Result<Ask, Failure> {
        let ask = Ask::read("asking who may write", below(&self.api, &["users"])?).with(&[
            ("filter", person),
            ("permission.1", "REPO_WRITE"),
            ("permission.1.projectKey", &self.project),
            ("permission.1.repositorySlug", &self.name),
        ]);
        Ok(ask.with_page(PAGE, page.unwrap_or(0)))
    }

    fn read_rights(&self, person: &str, _page: Option<u64>, body: &[u8]) -> Result<Page<bool>, Unread> {
        let list: Listed<Person> = parse(body)?;
        let is_person = |found: &Person| found.name.eq_ignore_ascii_case(person) && found.active != Some(false);
        Ok(Page { items: list.values.iter().map(is_person).collect(), next: list.next_page_start })
    }

    fn status(&self, commit: &str, status: &CommitStatus) -> Result<Ask, Failure> {
        let url = below(&self.repository, &["commits", commit, "builds"])?;
        let page = shown::link(status.link.as_deref(), LONGEST_LINK).unwrap_or(self.page.as_str());
        let body = shape::build(status, LONGEST_KEY, page);
        Ok(Ask::write(format!("setting a status of {commit}"), Method::POST, url, body))
    }

    fn mark(&self, mark: &str) -> String {
        shape::mark(mark)
    }

    /// Comments are listed among all else that was done, the newest first.
    fn comments(&self, number: u64, page: Option<u64>) -> Result<Ask, Failure> {
        let url = self.pull_request(number, &["activities"])?;
        Ok(Ask::read(format!("reading the comments of pull request {number}"), url).with_page(PAGE, page.unwrap_or(0)))
    }

    fn read_comments(&self, _page: Option<u64>, answer: &Answer) -> Result<Page<Written>, Unread> {
        let list: Listed<Activity> = parse(&answer.body)?;
        let comments = list.values.into_iter().filter_map(|activity| activity.comment);
        Ok(Page { items: comments.map(Comment::written).collect(), next: list.next_page_start })
    }

    fn owner(&self, comments: &Answer) -> Result<Whose, Failure> {
        let name = comments.headers.get(WHO).and_then(|name| form_urlencoded::parse(name.as_bytes()).next());
        Ok(Whose::Told(name.map_or(Owner::Untold, |(name, _)| Owner::Is(name.into_owned()))))
    }

    fn read_owner(&self, _body: &[u8]) -> Result<Owner, Unread> {
        given(WHO, None)
    }

    fn write(&self, number: u64, text: &str) -> Result<Ask, Failure> {
        let url = self.pull_request(number, &["comments"])?;
        Ok(Ask::write(format!("commenting on pull request {number}"), Method::POST, url, json!({ "text": text })))
    }

    fn rewrite(&self, number: u64, written: &Written, text: &str) -> Result<Ask, Failure> {
        let url = self.pull_request(number, &["comments", &written.id.to_string()])?;
        let body = json!({ "text": text, "version": written.version });
        Ok(Ask::write("writing a comment anew", Method::PUT, url, body))
    }
}

impl Comment {
    fn written(self) -> Written {
        Written { id: self.id, version: self.version, by: Some(self.author.name), by_program: false, text: self.text }
    }
}
