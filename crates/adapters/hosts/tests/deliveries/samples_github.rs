//! What is read of the payloads of GitHub, Gitea and Gogs.

use serde_json::{Value, json};
use slipway_hosts::Host;

use crate::posted::Posted;

fn github(event: &str, name: &str) -> Posted {
    Posted::sample(Host::GitHub, event, name)
}

fn gitea(event: &str, name: &str) -> Posted {
    Posted::sample(Host::Gitea, event, name)
}

/// A notice of the repository of GitHub's samples.
fn of_hello_world(what: &Value) -> Value {
    json!({
        "repository": ["https://github.com/Codertocat/Hello-World.git", "git@github.com:Codertocat/Hello-World.git"],
        "repositoryName": "Codertocat/Hello-World",
        "sender": "Codertocat",
        "what": what,
    })
}

fn of_example(sender: &str, what: &Value) -> Value {
    json!({
        "repository": ["http://localhost:3000/example/example.git", "git@localhost:example/example.git"],
        "repositoryName": "example/example",
        "sender": sender,
        "what": what,
    })
}

#[test]
fn a_push_to_github_tells_its_branch_and_where_it_was_and_is() {
    let told = github("push", "github-push").tells();
    let what = json!({
        "kind": "push",
        "branch": "changes",
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": "ec26c3e57ca3a959ca5aad62de7213c562f8c821",
        "forced": true,
        "commits": 2,
        "link": "https://github.com/Codertocat/Hello-World/compare/6113728f27ae...ec26c3e57ca3",
    });
    assert_eq!(told, of_hello_world(&what));
}

#[test]
fn a_tag_that_goes_from_github_is_told_without_a_commit() {
    let told = github("push", "github-push-tag-deleted").tells();
    assert_eq!(told, of_hello_world(&json!({ "kind": "tag", "tag": "simple-tag", "after": null })));
}

#[test]
fn a_branch_that_goes_from_github_is_told_without_a_commit() {
    let zeros = json!("0".repeat(40));
    let told = github("push", "github-push").with("/after", &zeros).with("/before", &zeros).tells();
    assert_eq!(told["what"]["after"], Value::Null);
    assert_eq!(told["what"]["before"], Value::Null);
}

#[test]
fn a_push_of_another_ref_is_ignored() {
    let told = github("push", "github-push").with("/ref", &json!("refs/notes/commits")).tells();
    let what = json!({ "kind": "ignored", "event": "push", "reason": "the ref is neither a branch nor a tag" });
    assert_eq!(told, of_hello_world(&what));
}

#[test]
fn new_commits_of_a_pull_request_of_github_are_an_update() {
    let told = github("pull_request", "github-pull-request-synchronize").tells();
    let what = json!({
        "kind": "request",
        "number": 2,
        "what": { "kind": "updated" },
        "from": "changes",
        "into": "master",
        "head": "ec26c3e57ca3a959ca5aad62de7213c562f8c821",
        "headRepository": ["https://github.com/Codertocat/Hello-World.git", "git@github.com:Codertocat/Hello-World.git"],
        "fromFork": false,
        "title": "Update the README with new information.",
        "link": "https://github.com/Codertocat/Hello-World/pull/2",
    });
    assert_eq!(told, of_hello_world(&what));
}

#[test]
fn a_pull_request_from_a_fork_says_so_and_names_the_fork() {
    let what = &github("pull_request", "github-pull-request-opened-from-fork").tells()["what"];
    assert_eq!(what["what"], json!({ "kind": "opened" }));
    assert_eq!(what["fromFork"], json!(true));
    let fork = json!(["https://github.com/octocat/Hello-World.git", "git@github.com:octocat/Hello-World.git"]);
    assert_eq!(what["headRepository"], fork);
}

#[test]
fn a_pull_request_whose_fork_is_gone_is_taken_for_one_from_a_fork() {
    let what = &github("pull_request", "github-pull-request-merged-fork-gone").tells()["what"];
    assert_eq!(what["what"], json!({ "kind": "closed", "merged": true }));
    assert_eq!((&what["fromFork"], &what["headRepository"]), (&json!(true), &json!([])));
}

#[test]
fn every_action_of_a_pull_request_is_opened_updated_closed_or_ignored() {
    let sample = github("pull_request", "github-pull-request-synchronize");
    let of = |action: &str| sample.with("/action", &json!(action)).tells()["what"].clone();
    for action in ["opened", "reopened"] {
        assert_eq!(of(action)["what"], json!({ "kind": "opened" }), "{action}");
    }
    for action in ["edited", "ready_for_review", "converted_to_draft"] {
        assert_eq!(of(action)["what"], json!({ "kind": "updated" }), "{action}");
    }
    assert_eq!(of("closed")["what"], json!({ "kind": "closed", "merged": false }));
    let ignored = json!({ "kind": "ignored", "event": "pull_request", "reason": "nothing follows from `labeled`" });
    assert_eq!(of("labeled"), ignored);
}

#[test]
fn a_comment_on_a_pull_request_of_github_tells_who_wrote_it_and_whether_he_may_write() {
    let told = github("issue_comment", "github-issue-comment").tells();
    let what = json!({
        "kind": "comment",
        "number": 2,
        "text": "/deploy api\nplease",
        "by": "Codertocat",
        "mayWrite": true,
        "link": "https://github.com/Codertocat/Hello-World/pull/2#issuecomment-492700400",
    });
    assert_eq!(told, of_hello_world(&what));
    let stranger = github("issue_comment", "github-issue-comment-of-stranger").tells();
    assert_eq!(stranger["what"]["mayWrite"], json!(false));
}

#[test]
fn a_comment_on_an_issue_and_one_that_was_edited_are_ignored() {
    let on_issue = github("issue_comment", "github-issue-comment-on-issue").tells();
    assert_eq!(on_issue["what"]["reason"], json!("the comment is on an issue"));
    let edited = github("issue_comment", "github-issue-comment").with("/action", &json!("edited")).tells();
    assert_eq!(edited["what"]["reason"], json!("nothing follows from `edited`"));
}

#[test]
fn a_ping_and_an_unknown_event_of_github_tell_their_repository() {
    assert_eq!(github("ping", "github-ping").tells(), of_hello_world(&json!({ "kind": "ping" })));
    let told = github("star", "github-star").tells();
    let what = json!({ "kind": "ignored", "event": "star", "reason": "nothing follows from this event" });
    assert_eq!(told, of_hello_world(&what));
}

#[test]
fn a_ping_for_an_organization_has_no_repository() {
    let told = Posted::new(Host::GitHub, "ping", r#"{"zen":"x","organization":{"login":"acme"}}"#).tells();
    assert_eq!(told, json!({ "repository": [], "repositoryName": "", "what": { "kind": "ping" } }));
}

#[test]
fn a_push_to_gitea_tells_all_its_commits_though_few_are_listed() {
    let after = "67b56589a45103f891bdee7c0546e5d40bc02001";
    let zeros = "0".repeat(40);
    let what = json!({
        "kind": "push",
        "branch": "master",
        "before": null,
        "after": after,
        "forced": false,
        "commits": 12,
        "link": format!("http://localhost:3000/example/example/compare/{zeros}...{after}"),
    });
    assert_eq!(gitea("push", "gitea-push").tells(), of_example("example", &what));
    let tag = gitea("push", "gitea-push-without-commits").tells();
    assert_eq!(tag, of_example("example", &json!({ "kind": "tag", "tag": "v1", "after": after })));
}

#[test]
fn a_branch_or_tag_that_goes_from_gitea_is_told_by_an_event_of_its_own() {
    let sample = gitea("delete", "gitea-delete");
    let what = sample.tells()["what"].clone();
    assert_eq!((&what["kind"], &what["branch"], &what["after"]), (&json!("push"), &json!("feature/3"), &Value::Null));
    let tag = sample.with("/ref_type", &json!("tag")).tells();
    assert_eq!(tag["what"], json!({ "kind": "tag", "tag": "feature/3", "after": null }));
}

#[test]
fn a_pull_request_of_gitea_is_read_as_one_of_github_with_its_own_word_for_new_commits() {
    let told = gitea("pull_request", "gitea-pull-request").tells();
    let what = json!({
        "kind": "request",
        "number": 2,
        "what": { "kind": "updated" },
        "from": "master",
        "into": "master",
        "head": "48e773f892a831faa47c0a160d1b7f0cd369ae2a",
        "headRepository": ["http://localhost:3000/example2/example.git", "git@localhost:example2/example.git"],
        "fromFork": true,
        "title": "update",
        "link": "http://localhost:3000/example/example/pulls/2",
    });
    assert_eq!(told, of_example("example2", &what));
}

#[test]
fn a_comment_on_gitea_may_write_if_its_writer_sent_it_and_may_push() {
    let sample = gitea("issue_comment", "gitea-comment");
    assert_eq!(sample.tells()["what"]["mayWrite"], json!(true));
    assert_eq!(sample.with("/repository/permissions/push", &json!(false)).tells()["what"]["mayWrite"], json!(false));
    assert_eq!(sample.with("/comment/user/login", &json!("example2")).tells()["what"]["mayWrite"], json!(false));
}

#[test]
fn gogs_and_forgejo_are_heard_by_their_own_headers() {
    for name in ["gogs", "forgejo"] {
        let mut posted = gitea("push", "gogs-push");
        for what in ["event", "delivery", "signature"] {
            let value = posted.headers.remove(&format!("x-gitea-{what}")).unwrap();
            posted.set(&format!("x-{name}-{what}"), &value);
        }
        let told = posted.tells();
        assert_eq!((&told["sender"], &told["what"]["branch"]), (&json!("unknwon"), &json!("develop")), "{name}");
    }
}

#[test]
fn a_pull_request_of_gogs_is_ignored_since_it_has_no_commit() {
    let told = gitea("pull_request", "gogs-pull-request").tells();
    let reason = "Gogs does not tell the commit of a pull request";
    let what = json!({ "kind": "ignored", "event": "pull_request", "reason": reason });
    assert_eq!(told, of_example("unknwon", &what));
}
