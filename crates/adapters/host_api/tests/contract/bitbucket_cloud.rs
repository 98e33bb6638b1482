//! Bitbucket Cloud: <https://developer.atlassian.com/cloud/bitbucket/rest>.

use serde_json::{Value, json};

use crate::fake::{keep_status, page, text};
use crate::server::{Reply, Sent};
use crate::world::{Comment, Fork, OWNER, World};

pub(crate) fn answer(world: &mut World, sent: &Sent, parts: &[&str]) -> Reply {
    match (sent.method.as_str(), parts) {
        ("GET", ["repositories", "acme", "shop", "pullrequests", "7"]) => Reply::json(200, &pull_request(world)),
        ("GET", ["repositories", "acme", "shop", "pullrequests", "7", "commits"]) => {
            let hashes = [world.head.clone(), "c".repeat(40)].map(|hash| json!({ "hash": hash }));
            Reply::json(200, &json!({ "values": hashes }))
        }
        ("POST", ["repositories", "acme", "shop", "commit", commit, "statuses", "build"]) => {
            assert!(text(&sent.body["key"]).len() <= 40 && text(&sent.body["url"]).starts_with("http"), "{}", sent.body);
            keep_status(world, commit, sent, "name");
            Reply::json(201, &json!({ "type": "build", "key": sent.body["key"], "state": sent.body["state"] }))
        }
        ("GET", ["user"]) if !world.owner_is_told => error(403, "Your credentials lack one or more required privilege scopes."),
        ("GET", ["user"]) => Reply::json(200, &person(OWNER)),
        ("GET", ["repositories", "acme", "shop", "pullrequests", "7", "comments"]) => Reply::json(200, &comments(world, sent)),
        ("POST", ["repositories", "acme", "shop", "pullrequests", "7", "comments"]) => {
            let id = world.comment(OWNER, text(&sent.body["content"]["raw"]));
            Reply::json(201, &json!({ "id": id }))
        }
        ("PUT", ["repositories", "acme", "shop", "pullrequests", "7", "comments", id]) => {
            if world.rewrite(id, text(&sent.body["content"]["raw"])) {
                Reply::json(200, &json!({ "id": 1 }))
            } else {
                error(403, "You do not have access to edit this comment.")
            }
        }
        _ => error(404, "Resource not found"),
    }
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({ "type": "error", "error": { "message": message } }))
}

fn person(uuid: &str) -> Value {
    json!({ "type": "user", "uuid": uuid, "nickname": "somebody", "display_name": "Some Body", "account_id": "557058:1" })
}

fn comments(world: &World, sent: &Sent) -> Value {
    let values: Vec<Value> = page(&world.comments, sent, "pagelen").iter().map(comment).collect();
    let is_last = sent.number("page") * sent.number("pagelen") >= world.comments.len();
    let mut list = json!({ "values": values, "pagelen": 100, "size": world.comments.len(), "page": sent.number("page") });
    if !is_last {
        // What stands here is not asked: it could be the URL of another host.
        list["next"] = json!("https://api.bitbucket.org/2.0/repositories/acme/shop/pullrequests/7/comments?page=2");
    }
    list
}

fn comment(written: &Comment) -> Value {
    json!({
        "type": "pullrequest_comment",
        "id": written.id,
        "content": { "type": "rendered", "raw": written.text, "markup": "markdown", "html": "" },
        "user": person(&written.by),
        "deleted": false,
        "pending": false,
        "created_on": "2026-04-14T16:00:49.000000+00:00",
    })
}

fn repository(full_name: &str) -> Value {
    json!({ "type": "repository", "full_name": full_name, "name": "shop", "uuid": "{d301aafa-d676-4ee0-88be-962be7417567}" })
}

fn pull_request(world: &World) -> Value {
    let from = match world.fork {
        Fork::None => repository("acme/shop"),
        Fork::Other => repository(&world.fork_name),
        Fork::Gone => Value::Null,
    };
    let short = world.head.get(..12).unwrap_or(&world.head);
    json!({
        "type": "pullrequest",
        "id": 7,
        "title": world.title,
        "state": if world.is_open { "OPEN" } else { "DECLINED" },
        "author": person("{ada}"),
        "source": {
            "branch": { "name": world.from },
            "commit": { "type": "commit", "hash": short },
            "repository": from,
        },
        "destination": {
            "branch": { "name": "main" },
            "commit": { "type": "commit", "hash": "b".repeat(12) },
            "repository": repository("acme/shop"),
        },
        "links": { "html": { "href": world.link } },
    })
}
