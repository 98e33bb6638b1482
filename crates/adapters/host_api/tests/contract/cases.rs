//! What a request brings, who may write, and statuses.

use slipway_core::failure::{Code, FailureKind};
use slipway_ports::{CancellationToken, CommitState, CommitStatus, HostedRequest, RequestHosts as _};

use crate::server::{Instead, Reply, Server};
use crate::world::{Fork, HEAD};

pub(crate) fn never() -> CancellationToken {
    CancellationToken::new()
}

pub(crate) fn status(state: CommitState) -> CommitStatus {
    CommitStatus {
        state,
        context: "slipway/shop/staging".into(),
        description: "Deployed, 3 services".into(),
        link: Some("https://slipway.example.com/environments/staging".into()),
    }
}

async fn request(server: &Server) -> HostedRequest {
    server.api.request(&server.at(), 7, &never()).await.unwrap()
}

pub(crate) async fn a_request_is_read(server: &Server) {
    let HostedRequest { number, is_open, from, into, head, head_repository, from_fork, title, link } = request(server).await;
    assert_eq!((number, is_open, from_fork), (7, true, false));
    assert_eq!((from.as_str(), into.as_str(), head.as_str()), ("feature/cart", "main", HEAD));
    assert_eq!(title, "Add a cart");
    assert_eq!(link.as_deref(), Some("https://git.example.com/acme/shop/requests/7"));
    assert!(
        head_repository.iter().any(|url| url.starts_with("https://") && url.ends_with("acme/shop.git")),
        "{head_repository:?}"
    );
    assert_eq!(head_repository.len(), 2, "{head_repository:?}");
}

pub(crate) async fn a_request_that_is_over_is_told(server: &Server) {
    server.world(|world| world.is_open = false);
    assert!(!request(server).await.is_open);
}

pub(crate) async fn a_fork_is_told(server: &Server) {
    server.world(|world| world.fork = Fork::Other);
    let request = request(server).await;
    assert!(request.from_fork);
    assert!(request.head_repository.iter().any(|url| url.ends_with("/mallory/shop.git")), "{:?}", request.head_repository);
}

pub(crate) async fn a_fork_that_is_gone_is_told_as_one(server: &Server) {
    server.world(|world| world.fork = Fork::Gone);
    let request = request(server).await;
    assert!(request.from_fork);
    assert!(!request.head_repository.iter().any(|url| url.ends_with("git.example.com/acme/shop.git")));
}

pub(crate) async fn who_may_write_is_told_or_refused(server: &Server) {
    for (person, may_write) in [("ada", true), ("bob", false), ("mallory", false)] {
        let told = server.api.may_write(&server.at(), person, &never()).await;
        match told {
            Ok(told) => assert_eq!((server.host.tells_rights, told), (true, may_write), "{person}"),
            Err(failure) => {
                assert!(!server.host.tells_rights, "{failure}");
                assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RepositoryUnauthorized));
            }
        }
    }
}

pub(crate) async fn that_it_could_not_be_found_out_who_may_write_is_never_a_no(server: &Server) {
    for status in [401, 403, 404, 429, 500] {
        server.answer_instead(Instead::Reply(Reply::json(status, &serde_json::json!({}))));
        let told = server.api.may_write(&server.at(), "ada", &never()).await;
        assert!(told.is_err(), "{status}: {told:?}");
    }
}

pub(crate) async fn a_status_is_set_and_set_again(server: &Server) {
    let (api, at) = (&server.api, server.at());
    let [pending, success, failure] = [CommitState::Pending, CommitState::Success, CommitState::Failure];
    for state in [pending, pending, success, success, pending, failure, failure] {
        api.set_status(&at, HEAD, &status(state), &never()).await.unwrap();
        let set = server.world(|world| world.statuses.clone());
        let key = (HEAD.to_owned(), "slipway/shop/staging".to_owned());
        assert_eq!(set.get(&key), Some(&((server.host.words)(state).to_owned(), "Deployed, 3 services".to_owned())));
        assert_eq!(set.len(), 1, "one context has one status");
    }
}

pub(crate) async fn what_is_no_commit_has_no_status(server: &Server) {
    for commit in ["", "main", "0123456789ab", &"0".repeat(40), "../../../user", &"g".repeat(40)] {
        let failure = server.api.set_status(&server.at(), commit, &status(CommitState::Success), &never()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RevisionNotFound), "{commit}");
    }
    assert!(server.sent().is_empty());
}
