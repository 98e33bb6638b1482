//! Verdicts over snapshots that are written down here: no cluster, no time that passes.

use std::time::Duration;

use serde_json::{Value, json};
use slipway_core::failure::Code;
use slipway_ports::RolloutKind;

use super::concern::{Finding, Since};
use super::narrate;
use super::snapshot::{Snapshot, Subject};
use super::verdict::{Verdict, at_timeout, is_ready_at_timeout, verdict};

const ZERO: Duration = Duration::ZERO;

fn object<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn snapshot(kind: RolloutKind) -> Snapshot {
    Snapshot::new(Subject { kind, name: "api".to_owned(), namespace: "shop".to_owned() })
}

fn look(snapshot: &Snapshot) -> Verdict {
    verdict(snapshot, &mut Since::default(), ZERO, ZERO)
}

fn failed(snapshot: &Snapshot) -> Finding {
    match look(snapshot) {
        Verdict::Failed(finding) => finding,
        other => panic!("{other:?}"),
    }
}

fn owner(uid: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": "Owner", "name": "owner", "uid": uid, "controller": true}])
}

/// A Deployment of two replicas at revision 2, generation 5, with so many counted, and its two `ReplicaSet`s.
fn deployment(observed: i64, counts: [i32; 4]) -> Snapshot {
    let [all, updated, ready, available] = counts;
    let mut snapshot = snapshot(RolloutKind::Deployment);
    snapshot.deployments.put(object(json!({
        "metadata": {"name": "api", "uid": "d", "generation": 5, "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"replicas": 2, "selector": {}, "template": {}},
        "status": {"observedGeneration": observed, "replicas": all, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": available}
    })));
    for (name, revision) in [("api-old", "1"), ("api-new", "2")] {
        snapshot.replica_sets.put(object(json!({
            "metadata": {"name": name, "uid": name, "ownerReferences": owner("d"), "annotations": {"deployment.kubernetes.io/revision": revision}},
            "spec": {"selector": {}}, "status": {"replicas": 1}
        })));
    }
    snapshot
}

/// A pod of a `ReplicaSet` with one container in this state.
fn pod(set: &str, state: &Value, restarts: i32) -> Value {
    json!({
        "metadata": {"name": format!("{set}-x"), "uid": format!("{set}-x"), "ownerReferences": owner(set)},
        "spec": {"containers": [{"name": "api"}]},
        "status": {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [{
                "name": "api", "image": "registry.test/api:1", "imageID": "", "ready": false, "restartCount": restarts, "state": state,
                "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}
            }]
        }
    })
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"waiting": {"reason": reason, "message": message}})
}

fn with_pod(pod: Value) -> Snapshot {
    let mut snapshot = deployment(5, [3, 1, 2, 2]);
    snapshot.pods.put(object(pod));
    snapshot
}

fn event(snapshot: &mut Snapshot, uid: &str, reason: &str, message: &str, at: &str) {
    snapshot.events.put(object(json!({
        "metadata": {"name": format!("{uid}.{reason}.{at}")}, "involvedObject": {"uid": uid},
        "reason": reason, "message": message, "lastTimestamp": at
    })));
}

#[test]
fn a_deployment_is_ready_when_all_its_replicas_are_new_and_available() {
    assert_eq!(look(&deployment(5, [2, 2, 2, 2])), Verdict::Ready);
}

/// A ready Deployment whose one new pod runs and has no readiness probe.
fn started(restarts: i32) -> Snapshot {
    let mut snapshot = deployment(5, [2, 2, 2, 2]);
    snapshot.pods.put(object(pod("api-new", &json!({"running": {}}), restarts)));
    snapshot
}

#[test]
fn a_container_without_a_probe_has_to_stay_up_for_a_moment() {
    let (at, mut since) = (Duration::from_secs, Since::default());
    assert_eq!(verdict(&started(0), &mut since, ZERO, at(1)), Verdict::Waiting(Some(at(4))));
    assert_eq!(verdict(&started(0), &mut since, ZERO, at(4)), Verdict::Ready);
}

#[test]
fn what_the_deployment_itself_waits_before_a_pod_counts_is_not_waited_for_again() {
    let mut snapshot = started(0);
    let mut waits = snapshot.deployment().expect("it is there").clone();
    waits.spec.as_mut().expect("it has a spec").min_ready_seconds = Some(3);
    snapshot.deployments.put(waits);
    assert_eq!(look(&snapshot), Verdict::Ready);
}

#[test]
fn a_container_that_ended_in_its_first_moment_begins_anew_and_has_to_stay_up_longer() {
    let (at, mut since) = (Duration::from_secs, Since::default());
    verdict(&started(0), &mut since, ZERO, at(1));
    verdict(&with_pod(pod("api-new", &waiting("CrashLoopBackOff", ""), 1)), &mut since, ZERO, at(2));
    assert_eq!(verdict(&started(1), &mut since, ZERO, at(5)), Verdict::Waiting(Some(at(17))));
    assert!(is_ready_at_timeout(&started(0)) && !is_ready_at_timeout(&started(1)));
}

#[test]
fn a_container_with_a_probe_is_ready_when_it_says_so() {
    let mut probed = pod("api-new", &json!({"running": {}}), 1);
    probed["spec"]["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 80}});
    let mut snapshot = deployment(5, [2, 2, 2, 2]);
    snapshot.pods.put(object(probed));
    assert_eq!(look(&snapshot), Verdict::Ready);
}

#[test]
fn a_stale_status_is_not_ready_though_its_numbers_look_so() {
    assert_eq!(look(&deployment(4, [2, 2, 2, 2])), Verdict::Waiting(None));
}

#[test]
fn old_unready_or_unavailable_replicas_are_not_ready() {
    for counts in [[3, 2, 3, 3], [2, 1, 2, 2], [2, 2, 1, 1], [2, 2, 2, 1], [0, 0, 0, 0]] {
        assert_eq!(look(&deployment(5, counts)), Verdict::Waiting(None), "{counts:?}");
    }
}

#[test]
fn a_deployment_without_status_is_not_ready() {
    let mut snapshot = snapshot(RolloutKind::Deployment);
    snapshot.deployments.put(object(json!({"metadata": {"name": "api", "uid": "d", "generation": 1}, "spec": {"replicas": 0, "selector": {}, "template": {}}})));
    assert_eq!(look(&snapshot), Verdict::Waiting(None));
}

#[test]
fn a_deployment_that_stays_away_is_a_failed_release() {
    let snapshot = snapshot(RolloutKind::Deployment);
    let mut since = Since::default();
    assert_eq!(verdict(&snapshot, &mut since, ZERO, ZERO), Verdict::Waiting(Some(Duration::from_secs(15))));
    let Verdict::Failed(finding) = verdict(&snapshot, &mut since, ZERO, Duration::from_secs(15)) else { panic!("waits") };
    assert_eq!(finding.code, Code::ReleaseFailed);
}

#[test]
fn waiting_reasons_become_their_codes_in_the_words_of_the_kubelet() {
    for (reason, code) in [
        ("ImagePullBackOff", Code::ImagePullFailed),
        ("InvalidImageName", Code::ImagePullFailed),
        ("ErrImageNeverPull", Code::ImagePullFailed),
        ("CreateContainerConfigError", Code::ContainerConfigInvalid),
        ("CreateContainerError", Code::ContainerConfigInvalid),
    ] {
        let finding = failed(&with_pod(pod("api-new", &waiting(reason, "words: of the kubelet"), 0)));
        assert_eq!(finding.code, code, "{reason}");
        assert!(finding.message.contains("api-new-x") && finding.message.contains("words: of the kubelet"), "{finding:?}");
    }
}

#[test]
fn a_first_failed_pull_may_pass_and_is_the_reason_at_the_timeout() {
    let snapshot = with_pod(pod("api-new", &waiting("ErrImagePull", "rpc error: connection refused"), 0));
    assert_eq!(look(&snapshot), Verdict::Waiting(None));
    assert_eq!(at_timeout(&snapshot, ZERO, Duration::from_secs(9)).code, Code::ImagePullFailed);
}

/// The embedded registry is away as long as its server is: a server that was killed fails no rollout by it.
#[test]
fn b06_a_registry_that_is_out_of_reach_has_two_minutes_to_come_back() {
    let words =
        "Back-off pulling image \"x\": ErrImagePull: failed to do request: dial tcp 127.0.0.1:7879: connect: connection refused";
    let snapshot = with_pod(pod("api-new", &waiting("ImagePullBackOff", words), 0));
    let mut since = Since::default();
    let (grace, early) = (Duration::from_secs(120), Duration::from_secs(7));
    assert_eq!(verdict(&snapshot, &mut since, ZERO, early), Verdict::Waiting(Some(early + grace)));
    let Verdict::Failed(finding) = verdict(&snapshot, &mut since, ZERO, early + grace) else { panic!("it waits on") };
    assert_eq!(finding.code, Code::ImagePullFailed);
    assert!(finding.message.contains("connection refused"), "{finding:?}");
}

#[test]
fn a_pull_without_words_has_those_of_the_event() {
    let mut snapshot = with_pod(pod("api-new", &waiting("ImagePullBackOff", "Back-off pulling image"), 0));
    event(&mut snapshot, "api-new-x", "Failed", "Failed to pull image \"x\": not found", "2026-01-01T00:00:00Z");
    assert!(failed(&snapshot).message.contains("Failed to pull image \"x\": not found"));
}

#[test]
fn a_pull_that_the_kubelet_tried_without_its_secret_may_pass_for_a_while() {
    let refused = waiting("ImagePullBackOff", "Back-off pulling image: pulling from host failed: 401 Unauthorized");
    assert_eq!(failed(&with_pod(pod("api-new", &refused, 0))).code, Code::ImagePullFailed, "with its Secret that is the end");
    let mut snapshot = with_pod(pod("api-new", &refused, 0));
    let words = "Unable to retrieve some image pull secrets (slipway-registry); attempting to pull the image may not succeed.";
    event(&mut snapshot, "api-new-x", "FailedToRetrieveImagePullSecret", words, "2026-01-01T00:00:00Z");
    let (at, mut since) = (Duration::from_secs, Since::default());
    assert_eq!(verdict(&snapshot, &mut since, ZERO, at(1)), Verdict::Waiting(Some(at(61))));
    assert!(matches!(verdict(&snapshot, &mut since, ZERO, at(61)), Verdict::Failed(_)));
    // What no Secret mends ends at once all the same.
    let mut missing = with_pod(pod("api-new", &waiting("ImagePullBackOff", "Back-off pulling image: not found"), 0));
    event(&mut missing, "api-new-x", "FailedToRetrieveImagePullSecret", words, "2026-01-01T00:00:00Z");
    assert_eq!(failed(&missing).code, Code::ImagePullFailed);
}

#[test]
fn a_crash_loop_needs_three_restarts() {
    let state = waiting("CrashLoopBackOff", "back-off 40s");
    let snapshot = with_pod(pod("api-new", &state, 2));
    assert_eq!(look(&snapshot), Verdict::Waiting(None));
    assert_eq!(at_timeout(&snapshot, ZERO, Duration::from_secs(9)).code, Code::CrashLoop);
    let finding = failed(&with_pod(pod("api-new", &state, 3)));
    assert_eq!(finding.code, Code::CrashLoop);
    assert!(finding.message.contains("exit code 3"), "{finding:?}");
    assert_eq!(finding.logs.unwrap().pod, "api-new-x");
}

#[test]
fn pods_of_the_old_revision_and_of_strangers_decide_nothing() {
    for set in ["api-old", "stranger"] {
        let snapshot = with_pod(pod(set, &waiting("CrashLoopBackOff", ""), 9));
        assert_eq!(look(&snapshot), Verdict::Waiting(None), "{set}");
    }
}

#[test]
fn a_pod_that_leaves_decides_nothing() {
    let mut leaving = pod("api-new", &waiting("ImagePullBackOff", "no: such"), 0);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(look(&with_pod(leaving)), Verdict::Waiting(None));
}

#[test]
fn a_stale_status_trusts_no_revision() {
    let mut snapshot = deployment(4, [2, 2, 2, 2]);
    snapshot.pods.put(object(pod("api-new", &waiting("ImagePullBackOff", "no: such"), 0)));
    assert_eq!(look(&snapshot), Verdict::Waiting(None));
}

#[test]
fn a_failing_init_container_counts() {
    let mut broken = pod("api-new", &waiting("PodInitializing", ""), 0);
    broken["status"]["initContainerStatuses"] = broken["status"]["containerStatuses"].clone();
    broken["status"]["initContainerStatuses"][0]["state"] = waiting("CrashLoopBackOff", "");
    broken["status"]["initContainerStatuses"][0]["restartCount"] = json!(3);
    assert_eq!(failed(&with_pod(broken)).code, Code::CrashLoop);
}

fn refused_set(message: &str) -> Snapshot {
    let mut snapshot = deployment(5, [2, 0, 2, 2]);
    snapshot.replica_sets.put(object(json!({
        "metadata": {"name": "api-new", "uid": "api-new", "ownerReferences": owner("d"), "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"selector": {}},
        "status": {"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]}
    })));
    snapshot
}

#[test]
fn a_quota_refuses_at_once() {
    let finding = failed(&refused_set("pods \"api-x\" is forbidden: exceeded quota: small"));
    assert_eq!(finding.code, Code::AdmissionRefused);
    assert!(finding.message.contains("exceeded quota: small") && finding.hint.contains("ResourceQuota"), "{finding:?}");
}

#[test]
fn b05_an_admission_rule_refuses_at_once_and_a_webhook_that_does_not_answer_has_half_a_minute() {
    let refused = "admission webhook \"policy.example\" denied the request: no image without a digest";
    let finding = failed(&refused_set(refused));
    assert_eq!(finding.code, Code::AdmissionRefused);
    assert!(finding.message.contains("no image without a digest") && finding.hint.contains("rule"), "{finding:?}");
    let away = "Internal error occurred: failed calling webhook \"policy.example\": connection refused";
    assert_eq!(look(&refused_set(away)), Verdict::Waiting(Some(Duration::from_secs(30))));
}

#[test]
fn a_service_account_that_is_late_has_half_a_minute() {
    let snapshot = refused_set("pods \"api-x\" is forbidden: error looking up service account shop/default");
    assert_eq!(look(&snapshot), Verdict::Waiting(Some(Duration::from_secs(30))));
}

#[test]
fn a_quota_waits_for_pods_that_leave() {
    let mut snapshot = refused_set("exceeded quota: small");
    let mut leaving = pod("api-old", &json!({"running": {}}), 0);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    snapshot.pods.put(object(leaving));
    assert_eq!(look(&snapshot), Verdict::Waiting(None));
}

fn unscheduled(message: &str) -> Value {
    json!({
        "metadata": {"name": "api-new-x", "uid": "api-new-x", "ownerReferences": owner("api-new")},
        "spec": {"containers": [], "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}
    })
}

#[test]
fn a_pod_that_fits_nowhere_fails_at_once_unless_there_is_grace() {
    let snapshot = with_pod(unscheduled("0/1 nodes are available: 1 Insufficient cpu."));
    let finding = failed(&snapshot);
    assert_eq!(finding.code, Code::Unschedulable);
    assert!(finding.message.ends_with("0/1 nodes are available: 1 Insufficient cpu"), "{finding:?}");
    let grace = Duration::from_secs(600);
    assert_eq!(verdict(&snapshot, &mut Since::default(), grace, ZERO), Verdict::Waiting(Some(grace)));
}

#[test]
fn a_claim_that_stays_pending_is_a_volume_and_not_a_node() {
    let mut snapshot = with_pod(unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."));
    snapshot.claims.put(object(json!({"metadata": {"name": "data", "uid": "c"}, "status": {"phase": "Pending"}})));
    event(&mut snapshot, "c", "ProvisioningFailed", "storageclass \"fast\" not found", "2026-01-01T00:00:00Z");
    let mut since = Since::default();
    assert_eq!(verdict(&snapshot, &mut since, ZERO, ZERO), Verdict::Waiting(Some(Duration::from_secs(60))));
    let Verdict::Failed(finding) = verdict(&snapshot, &mut since, ZERO, Duration::from_secs(60)) else { panic!("waits") };
    assert_eq!(finding.code, Code::VolumeUnavailable);
    assert!(finding.message.contains("claim data is pending: storageclass \"fast\" not found"), "{finding:?}");
}

#[test]
fn a_pod_without_room_blames_no_claim_that_waits_for_it() {
    let mut snapshot = with_pod(unscheduled("0/1 nodes are available: 1 Insufficient memory."));
    snapshot.claims.put(object(json!({"metadata": {"name": "data"}, "status": {"phase": "Pending"}})));
    assert_eq!(failed(&snapshot).code, Code::Unschedulable);
}

#[test]
fn a_mount_has_a_minute_and_the_count_begins_anew_when_it_passed() {
    let mut snapshot = with_pod(pod("api-new", &waiting("ContainerCreating", ""), 0));
    let quiet = with_pod(pod("api-new", &waiting("ContainerCreating", ""), 0));
    event(&mut snapshot, "api-new-x", "FailedMount", "configmap \"files\" not found", "2026-01-01T00:00:00Z");
    let mut since = Since::default();
    let at = Duration::from_secs;
    assert_eq!(verdict(&snapshot, &mut since, ZERO, at(0)), Verdict::Waiting(Some(at(60))));
    assert_eq!(verdict(&quiet, &mut since, ZERO, at(30)), Verdict::Waiting(None));
    assert_eq!(verdict(&snapshot, &mut since, ZERO, at(40)), Verdict::Waiting(Some(at(100))));
    let Verdict::Failed(finding) = verdict(&snapshot, &mut since, ZERO, at(100)) else { panic!("waits") };
    assert_eq!(finding.code, Code::VolumeUnavailable);
    assert!(finding.message.contains("configmap \"files\" not found"));
}

#[test]
fn a_probe_that_never_succeeds_is_the_reason_at_the_timeout_only() {
    let mut snapshot = with_pod(pod("api-new", &json!({"running": {}}), 0));
    assert_eq!(at_timeout(&snapshot, ZERO, Duration::from_secs(9)).code, Code::RolloutTimeout);
    event(&mut snapshot, "api-new-x", "Unhealthy", "Readiness probe failed: 503", "2026-01-01T00:00:00Z");
    assert_eq!(look(&snapshot), Verdict::Waiting(None));
    let finding = at_timeout(&snapshot, ZERO, Duration::from_secs(9));
    assert_eq!(finding.code, Code::ProbeFailed);
    assert!(finding.message.contains("Readiness probe failed: 503"), "{finding:?}");
}

fn stateful_set(observed: i64, current: &str, ready: i32) -> Snapshot {
    let mut snapshot = snapshot(RolloutKind::StatefulSet);
    snapshot.stateful_sets.put(object(json!({
        "metadata": {"name": "api", "uid": "s", "generation": 2, "managedFields": [
            {"manager": "helm", "operation": "Update", "time": "2026-01-01T10:00:00Z"},
            {"manager": "controller", "operation": "Update", "subresource": "status", "time": "2026-01-01T12:00:00Z"}
        ]},
        "spec": {"replicas": 1, "selector": {}, "serviceName": "api", "template": {}},
        "status": {"observedGeneration": observed, "replicas": ready, "readyReplicas": ready, "updatedReplicas": ready, "currentRevision": current, "updateRevision": "r2"}
    })));
    if ready > 0 {
        snapshot.pods.put(object(json!({
            "metadata": {"name": "api-0", "uid": "api-0", "ownerReferences": owner("s"), "labels": {"controller-revision-hash": "r2"}}
        })));
    }
    snapshot
}

#[test]
fn a_stateful_set_is_ready_when_its_update_is_its_current_revision() {
    assert_eq!(look(&stateful_set(2, "r2", 1)), Verdict::Ready);
    assert_eq!(look(&stateful_set(1, "r2", 1)), Verdict::Waiting(None));
    assert_eq!(look(&stateful_set(2, "r1", 1)), Verdict::Waiting(None));
    assert_eq!(look(&stateful_set(2, "r2", 0)), Verdict::Waiting(None));
}

#[test]
fn an_event_from_before_the_last_change_refuses_no_stateful_set() {
    let mut snapshot = stateful_set(2, "r2", 0);
    event(&mut snapshot, "s", "FailedCreate", "exceeded quota: before", "2026-01-01T09:59:00Z");
    assert_eq!(look(&snapshot), Verdict::Waiting(None));
    event(&mut snapshot, "s", "FailedCreate", "exceeded quota: after", "2026-01-01T10:00:01Z");
    assert!(failed(&snapshot).message.contains("exceeded quota: after"));
}

fn job(condition: &str, reason: &str) -> Snapshot {
    let mut snapshot = snapshot(RolloutKind::Job { name: "api".to_owned() });
    snapshot.jobs.put(object(json!({
        "metadata": {"name": "api", "uid": "j"}, "spec": {"template": {}, "activeDeadlineSeconds": 30},
        "status": {"failed": 1, "conditions": [{"type": condition, "status": "True", "reason": reason, "message": "words of the controller"}]}
    })));
    let mut ended = pod("j", &json!({"terminated": {"exitCode": 7, "reason": "Error"}}), 0);
    ended["metadata"]["name"] = json!("api-1");
    snapshot.pods.put(object(ended));
    snapshot
}

#[test]
fn a_job_is_ready_when_complete_and_tells_its_exit_code_when_failed() {
    assert_eq!(look(&job("Complete", "")), Verdict::Ready);
    assert_eq!(look(&job("Suspended", "")), Verdict::Waiting(None));
    let finding = failed(&job("Failed", "BackoffLimitExceeded"));
    assert_eq!(finding.code, Code::JobFailed);
    assert!(finding.message.contains("exit code 7"), "{finding:?}");
    assert_eq!(finding.logs.unwrap().pod, "api-1");
    assert_eq!(failed(&job("Failed", "DeadlineExceeded")).code, Code::JobTimeout);
}

#[test]
fn a_cron_job_is_ready_when_it_is_there() {
    let mut snapshot = snapshot(RolloutKind::CronJob);
    assert!(matches!(look(&snapshot), Verdict::Waiting(Some(_))));
    snapshot.cron_jobs.put(object(json!({"metadata": {"name": "api"}})));
    assert_eq!(look(&snapshot), Verdict::Ready);
}

#[test]
fn hostile_words_reach_no_terminal() {
    let finding = failed(&with_pod(pod("api-new", &waiting("ImagePullBackOff", "a: \u{1b}]0;title\u{7}\nb"), 0)));
    assert!(!finding.message.chars().any(char::is_control), "{finding:?}");
}

#[test]
fn the_state_tells_replicas_and_pods() {
    let mut snapshot = with_pod(pod("api-new", &waiting("ContainerCreating", ""), 0));
    event(&mut snapshot, "api-new-x", "Pulling", "Pulling image \"registry.test/api:1\"", "2026-01-01T00:00:00Z");
    assert_eq!(
        narrate::state(&snapshot),
        "0 of 2 replicas available, 2 of the old revision left; pod api-new-x: ContainerCreating (Pulling image \"registry.test/api:1\")"
    );
}

/// A `DaemonSet` on two nodes, generation 3, of which so many pods are updated and available.
fn daemon_set(observed: i64, updated: i32, available: i32) -> Snapshot {
    let mut snapshot = snapshot(RolloutKind::DaemonSet);
    snapshot.daemon_sets.put(object(json!({
        "metadata": {"name": "api", "uid": "s", "generation": 3, "annotations": {"deprecated.daemonset.template.generation": "2"}},
        "spec": {"selector": {}, "template": {}, "minReadySeconds": 10},
        "status": {"observedGeneration": observed, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberMisscheduled": 0,
            "numberReady": available, "updatedNumberScheduled": updated, "numberAvailable": available}
    })));
    for generation in ["1", "2"] {
        snapshot.pods.put(object(json!({
            "metadata": {"name": format!("api-{generation}"), "uid": generation, "ownerReferences": owner("s"),
                "labels": {"pod-template-generation": generation}},
            "spec": {"containers": []}
        })));
    }
    snapshot
}

#[test]
fn a_daemon_set_is_ready_when_every_node_has_the_new_pod() {
    assert_eq!(look(&daemon_set(3, 2, 2)), Verdict::Ready);
    for behind in [daemon_set(2, 2, 2), daemon_set(3, 1, 2), daemon_set(3, 2, 1)] {
        assert!(matches!(look(&behind), Verdict::Waiting(_)), "{}", narrate::state(&behind));
    }
    let names: Vec<_> = daemon_set(3, 1, 2).new_pods().into_iter().filter_map(|pod| pod.metadata.name.clone()).collect();
    assert_eq!(names, ["api-2"]);
}

#[test]
fn a_quota_refuses_the_pods_of_a_daemon_set() {
    let mut snapshot = daemon_set(3, 0, 1);
    let words = "pods \"api-x\" is forbidden: exceeded quota: small";
    event(&mut snapshot, "s", "FailedCreate", words, "2026-01-01T10:00:01Z");
    assert!(matches!(look(&snapshot), Verdict::Waiting(_)), "every node has a pod: it was refused earlier");
    let mut missing = serde_json::to_value(snapshot.daemon_set().unwrap()).unwrap();
    missing["status"]["currentNumberScheduled"] = json!(1);
    snapshot.daemon_sets.put(object(missing));
    let finding = failed(&snapshot);
    assert_eq!(finding.code, Code::AdmissionRefused);
    assert!(finding.message.contains("exceeded quota: small"), "{finding:?}");
}
