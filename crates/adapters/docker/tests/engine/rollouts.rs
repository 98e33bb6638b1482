//! Rollouts: what goes first, what comes back, what was canceled.

use std::time::Duration;

use slipway_core::failure::{Code, FailureKind};
use slipway_ports::{CancellationToken, Cluster, ReleaseRequest, Releases};

use crate::scene::{Scene, Told, container, web};

/// A version that never becomes ready.
fn ill(scene: &Scene, keys: &str, deployment: &str) -> ReleaseRequest {
    scene.request_with(&web(keys), deployment, &[("VERSION", deployment)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_comes_up_beside_the_old_one_which_then_goes() {
    let scene = Scene::new("rolling").await;
    scene.release(&scene.request(&web(""), "d1")).await.unwrap();
    let next = scene.request_with(&web(""), "d2", &[("VERSION", "d2")]);
    scene.upgrade(&next).await.unwrap();
    let told = Told::default();
    let beside = async {
        told.something_with("0 of 1").await;
        assert_eq!(scene.up().await.len(), 2);
        assert_eq!(scene.answers().await, ["d1"], "only who is ready is asked");
        let new = scene.running("web", |web| web.pods.len() == 2).await;
        let new = new.pods.iter().find(|pod| !pod.ready).unwrap().name.clone();
        scene.exec("web", Some(&new), &["touch", "/ready"]).await;
    };
    let (verdict, ()) = tokio::join!(scene.watch(&next, 30, &told), beside);
    verdict.unwrap();
    assert_eq!((scene.containers().await.len(), scene.answers().await), (1, vec!["d2".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_a_rollout_that_fails_leaves_the_same_containers_as_before() {
    let scene = Scene::new("failing").await;
    scene.release(&scene.request(&web("    instances: {min: 2, max: 2}"), "d1")).await.unwrap();
    let before = scene.objects().await;
    let next = ill(&scene, "    instances: {min: 2, max: 2}", "d2");
    scene.upgrade(&next).await.unwrap();
    let failure = scene.watch(&next, 3, &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::ProbeFailed);
    assert_eq!(scene.answers().await, ["d1", "d1"]);
    scene.rollback(&next, "d2").await;
    let mut after = scene.objects().await;
    after.retain(|object| !object.ends_with("secrets/web-d2"));
    assert_eq!((after, scene.answers().await), (before, vec!["d1".to_owned(), "d1".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn recreate_stops_the_old_version_first_and_starts_it_again_when_the_new_one_fails() {
    let scene = Scene::new("recreate").await;
    let keys = "    rollout: recreate";
    scene.release(&scene.request(&web(keys), "d1")).await.unwrap();
    let before = scene.containers().await;
    let next = ill(&scene, keys, "d2");
    scene.upgrade(&next).await.unwrap();
    assert_eq!(scene.up().await.len(), 1, "never two at once: {:?}", scene.containers().await);
    assert!(!scene.up().await.contains(&before[0].0));
    scene.watch(&next, 3, &Told::default()).await.unwrap_err();
    scene.rollback(&next, "d2").await;
    assert_eq!(scene.containers().await, before, "the same container");
    scene.running("web", |web| web.ready == 1).await;
    assert_eq!(scene.answers().await, ["d1"]);
    let good = scene.request(&web(keys), "d3");
    scene.release(&good).await.unwrap();
    assert_eq!((scene.containers().await.len(), scene.answers().await), (1, vec!["d3".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_there_for_the_next_version_which_waits_for_the_old_one_to_end() {
    let scene = Scene::new("storage").await;
    let keys = "    storage: [{mount: /data, size: 64Mi}]\n    instances: {min: 2, max: 2}";
    let first = scene.request(&web(keys), "d1");
    scene.release(&first).await.unwrap();
    let names = scene.up().await;
    for (name, content) in names.iter().zip(["zero", "one"]) {
        assert_eq!(scene.exec("web", Some(name), &["sh", "-c", &format!("echo {content} >/data/kept")]).await.0, 0);
    }
    let next = scene.request(&web(keys), "d2");
    scene.upgrade(&next).await.unwrap();
    let now = scene.up().await;
    assert!(now.len() == 2 && now.iter().all(|name| !names.contains(name)), "the old ones have ended: {now:?}");
    scene.watch(&next, 30, &Told::default()).await.unwrap();
    for (name, content) in now.iter().zip(["zero\n", "one\n"]) {
        assert_eq!(scene.exec("web", Some(name), &["cat", "/data/kept"]).await, (0, content.to_owned()), "each has its own");
    }
    let failing = ill(&scene, keys, "d3");
    scene.upgrade(&failing).await.unwrap();
    scene.watch(&failing, 3, &Told::default()).await.unwrap_err();
    scene.rollback(&failing, "d3").await;
    scene.running("web", |web| web.ready == 2).await;
    assert_eq!(scene.exec("web", Some(&now[1]), &["cat", "/data/kept"]).await, (0, "one\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_port_of_this_machine_goes_from_one_version_to_the_next() {
    let scene = Scene::new("public").await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let keys = format!(
        "    command: [perl, /server.pl, http, '8000']\n    ports: [{{internal: 8000, external: {port}, protocol: tcp, public: true}}]"
    );
    for deployment in ["d1", "d2"] {
        scene.release(&scene.request(&container("web", &keys), deployment)).await.unwrap();
        let answer = crate::scene::ask(([127, 0, 0, 1], port).into()).await.unwrap();
        assert_eq!(answer, deployment);
    }
    let other = Scene::new("taken").await;
    let failure = other.release(&other.request(&container("web", &keys), "d1")).await.unwrap_err();
    assert_eq!(failure.code, Code::ContainerConfigInvalid);
    assert!(failure.message.contains("public port"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_is_canceled_ends_at_once_and_goes_back() {
    let scene = Scene::new("cancel").await;
    scene.release(&scene.request(&web(""), "d1")).await.unwrap();
    let before = scene.containers().await;
    let next = ill(&scene, "", "d2");
    scene.upgrade(&next).await.unwrap();
    let (cancel, told) = (CancellationToken::new(), Told::default());
    let rollout = scene.rollout(&next, 60);
    let watching = scene.local.await_rollout(&scene.target, &rollout, &told, &cancel);
    let canceling = async {
        told.something_with("0 of 1").await;
        cancel.cancel();
    };
    let (verdict, ()) = tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(watching, canceling) }).await.unwrap();
    assert_eq!(verdict.unwrap_err().kind, FailureKind::Canceled);
    scene.rollback(&next, "d2").await;
    assert_eq!((scene.containers().await, scene.answers().await), (before, vec!["d1".to_owned()]));
    // The first release of another service goes altogether.
    let first = scene.request_with(&container("other", "    command: [perl, /server.pl, none]"), "d2", &[]);
    scene.upgrade(&first).await.unwrap();
    let back = scene.local.rollback(&scene.target, &scene.namespace, "other", "d2").await.unwrap();
    assert_eq!(back, None);
    scene.delete(&first).await;
    assert!(scene.objects().await.iter().all(|object| !object.contains("other")), "{:?}", scene.objects().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_containers_and_a_deployment_brings_them_back() {
    let scene = Scene::new("stop").await;
    let request = scene.request(&web("    storage: [{mount: /data, size: 64Mi}]"), "d1");
    scene.release(&request).await.unwrap();
    scene.exec("web", None, &["touch", "/data/kept"]).await;
    let stop = ReleaseRequest { stopped: true, ..request.clone() };
    scene.upgrade(&stop).await.unwrap();
    assert_eq!(scene.containers().await, []);
    let stopped = scene.running("web", |_| true).await;
    assert_eq!(stopped.status, slipway_core::running::RunningStatus::Stopped);
    scene.release(&ReleaseRequest { labels: scene.request(&web(""), "d2").labels, ..request }).await.unwrap();
    assert_eq!(scene.exec("web", None, &["stat", "/data/kept"]).await.0, 0);
}
