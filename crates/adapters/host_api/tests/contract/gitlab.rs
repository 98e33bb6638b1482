//! GitLab: <https://docs.gitlab.com/api/merge_requests>, `notes`, `members`, `commits`, `projects`, `users`.

use serde_json::{Value, json};

use crate::fake::{keep_status, page, rewritten, text};
use crate::server::{Reply, Sent};
use crate::world::{Comment, Fork, OWNER, World};

const PROJECT: &str = "acme/web/shop";

pub(crate) fn answer(world: &mut World, sent: &Sent, parts: &[&str]) -> Reply {
    match (sent.method.as_str(), parts) {
        ("GET", ["projects", PROJECT, "merge_requests", "7"]) => Reply::json(200, &merge_request(world)),
        ("GET", ["projects", "1"]) => Reply::json(200, &project(1, "acme/web/shop", "https://git.example.com/acme/shop.git")),
        ("GET", ["projects", "2"]) => Reply::json(200, &project(2, &world.fork_name, &world.fork_url)),
        ("GET", ["projects", PROJECT, "members", "all"]) => {
            let wanted = sent.parameter("query").unwrap();
            let named = world.writers.iter().map(|writer| (writer.as_str(), 30)).chain([("bob", 20), ("bobby", 40)]);
            Reply::json(200, &named.filter(|(name, _)| name.contains(&wanted)).map(|(name, level)| member(name, level)).collect())
        }
        ("POST", ["projects", PROJECT, "statuses", commit]) => status(world, commit, sent),
        ("GET", ["user"]) if !world.owner_is_told => Reply::json(
            403,
            &json!({ "error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token." }),
        ),
        ("GET", ["user"]) => Reply::json(200, &person(OWNER)),
        ("GET", ["projects", PROJECT, "merge_requests", "7", "notes"]) => {
            assert_eq!(sent.parameter("sort").as_deref(), Some("asc"));
            Reply::json(200, &page(&world.comments, sent, "per_page").iter().map(note).collect())
        }
        ("POST", ["projects", PROJECT, "merge_requests", "7", "notes"]) => {
            let id = world.comment(OWNER, text(&sent.body["body"]));
            Reply::json(201, &json!({ "id": id }))
        }
        ("PUT", ["projects", PROJECT, "merge_requests", "7", "notes", id]) => {
            rewritten(world.rewrite(id, text(&sent.body["body"])))
        }
        _ => Reply::json(404, &json!({ "message": "404 Not found" })),
    }
}

/// A state that a running status has already is refused.
fn status(world: &mut World, commit: &str, sent: &Sent) -> Reply {
    let key = (commit.to_owned(), text(&sent.body["name"]).to_owned());
    let is_pending = world.statuses.get(&key).is_some_and(|(state, _)| state == "pending");
    if is_pending && sent.body["state"] == "pending" {
        let said = "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")";
        return Reply::json(400, &json!({ "message": said }));
    }
    keep_status(world, commit, sent, "name");
    Reply::json(201, &json!({ "id": 93, "sha": commit, "status": sent.body["state"], "name": sent.body["name"] }))
}

fn person(username: &str) -> Value {
    json!({ "id": 1, "username": username, "name": "A Person", "state": "active", "web_url": "https://git.example.com/person" })
}

fn member(username: &str, level: u32) -> Value {
    json!({ "id": 1, "username": username, "name": "A Person", "state": "active", "access_level": level, "membership_state": "active", "expires_at": null })
}

fn note(written: &Comment) -> Value {
    json!({
        "id": written.id,
        "type": null,
        "body": written.text,
        "author": person(&written.by),
        "created_at": "2026-04-14T16:00:49.000Z",
        "system": false,
        "noteable_type": "MergeRequest",
        "noteable_iid": 7,
        "resolvable": false,
    })
}

fn project(id: u64, path: &str, url: &str) -> Value {
    json!({
        "id": id,
        "path_with_namespace": path,
        "default_branch": "main",
        "http_url_to_repo": url,
        "ssh_url_to_repo": "git@git.example.com:mallory/shop.git",
        "web_url": "https://git.example.com/mallory/shop",
    })
}

fn merge_request(world: &World) -> Value {
    json!({
        "id": 15_402,
        "iid": 7,
        "project_id": 1,
        "title": world.title,
        "description": null,
        "state": if world.is_open { "opened" } else { "merged" },
        "target_branch": "main",
        "source_branch": world.from,
        "source_project_id": match world.fork {
            Fork::None => json!(1),
            Fork::Other => json!(2),
            Fork::Gone => Value::Null,
        },
        "target_project_id": 1,
        "author": person("ada"),
        "draft": false,
        "sha": world.head,
        "web_url": world.link,
        "diff_refs": { "base_sha": "b".repeat(40), "head_sha": world.head, "start_sha": "b".repeat(40) },
    })
}
