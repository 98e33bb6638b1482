//! A namespace of its own for each test, and what the tests put into it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, Config};
use serde_json::{Value, json};
use slipway_core::failure::Failure;
use slipway_kubernetes::{KubeCluster, Settings};
pub use slipway_ports::testing::Told;
use slipway_ports::{CancellationToken, Cluster, Namespace, Platform, PodsOf, RolloutKind, RolloutRequest, Target};

/// One test's part of the cluster; it is removed when the test ends.
pub struct Scene {
    pub cluster: KubeCluster,
    pub target: Target,
    pub namespace: String,
    pub client: Client,
}

/// The development cluster; without it the tests fail.
pub fn target() -> Target {
    let named = std::env::var_os("SLIPWAY_TEST_KUBECONFIG").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/slipway-dev");
    let cache = || std::env::var_os("SLIPWAY_DEV_CACHE").map_or_else(home, PathBuf::from);
    let path = named.unwrap_or_else(|| cache().join("cluster/kubeconfig"));
    assert!(path.exists(), "there is no kubeconfig {}: run dev/cluster/cluster up", path.display());
    let kubeconfig = kube::config::Kubeconfig::read_from(&path).unwrap();
    target_of(path.to_str().unwrap(), &kubeconfig.current_context.expect("a current context"))
}

pub fn target_of(kubeconfig: &str, context: &str) -> Target {
    Target {
        name: "test".to_owned(),
        platform: Platform::kubernetes(kubeconfig, context),
        domain: "localhost".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 10,
        is_default: true,
    }
}

pub fn labels() -> BTreeMap<String, String> {
    [("slipway.dev/project", "test"), ("slipway.dev/environment", "test"), ("app.kubernetes.io/managed-by", "slipway")]
        .map(|(label, value)| (label.to_owned(), value.to_owned()))
        .into()
}

impl Scene {
    pub async fn new(name: &str) -> Self {
        let cluster = KubeCluster::new(Settings::default());
        let target = target();
        let unique = uuid::Uuid::now_v7().simple().to_string();
        let namespace = format!("test-{name}-{}", &unique[20..]);
        let kubeconfig = kube::config::Kubeconfig::read_from(&target.cluster().unwrap().kubeconfig).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let scene = Self { cluster, target, namespace, client };
        scene.cluster.ensure_namespace(&scene.target, &scene.namespace_object()).await.unwrap();
        scene
    }

    pub fn namespace_object(&self) -> Namespace {
        Namespace { name: self.namespace.clone(), labels: labels() }
    }

    /// Applies an object as `kubectl apply --server-side` does.
    pub async fn apply(&self, object: Value) {
        let (group, version) =
            object["apiVersion"].as_str().unwrap().split_once('/').unwrap_or(("", object["apiVersion"].as_str().unwrap()));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, object["kind"].as_str().unwrap()));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let name = object["metadata"]["name"].as_str().unwrap();
        api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.unwrap();
    }

    pub async fn watch(&self, kind: RolloutKind, seconds: u64, told: &Told) -> Result<(), Failure> {
        let request = RolloutRequest {
            namespace: self.namespace.clone(),
            release: "api".to_owned(),
            kind,
            pods: PodsOf::Release,
            timeout: Duration::from_secs(seconds),
        };
        let verdict = self.cluster.await_rollout(&self.target, &request, told, &CancellationToken::new()).await;
        eprintln!("{}: {verdict:#?}\n  {}", self.namespace, told.lines().join("\n  "));
        verdict
    }

    /// The failure of a Deployment with this pod.
    pub async fn failure_of(&self, pod: Value, seconds: u64) -> Failure {
        self.apply(deployment(1, pod)).await;
        self.watch(RolloutKind::Deployment, seconds, &Told::default()).await.unwrap_err()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let (client, namespace) = (self.target.clone(), self.namespace.clone());
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let kubeconfig = kube::config::Kubeconfig::read_from(&client.cluster().unwrap().kubeconfig).unwrap();
                let config =
                    Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
                let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(Client::try_from(config).unwrap());
                api.delete(&namespace, &DeleteParams::default()).await.unwrap();
            });
        });
        let removed = removed.join().is_ok();
        assert!(removed || std::thread::panicking(), "namespace {} could not be removed", self.namespace);
    }
}

fn pod_labels() -> Value {
    json!({"app.kubernetes.io/instance": "api", "app.kubernetes.io/name": "api"})
}

pub fn template(pod: Value) -> Value {
    json!({"metadata": {"labels": pod_labels()}, "spec": pod})
}

pub fn deployment(replicas: i32, pod: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {
            "replicas": replicas, "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": pod_labels()}, "template": template(pod)
        }
    })
}

pub fn stateful_set(pod: Value, storage_class: Option<&str>) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "api"},
        "spec": {
            "replicas": 1, "serviceName": "api", "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": pod_labels()}, "template": template(pod),
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": "1Mi"}}}
            }]
        }
    })
}

pub fn job(script: &str, deadline: i64) -> Value {
    let mut pod = shell(script);
    pod["restartPolicy"] = json!("Never");
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "api-run"},
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": deadline, "template": template(pod)}
    })
}

/// A pod that runs a script.
pub fn shell(script: &str) -> Value {
    json!({
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "api", "image": crate::images::busybox(), "command": ["sh", "-c", script]}]
    })
}
