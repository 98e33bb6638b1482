//! The adapter against an API server that is scripted to misbehave: busy, silent, late, broken off, lying.
#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    missing_docs,
    unreachable_pub,
    reason = "a test says what went wrong by ending; its JSON is passed on"
)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_ports::{Cluster, Platform};

use server::{End, Reply, Server, cluster, deployment, event, list};

const PATIENCE: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(20);

fn is_away(failure: &Failure) -> bool {
    (failure.kind, failure.code) == (FailureKind::Retry, Code::ClusterUnreachable)
}

#[tokio::test]
async fn a_stale_status_is_not_ready_until_the_controller_has_seen_the_change() {
    let caught_up = Arc::new(AtomicBool::new(false));
    let now = caught_up.clone();
    let server = Server::start(move |request| match (request.what, request.watch) {
        ("deployments", false) => {
            Some(Reply::Object(200, list(vec![deployment(if now.load(Ordering::SeqCst) { 2 } else { 1 }, 1)])))
        }
        _ => None,
    });
    let stale = server.rollout(PATIENCE, Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(stale.code, Code::RolloutTimeout);
    caught_up.store(true, Ordering::SeqCst);
    server.rollout(PATIENCE, LONG).await.unwrap();
}

#[tokio::test]
async fn a_watch_that_says_ready_is_checked_by_a_list() {
    let server = Server::start(|request| match (request.what, request.watch) {
        ("deployments", false) => Some(Reply::Object(200, list(vec![deployment(2, 0)]))),
        ("deployments", true) => Some(Reply::Watch(vec![event("MODIFIED", &deployment(2, 1))], End::Open)),
        _ => None,
    });
    let failure = server.rollout(PATIENCE, Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(failure.code, Code::RolloutTimeout);
}

/// Nor does what was seen of its pods before make it fail then.
#[tokio::test]
async fn what_is_ready_no_more_fails_only_by_what_a_list_shows() {
    let owner = |uid: &str| json!([{"apiVersion": "apps/v1", "kind": "Owner", "name": "owner", "uid": uid, "controller": true}]);
    let revision = json!({"deployment.kubernetes.io/revision": "1"});
    let server = Server::start(move |request| match (request.what, request.watch) {
        ("deployments", false) => {
            let mut object = deployment(2, i32::from(request.before == 0));
            object["metadata"]["annotations"] = revision.clone();
            Some(Reply::Object(200, list(vec![object])))
        }
        ("replicasets", false) => {
            let metadata = json!({"name": "api-1", "uid": "s", "ownerReferences": owner("d"), "annotations": revision});
            Some(Reply::Object(200, list(vec![json!({"metadata": metadata, "spec": {"selector": {}}})])))
        }
        ("pods", false) if request.before == 0 => {
            let container = json!({"name": "api", "image": "a", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}});
            Some(Reply::Object(
                200,
                list(vec![json!({
                    "metadata": {"name": "api-1-x", "uid": "p", "ownerReferences": owner("s")},
                    "spec": {"containers": [{"name": "api", "readinessProbe": {}}]},
                    "status": {"phase": "Pending", "containerStatuses": [container]}
                })]),
            ))
        }
        _ => None,
    });
    let failure = server.rollout(PATIENCE, Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(failure.code, Code::RolloutTimeout, "{failure}");
}

#[tokio::test]
async fn an_event_that_a_watch_lost_is_found_at_the_end_of_the_time() {
    let server = Server::start(|request| match (request.what, request.watch) {
        ("deployments", false) => Some(Reply::Object(200, list(vec![deployment(2, i32::from(request.before > 0))]))),
        _ => None,
    });
    server.rollout(PATIENCE, Duration::from_secs(2)).await.unwrap();
}

/// A watch that ends so is followed by a list, in which the Deployment is ready.
async fn is_listed_anew_after(first_watch: fn() -> Reply) {
    let server = Server::start(move |request| match (request.what, request.watch, request.before) {
        ("deployments", false, before) => Some(Reply::Object(200, list(vec![deployment(2, i32::from(before > 0))]))),
        ("deployments", true, 0) => Some(first_watch()),
        _ => None,
    });
    let started = Instant::now();
    server.rollout(PATIENCE, LONG).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(server.asked("deployments", false) >= 2);
}

#[tokio::test]
async fn what_was_seen_last_may_be_too_old_for_a_watch() {
    fn gone() -> serde_json::Value {
        json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old resource version"})
    }
    is_listed_anew_after(|| Reply::Watch(vec![event("ERROR", &gone())], End::Closed)).await;
    is_listed_anew_after(|| Reply::Object(410, gone())).await;
}

#[tokio::test]
async fn a_watch_that_breaks_off_or_is_refused_for_a_while_is_made_anew() {
    is_listed_anew_after(|| Reply::Watch(Vec::new(), End::Broken)).await;
    is_listed_anew_after(|| Reply::Watch(Vec::new(), End::Closed)).await;
    is_listed_anew_after(|| Reply::Later(503, 1)).await;
    is_listed_anew_after(|| Reply::Silence).await;
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let server = Server::start(|request| {
        Some(if request.before == 0 {
            Reply::Later(429, 2)
        } else {
            Reply::Object(
                200,
                json!({"gitVersion": "v1.33.4", "major": "1", "minor": "33", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
            )
        })
    });
    let started = Instant::now();
    assert_eq!(cluster(LONG).version(&server.target).await.unwrap(), "v1.33.4");
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(server.asked("version", false), 2);
}

#[tokio::test]
async fn a_server_that_stays_away_is_a_retry_within_the_patience() {
    for reply in
        [|| Reply::Later(503, 0), || Reply::Silence, || Reply::Object(500, json!({})), || Reply::Object(200, json!("no list"))]
    {
        let server = Server::start(move |_| Some(reply()));
        let started = Instant::now();
        let failure = server.rollout(PATIENCE, LONG).await.unwrap_err();
        assert!(is_away(&failure), "{failure:?}");
        assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_goes_away_before_the_end_of_the_time_says_neither_yes_nor_no() {
    let server = Server::start(|request| match (request.what, request.watch, request.before) {
        ("deployments", false, 0) => Some(Reply::Object(200, list(vec![deployment(2, 0)]))),
        ("deployments", false, _) => Some(Reply::Later(503, 0)),
        _ => None,
    });
    let failure = server.rollout(PATIENCE, Duration::from_secs(2)).await.unwrap_err();
    assert!(is_away(&failure), "{failure:?}");
}

#[tokio::test]
async fn a_refusal_ends_at_once_in_the_words_of_the_server() {
    let words = "pods is forbidden: User \"ci\" cannot list resource \"pods\"";
    let server = Server::start(move |request| {
        let status = json!({"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": words});
        (request.what == "pods").then_some(Reply::Object(403, status))
    });
    let failure = server.rollout(PATIENCE, LONG).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ClusterRefused));
    assert!(failure.message.contains(words) && failure.hint.is_some(), "{failure:?}");
}

#[tokio::test]
async fn a_kubeconfig_that_runs_a_program_is_refused_and_the_program_does_not_run() {
    let server = Server::start(|_| None);
    let proof = tempfile::tempdir().unwrap();
    let path = proof.path().join("ran");
    let exec =
        json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [path], "interactiveMode": "Never"});
    for user in
        [json!({"exec": exec}), json!({"auth-provider": {"name": "gcp", "config": {"cmd-path": "touch", "cmd-args": path}}})]
    {
        server.with_user(&user);
        let failure = cluster(PATIENCE).version(&server.target).await.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ClusterRefused));
        assert!(failure.message.contains("runs a program") && failure.hint.is_some(), "{failure:?}");
    }
    assert!(!path.exists());
}

#[tokio::test]
async fn a_kubeconfig_without_the_context_or_without_a_file_is_refused() {
    let server = Server::start(|_| None);
    let mut target = server.target.clone();
    target.platform = Platform::kubernetes(target.cluster().unwrap().kubeconfig.clone(), "other");
    let failure = cluster(PATIENCE).version(&target).await.unwrap_err();
    assert_eq!(failure.code, Code::ClusterRefused);
    assert!(failure.hint.unwrap().contains("test"));
    target.platform = Platform::kubernetes("/absent/kubeconfig", "other");
    assert_eq!(cluster(PATIENCE).version(&target).await.unwrap_err().kind, FailureKind::Permanent);
}
