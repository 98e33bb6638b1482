//! Rollouts that succeed, and every way in which one can't.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use serde_json::json;
use slipway_core::failure::{Code, FailureKind};
use slipway_ports::{CancellationToken, Cluster, PodsOf, RolloutKind, RolloutRequest};

use crate::images;
use crate::scene::{Scene, Told, deployment, job, shell, stateful_set};

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_becomes_ready_and_says_how_far_it_is() {
    let scene = Scene::new("ready").await;
    let mut pod = shell("mkdir -p /www && echo up >/www/index.html && exec httpd -f -p 8080 -h /www");
    pod["containers"][0]["readinessProbe"] = json!({"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1});
    scene.apply(deployment(2, pod)).await;
    let told = Told::default();
    scene.watch(RolloutKind::Deployment, 120, &told).await.unwrap();
    let lines = told.lines();
    assert!(lines.iter().any(|line| line == "0 of 2 replicas available"), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| *line == "2 of 2 replicas available").count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("pod api-") && line.ends_with(": ready")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_fails_at_once_and_the_old_version_stays_up() {
    let scene = Scene::new("pull").await;
    scene.apply(deployment(1, shell("exec sleep 1000"))).await;
    scene.watch(RolloutKind::Deployment, 120, &Told::default()).await.unwrap();
    let mut pod = shell("exec sleep 1000");
    pod["containers"][0]["image"] = json!(images::absent());
    let failure = scene.failure_of(pod, 120).await;
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ImagePullFailed));
    assert!(failure.message.contains("not found") && failure.message.contains("busybox:absent"), "{failure}");
    let api: Api<Deployment> = Api::namespaced(scene.client.clone(), &scene.namespace);
    assert_eq!(api.get("api").await.unwrap().status.unwrap().available_replicas, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_an_image_name_that_is_none_fails_at_once() {
    let scene = Scene::new("name").await;
    let mut pod = shell("exec sleep 1000");
    pod["containers"][0]["image"] = json!("Registry.Example/NOT//a:name");
    let failure = scene.failure_of(pod, 120).await;
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ImagePullFailed));
    assert!(failure.message.contains("InvalidImageName"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_fails_with_the_exit_code_and_the_last_lines() {
    let scene = Scene::new("crash").await;
    let failure = scene.failure_of(shell("echo begins; echo no database; exit 3"), 180).await;
    assert_eq!(failure.code, Code::CrashLoop);
    assert!(failure.message.contains("exit code 3"), "{failure}");
    assert_eq!(failure.last_lines, ["begins", "no database"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_never_succeeds_is_the_reason_at_the_timeout() {
    let scene = Scene::new("probe").await;
    let mut pod = shell("echo listening nowhere; exec sleep 1000");
    pod["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 8080}, "periodSeconds": 1});
    let started = Instant::now();
    let failure = scene.failure_of(pod, 12).await;
    assert_eq!(failure.code, Code::ProbeFailed);
    assert!(failure.message.contains("Readiness probe failed"), "{failure}");
    assert_eq!(failure.last_lines, ["listening nowhere"]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_fits_on_no_node_fails_at_once() {
    let scene = Scene::new("unschedulable").await;
    let mut pod = shell("exec sleep 1000");
    pod["containers"][0]["resources"] = json!({"requests": {"cpu": "1000"}});
    let started = Instant::now();
    let failure = scene.failure_of(pod, 120).await;
    assert_eq!(failure.code, Code::Unschedulable);
    assert!(failure.message.contains("Insufficient cpu"), "{failure}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_refuses_a_deployment_a_stateful_set_and_a_job() {
    let scene = Scene::new("quota").await;
    let quota =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}});
    scene.apply(quota).await;
    let failure = scene.failure_of(shell("exec sleep 1000"), 120).await;
    assert_eq!(failure.code, Code::AdmissionRefused);
    assert!(failure.message.contains("exceeded quota: none"), "{failure}");
    scene.apply(stateful_set(shell("exec sleep 1000"), None)).await;
    let failure = scene.watch(RolloutKind::StatefulSet, 120, &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::AdmissionRefused);
    scene.apply(job("true", 60)).await;
    let failure = scene.watch(RolloutKind::Job { name: "api-run".to_owned() }, 120, &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::AdmissionRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_of_a_secret_is_an_invalid_configuration() {
    let scene = Scene::new("config").await;
    scene
        .apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "variables"}, "stringData": {"ONE": "1"}}))
        .await;
    let mut pod = shell("exec sleep 1000");
    pod["containers"][0]["env"] = json!([{"name": "TWO", "valueFrom": {"secretKeyRef": {"name": "variables", "key": "TWO"}}}]);
    let failure = scene.failure_of(pod, 120).await;
    assert_eq!(failure.code, Code::ContainerConfigInvalid);
    assert!(failure.message.contains("couldn't find key TWO"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_cannot_be_mounted_fails_after_a_minute() {
    let scene = Scene::new("mount").await;
    let mut pod = shell("exec sleep 1000");
    pod["volumes"] = json!([{"name": "files", "configMap": {"name": "absent"}}]);
    pod["containers"][0]["volumeMounts"] = json!([{"name": "files", "mountPath": "/files"}]);
    let failure = scene.failure_of(pod, 180).await;
    assert_eq!(failure.code, Code::VolumeUnavailable);
    assert!(failure.message.contains("\"absent\" not found"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_with_a_claim_becomes_ready_and_one_without_its_class_does_not() {
    let scene = Scene::new("claim").await;
    scene.apply(stateful_set(shell("exec sleep 1000"), None)).await;
    scene.watch(RolloutKind::StatefulSet, 120, &Told::default()).await.unwrap();
    let other = Scene::new("noclass").await;
    other.apply(stateful_set(shell("exec sleep 1000"), Some("absent"))).await;
    let failure = other.watch(RolloutKind::StatefulSet, 180, &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::VolumeUnavailable);
    assert!(failure.message.contains("claim data-api-0 is pending"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_watched_to_its_completion() {
    let scene = Scene::new("job").await;
    scene.apply(job("echo done", 60)).await;
    scene.watch(RolloutKind::Job { name: "api-run".to_owned() }, 120, &Told::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_tells_its_exit_code_and_its_last_lines() {
    let scene = Scene::new("jobfails").await;
    scene.apply(job("i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); done; exit 42", 60)).await;
    let failure = scene.watch(RolloutKind::Job { name: "api-run".to_owned() }, 120, &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::JobFailed);
    assert!(failure.message.contains("exit code 42"), "{failure}");
    assert_eq!((failure.last_lines.len(), failure.last_lines.last().unwrap().as_str()), (20, "line 29"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_over_its_time_is_a_timeout() {
    let scene = Scene::new("joblate").await;
    scene.apply(job("exec sleep 1000", 3)).await;
    let failure = scene.watch(RolloutKind::Job { name: "api-run".to_owned() }, 120, &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::JobTimeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_job_is_there_at_once() {
    let scene = Scene::new("cron").await;
    let mut object =
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "api"}, "spec": {"schedule": "0 0 1 1 *"}});
    object["spec"]["jobTemplate"] = json!({"spec": job("true", 60)["spec"]});
    scene.apply(object).await;
    scene.watch(RolloutKind::CronJob, 30, &Told::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_watch_ends_at_once() {
    let scene = Scene::new("cancel").await;
    scene.apply(job("exec sleep 1000", 600)).await;
    let request = RolloutRequest {
        namespace: scene.namespace.clone(),
        release: "api".to_owned(),
        kind: RolloutKind::Job { name: "api-run".to_owned() },
        pods: PodsOf::Release,
        timeout: Duration::from_secs(600),
    };
    let (cancel, told) = (CancellationToken::new(), Told::default());
    let watch = scene.cluster.await_rollout(&scene.target, &request, &told, &cancel);
    let stop = async {
        told.something_with("").await;
        cancel.cancel();
        Instant::now()
    };
    let (verdict, stopped) = tokio::join!(watch, stop);
    assert_eq!(verdict.unwrap_err().kind, FailureKind::Canceled);
    assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
}
