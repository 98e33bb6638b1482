//! Bitbucket Cloud: <https://developer.atlassian.com/cloud/bitbucket/rest>.

use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;
use slipway_core::auto_deploy::told;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{CommitStatus, HostedRequest};

use crate::ask::{Ask, Page};
use crate::bitbucket_shape::{self as shape, Listed};
use crate::caller::Answer;
use crate::dialect::{Authorization, Dialect, Owner, Whose, Written};
use crate::place::{Place, below};
use crate::reading::{Unread, fit, given, parse};
use crate::shown;

const PAGE: (&str, &str) = ("page", "pagelen");

/// The user that stands for a token of a repository, a project or a workspace.
const TOKEN_USER: &str = "x-token-auth";

/// The longest key of a build.
const LONGEST_KEY: usize = 40;

/// The longest link of a build: a bound of ours.
const LONGEST_LINK: usize = 2000;

#[derive(Debug, Deserialize)]
struct PullRequest {
    title: String,
    state: String,
    source: Side,
    destination: Side,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Deserialize)]
struct Side {
    branch: Branch,
    /// None when its branch is deleted.
    commit: Option<Commit>,
    /// None when it is deleted.
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Branch {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Commit {
    hash: String,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
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
struct Comment {
    id: u64,
    content: Content,
    /// None when he is deleted.
    user: Option<Person>,
    #[serde(default)]
    deleted: bool,
}

#[derive(Debug, Deserialize)]
struct Content {
    raw: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Person {
    uuid: String,
}

/// A repository of Bitbucket Cloud.
pub(crate) struct BitbucketCloud {
    repository: Url,
    user: Url,
    /// Its page.
    page: Url,
}

impl BitbucketCloud {
    pub(crate) fn of(place: &Place) -> Result<Self, Failure> {
        let ([], workspace, name) = place.owner_and_name()? else { return Err(place.no_repository("WORKSPACE/NAME")) };
        let api = place.instead_of("bitbucket.org", "api.bitbucket.org").unwrap_or_else(|| place.web.clone());
        let api = below(&api, &["2.0"])?;
        let repository = below(&api, &["repositories", workspace, name])?;
        Ok(Self { repository, user: below(&api, &["user"])?, page: below(&place.web, &[workspace, name])? })
    }

    fn pull_request(&self, number: u64, below_it: &[&str]) -> Result<Url, Failure> {
        below(&below(&self.repository, &["pullrequests", &number.to_string()])?, below_it)
    }

    /// A request tells 12 digits of its commit; they are whole in the list of its commits.
    fn commits_of(&self, number: u64) -> Option<Ask> {
        let ask =
            Ask::read(format!("reading the commits of pull request {number}"), self.pull_request(number, &["commits"]).ok()?);
        Some(ask.with(&[("fields", "values.hash")]).with_page(PAGE, 1))
    }
}

impl Dialect for BitbucketCloud {
    fn authorization(&self, user: &str) -> Authorization {
        match user {
            "" | TOKEN_USER => Authorization::Bearer,
            user => Authorization::Basic(user.to_owned()),
        }
    }

    fn request(&self, number: u64) -> Result<Ask, Failure> {
        Ok(Ask::read(format!("reading pull request {number}"), self.pull_request(number, &[])?))
    }

    fn read_request(&self, number: u64, body: &[u8]) -> Result<(HostedRequest, Option<Ask>), Unread> {
        let PullRequest { title, state, source, destination, links } = parse(body)?;
        let commit = given("source.commit", source.commit)?;
        let into = destination.repository.map(|repository| repository.full_name);
        let is_into = |from: &Repository| into.as_ref().is_some_and(|into| into.eq_ignore_ascii_case(&from.full_name));
        let request = HostedRequest {
            number,
            is_open: state == "OPEN",
            from: fit("source.branch.name", told::branch_name(&source.branch.name))?,
            into: fit("destination.branch.name", told::branch_name(&destination.branch.name))?,
            head: fit("source.commit.hash", told::short_commit(&commit.hash))?,
            from_fork: !source.repository.as_ref().is_some_and(is_into),
            head_repository: source.repository.map_or_else(Vec::new, |from| told::urls(from.urls())),
            title: told::line(&title),
            link: told::link(links.html.and_then(|link| link.href).as_deref()),
        };
        let is_whole = told::some_commit(&request.head).is_ok();
        Ok((request, if is_whole { None } else { self.commits_of(number) }))
    }

    /// The commits of a request that is over may be gone; it keeps what it told.
    fn complete(&self, request: HostedRequest, body: Option<&[u8]>) -> Result<Option<HostedRequest>, Unread> {
        let commits: Vec<Commit> = body.map_or_else(|| Ok(Vec::new()), |body| parse(body).map(|list: Listed<_>| list.values))?;
        let mut whole = commits.iter().filter_map(|commit| told::some_commit(&commit.hash).ok());
        let head = whole.find(|commit| commit.starts_with(&request.head));
        let head = head.or_else(|| (!request.is_open).then(|| request.head.clone()));
        Ok(head.map(|head| HostedRequest { head, ..request }))
    }

    /// The names that deliveries tell are chosen freely at Bitbucket Cloud: two persons may have one.
    fn rights(&self, _person: &str, _page: Option<u64>) -> Result<Ask, Failure> {
        let message = "Bitbucket Cloud does not tell who may write by a name: several persons may have one";
        Err(Failure::permanent(Code::RepositoryUnauthorized, message))
    }

    fn read_rights(&self, _person: &str, _page: Option<u64>, _body: &[u8]) -> Result<Page<bool>, Unread> {
        given("values", None)
    }

    fn status(&self, commit: &str, status: &CommitStatus) -> Result<Ask, Failure> {
        let url = below(&self.repository, &["commit", commit, "statuses", "build"])?;
        let page = shown::link(status.link.as_deref(), LONGEST_LINK).unwrap_or(self.page.as_str());
        let body = shape::build(status, LONGEST_KEY, page);
        Ok(Ask::write(format!("setting a status of {commit}"), Method::POST, url, body))
    }

    fn mark(&self, mark: &str) -> String {
        shape::mark(mark)
    }

    /// The oldest come first.
    fn comments(&self, number: u64, page: Option<u64>) -> Result<Ask, Failure> {
        let url = self.pull_request(number, &["comments"])?;
        Ok(Ask::read(format!("reading the comments of pull request {number}"), url).with_page(PAGE, page.unwrap_or(1)))
    }

    fn read_comments(&self, page: Option<u64>, answer: &Answer) -> Result<Page<Written>, Unread> {
        let list: Listed<Comment> = parse(&answer.body)?;
        let next = list.next.map(|_| page.unwrap_or(1).saturating_add(1));
        let there = list.values.into_iter().filter(|comment| !comment.deleted);
        Ok(Page { items: there.map(Comment::written).collect(), next })
    }

    fn owner(&self, _comments: &Answer) -> Result<Whose, Failure> {
        Ok(Whose::Ask(Ask::read("asking whose the token is", self.user.clone())))
    }

    fn read_owner(&self, body: &[u8]) -> Result<Owner, Unread> {
        parse(body).map(|person: Person| Owner::Is(person.uuid))
    }

    fn write(&self, number: u64, text: &str) -> Result<Ask, Failure> {
        let url = self.pull_request(number, &["comments"])?;
        Ok(Ask::write(format!("commenting on pull request {number}"), Method::POST, url, json!({ "content": { "raw": text } })))
    }

    fn rewrite(&self, number: u64, written: &Written, text: &str) -> Result<Ask, Failure> {
        let url = self.pull_request(number, &["comments", &written.id.to_string()])?;
        Ok(Ask::write("writing a comment anew", Method::PUT, url, json!({ "content": { "raw": text } })))
    }
}

impl Repository {
    /// Bitbucket tells no URL to clone by, but they follow from the name.
    fn urls(&self) -> [Option<String>; 2] {
        let name = &self.full_name;
        [Some(format!("https://bitbucket.org/{name}.git")), Some(format!("git@bitbucket.org:{name}.git"))]
    }
}

impl Comment {
    fn written(self) -> Written {
        Written {
            id: self.id,
            version: 0,
            by: self.user.map(|user| user.uuid),
            by_program: false,
            text: self.content.raw.unwrap_or_default(),
        }
    }
}
