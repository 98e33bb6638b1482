//! What is read of the payloads of GitLab.

use serde_json::{Value, json};
use slipway_hosts::Host;

use crate::posted::Posted;

fn gitlab(event: &str, name: &str) -> Posted {
    Posted::sample(Host::GitLab, event, name)
}

fn of_diaspora(sender: &str, what: &Value) -> Value {
    json!({
        "repository": ["http://example.com/mike/diaspora.git", "git@example.com:mike/diaspora.git"],
        "repositoryName": "mike/diaspora",
        "sender": sender,
        "what": what,
    })
}

#[test]
fn a_push_to_gitlab_tells_its_branch_and_links_its_newest_commit() {
    let after = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";
    let what = json!({
        "kind": "push",
        "branch": "master",
        "before": "95790bf891e76fee5e1747ab589903a6a1f80f22",
        "after": after,
        "forced": false,
        "commits": 4,
        "link": format!("http://example.com/mike/diaspora/commit/{after}"),
    });
    let posted = gitlab("Push Hook", "gitlab-push");
    assert_eq!(posted.tells(), of_diaspora("jsmith", &what));
    let mut system = posted;
    system.set("x-gitlab-event", "System Hook");
    assert_eq!(system.tells(), of_diaspora("jsmith", &what));
}

#[test]
fn a_branch_that_goes_from_gitlab_is_told_without_a_commit() {
    let told = gitlab("Push Hook", "gitlab-push-branch-deleted").tells();
    let before = "95790bf891e76fee5e1747ab589903a6a1f80f22";
    let what = json!({
        "kind": "push", "branch": "old", "before": before, "after": null, "forced": false, "commits": 0, "link": null,
    });
    assert_eq!(told, of_diaspora("John Smith", &what));
}

#[test]
fn a_tag_of_gitlab_is_told() {
    let told = gitlab("Tag Push Hook", "gitlab-tag").tells();
    assert_eq!(told["repositoryName"], json!("jsmith/example"));
    let what = json!({ "kind": "tag", "tag": "v1.0.0", "after": "82b3d5ae55f7080f1e6022629cdb57bfae7cccc7" });
    assert_eq!(told["what"], what);
}

#[test]
fn a_merge_request_is_read() {
    let told = gitlab("Merge Request Hook", "gitlab-merge-request").tells();
    let what = json!({
        "kind": "request",
        "number": 1,
        "what": { "kind": "opened" },
        "from": "ms-viewport",
        "into": "master",
        "head": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
        "headRepository": ["http://example.com/mike/diaspora.git", "git@example.com:mike/diaspora.git"],
        "fromFork": false,
        "title": "MS-Viewport",
        "link": "http://example.com/mike/diaspora/merge_requests/1",
    });
    assert_eq!(told, of_diaspora("root", &what));
}

#[test]
fn a_merge_request_whose_fork_is_gone_is_taken_for_one_from_a_fork() {
    let what = &gitlab("Merge Request Hook", "gitlab-merge-request-merged-fork-gone").tells()["what"];
    assert_eq!(what["what"], json!({ "kind": "closed", "merged": true }));
    assert_eq!((&what["fromFork"], &what["headRepository"]), (&json!(true), &json!([])));
}

#[test]
fn every_action_of_a_merge_request_is_opened_updated_closed_or_ignored() {
    let sample = gitlab("Merge Request Hook", "gitlab-merge-request");
    let of = |action: &str| sample.with("/object_attributes/action", &json!(action)).tells()["what"].clone();
    assert_eq!(of("reopen")["what"], json!({ "kind": "opened" }));
    assert_eq!(of("update")["what"], json!({ "kind": "updated" }));
    assert_eq!(of("close")["what"], json!({ "kind": "closed", "merged": false }));
    let approved = gitlab("Merge Request Hook", "gitlab-merge-request-approved").tells();
    assert_eq!(approved["what"]["reason"], json!("nothing follows from `approved`"));
    let empty = sample.with("/object_attributes/last_commit", &Value::Null).tells();
    assert_eq!(empty["what"]["reason"], json!("the merge request has no commit"));
}

#[test]
fn a_comment_on_a_merge_request_is_read_and_no_right_is_taken_for_granted() {
    let told = gitlab("Note Hook", "gitlab-note").tells();
    let what = json!({
        "kind": "comment",
        "number": 1,
        "text": "This MR needs work.",
        "by": "root",
        "mayWrite": false,
        "link": "http://example.com/mike/diaspora/merge_requests/1#note_1244",
    });
    assert_eq!(told, of_diaspora("root", &what));
}

#[test]
fn comments_by_gitlab_itself_edited_ones_and_those_on_other_things_are_ignored() {
    let reason = |posted: Posted| posted.tells()["what"]["reason"].clone();
    let sample = gitlab("Note Hook", "gitlab-note");
    assert_eq!(reason(gitlab("Note Hook", "gitlab-note-by-gitlab")), json!("the comment is by GitLab itself"));
    let edited = sample.with("/object_attributes/action", &json!("update"));
    assert_eq!(reason(edited), json!("nothing follows from `update`"));
    let on_commit = sample.with("/merge_request", &Value::Null);
    assert_eq!(reason(on_commit), json!("the comment is not on a merge request"));
}

#[test]
fn an_unknown_event_of_gitlab_is_ignored_whatever_its_form() {
    for body in [r#"{"object_kind":"pipeline","project":7}"#, r#"{"event_name":"project_create"}"#, "{}"] {
        let told = Posted::new(Host::GitLab, "Pipeline Hook", body).tells();
        assert_eq!(told["what"]["kind"], json!("ignored"), "{body}");
    }
}
