//! GitHub Enterprise Server and Gitea: <https://docs.github.com/rest>, <https://docs.gitea.com/api>.

use serde_json::{Value, json};

use crate::fake::{keep_status, not_found, page, rewritten, text};
use crate::server::{Reply, Sent};
use crate::world::{Comment, Fork, OWNER, World};

pub(crate) fn answer(world: &mut World, sent: &Sent, parts: &[&str]) -> Reply {
    match (sent.method.as_str(), parts) {
        ("GET", ["repos", "acme", "shop", "issues", "7", "comments"]) => {
            let comments = page(&world.comments, sent, "per_page").iter();
            Reply::json(200, &comments.map(|written| comment(world, written)).collect())
        }
        // Gitea has no word for it.
        ("GET", ["user"]) if !world.owner_is_told => Reply::json(
            403,
            &json!({ "message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest/users/users#get-the-authenticated-user" }),
        ),
        _ => either(world, sent, parts),
    }
}

pub(crate) fn answer_as_gitea(world: &mut World, sent: &Sent, parts: &[&str]) -> Reply {
    match (sent.method.as_str(), parts) {
        ("GET", ["repos", "acme", "shop", "issues", "7", "comments"]) => {
            let comments = world.comments.iter().map(|written| comment(world, written));
            Reply::json(200, &comments.collect()).with("x-total-count", &world.comments.len().to_string())
        }
        ("GET", ["user"]) if !world.owner_is_told => Reply::json(
            403,
            &json!({ "message": "token does not have at least one of required scope(s): [read:user]", "url": "https://git.example.com/api/swagger" }),
        ),
        _ => either(world, sent, parts),
    }
}

fn either(world: &mut World, sent: &Sent, parts: &[&str]) -> Reply {
    match (sent.method.as_str(), parts) {
        ("GET", ["repos", "acme", "shop", "pulls", "7"]) => Reply::json(200, &pull_request(world)),
        ("GET", ["repos", "acme", "shop", "collaborators", person, "permission"]) => {
            let permission = if world.writers.iter().any(|writer| writer == person) { "write" } else { "read" };
            Reply::json(200, &json!({ "permission": permission, "role_name": permission, "user": person_of(person, "User") }))
        }
        ("POST", ["repos", "acme", "shop", "statuses", commit]) => {
            keep_status(world, commit, sent, "context");
            Reply::json(201, &json!({ "id": 1, "state": sent.body["state"], "context": sent.body["context"] }))
        }
        ("GET", ["user"]) => Reply::json(200, &person_of(OWNER, "User")),
        ("POST", ["repos", "acme", "shop", "issues", "7", "comments"]) => {
            let id = world.comment(OWNER, text(&sent.body["body"]));
            Reply::json(201, &json!({ "id": id }))
        }
        ("PATCH", ["repos", "acme", "shop", "issues", "comments", id]) => rewritten(world.rewrite(id, text(&sent.body["body"]))),
        _ => not_found(),
    }
}

fn person_of(login: &str, kind: &str) -> Value {
    json!({ "login": login, "id": 1, "node_id": "MDQ6VXNlcjE=", "type": kind, "site_admin": false })
}

fn comment(world: &World, written: &Comment) -> Value {
    let is_program = written.by == OWNER && !world.owner_is_told;
    json!({
        "id": written.id,
        "node_id": "MDEyOklzc3VlQ29tbWVudDE=",
        "html_url": "https://git.example.com/acme/shop/pull/7#issuecomment-1",
        "user": person_of(&written.by, if is_program { "Bot" } else { "User" }),
        "body": written.text,
        "author_association": "NONE",
        "created_at": "2026-04-14T16:00:49Z",
        "updated_at": "2026-04-14T16:00:49Z",
    })
}

fn repository(id: u64, owner: &str, clone_url: &str) -> Value {
    json!({
        "id": id,
        "name": "shop",
        "full_name": format!("{owner}/shop"),
        "private": false,
        "fork": id != 1,
        "clone_url": clone_url,
        "ssh_url": format!("git@git.example.com:{owner}/shop.git"),
        "default_branch": "main",
    })
}

fn pull_request(world: &World) -> Value {
    let own = repository(1, "acme", "https://git.example.com/acme/shop.git");
    let from = match world.fork {
        Fork::None => own.clone(),
        Fork::Other => repository(2, "mallory", &world.fork_url),
        Fork::Gone => Value::Null,
    };
    json!({
        "id": 34_578,
        "number": 7,
        "state": if world.is_open { "open" } else { "closed" },
        "locked": false,
        "title": world.title,
        "html_url": world.link,
        "user": person_of("ada", "User"),
        "body": null,
        "merged": false,
        "draft": false,
        "head": { "label": "acme:feature/cart", "ref": world.from, "sha": world.head, "user": null, "repo": from },
        "base": { "label": "acme:main", "ref": "main", "sha": "b".repeat(40), "user": null, "repo": own },
    })
}
