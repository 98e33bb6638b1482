//! Bitbucket Data Center: <https://developer.atlassian.com/server/bitbucket/rest>.

use serde_json::{Value, json};

use crate::fake::{keep_status, text};
use crate::server::{Reply, Sent};
use crate::world::{Comment, Fork, OWNER, World};

pub(crate) fn answer(world: &mut World, sent: &Sent, parts: &[&str]) -> Reply {
    let reply = match (sent.method.as_str(), parts) {
        ("GET", ["projects", "ACME", "repos", "shop", "pull-requests", "7"]) => Reply::json(200, &pull_request(world)),
        ("GET", ["users"]) => Reply::json(200, &users(world, sent)),
        ("POST", ["projects", "ACME", "repos", "shop", "commits", commit, "builds"]) => {
            keep_status(world, commit, sent, "key");
            Reply { status: 204, headers: Vec::new(), body: Vec::new() }
        }
        ("GET", ["projects", "ACME", "repos", "shop", "pull-requests", "7", "activities"]) => {
            Reply::json(200, &activities(world, sent))
        }
        ("POST", ["projects", "ACME", "repos", "shop", "pull-requests", "7", "comments"]) => {
            let id = world.comment(OWNER, text(&sent.body["text"]));
            Reply::json(201, &json!({ "id": id, "version": 0 }))
        }
        ("PUT", ["projects", "ACME", "repos", "shop", "pull-requests", "7", "comments", id]) => rewrite(world, sent, id),
        _ => error(404, "com.atlassian.bitbucket.pull.NoSuchPullRequestException", "There is no such thing."),
    };
    if world.owner_is_told { reply.with("x-ausername", OWNER).with("x-auserid", "2") } else { reply }
}

fn error(status: u16, exception: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "errors": [{ "context": null, "message": message, "exceptionName": exception }] }))
}

fn rewrite(world: &mut World, sent: &Sent, id: &str) -> Reply {
    let is_of = |comment: &&Comment| comment.id.to_string() == id;
    let version = world.comments.iter().find(is_of).map(|comment| json!(comment.version));
    if version.is_some_and(|version| version != sent.body["version"]) {
        return error(
            409,
            "com.atlassian.bitbucket.comment.CommentOutOfDateException",
            "You are attempting to modify a comment based on out-of-date information.",
        );
    }
    if world.rewrite(id, text(&sent.body["text"])) {
        return Reply::json(200, &json!({ "id": 1, "version": 1 }));
    }
    error(401, "com.atlassian.bitbucket.AuthorisationException", "You are not permitted to access this resource")
}

fn users(world: &World, sent: &Sent) -> Value {
    let wanted = sent.parameter("filter").unwrap();
    let filter = [("permission.1", "REPO_WRITE"), ("permission.1.projectKey", "ACME"), ("permission.1.repositorySlug", "shop")];
    let is_filtered = filter.into_iter().all(|(name, value)| sent.parameter(name).as_deref() == Some(value));
    assert!(is_filtered, "a filter that is not understood lets everybody through: {}", sent.path);
    let named = world.writers.iter().map(String::as_str).chain(["bobby"]).filter(|name| name.contains(&wanted));
    let values: Vec<Value> = named.map(person).collect();
    json!({ "size": values.len(), "limit": 100, "isLastPage": true, "values": values, "start": 0 })
}

fn person(name: &str) -> Value {
    json!({ "name": name, "emailAddress": "a@example.com", "active": true, "displayName": "A Person", "id": 1, "slug": name, "type": "NORMAL" })
}

/// The newest come first, and the opening of the request last.
fn activities(world: &World, sent: &Sent) -> Value {
    let opened = json!({ "id": 1, "createdDate": 1_776_182_449_000_u64, "user": person("ada"), "action": "OPENED" });
    let all: Vec<Value> = world.comments.iter().rev().map(commented).chain([opened]).collect();
    let (start, limit) = (sent.number("start"), sent.number("limit"));
    let values: Vec<Value> = all.iter().skip(start).take(limit).cloned().collect();
    let end = start + values.len();
    let is_last = end >= all.len();
    let next = if is_last { Value::Null } else { json!(end) };
    json!({ "size": values.len(), "limit": limit, "isLastPage": is_last, "values": values, "start": start, "nextPageStart": next })
}

fn commented(written: &Comment) -> Value {
    json!({
        "id": written.id,
        "createdDate": 1_776_182_449_000_u64,
        "user": person(&written.by),
        "action": "COMMENTED",
        "commentAction": "ADDED",
        "comment": {
            "properties": { "repositoryId": 1 },
            "id": written.id,
            "version": written.version,
            "text": written.text,
            "author": person(&written.by),
            "severity": "NORMAL",
            "state": "OPEN",
            "comments": [],
        },
    })
}

fn repository(id: u64, key: &str, url: &str) -> Value {
    json!({
        "slug": "shop",
        "id": id,
        "name": "shop",
        "state": "AVAILABLE",
        "project": { "key": key, "id": 1, "type": "NORMAL" },
        "links": {
            "clone": [
                { "href": "ssh://git@git.example.com:7999/acme/shop.git", "name": "ssh" },
                { "href": url, "name": "http" },
            ],
        },
    })
}

fn pull_request(world: &World) -> Value {
    let own = repository(1, "ACME", "https://git.example.com/scm/acme/shop.git");
    let from = match world.fork {
        Fork::None => own.clone(),
        // Data Center keeps the fork of a request.
        Fork::Other | Fork::Gone => repository(2, "~MALLORY", &world.fork_url),
    };
    json!({
        "id": 7,
        "version": 0,
        "title": world.title,
        "state": if world.is_open { "OPEN" } else { "MERGED" },
        "open": world.is_open,
        "closed": !world.is_open,
        "fromRef": {
            "id": format!("refs/heads/{}", world.from),
            "displayId": world.from,
            "latestCommit": world.head,
            "repository": from,
        },
        "toRef": {
            "id": "refs/heads/main",
            "displayId": "main",
            "latestCommit": "b".repeat(40),
            "repository": own,
        },
        "locked": false,
        "author": { "user": person("ada"), "role": "AUTHOR", "approved": false },
        "links": { "self": [{ "href": world.link }] },
    })
}
