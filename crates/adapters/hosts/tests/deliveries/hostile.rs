//! Deliveries that are signed, and are not what they should be: a host's users choose most of what is in them.

use proptest::prelude::*;
use serde_json::{Value, json};
use slipway_core::auto_deploy::{Notice, What};
use slipway_hosts::Host;

use crate::posted::Posted;

/// A sample for each event that is read, and the places in it at which a branch, a commit, a text and the repository stand.
struct Readable {
    host: Host,
    event: &'static str,
    sample: &'static str,
    /// A full ref, or the name of a branch alone.
    branch: &'static str,
    commit: &'static str,
}

const READABLE: [Readable; 11] = [
    of(Host::GitHub, "push", "github-push", "/ref", "/after"),
    of(Host::GitHub, "push", "github-push-tag-deleted", "/ref", "/after"),
    of(Host::GitHub, "pull_request", "github-pull-request-synchronize", "/pull_request/head/ref", "/pull_request/head/sha"),
    of(Host::Gitea, "push", "gitea-push", "/ref", "/before"),
    of(Host::Gitea, "pull_request", "gitea-pull-request", "/pull_request/base/ref", "/pull_request/head/sha"),
    of(Host::GitLab, "Push Hook", "gitlab-push", "/ref", "/before"),
    of(
        Host::GitLab,
        "Merge Request Hook",
        "gitlab-merge-request",
        "/object_attributes/source_branch",
        "/object_attributes/last_commit/id",
    ),
    of(Host::BitbucketCloud, "repo:push", "bitbucket-cloud-push", "/push/changes/0/new/name", "/push/changes/2/new/target/hash"),
    of(
        Host::BitbucketCloud,
        "pullrequest:created",
        "bitbucket-cloud-pull-request",
        "/pullrequest/destination/branch/name",
        "/pullrequest/source/commit/hash",
    ),
    of(
        Host::BitbucketDataCenter,
        "repo:refs_changed",
        "bitbucket-data-center-refs-changed",
        "/changes/1/ref/id",
        "/changes/0/toHash",
    ),
    of(
        Host::BitbucketDataCenter,
        "pr:opened",
        "bitbucket-data-center-pull-request",
        "/pullRequest/toRef/id",
        "/pullRequest/fromRef/latestCommit",
    ),
];

const fn of(host: Host, event: &'static str, sample: &'static str, branch: &'static str, commit: &'static str) -> Readable {
    Readable { host, event, sample, branch, commit }
}

impl Readable {
    fn posted(&self) -> Posted {
        Posted::sample(self.host, self.event, self.sample)
    }

    /// The value at the place of the branch, with a name of another in it.
    fn with_branch(&self, name: &str) -> Posted {
        let posted = self.posted();
        let json: Value = serde_json::from_slice(&posted.body).unwrap();
        let there = json.pointer(self.branch).and_then(Value::as_str).unwrap();
        let prefix = ["refs/heads/", "refs/tags/"].into_iter().find(|prefix| there.starts_with(prefix));
        posted.with(self.branch, &json!(format!("{}{name}", prefix.unwrap_or_default())))
    }
}

/// Every text of a notice that is given to git.
fn for_git(notice: &Notice) -> Vec<&str> {
    let mut texts: Vec<&str> = notice.repository.iter().map(String::as_str).collect();
    match &notice.what {
        What::Push { branch, before, after, .. } => {
            texts.push(branch);
            texts.extend(before.iter().chain(after).map(String::as_str));
        }
        What::Tag { tag, after } => {
            texts.push(tag);
            texts.extend(after.as_deref());
        }
        What::Request { from, into, head, head_repository, .. } => {
            texts.extend([from.as_str(), into, head]);
            texts.extend(head_repository.iter().map(String::as_str));
        }
        What::Comment { .. } | What::Image { .. } | What::Ping | What::Ignored { .. } => {}
    }
    texts
}

fn is_harmless(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 2048
        && !text.starts_with('-')
        && !text.contains("..")
        && !text.chars().any(|character| character.is_control() || character == ' ')
}

#[test]
fn a_branch_that_git_would_not_take_is_refused_by_the_name_of_its_field() {
    let bad = [
        "",
        "-x",
        "--upload-pack=touch /tmp/x",
        "a..b",
        "a b",
        "a\nb",
        "a\u{0}b",
        "a\u{7f}",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[b",
        "a\\b",
        "a.lock",
        "a.lock/b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.",
        "@",
        "a@{1}",
        "HEAD",
        &"a".repeat(256),
    ];
    for readable in READABLE {
        for name in bad {
            let refused = readable.with_branch(name).receive().unwrap_err();
            assert_eq!(refused.code(), "malformed", "{} {name:?}", readable.sample);
        }
        for name in ["release/1.0", "übung", "a-b_c", &"a".repeat(200)] {
            assert!(readable.with_branch(name).receive().is_ok(), "{} {name:?}", readable.sample);
        }
    }
    let refused = READABLE[0].with_branch("a..b").receive().unwrap_err();
    assert_eq!(refused.to_string(), "`ref` is no name that git takes");
}

#[test]
fn a_commit_that_is_none_is_refused() {
    for readable in READABLE {
        for bad in
            ["", "-x", "HEAD", "main", "12345", &"g".repeat(40), &"a".repeat(65), "--output=/tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxx"]
        {
            let refused = readable.posted().with(readable.commit, &json!(bad)).receive().unwrap_err();
            assert_eq!(refused.code(), "malformed", "{} {bad:?}", readable.sample);
        }
        let sha256 = readable.posted().with(readable.commit, &json!("AB".repeat(32))).receive();
        assert!(sha256.is_ok(), "{} {sha256:?}", readable.sample);
    }
}

#[test]
fn a_repository_without_a_url_that_can_be_read_is_refused_where_something_would_follow() {
    let sample = Posted::sample(Host::GitHub, "push", "github-push");
    let one = sample.with("/repository/clone_url", &json!("-oProxyCommand=x"));
    assert_eq!(one.receive().unwrap().notices[0].repository, ["git@github.com:Codertocat/Hello-World.git"]);
    let none = one.with("/repository/ssh_url", &json!("ext::sh -c x"));
    assert_eq!(none.receive().unwrap_err().to_string(), "`repository` has no URL to clone it by");
    let sample = Posted::sample(Host::BitbucketCloud, "repo:push", "bitbucket-cloud-push");
    for name in ["", "a/../b", "a b/c", "a/b?x=y", "a\\b"] {
        assert!(sample.with("/repository/full_name", &json!(name)).receive().is_err(), "{name}");
    }
}

#[test]
fn links_that_are_none_of_the_web_are_left_out_and_texts_are_bounded() {
    let sample = Posted::sample(Host::GitHub, "pull_request", "github-pull-request-synchronize");
    let hostile = sample
        .with("/pull_request/html_url", &json!("javascript:alert(1)"))
        .with("/pull_request/title", &json!(format!("\u{1b}[2J{}", "€".repeat(10_000))))
        .with("/sender/login", &json!("a\r\nb"))
        .tells();
    assert_eq!(hostile["what"]["link"], Value::Null);
    assert_eq!(hostile["sender"], json!("ab"));
    let title = hostile["what"]["title"].as_str().unwrap();
    assert!(title.starts_with("[2J€") && title.len() <= 300, "{title}");
    let comment = Posted::sample(Host::GitHub, "issue_comment", "github-issue-comment");
    let told = comment.with("/comment/body", &json!("é".repeat(100_000))).tells();
    assert_eq!(told["what"]["text"].as_str().unwrap().len(), 4096);
}

#[test]
fn a_push_of_more_changes_than_a_push_may_bring_is_refused() {
    for (host, event, name, place) in [
        (Host::BitbucketCloud, "repo:push", "bitbucket-cloud-push", "/push/changes"),
        (Host::BitbucketDataCenter, "repo:refs_changed", "bitbucket-data-center-refs-changed", "/changes"),
    ] {
        let sample = Posted::sample(host, event, name);
        let json: Value = serde_json::from_slice(&sample.body).unwrap();
        let change = json.pointer(place).unwrap()[0].clone();
        let most = sample.with(place, &json!(vec![change.clone(); 1000]));
        assert_eq!(most.receive().unwrap().notices.len(), 1000);
        let refused = sample.with(place, &json!(vec![change; 1001])).receive().unwrap_err();
        assert_eq!(refused.to_string(), format!("`{}` has more than 1000 changes", place[1..].replace('/', ".")));
    }
}

#[test]
fn a_field_of_another_form_is_told_by_its_path_and_its_value_is_not() {
    let sample = Posted::sample(Host::GitHub, "pull_request", "github-pull-request-synchronize");
    let refused = sample.with("/pull_request/head/sha", &json!({ "a": "tops3cret" })).receive().unwrap_err();
    assert_eq!(refused.to_string(), "`pull_request.head.sha` is not of the form that the host documents");
    assert!(!format!("{refused:?}").contains("tops3cret"));
    let refused = sample.with("/pull_request/head", &json!({ "ref": "a" })).receive().unwrap_err();
    assert_eq!(refused.to_string(), "`pull_request.head.sha` is missing");
}

#[test]
fn json_that_is_nested_deeply_does_not_end_the_program() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        for readable in READABLE {
            let nested = format!(r#"{{"object_kind":"push","unknown":{deep}}}"#);
            assert!(Posted::new(readable.host, readable.event, nested).receive().is_err(), "{}", readable.event);
        }
        for host in Host::ALL {
            // A stack that ran over would end the tests.
            let _ = Posted::new(host, "unknown", deep.clone()).receive();
        }
    }
}

/// Any JSON, with names that mean something to some host.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("refs/heads/main")),
        Just(json!("0".repeat(40))),
    ];
    let names =
        prop::sample::select(vec!["ref", "after", "repository", "project", "push", "changes", "new", "object_kind", "links"]);
    leaf.prop_recursive(4, 48, 6, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
        let map = prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6);
        prop_oneof![list, map.prop_map(|map| Value::Object(map.into_iter().collect()))]
    })
}

fn any_event() -> impl Strategy<Value = (Host, &'static str)> {
    let events: Vec<_> = READABLE.iter().map(|readable| (readable.host, readable.event)).collect();
    prop::sample::select(events)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(host in prop::sample::select(Host::ALL.to_vec()), event in "\\PC{0,20}", body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut posted = Posted::new(host, &event, body);
        let _ = posted.receive();
        posted.set("content-type", "application/x-www-form-urlencoded");
        let _ = posted.receive();
    }

    #[test]
    fn no_json_makes_it_panic((host, event) in any_event(), json in any_json()) {
        let _ = Posted::new(host, event, json.to_string()).receive();
    }

    #[test]
    fn no_headers_make_it_panic(host in prop::sample::select(Host::ALL.to_vec()), value in "\\PC{0,80}", name in any::<prop::sample::Index>()) {
        let mut posted = Posted::new(host, "push", "{}");
        let name = name.get(&posted.headers.keys().cloned().collect::<Vec<_>>()).clone();
        posted.set(&name, &value);
        let _ = posted.receive();
    }

    #[test]
    fn what_goes_to_git_is_harmless_whatever_a_sample_holds(which in 0..READABLE.len(), name in "(refs/heads/|refs/tags/|)[-a.~^:@{/ é\\PC]{0,12}", commit in "[-0-9a-f]{0,41}") {
        let readable = &READABLE[which];
        for posted in [readable.with_branch(&name), readable.posted().with(readable.branch, &json!(name)), readable.posted().with(readable.commit, &json!(commit))] {
            if let Ok(received) = posted.receive() {
                for notice in &received.notices {
                    prop_assert!(for_git(notice).into_iter().all(is_harmless), "{:?}", notice);
                }
            }
        }
    }
}
