//! GitLab: <https://docs.gitlab.com/api/rest>.

use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;
use slipway_core::auto_deploy::told;
use slipway_core::failure::Failure;
use slipway_ports::{CommitState, CommitStatus, HostedRequest};

use crate::ask::{Ask, Page};
use crate::caller::Answer;
use crate::dialect::{Authorization, Dialect, Owner, Whose, Written};
use crate::place::{Place, below};
use crate::reading::{Unread, fit, given, parse};
use crate::shown;

const PAGE: (&str, &str) = ("page", "per_page");

/// The level of access from which on a member may push: that of a developer.
const MAY_WRITE: u32 = 30;

/// The most characters of a description, and of a link, of a status.
const LONGEST: usize = 255;

#[derive(Debug, Deserialize)]
struct MergeRequest {
    state: String,
    title: String,
    web_url: Option<String>,
    source_branch: String,
    target_branch: String,
    /// None when it is deleted.
    source_project_id: Option<u64>,
    target_project_id: u64,
    /// None when it has no commit yet.
    sha: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Project {
    http_url_to_repo: Option<String>,
    ssh_url_to_repo: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Member {
    username: String,
    state: String,
    access_level: u32,
}

#[derive(Debug, Deserialize)]
struct Note {
    id: u64,
    body: String,
    author: Person,
    /// Written by GitLab itself.
    #[serde(default)]
    system: bool,
}

#[derive(Debug, Deserialize)]
struct Person {
    username: String,
}

/// A project of GitLab.
pub(crate) struct GitLab {
    api: Url,
    project: Url,
}

impl GitLab {
    pub(crate) fn of(place: &Place) -> Result<Self, Failure> {
        if place.path.len() < 2 {
            return Err(place.no_repository("GROUP/NAME"));
        }
        let api = below(&place.web, &["api", "v4"])?;
        let project = below(&api, &["projects", &place.path.join("/")])?;
        Ok(Self { api, project })
    }

    fn merge_request(&self, number: u64, below_it: &[&str]) -> Result<Url, Failure> {
        below(&below(&self.project, &["merge_requests", &number.to_string()])?, below_it)
    }

    /// Of a repository, by its number; it may be a fork that the token does not see.
    fn project_of(&self, id: u64) -> Option<Ask> {
        let url = below(&self.api, &["projects", &id.to_string()]).ok()?;
        Some(Ask::read("reading the project that a merge request comes from", url))
    }
}

impl Dialect for GitLab {
    /// Personal, project and group tokens are taken so, as those of OAuth are.
    fn authorization(&self, _user: &str) -> Authorization {
        Authorization::Bearer
    }

    fn request(&self, number: u64) -> Result<Ask, Failure> {
        Ok(Ask::read(format!("reading merge request {number}"), self.merge_request(number, &[])?))
    }

    fn read_request(&self, number: u64, body: &[u8]) -> Result<(HostedRequest, Option<Ask>), Unread> {
        let told: MergeRequest = parse(body)?;
        let request = HostedRequest {
            number,
            // It is locked while it is merged.
            is_open: matches!(told.state.as_str(), "opened" | "locked"),
            from: fit("source_branch", told::branch_name(&told.source_branch))?,
            into: fit("target_branch", told::branch_name(&told.target_branch))?,
            head: fit("sha", told::some_commit(&given("sha", told.sha)?))?,
            from_fork: told.source_project_id != Some(told.target_project_id),
            head_repository: Vec::new(),
            title: told::line(&told.title),
            link: told::link(told.web_url.as_deref()),
        };
        Ok((request, told.source_project_id.and_then(|id| self.project_of(id))))
    }

    fn complete(&self, request: HostedRequest, body: Option<&[u8]>) -> Result<Option<HostedRequest>, Unread> {
        let Some(body) = body else { return Ok(Some(request)) };
        let project: Project = parse(body)?;
        let head_repository = told::urls([project.http_url_to_repo, project.ssh_url_to_repo]);
        Ok(Some(HostedRequest { head_repository, ..request }))
    }

    fn rights(&self, person: &str, page: Option<u64>) -> Result<Ask, Failure> {
        let ask = Ask::read("asking who may write", below(&self.project, &["members", "all"])?);
        Ok(ask.with(&[("query", person)]).with_page(PAGE, page.unwrap_or(1)))
    }

    fn read_rights(&self, person: &str, page: Option<u64>, body: &[u8]) -> Result<Page<bool>, Unread> {
        let members: Vec<Member> = parse(body)?;
        let may_write = |member: &Member| {
            member.username.eq_ignore_ascii_case(person) && member.state == "active" && member.access_level >= MAY_WRITE
        };
        Ok(Page::numbered(members.iter().map(may_write).collect(), page.unwrap_or(1)))
    }

    fn status(&self, commit: &str, status: &CommitStatus) -> Result<Ask, Failure> {
        let description = shown::beginning(&status.description, LONGEST);
        let body = shown::object([
            ("state", Some(state(status.state))),
            ("name", Some(&status.context)),
            ("description", Some(&description)),
            ("target_url", shown::link(status.link.as_deref(), LONGEST)),
        ]);
        let url = below(&self.project, &["statuses", commit])?;
        Ok(Ask::write(format!("setting a status of {commit}"), Method::POST, url, body))
    }

    /// A state is set once; that it is there already is a refusal.
    fn is_set(&self, status: &CommitStatus, refused: &Answer) -> bool {
        let said = String::from_utf8_lossy(&refused.body);
        let is_from = |state: &str| said.contains(&format!("from :{state}"));
        refused.status == StatusCode::BAD_REQUEST
            && said.contains("Cannot transition status via")
            && (is_from(state(status.state)) || (status.state == CommitState::Pending && is_from("running")))
    }

    fn comments(&self, number: u64, page: Option<u64>) -> Result<Ask, Failure> {
        let ask = Ask::read(format!("reading the comments of merge request {number}"), self.merge_request(number, &["notes"])?);
        Ok(ask.with(&[("sort", "asc"), ("order_by", "created_at")]).with_page(PAGE, page.unwrap_or(1)))
    }

    fn read_comments(&self, page: Option<u64>, answer: &Answer) -> Result<Page<Written>, Unread> {
        let notes: Vec<Note> = parse(&answer.body)?;
        let mut page = Page::numbered(notes, page.unwrap_or(1));
        page.items.retain(|note| !note.system);
        Ok(page.map(|Note { id, body, author, .. }| Written {
            id,
            version: 0,
            by: Some(author.username),
            by_program: false,
            text: body,
        }))
    }

    fn owner(&self, _comments: &Answer) -> Result<Whose, Failure> {
        Ok(Whose::Ask(Ask::read("asking whose the token is", below(&self.api, &["user"])?)))
    }

    fn read_owner(&self, body: &[u8]) -> Result<Owner, Unread> {
        parse(body).map(|person: Person| Owner::Is(person.username))
    }

    fn write(&self, number: u64, text: &str) -> Result<Ask, Failure> {
        let url = self.merge_request(number, &["notes"])?;
        Ok(Ask::write(format!("commenting on merge request {number}"), Method::POST, url, json!({ "body": text })))
    }

    fn rewrite(&self, number: u64, written: &Written, text: &str) -> Result<Ask, Failure> {
        let url = self.merge_request(number, &["notes", &written.id.to_string()])?;
        Ok(Ask::write("writing a comment anew", Method::PUT, url, json!({ "body": text })))
    }
}

fn state(state: CommitState) -> &'static str {
    match state {
        CommitState::Pending => "pending",
        CommitState::Success => "success",
        CommitState::Failure => "failed",
    }
}
