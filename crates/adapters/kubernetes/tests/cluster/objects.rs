//! Namespaces, Secrets, the version, and a cluster that is not there.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use slipway_core::failure::{Code, FailureKind};
use slipway_kubernetes::{KubeCluster, Settings};
use slipway_ports::{CancellationToken, Cluster, RolloutKind, RolloutRequest, SecretObject, SecretText, Silent};

use crate::scene::{Scene, labels, target, target_of};

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
    let text = std::fs::read_to_string(target().kubeconfig).unwrap();
    let server = text.lines().find(|line| line.trim_start().starts_with("server:")).unwrap().to_owned();
    std::fs::write(&path, text.replace(&server, &format!("    server: https://{closed}"))).unwrap();
    let gone = target_of(path.to_str().unwrap(), &target().context);
    let cluster = KubeCluster::new(Settings { patience: Duration::from_secs(3), ..Settings::default() });
    let request = RolloutRequest {
        namespace: "default".to_owned(),
        release: "api".to_owned(),
        kind: RolloutKind::Deployment,
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
