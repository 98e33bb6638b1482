//! What is read of the payloads of Bitbucket Cloud and Bitbucket Data Center.

use serde_json::{Value, json};
use slipway_hosts::Host;

use crate::posted::Posted;

fn cloud(event: &str, name: &str) -> Posted {
    Posted::sample(Host::BitbucketCloud, event, &format!("bitbucket-cloud-{name}"))
}

fn data_center(event: &str, name: &str) -> Posted {
    Posted::sample(Host::BitbucketDataCenter, event, &format!("bitbucket-data-center-{name}"))
}

fn whats(posted: &Posted) -> Vec<Value> {
    let notices = posted.receive().unwrap().notices;
    assert!(notices.windows(2).all(|two| two[0].repository == two[1].repository), "{notices:?}");
    notices.iter().map(|notice| serde_json::to_value(&notice.what).unwrap()).collect()
}

#[test]
fn a_push_to_bitbucket_cloud_tells_each_branch_and_tag_that_it_moved() {
    let (new, old) = ("709d658dc5b6d6afcd46049c2f332ee3f515a67d", "1e65c05c1d5171631d92438a13901ca7dae9618c");
    let moved = json!({
        "kind": "push",
        "branch": "name-of-branch",
        "before": old,
        "after": new,
        "forced": true,
        "commits": 2,
        "link": format!("https://bitbucket.org/team_name/repo_name/branches/compare/{new}..{old}"),
    });
    let gone = json!({
        "kind": "push", "branch": "gone", "before": old, "after": null, "forced": false, "commits": 0, "link": null,
    });
    let tag = json!({ "kind": "tag", "tag": "v1", "after": new });
    let posted = cloud("repo:push", "push");
    assert_eq!(whats(&posted), [moved, gone, tag]);
    let first = posted.receive().unwrap().notices.remove(0);
    assert_eq!(first.repository, ["https://bitbucket.org/team_name/repo_name.git", "git@bitbucket.org:team_name/repo_name.git"]);
    assert_eq!((first.repository_name.as_str(), first.sender.as_deref()), ("team_name/repo_name", Some("emmap1")));
}

#[test]
fn a_pull_request_of_bitbucket_cloud_tells_the_beginning_of_its_commit() {
    let what = cloud("pullrequest:created", "pull-request").tells()["what"].clone();
    let repository = json!(["https://bitbucket.org/team_name/repo_name.git", "git@bitbucket.org:team_name/repo_name.git"]);
    let expected = json!({
        "kind": "request",
        "number": 1,
        "what": { "kind": "opened" },
        "from": "branch2",
        "into": "master",
        "head": "d3022fc0ca3d",
        "headRepository": repository,
        "fromFork": false,
        "title": "Title of pull request",
        "link": "https://bitbucket.org/team_name/repo_name/pull-requests/1",
    });
    assert_eq!(what, expected);
    let gone = cloud("pullrequest:fulfilled", "pull-request-fork-gone").tells();
    assert_eq!(gone["what"]["what"], json!({ "kind": "closed", "merged": true }));
    assert_eq!((&gone["what"]["fromFork"], &gone["what"]["headRepository"]), (&json!(true), &json!([])));
}

#[test]
fn what_was_done_to_a_pull_request_of_bitbucket_is_its_event() {
    let of = |posted: Posted| posted.tells()["what"]["what"].clone();
    let (updated, declined) = (json!({ "kind": "updated" }), json!({ "kind": "closed", "merged": false }));
    assert_eq!(of(cloud("pullrequest:updated", "pull-request")), updated);
    assert_eq!(of(cloud("pullrequest:rejected", "pull-request")), declined);
    for event in ["pr:from_ref_updated", "pr:modified"] {
        assert_eq!(of(data_center(event, "pull-request")), updated, "{event}");
    }
    for event in ["pr:declined", "pr:deleted"] {
        assert_eq!(of(data_center(event, "pull-request")), declined, "{event}");
    }
    assert_eq!(of(data_center("pr:merged", "pull-request")), json!({ "kind": "closed", "merged": true }));
}

#[test]
fn a_comment_on_bitbucket_is_read_and_no_right_is_taken_for_granted() {
    let what = cloud("pullrequest:comment_created", "comment").tells()["what"].clone();
    let link = "https://bitbucket.org/team_name/repo_name/pull-requests/1/_/diff#comment-17";
    let expected = json!({
        "kind": "comment", "number": 1, "text": "Comment text", "by": "emmap1", "mayWrite": false, "link": link,
    });
    assert_eq!(what, expected);
    let what = data_center("pr:comment:added", "comment").tells()["what"].clone();
    let link = "https://server.bitbucket.local/users/gopher/repos/webhook-test/pull-requests/5";
    let expected = json!({ "kind": "comment", "number": 5, "text": "test", "by": "gopher", "mayWrite": false, "link": link });
    assert_eq!(what, expected);
}

#[test]
fn a_push_to_bitbucket_data_center_tells_each_branch_and_tag_that_it_moved() {
    let (old, new) = ("32a0b8a740c2963c6f56bd8baf3dc05683d299e0", "cde6c45a4210afe81638aa1f3aa960d633c66a90");
    let moved = json!({
        "kind": "push",
        "branch": "master",
        "before": old,
        "after": new,
        "forced": false,
        "commits": 0,
        "link": format!("https://server.bitbucket.local/users/gopher/repos/webhook-test/commits/{new}"),
    });
    let gone = json!({
        "kind": "push", "branch": "feature/wip", "before": old, "after": null, "forced": false, "commits": 0, "link": null,
    });
    let posted = data_center("repo:refs_changed", "refs-changed");
    assert_eq!(whats(&posted), [moved, gone, json!({ "kind": "tag", "tag": "v1", "after": new })]);
    let first = posted.receive().unwrap().notices.remove(0);
    let urls = [
        "ssh://git@server.bitbucket.local:7999/~gopher/webhook-test.git",
        "https://server.bitbucket.local/scm/~gopher/webhook-test.git",
    ];
    assert_eq!(first.repository, urls);
    assert_eq!((first.repository_name.as_str(), first.sender.as_deref()), ("~gopher/webhook-test", Some("gopher")));
}

#[test]
fn a_pull_request_of_bitbucket_data_center_is_read_with_the_repository_that_it_goes_into() {
    let told = data_center("pr:opened", "pull-request").tells();
    assert_eq!(told["repositoryName"], json!("~gopher/webhook-test"));
    let expected = json!({
        "kind": "request",
        "number": 5,
        "what": { "kind": "opened" },
        "from": "feature/wip",
        "into": "master",
        "head": "32a0b8a740c2963c6f56bd8baf3dc05683d299e0",
        "headRepository": [
            "ssh://git@server.bitbucket.local:7999/~gopher2/webhook-test.git",
            "https://server.bitbucket.local/scm/~gopher2/webhook-test.git",
        ],
        "fromFork": true,
        "title": "Update README",
        "link": "https://server.bitbucket.local/users/gopher/repos/webhook-test/pull-requests/5",
    });
    assert_eq!(told["what"], expected);
}

#[test]
fn a_link_that_an_older_server_leaves_null_is_no_link() {
    let sample = data_center("repo:refs_changed", "refs-changed").with("/repository/links/self/0", &Value::Null);
    assert_eq!(whats(&sample)[0]["link"], Value::Null);
}

#[test]
fn a_ping_and_an_unknown_event_of_bitbucket_have_no_repository_if_they_tell_none() {
    let ping = data_center("diagnostics:ping", "ping").tells();
    assert_eq!(ping, json!({ "repository": [], "repositoryName": "", "what": { "kind": "ping" } }));
    let told = cloud("repo:fork", "pull-request").tells();
    assert_eq!(told["repositoryName"], json!("team_name/repo_name"));
    assert_eq!(told["what"]["kind"], json!("ignored"));
}
