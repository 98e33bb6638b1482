//! The five hosts, as far as they are asked here: their paths, their words, and their payloads.

use serde_json::{Value, json};
use slipway_ports::CommitState;

use crate::server::{Reply, Sent, TOKEN};
use crate::world::{Comment, World};
use crate::{bitbucket_cloud, bitbucket_data_center, github, gitlab};

/// How one kind of host is talked to.
#[derive(Clone, Copy)]
pub(crate) struct FakeHost {
    pub(crate) kind: &'static str,
    /// Where git finds the repository.
    pub(crate) git_path: &'static str,
    /// What all paths of the API begin with.
    pub(crate) api: &'static str,
    pub(crate) user: &'static str,
    /// The header that proves the token.
    pub(crate) authorization: &'static str,
    /// The words for the states of a commit.
    pub(crate) words: fn(CommitState) -> &'static str,
    /// A mark, as it stands in a comment.
    pub(crate) mark: fn(&str) -> String,
    /// Whether comments are listed in pages.
    pub(crate) has_pages: bool,
    /// Whether it tells who may write.
    pub(crate) tells_rights: bool,
    pub(crate) answer: fn(&mut World, &Sent, &[&str]) -> Reply,
}

/// Every kind, with its name here.
pub(crate) const GITHUB: FakeHost = FakeHost {
    kind: "github",
    git_path: "/acme/shop.git",
    api: "/api/v3",
    user: "",
    authorization: "Bearer tok-hunter2-3f9c1e",
    words: github_words,
    mark: in_html,
    has_pages: true,
    tells_rights: true,
    answer: github::answer,
};

pub(crate) const GITEA: FakeHost = FakeHost {
    kind: "gitea",
    api: "/api/v1",
    authorization: "token tok-hunter2-3f9c1e",
    has_pages: false,
    answer: github::answer_as_gitea,
    ..GITHUB
};

pub(crate) const GITLAB: FakeHost = FakeHost {
    kind: "gitlab",
    git_path: "/acme/web/shop.git",
    api: "/api/v4",
    words: |state| match state {
        CommitState::Pending => "pending",
        CommitState::Success => "success",
        CommitState::Failure => "failed",
    },
    answer: gitlab::answer,
    ..GITHUB
};

pub(crate) const BITBUCKET_CLOUD: FakeHost = FakeHost {
    kind: "bitbucket-cloud",
    api: "/2.0",
    user: "ada@example.com",
    // `ada@example.com:tok-hunter2-3f9c1e`
    authorization: "Basic YWRhQGV4YW1wbGUuY29tOnRvay1odW50ZXIyLTNmOWMxZQ==",
    words: bitbucket_words,
    mark: in_link,
    tells_rights: false,
    answer: bitbucket_cloud::answer,
    ..GITHUB
};

pub(crate) const BITBUCKET_DATA_CENTER: FakeHost = FakeHost {
    kind: "bitbucket-data-center",
    git_path: "/code/scm/ACME/shop.git",
    api: "/code/rest/api/latest",
    words: bitbucket_words,
    mark: in_link,
    answer: bitbucket_data_center::answer,
    ..GITHUB
};

impl FakeHost {
    pub(crate) fn answer_to(&self, world: &mut World, sent: &Sent) -> Reply {
        if sent.headers.get("authorization").map(String::as_str) != Some(self.authorization) {
            return Reply::json(401, &json!({ "message": "Bad credentials" }));
        }
        let parts = sent.parts(self.api);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        (self.answer)(world, sent, &parts)
    }

    /// What the token is sent as.
    pub(crate) fn secrets(&self) -> [&'static str; 2] {
        [TOKEN, self.authorization.split_once(' ').unwrap().1]
    }
}

fn github_words(state: CommitState) -> &'static str {
    match state {
        CommitState::Pending => "pending",
        CommitState::Success => "success",
        CommitState::Failure => "failure",
    }
}

fn bitbucket_words(state: CommitState) -> &'static str {
    match state {
        CommitState::Pending => "INPROGRESS",
        CommitState::Success => "SUCCESSFUL",
        CommitState::Failure => "FAILED",
    }
}

fn in_html(mark: &str) -> String {
    format!("<!-- slipway:{mark} -->")
}

fn in_link(mark: &str) -> String {
    format!("[//]: # (slipway:{mark})")
}

/// Keeps a status by what stands in these fields.
pub(crate) fn keep_status(world: &mut World, commit: &str, sent: &Sent, key: &str) {
    let text = |name: &str| sent.body[name].as_str().unwrap_or_else(|| panic!("{} has no {name}", sent.body)).to_owned();
    world.statuses.insert((commit.to_owned(), text(key)), (text("state"), text("description")));
}

/// A page of comments by its number and its size.
pub(crate) fn page<'c>(comments: &'c [Comment], sent: &Sent, size: &str) -> &'c [Comment] {
    let (page, size) = (sent.number("page"), sent.number(size));
    comments.chunks(size).nth(page - 1).unwrap_or_default()
}

pub(crate) fn not_found() -> Reply {
    Reply::json(404, &json!({ "message": "Not Found" }))
}

/// The answer to writing a comment anew.
pub(crate) fn rewritten(may: bool) -> Reply {
    if may { Reply::json(200, &json!({ "id": 1 })) } else { Reply::json(403, &json!({ "message": "Must have admin rights" })) }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
