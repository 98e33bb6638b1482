//! Hosts that refuse, are silent, lie, or send elsewhere.

use serde_json::json;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_ports::{CommitState, RequestHosts as _, SecretText};

use crate::cases::{never, status};
use crate::comment_cases::comment;
use crate::server::{Instead, Reply, Server};
use crate::world::{Fork, HEAD};

/// The failures of all calls that ask the host, each free of the token.
async fn failures(server: &Server) -> Vec<Failure> {
    let (api, at) = (&server.api, server.at());
    let mut failures = vec![
        api.request(&at, 7, &never()).await.unwrap_err(),
        api.set_status(&at, HEAD, &status(CommitState::Success), &never()).await.unwrap_err(),
        api.put_comment(&at, 7, &comment("Up."), &never()).await.unwrap_err(),
    ];
    if server.host.tells_rights {
        failures.push(api.may_write(&at, "ada", &never()).await.unwrap_err());
    }
    for failure in &failures {
        let told = format!("{failure:?} {failure}");
        assert!(server.host.secrets().iter().all(|secret| !told.contains(secret)), "{told}");
        assert!(failure.message.len() < 600 && !failure.message.chars().any(char::is_control), "{told}");
    }
    failures
}

async fn all_fail(server: &Server, reply: Reply, kind: FailureKind, code: Code) -> Vec<Failure> {
    server.answer_instead(Instead::Reply(reply));
    let failures = failures(server).await;
    for failure in &failures {
        assert_eq!((failure.kind, failure.code), (kind, code), "{failure:?}");
    }
    failures
}

pub(crate) async fn refusals_are_told_by_their_kind(server: &Server) {
    for (status, code) in [
        (401, Code::RepositoryUnauthorized),
        (403, Code::RepositoryUnauthorized),
        (404, Code::RevisionNotFound),
        (400, Code::RepositoryUnreachable),
        (422, Code::RepositoryUnreachable),
    ] {
        for said in [
            json!({ "message": "No such luck" }),
            json!({ "error": { "message": "No such luck" } }),
            json!({ "errors": [{ "message": "No such luck" }] }),
        ] {
            let failures = all_fail(server, Reply::json(status, &said), FailureKind::Permanent, code).await;
            assert!(failures.iter().all(|failure| failure.message.contains("No such luck")), "{failures:?}");
        }
    }
    let long = json!({ "message": "\u{1b}[31m\n".repeat(100) + &"x".repeat(4000) });
    all_fail(server, Reply::json(400, &long), FailureKind::Permanent, Code::RepositoryUnreachable).await;
}

pub(crate) async fn a_limit_of_calls_is_worth_another_try(server: &Server) {
    let limited = |status| Reply::json(status, &json!({ "message": "API rate limit exceeded" }));
    for reply in [
        limited(429).with("retry-after", "120"),
        limited(429),
        limited(403).with("retry-after", "120"),
        limited(403).with("x-ratelimit-remaining", "0"),
    ] {
        let asks_to_wait = reply.headers.iter().any(|(name, _)| name == "retry-after");
        let failures = all_fail(server, reply, FailureKind::Retry, Code::RepositoryUnreachable).await;
        assert!(failures.iter().all(|failure| failure.message.contains("wait 120") == asks_to_wait), "{failures:?}");
    }
    let not_limited = limited(403).with("x-ratelimit-remaining", "4999");
    all_fail(server, not_limited, FailureKind::Permanent, Code::RepositoryUnauthorized).await;
}

pub(crate) async fn a_host_that_is_away_is_worth_another_try(server: &Server) {
    for status in [500, 502, 503, 504] {
        let page = Reply { status, headers: Vec::new(), body: b"<html>Bad gateway</html>".to_vec() };
        all_fail(server, page, FailureKind::Retry, Code::RepositoryUnreachable).await;
    }
    let mut at = server.at();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    at.url = at.url.replace(server.root(), &format!("http://{}", free.local_addr().unwrap()));
    drop(free);
    let failure = server.api.request(&at, 7, &never()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RepositoryUnreachable), "{failure}");
}

pub(crate) async fn a_silent_host_is_left_when_it_is_canceled(server: &Server) {
    server.answer_instead(Instead::Silence);
    let (api, at, cancel) = (&server.api, server.at(), never());
    let call = api.request(&at, 7, &cancel);
    let cancels = async {
        server.asked().await;
        cancel.cancel();
    };
    let (failure, ()) = tokio::join!(call, cancels);
    assert_eq!(failure.unwrap_err().kind, FailureKind::Canceled);
    // What is canceled before it begins asks nobody.
    server.sent();
    let failure = api.put_comment(&at, 7, &comment("Up."), &cancel).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Canceled, Code::Canceled));
    assert!(server.sent().is_empty());
}

pub(crate) async fn an_answer_that_is_too_large_is_not_read(server: &Server) {
    let large = |size: usize| Instead::Reply(Reply { status: 200, headers: Vec::new(), body: vec![b' '; size] });
    let (api, at) = (&server.api, server.at());
    server.answer_instead(large((1 << 20) + 1));
    let failure = api.request(&at, 7, &never()).await.unwrap_err();
    assert!(failure.message.contains("more than 1 MiB"), "{failure}");
    server.answer_instead(large((8 << 20) + 1));
    let failure = api.put_comment(&at, 7, &comment("Up."), &never()).await.unwrap_err();
    assert!(failure.message.contains("more than 8 MiB"), "{failure}");
    assert!(server.writes().is_empty());
}

pub(crate) async fn an_answer_of_another_form_is_refused(server: &Server) {
    let deep = "[".repeat(100_000);
    for body in ["", "<html>Sign in</html>", "null", "{}", "[1]", "{\"values\": 7}", "\u{0}", "{\"number\": \"hunter2\"}", &deep]
    {
        let reply = Reply { status: 200, headers: Vec::new(), body: body.into() };
        server.answer_instead(Instead::ReplyTo("GET", reply));
        for failure in [
            server.api.request(&server.at(), 7, &never()).await.map(drop).unwrap_err(),
            server.api.put_comment(&server.at(), 7, &comment("Up."), &never()).await.unwrap_err(),
        ] {
            assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RepositoryUnreachable), "{body:.40}");
            assert!(!failure.message.contains("hunter2"), "{failure}");
        }
    }
    assert!(server.writes().is_empty());
}

pub(crate) async fn texts_are_held_to_the_rules_of_deliveries(server: &Server) {
    let (api, at) = (&server.api, server.at());
    server.world(|world| {
        world.title = format!("\u{1b}[2JA\ncart{}", "!".repeat(1000));
        world.link = "javascript:alert(1)".into();
        world.fork = Fork::Other;
        world.fork_url = "ext::sh -c touch% /tmp/x".into();
        world.fork_name = "../../evil --upload-pack=x".into();
    });
    let request = api.request(&at, 7, &never()).await.unwrap();
    assert!(request.title.starts_with("[2JAcart!") && request.title.len() <= 300, "{}", request.title);
    assert_eq!(request.link, None);
    assert!(request.head_repository.iter().all(|url| url.contains("git.example.com")), "{:?}", request.head_repository);

    for from in ["--upload-pack=x", "a..b", "", "a\nb", "-"] {
        server.world(|world| world.from = from.into());
        let failure = api.request(&at, 7, &never()).await.unwrap_err();
        assert!(failure.message.contains("is no name that git takes"), "{failure}");
    }
    for head in ["", "main", "--output=x", "0000000000000000000000000000000000000000"] {
        server.world(|world| (world.from, world.head) = ("main".into(), head.into()));
        let failure = api.request(&at, 7, &never()).await.unwrap_err();
        assert!(failure.message.contains("is no commit"), "{failure}");
    }
}

pub(crate) async fn names_stay_in_their_part_of_a_path(server: &Server) {
    let (api, at) = (&server.api, server.at());
    for person in ["../../../user", "a/b", "a?b=c&d", "a#b", "%2e%2e", "ü"] {
        let told = api.may_write(&at, person, &never()).await;
        assert!(!matches!(told, Ok(true)), "{person}");
        for sent in server.sent() {
            let parts = sent.parts(server.host.api);
            let parameters = ["query", "filter"].into_iter().find_map(|name| sent.parameter(name));
            assert!(parts.iter().any(|part| part == person) || parameters.as_deref() == Some(person), "{}", sent.path);
        }
    }
    for path in ["/acme/../admin", "/acme/%2e%2e/admin", "/acme/shop?x", "/acme//shop", "/..", ""] {
        let mut elsewhere = at.clone();
        elsewhere.url = format!("{}{path}", server.root());
        let failure = api.request(&elsewhere, 7, &never()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RevisionNotFound), "{path}");
    }
    assert!(server.sent().is_empty());
}

pub(crate) async fn a_redirect_is_not_followed(server: &Server) {
    let other = Server::start(server.host).await;
    for status in [301, 302, 307, 308] {
        let to = format!("{}{}/repos/acme/shop/pulls/7", other.root(), server.host.api);
        let reply = Reply::json(status, &json!({ "message": "Moved" })).with("location", &to);
        all_fail(server, reply, FailureKind::Permanent, Code::RepositoryUnreachable).await;
    }
    assert!(other.sent().is_empty());
}

pub(crate) async fn the_token_is_never_told(server: &Server) {
    let [token, sent] = server.host.secrets();
    for status in [400, 401, 403, 404, 429, 500] {
        let said = json!({ "message": format!("`{token}` sent as `{} {sent}` is wrong", "x".repeat(250)) });
        server.answer_instead(Instead::Reply(Reply::json(status, &said)));
        failures(server).await;
    }
    assert!(!format!("{:?} {:?}", server.at(), server.api).contains(token));

    // What no header can hold is not sent as it is.
    let other = Server::start(server.host).await;
    let mut at = other.at();
    at.token = SecretText::new("hunter2\r\nx-evil: 1");
    let failure = other.api.request(&at, 7, &never()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RepositoryUnauthorized));
    assert!(!failure.to_string().contains("hunter2"), "{failure}");
    assert!(other.sent().iter().all(|sent| !sent.headers.contains_key("x-evil")));
}
