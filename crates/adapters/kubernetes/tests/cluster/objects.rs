//! Namespaces, Secrets, the version, and a cluster that is not there.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret};
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use kube::runtime::wait::await_condition;
use serde_json::json;
use slipway_core::failure::{Code, FailureKind};
use slipway_kubernetes::{KubeCluster, Settings};
use slipway_ports::{CancellationToken, Cluster, PodsOf, RolloutKind, RolloutRequest, SecretObject, SecretText, Silent};

use crate::scene::{Scene, Told, deployment, labels, shell, target, target_of};

#[tokio::test(flavor = "multi_thread")]
async fn the_version_is_that_of_the_api_server() {
    let version = KubeCluster::default().version(&target()).await.unwrap();
    assert!(version.starts_with("v1."), "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_namespace_is_found_again_and_that_of_somebody_else_is_refused() {
    let scene = Scene::new("mine").await;
    scene.cluster.ensure_namespace(&scene.target, &scene.namespace_object()).await.unwrap();
    let mut other = scene.namespace_object();
    other.labels.insert("slipway.dev/environment".to_owned(), "other".to_owned());
    let failure = scene.cluster.ensure_namespace(&scene.target, &other).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ClusterRefused));
    other.name = "default".to_owned();
    let failure = scene.cluster.ensure_namespace(&scene.target, &other).await.unwrap_err();
    assert!(failure.message.contains("namespace default exists and is not this environment's"), "{failure}");
}

fn secret(value: &str, immutable: bool) -> SecretObject {
    SecretObject {
        name: if immutable { "fixed" } else { "variables" }.to_owned(),
        secret_type: "Opaque".to_owned(),
        data: BTreeMap::from([("KEY".to_owned(), SecretText::new(value))]),
        labels: labels(),
        immutable,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_put_twice_and_only_a_mutable_one_changes() {
    let scene = Scene::new("secret").await;
    let put = async |value, immutable| scene.cluster.put_secret(&scene.target, &scene.namespace, &secret(value, immutable)).await;
    let api: Api<Secret> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let value = async |name: &str| api.get(name).await.unwrap().data.unwrap()["KEY"].0.clone();
    for (first, second) in [("one", "one"), ("one", "two")] {
        put(first, false).await.unwrap();
        put(second, false).await.unwrap();
        assert_eq!(value("variables").await, second.as_bytes());
    }
    put("one", true).await.unwrap();
    put("one", true).await.unwrap();
    let failure = put("two", true).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ClusterRefused));
    assert!(!format!("{failure:?}").contains("two"), "{failure:?}");
    assert_eq!(value("fixed").await, b"one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_gone_is_a_retry_within_the_patience() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kubeconfig");
    let text = std::fs::read_to_string(&target().cluster().unwrap().kubeconfig).unwrap();
    let server = text.lines().find(|line| line.trim_start().starts_with("server:")).unwrap().to_owned();
    std::fs::write(&path, text.replace(&server, &format!("    server: https://{closed}"))).unwrap();
    let gone = target_of(path.to_str().unwrap(), &target().cluster().unwrap().context);
    let cluster = KubeCluster::new(Settings { patience: Duration::from_secs(3), ..Settings::default() });
    let request = RolloutRequest {
        namespace: "default".to_owned(),
        release: "api".to_owned(),
        kind: RolloutKind::Deployment,
        pods: PodsOf::Release,
        timeout: Duration::from_secs(600),
    };
    let started = Instant::now();
    let version = cluster.version(&gone).await.unwrap_err();
    let rollout = cluster.await_rollout(&gone, &request, &Silent, &CancellationToken::new()).await.unwrap_err();
    for failure in [version, rollout] {
        eprintln!("{failure:?}");
        assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::ClusterUnreachable));
        assert!(failure.message.contains("refused"), "{failure}");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_replaces_the_pods_once_for_each_token() {
    let scene = Scene::new("restart").await;
    scene.apply(deployment(1, shell("trap 'exit 0' TERM; while :; do sleep 1; done"))).await;
    scene.watch(RolloutKind::Deployment, 120, &Told::default()).await.unwrap();
    let uids = async || {
        let pods: Api<Pod> = Api::namespaced(scene.client.clone(), &scene.namespace);
        let pods = pods.list(&ListParams::default()).await.unwrap();
        let alive = pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        alive.map(|pod| pod.metadata.uid.unwrap()).collect::<Vec<_>>()
    };
    let restart = async |token: &str| {
        scene.cluster.restart(&scene.target, &scene.namespace, "api", &RolloutKind::Deployment, token).await.unwrap();
        scene.watch(RolloutKind::Deployment, 120, &Told::default()).await.unwrap();
    };
    let first = uids().await;
    restart("one").await;
    let second = uids().await;
    assert_ne!(first, second);
    restart("one").await;
    assert_eq!(uids().await, second, "the same token again is the same restart");
    let missing =
        scene.cluster.restart(&scene.target, &scene.namespace, "none", &RolloutKind::Deployment, "x").await.unwrap_err();
    assert_eq!((missing.kind, missing.code), (FailureKind::Permanent, Code::ReleaseFailed));
    // Scaled to nothing, its end is watched.
    scene.apply(deployment(0, shell("trap 'exit 0' TERM; while :; do sleep 1; done"))).await;
    scene.watch(RolloutKind::Gone, 120, &Told::default()).await.unwrap();
    assert!(uids().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_release_leaves_behind_is_removed_and_the_namespace_once_it_is_empty() {
    let scene = Scene::new("leftovers").await;
    let claim = |name: &str, release: &str| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/instance": release}},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        })
    };
    scene.apply(claim("ours", "api")).await;
    scene.apply(claim("other", "web")).await;
    let mut of_service = secret("one", true);
    of_service.labels.insert("slipway.dev/service".to_owned(), "api".to_owned());
    scene.cluster.put_secret(&scene.target, &scene.namespace, &of_service).await.unwrap();
    let content = scene.cluster.secret(&scene.target, &scene.namespace, "fixed").await.unwrap().expect("it is there");
    assert_eq!(content["KEY"].expose(), "one");
    for _ in 0..2 {
        scene.cluster.remove_leftovers(&scene.target, &scene.namespace, "api").await.unwrap();
    }
    assert!(scene.cluster.secret(&scene.target, &scene.namespace, "fixed").await.unwrap().is_none());
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(scene.client.clone(), &scene.namespace);
    // Deleted, a claim goes once its controller has let it go.
    let gone = await_condition(claims.clone(), "ours", |claim: Option<&PersistentVolumeClaim>| claim.is_none());
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("the claim goes").unwrap();
    let left = claims.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(left.iter().filter_map(|claim| claim.metadata.name.as_deref()).collect::<Vec<_>>(), ["other"]);

    let mut record = secret("one", false);
    record.labels.insert("owner".to_owned(), "helm".to_owned());
    scene.cluster.put_secret(&scene.target, &scene.namespace, &record).await.unwrap();
    let remove = async || {
        let never = CancellationToken::new();
        scene.cluster.remove_namespace(&scene.target, &scene.namespace_object(), &never).await.unwrap()
    };
    assert!(!remove().await, "a release is left in it");
    let secrets: Api<Secret> = Api::namespaced(scene.client.clone(), &scene.namespace);
    secrets.delete("variables", &DeleteParams::default()).await.unwrap();
    assert!(remove().await);
    assert!(remove().await, "it is gone already");
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(scene.client.clone());
    assert!(namespaces.get_opt(&scene.namespace).await.unwrap().is_none());
    // The scene removes its namespace at its end, and wants to find it.
    scene.cluster.ensure_namespace(&scene.target, &scene.namespace_object()).await.unwrap();
}
