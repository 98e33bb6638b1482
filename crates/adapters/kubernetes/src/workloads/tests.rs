//! Running status over snapshots that are written down here: no cluster, no time that passes.

use proptest::prelude::*;
use serde_json::{Value, json};
use slipway_core::running::RunningStatus;
use slipway_ports::{JobRunState, RunningService};

use super::observe::observe;
use super::pods::{Use, choose_of, is_name};
use super::snapshot::NamespaceSnapshot;

const DIGEST: &str = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn object<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn owner(uid: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": "Owner", "name": "owner", "uid": uid, "controller": true}])
}

/// A Deployment `api` with its `ReplicaSet`.
fn deployment(replicas: i32, ready: i32, available: i32) -> NamespaceSnapshot {
    let mut snapshot = NamespaceSnapshot::default();
    snapshot.deployments.put(object(json!({
        "metadata": {"name": "api", "uid": "d", "annotations": {"meta.helm.sh/release-name": "api"}},
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
        "status": {"readyReplicas": ready, "availableReplicas": available}
    })));
    snapshot.replica_sets.put(object(
        json!({"metadata": {"name": "api-1", "uid": "rs", "ownerReferences": owner("d")}, "spec": {"selector": {}}}),
    ));
    snapshot
}

/// A pod with one container in this state; of the `ReplicaSet` unless another owner is named.
fn pod(name: &str, state: &Value, restarts: i32) -> Value {
    let runs = state.get("running").is_some();
    json!({
        "metadata": {"name": name, "uid": name, "ownerReferences": owner("rs"), "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "api", "image": format!("registry.test/api@{DIGEST}")}]},
        "status": {
            "phase": if runs { "Running" } else { "Pending" }, "startTime": "2026-01-01T00:00:01Z",
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": if runs { "True" } else { "False" }}],
            "containerStatuses": [{"name": "api", "image": "", "imageID": "", "ready": runs, "restartCount": restarts, "state": state,
                "lastState": if restarts > 0 { json!({"terminated": {"exitCode": 3, "reason": "Error"}}) } else { json!({}) }}]
        }
    })
}

fn running() -> Value {
    json!({"running": {"startedAt": "2026-01-01T00:00:02Z"}})
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"waiting": {"reason": reason, "message": message}})
}

fn look(snapshot: &NamespaceSnapshot, service: &str) -> RunningService {
    observe(snapshot).remove(service).expect("the service is told")
}

fn status(snapshot: &NamespaceSnapshot) -> (RunningStatus, Option<String>) {
    let api = look(snapshot, "api");
    (api.status, api.reason)
}

#[test]
fn a_deployment_with_all_its_pods_runs_and_tells_of_them() {
    let mut snapshot = deployment(1, 1, 1);
    snapshot.pods.put(object(pod("api-1-x", &running(), 0)));
    let api = look(&snapshot, "api");
    assert_eq!(
        (api.status, api.ready, api.wanted, api.restarts(), api.digest()),
        (RunningStatus::Running, 1, 1, 0, Some(DIGEST))
    );
    let pod = &api.pods[0];
    assert_eq!(
        (pod.name.as_str(), pod.phase.as_str(), pod.ready, pod.node.as_deref()),
        ("api-1-x", "Running", true, Some("node-1"))
    );
}

#[test]
fn pods_that_come_are_starting_and_pods_that_go_are_stopping() {
    let mut snapshot = deployment(2, 1, 1);
    snapshot.pods.put(object(pod("api-1-x", &running(), 0)));
    snapshot.pods.put(object(pod("api-1-y", &waiting("ContainerCreating", ""), 0)));
    assert_eq!(status(&snapshot), (RunningStatus::Starting, None));
    let mut snapshot = deployment(0, 1, 1);
    assert_eq!(status(&snapshot), (RunningStatus::Stopped, None));
    snapshot.pods.put(object(pod("api-1-x", &running(), 0)));
    assert_eq!(status(&snapshot), (RunningStatus::Stopping, None));
}

#[test]
fn a_crash_loop_is_an_error_and_a_warning_while_others_serve() {
    let crash = pod("api-1-y", &waiting("CrashLoopBackOff", "back-off 10s restarting failed container"), 3);
    let words = Some("CrashLoopBackOff: exit code 3, restarted 3 times".to_owned());
    let mut snapshot = deployment(1, 0, 0);
    snapshot.pods.put(object(crash.clone()));
    assert_eq!(status(&snapshot), (RunningStatus::Error, words.clone()));
    let mut snapshot = deployment(1, 1, 1);
    snapshot.pods.put(object(pod("api-1-x", &running(), 0)));
    snapshot.pods.put(object(crash));
    assert_eq!(status(&snapshot), (RunningStatus::Warning, words));
    // Between two crashes it runs for a moment, which is no recovery; once it is available, it is.
    let mut snapshot = deployment(1, 1, 0);
    snapshot.pods.put(object(pod("api-1-y", &running(), 3)));
    assert_eq!(status(&snapshot), (RunningStatus::Error, Some("Restarted 3 times: exit code 3".to_owned())));
    let mut snapshot = deployment(1, 1, 1);
    snapshot.pods.put(object(pod("api-1-y", &running(), 3)));
    assert_eq!(status(&snapshot), (RunningStatus::Running, None));
}

#[test]
fn the_words_of_a_pod_are_the_reason() {
    for (reason, message, expected) in [
        ("ImagePullBackOff", "Back-off pulling image \"x\"", "ImagePullBackOff: Back-off pulling image \"x\""),
        ("CreateContainerConfigError", "secret \"a\" not found", "CreateContainerConfigError: secret \"a\" not found"),
        ("InvalidImageName", "", "InvalidImageName"),
    ] {
        let mut snapshot = deployment(1, 0, 0);
        snapshot.pods.put(object(pod("api-1-x", &waiting(reason, message), 0)));
        assert_eq!(status(&snapshot), (RunningStatus::Error, Some(expected.to_owned())));
    }
    let mut snapshot = deployment(1, 0, 0);
    let mut unscheduled = pod("api-1-x", &waiting("", ""), 0);
    unscheduled["status"] = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}]});
    snapshot.pods.put(object(unscheduled));
    let words = "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu".to_owned();
    assert_eq!(status(&snapshot), (RunningStatus::Error, Some(words)));
}

#[test]
fn a_pod_that_is_not_ready_any_more_says_what_its_probe_says() {
    let mut lost = pod("api-1-x", &running(), 0);
    lost["status"]["containerStatuses"][0]["ready"] = json!(false);
    lost["status"]["conditions"][1] = json!({"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:10:00Z"});
    let mut snapshot = deployment(1, 0, 0);
    snapshot.pods.put(object(lost.clone()));
    snapshot.events.put(object(json!({"metadata": {"name": "e"}, "involvedObject": {"uid": "api-1-x"}, "reason": "Unhealthy",
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 500", "lastTimestamp": "2026-01-01T00:10:00Z"})));
    let words = "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500".to_owned();
    assert_eq!(status(&snapshot), (RunningStatus::Error, Some(words)));
    // One that never was ready is on its way.
    lost["status"]["conditions"][1]["lastTransitionTime"] = json!("2026-01-01T00:00:01Z");
    snapshot.pods.put(object(lost));
    assert_eq!(status(&snapshot), (RunningStatus::Starting, None));
}

#[test]
fn a_quota_that_refuses_the_pods_is_an_error() {
    let mut snapshot = deployment(1, 0, 0);
    snapshot.deployments.put(object(json!({
        "metadata": {"name": "api", "uid": "d", "labels": {"app.kubernetes.io/instance": "api"}},
        "spec": {"replicas": 1, "selector": {}, "template": {}},
        "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small."}]}
    })));
    assert_eq!(status(&snapshot), (RunningStatus::Error, Some("FailedCreate: exceeded quota: small".to_owned())));
}

/// A `CronJob` and one run of it with this condition.
fn cron(suspend: bool, condition: Option<&str>) -> NamespaceSnapshot {
    let mut snapshot = NamespaceSnapshot::default();
    snapshot.cron_jobs.put(object(json!({
        "metadata": {"name": "api", "uid": "c", "labels": {"app.kubernetes.io/instance": "api"}},
        "spec": {"schedule": "0 3 * * *", "suspend": suspend, "jobTemplate": {}}
    })));
    if let Some(condition) = condition {
        let conditions = if condition.is_empty() {
            json!([])
        } else {
            json!([{"type": condition, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached it"}])
        };
        snapshot.jobs.put(object(json!({
            "metadata": {"name": "api-1", "uid": "j", "ownerReferences": owner("c"), "creationTimestamp": "2026-01-01T03:00:00Z"},
            "status": {"startTime": "2026-01-01T03:00:00Z", "conditions": conditions}
        })));
    }
    snapshot
}

#[test]
fn a_public_port_without_a_host_tells_its_address_and_warns_while_it_has_none() {
    let service = |name: &str, kind: &str, ports: Value, given: Value| {
        object(json!({
            "metadata": {"name": name, "uid": name, "annotations": {"meta.helm.sh/release-name": "api"}},
            "spec": {"type": kind, "ports": ports}, "status": {"loadBalancer": {"ingress": given}}
        }))
    };
    let tcp = json!([{"port": 5432, "protocol": "TCP"}]);
    let mut snapshot = deployment(1, 1, 1);
    snapshot.services.put(service("api", "ClusterIP", tcp.clone(), json!([])));
    assert_eq!(status(&snapshot), (RunningStatus::Running, None));
    snapshot.services.put(service("api-public-tcp", "LoadBalancer", tcp.clone(), json!([])));
    let waits = "the Service api-public-tcp has no address yet: it waits for a load balancer".to_owned();
    assert_eq!(status(&snapshot), (RunningStatus::Warning, Some(waits)));
    snapshot.services.put(service("api-public-tcp", "LoadBalancer", tcp, json!([{"ip": "203.0.113.7"}])));
    let udp = json!([{"port": 53, "protocol": "UDP"}]);
    let given = json!([{"ip": "2001:db8::7"}, {"hostname": "lb.example", "ip": "203.0.113.8"}]);
    snapshot.services.put(service("api-public-udp", "LoadBalancer", udp, given));
    let api = look(&snapshot, "api");
    assert_eq!((api.status, api.reason), (RunningStatus::Running, None));
    assert_eq!(api.addresses, ["203.0.113.7:5432", "[2001:db8::7]:53/udp", "lb.example:53/udp"]);
    // What is stopped waits for nothing, and a Service alone runs nothing.
    let mut stopped = deployment(0, 0, 0);
    stopped.services.put(service("api-public-tcp", "LoadBalancer", json!([]), json!([])));
    assert_eq!(status(&stopped), (RunningStatus::Stopped, None));
    let mut alone = NamespaceSnapshot::default();
    alone.services.put(service("api-public-tcp", "LoadBalancer", json!([]), json!([])));
    assert!(observe(&alone).is_empty());
}

#[test]
fn a_cron_job_tells_its_last_run() {
    let failure = Some("BackoffLimitExceeded: Job has reached it".to_owned());
    for (suspend, condition, expected) in [
        (false, None, (RunningStatus::Completed, Some("it has not run yet".to_owned()))),
        (true, None, (RunningStatus::Stopped, None)),
        (false, Some(""), (RunningStatus::Starting, None)),
        (false, Some("Complete"), (RunningStatus::Completed, None)),
        (true, Some("Complete"), (RunningStatus::Stopped, None)),
        (false, Some("Failed"), (RunningStatus::Error, failure)),
    ] {
        assert_eq!(status(&cron(suspend, condition)), expected, "{suspend} {condition:?}");
    }
    let mut snapshot = cron(false, Some(""));
    let mut run = pod("api-1-x", &running(), 0);
    run["metadata"]["ownerReferences"] = owner("j");
    snapshot.pods.put(object(run));
    let api = look(&snapshot, "api");
    assert_eq!((api.status, api.pods.len()), (RunningStatus::Running, 1));
    assert_eq!(api.last_run.map(|run| run.state), Some(JobRunState::Running));
}

#[test]
fn objects_belong_to_the_service_of_their_owner_and_hooks_to_none() {
    let mut snapshot = deployment(1, 1, 1);
    let mut of_other = pod("api-1-x", &running(), 0);
    of_other["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "other"});
    snapshot.pods.put(object(of_other));
    snapshot.pods.put(object(json!({"metadata": {"name": "test", "uid": "t", "labels": {"app.kubernetes.io/instance": "api"},
        "annotations": {"helm.sh/hook": "test"}}, "status": {"phase": "Failed"}})));
    snapshot.pods.put(object(json!({"metadata": {"name": "stray", "uid": "s"}, "status": {"phase": "Running"}})));
    let seen = observe(&snapshot);
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["api"]);
    assert_eq!(seen["api"].pods.len(), 1);
}

#[test]
fn a_ready_pod_is_chosen_and_never_one_that_leaves() {
    let mut leaving = pod("api-1-a", &running(), 0);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:10:00Z");
    let mut unready = pod("api-1-b", &running(), 0);
    unready["status"]["conditions"][1]["status"] = json!("False");
    let all = [leaving, unready, pod("api-1-c", &running(), 0)];
    let choose = |pods: &[Value], named, wanted| {
        choose_of(pods.iter().cloned().map(object).collect(), "api", named, wanted).map(|pod| pod.metadata.name.unwrap())
    };
    assert_eq!(choose(&all, None, Use::Requests).unwrap(), "api-1-c");
    assert_eq!(choose(&all[..2], None, Use::Command).unwrap(), "api-1-b");
    assert!(choose(&all[..2], None, Use::Requests).unwrap_err().message.contains("ready"));
    assert_eq!(choose(&all, Some("api-1-b"), Use::Requests).unwrap(), "api-1-b");
    for named in ["api-1-a", "other-0"] {
        assert!(choose(&all, Some(named), Use::Command).unwrap_err().message.contains(named));
    }
}

#[test]
fn only_names_go_into_selectors() {
    assert!(is_name("api-7d9f8b6c5-x2x4z"));
    for text in ["", "a,metadata.name=b", "a=b", "A", "a b", "a\n", "a/../b"] {
        assert!(!is_name(text), "{text}");
    }
}

proptest! {
    /// Whatever numbers a cluster tells: nothing wanted is never running, and what runs has all its pods.
    #[test]
    fn a_status_agrees_with_its_numbers(replicas in -1..4, ready in -1..4, available in -1..4, crash: bool) {
        let mut snapshot = deployment(replicas, ready, available);
        if crash {
            snapshot.pods.put(object(pod("api-1-y", &waiting("CrashLoopBackOff", ""), 3)));
        }
        let (status, reason) = status(&snapshot);
        prop_assert_eq!(matches!(status, RunningStatus::Stopped | RunningStatus::Stopping), replicas <= 0);
        prop_assert!(status != RunningStatus::Running || (available >= replicas && !crash));
        prop_assert_eq!(matches!(status, RunningStatus::Warning | RunningStatus::Error), crash && replicas > 0);
        prop_assert_eq!(reason.is_some(), crash && replicas > 0);
    }
}
