//! What one host alone does.

use serde_json::json;
use slipway_core::address::AddressRule;
use slipway_core::failure::{Code, FailureKind};
use slipway_host_api::HostApi;
use slipway_ports::{Addresses, CommitState, RequestHosts as _};

use crate::cases::{never, status};
use crate::comment_cases::comment;
use crate::fake::{BITBUCKET_CLOUD, BITBUCKET_DATA_CENTER, FakeHost, GITHUB, GITLAB};
use crate::server::{Instead, Reply, Server};
use crate::world::{HEAD, OWNER};

#[tokio::test]
async fn gitlab_refuses_a_state_that_may_not_follow() {
    let server = Server::start(GITLAB).await;
    for said in ["Cannot transition status via :drop from :canceled", "name is too long", "from :failed"] {
        server.answer_instead(Instead::Reply(Reply::json(400, &json!({ "message": said }))));
        let set = server.api.set_status(&server.at(), HEAD, &status(CommitState::Failure), &never()).await;
        assert_eq!(set.unwrap_err().kind, FailureKind::Permanent, "{said}");
    }
    let running = "Cannot transition status via :enqueue from :running";
    server.answer_instead(Instead::Reply(Reply::json(400, &json!({ "message": running }))));
    server.api.set_status(&server.at(), HEAD, &status(CommitState::Pending), &never()).await.unwrap();
}

#[tokio::test]
async fn a_merge_request_without_a_commit_is_refused() {
    let server = Server::start(GITLAB).await;
    server.world(|world| world.head = String::new());
    let failure = server.api.request(&server.at(), 7, &never()).await.unwrap_err();
    assert!(failure.message.contains("`sha`"), "{failure}");
}

#[tokio::test]
async fn data_center_is_asked_again_when_a_comment_changed_in_between() {
    let server = Server::start(BITBUCKET_DATA_CENTER).await;
    let (api, at) = (&server.api, server.at());
    api.put_comment(&at, 7, &comment("Building."), &never()).await.unwrap();
    let said = json!({ "errors": [{ "message": "You are attempting to modify a comment based on out-of-date information." }] });
    server.answer_instead(Instead::ReplyTo("PUT", Reply::json(409, &said)));
    let failure = api.put_comment(&at, 7, &comment("Up."), &never()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::RepositoryUnreachable));
    assert_eq!(server.world(|world| world.by(OWNER).len()), 1);
}

#[tokio::test]
async fn bitbucket_cloud_takes_tokens_of_repositories_as_bearers() {
    let bearer = FakeHost { authorization: GITHUB.authorization, ..BITBUCKET_CLOUD };
    for user in ["x-token-auth", ""] {
        let server = Server::start(FakeHost { user, ..bearer }).await;
        server.api.request(&server.at(), 7, &never()).await.unwrap();
    }
}

#[tokio::test]
async fn bitbucket_cloud_is_asked_again_when_it_does_not_list_the_commit_of_an_open_request() {
    let server = Server::start(BITBUCKET_CLOUD).await;
    server.world(|world| world.head = "abcdef012345".into());
    let failure = server.api.request(&server.at(), 7, &never()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Retry, "{failure}");
    server.world(|world| world.is_open = false);
    assert_eq!(server.api.request(&server.at(), 7, &never()).await.unwrap().head, "abcdef012345");
}

#[tokio::test]
async fn a_host_inside_is_not_asked_by_a_server_that_others_reach() {
    let server = Server::start(GITHUB).await;
    let api = HostApi::new(Addresses::new(AddressRule::default())).unwrap();
    let failure = api.request(&server.at(), 7, &never()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::AddressRefused), "{failure}");
    assert!(failure.message.contains("127.0.0.1 is not of the open internet"), "{failure}");
    assert_eq!(server.sent().len(), 0);
}
