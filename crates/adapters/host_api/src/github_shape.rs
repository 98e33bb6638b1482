//! Answers in the shape of GitHub's, which Gitea and Forgejo took over, and what both are asked by the same path.

use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;
use slipway_core::auto_deploy::told;
use slipway_core::failure::Failure;
use slipway_ports::{CommitState, CommitStatus, HostedRequest};

use crate::ask::{Ask, Page};
use crate::caller::Answer;
use crate::dialect::{Authorization, Dialect, Owner, Whose, Written};
use crate::place::below;
use crate::reading::{Unread, fit, parse};
use crate::shown;

/// Words for who may write; `owner` is Gitea's.
const MAY_WRITE: [&str; 4] = ["admin", "maintain", "write", "owner"];

#[derive(Debug, Deserialize)]
struct PullRequest {
    state: String,
    title: String,
    html_url: Option<String>,
    head: Side,
    base: Side,
}

#[derive(Debug, Deserialize)]
struct Side {
    r#ref: String,
    sha: String,
    /// None when it is deleted.
    repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    id: u64,
    clone_url: Option<String>,
    ssh_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rights {
    permission: String,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    /// None when he is deleted.
    user: Option<Person>,
}

#[derive(Debug, Deserialize)]
struct Person {
    login: String,
    /// GitHub's word for what he is.
    r#type: Option<String>,
}

/// What is not the same at both hosts.
#[derive(Debug)]
pub(crate) struct Flavour {
    pub(crate) authorization: Authorization,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The most characters of the description of a status.
    pub(crate) longest_description: usize,
    /// The parameters for the number of a page of comments and for its size; none: all come at once.
    pub(crate) pages: Option<(&'static str, &'static str)>,
    /// Who owns a token that may not ask that.
    pub(crate) owner_of_refused: Owner,
}

/// A repository of either host.
#[derive(Debug)]
pub(crate) struct Shape {
    flavour: &'static Flavour,
    /// `repos/OWNER/NAME` of the API.
    repository: Url,
    /// The owner of the token.
    user: Url,
}

impl Shape {
    /// The repository in an API.
    pub(crate) fn of(flavour: &'static Flavour, api: &Url, owner: &str, name: &str) -> Result<Self, Failure> {
        Ok(Self { flavour, repository: below(api, &["repos", owner, name])?, user: below(api, &["user"])? })
    }

    fn comments_of(&self, number: u64) -> Result<Url, Failure> {
        below(&self.repository, &["issues", &number.to_string(), "comments"])
    }
}

impl Dialect for Shape {
    fn authorization(&self, _user: &str) -> Authorization {
        self.flavour.authorization.clone()
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        self.flavour.headers
    }

    fn request(&self, number: u64) -> Result<Ask, Failure> {
        let url = below(&self.repository, &["pulls", &number.to_string()])?;
        Ok(Ask::read(format!("reading pull request {number}"), url))
    }

    fn read_request(&self, number: u64, body: &[u8]) -> Result<(HostedRequest, Option<Ask>), Unread> {
        let PullRequest { state, title, html_url, head, base } = parse(body)?;
        let into = base.repo.map(|repository| repository.id);
        let request = HostedRequest {
            number,
            is_open: state == "open",
            from: fit("head.ref", told::branch_name(&head.r#ref))?,
            into: fit("base.ref", told::branch_name(&base.r#ref))?,
            head: fit("head.sha", told::some_commit(&head.sha))?,
            from_fork: head.repo.as_ref().is_none_or(|from| Some(from.id) != into),
            head_repository: head.repo.map_or_else(Vec::new, |from| told::urls([from.clone_url, from.ssh_url])),
            title: told::line(&title),
            link: told::link(html_url.as_deref()),
        };
        Ok((request, None))
    }

    fn rights(&self, person: &str, _page: Option<u64>) -> Result<Ask, Failure> {
        let url = below(&self.repository, &["collaborators", person, "permission"])?;
        Ok(Ask::read("asking who may write", url))
    }

    fn read_rights(&self, _person: &str, _page: Option<u64>, body: &[u8]) -> Result<Page<bool>, Unread> {
        let rights: Rights = parse(body)?;
        Ok(Page::only(vec![MAY_WRITE.contains(&rights.permission.as_str())]))
    }

    fn status(&self, commit: &str, status: &CommitStatus) -> Result<Ask, Failure> {
        let state = match status.state {
            CommitState::Pending => "pending",
            CommitState::Success => "success",
            CommitState::Failure => "failure",
        };
        let description = shown::beginning(&status.description, self.flavour.longest_description);
        let body = shown::object([
            ("state", Some(state)),
            ("context", Some(&status.context)),
            ("description", Some(&description)),
            ("target_url", status.link.as_deref()),
        ]);
        let url = below(&self.repository, &["statuses", commit])?;
        Ok(Ask::write(format!("setting a status of {commit}"), Method::POST, url, body))
    }

    fn comments(&self, number: u64, page: Option<u64>) -> Result<Ask, Failure> {
        let ask = Ask::read(format!("reading the comments of pull request {number}"), self.comments_of(number)?);
        Ok(match self.flavour.pages {
            Some(names) => ask.with_page(names, page.unwrap_or(1)),
            None => ask,
        })
    }

    fn read_comments(&self, page: Option<u64>, answer: &Answer) -> Result<Page<Written>, Unread> {
        let comments: Vec<Comment> = parse(&answer.body)?;
        let comments = comments.into_iter().map(Comment::written).collect();
        Ok(match self.flavour.pages {
            Some(_) => Page::numbered(comments, page.unwrap_or(1)),
            None => Page::only(comments),
        })
    }

    fn owner(&self, _comments: &Answer) -> Result<Whose, Failure> {
        Ok(Whose::Ask(Ask::read("asking whose the token is", self.user.clone())))
    }

    fn read_owner(&self, body: &[u8]) -> Result<Owner, Unread> {
        parse(body).map(|person: Person| Owner::Is(person.login))
    }

    fn owner_of_refused(&self) -> Owner {
        self.flavour.owner_of_refused.clone()
    }

    fn write(&self, number: u64, text: &str) -> Result<Ask, Failure> {
        let doing = format!("commenting on pull request {number}");
        Ok(Ask::write(doing, Method::POST, self.comments_of(number)?, json!({ "body": text })))
    }

    fn rewrite(&self, _number: u64, written: &Written, text: &str) -> Result<Ask, Failure> {
        let url = below(&self.repository, &["issues", "comments", &written.id.to_string()])?;
        Ok(Ask::write("writing a comment anew", Method::PATCH, url, json!({ "body": text })))
    }
}

impl Comment {
    fn written(self) -> Written {
        Written {
            id: self.id,
            version: 0,
            by_program: self.user.as_ref().is_some_and(|user| user.r#type.as_deref() == Some("Bot")),
            by: self.user.map(|user| user.login),
            text: self.body.unwrap_or_default(),
        }
    }
}
