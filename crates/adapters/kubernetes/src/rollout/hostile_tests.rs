//! Verdicts over objects that no well-behaved cluster has: each is a verdict, and its words are fit for a message.

use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};
use slipway_ports::{Activity, Progress, RolloutKind};

use super::concern::{Finding, Since};
use super::narrate::Narrator;
use super::snapshot::{Snapshot, Subject};
use super::verdict::{Verdict, at_timeout, is_ready_at_timeout, verdict};

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn activity(&self, _: Activity) {}

    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// Words with a meaning, and such as anybody who runs a pod may write.
fn word() -> impl Strategy<Value = String> {
    let known = [
        "api",
        "api-new",
        "d",
        "True",
        "False",
        "Unschedulable",
        "PodScheduled",
        "Ready",
        "Complete",
        "Failed",
        "Bound",
        "Pending",
        "Running",
        "ImagePullBackOff",
        "ErrImagePull",
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "FailedMount",
        "FailedCreate",
        "Unhealthy",
        "ReplicaFailure",
        "ReplicaSetCreateError",
        "DeadlineExceeded",
        "OOMKilled",
        "Error",
        "OnDelete",
        "2",
        "persistentvolumeclaim",
        "exceeded quota",
        "Liveness probe failed: ",
        "",
    ];
    prop_oneof![
        6 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "(\\PC|[\u{1b}\r\n\0]){0,20}",
        1 => (any::<char>(), 0_usize..5000).prop_map(|(character, count)| character.to_string().repeat(count)),
    ]
}

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![4 => 0..4, 1 => Just(i32::MAX), 1 => Just(i32::MIN), 1 => any::<i32>()]
}

/// An object of these fields, each of which may be absent.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| {
            prop::option::weighted(0.9, value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    fields.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>())).boxed()
}

fn text() -> BoxedStrategy<Value> {
    word().prop_map(Value::from).boxed()
}

fn count() -> BoxedStrategy<Value> {
    number().prop_map(Value::from).boxed()
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn list(of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(of, 0..3).prop_map(Value::from).boxed()
}

fn time() -> BoxedStrategy<Value> {
    prop::sample::select(vec!["2026-11-24T10:00:00Z", "0000-01-01T00:00:00Z", "9999-12-30T00:00:00Z"])
        .prop_map(Value::from)
        .boxed()
}

/// The API server takes no other names.
fn name() -> BoxedStrategy<Value> {
    prop::sample::select(vec!["api", "api-new", "x"]).prop_map(Value::from).boxed()
}

/// Nor other phases.
fn phase() -> BoxedStrategy<Value> {
    prop::sample::select(vec!["Pending", "Running", "Succeeded", "Failed", "Bound", "Lost"]).prop_map(Value::from).boxed()
}

/// One of a few words more often than not, so that objects belong together.
fn mostly(words: &[&'static str]) -> BoxedStrategy<Value> {
    prop_oneof![6 => prop::sample::select(words.to_vec()).prop_map(Value::from), 1 => text()].boxed()
}

fn metadata() -> BoxedStrategy<Value> {
    let revision = mostly(&["1", "2"])
        .prop_map(|revision| json!({"deployment.kubernetes.io/revision": revision, "controller-revision-hash": revision}))
        .boxed();
    let owner = (mostly(&["one", "two"]), prop::bool::weighted(0.8)).prop_map(
        |(uid, controller)| json!({"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid, "controller": controller}),
    );
    object(vec![
        ("name", name()),
        ("uid", mostly(&["one", "two"])),
        ("generation", count()),
        ("annotations", revision.clone()),
        ("labels", revision),
        ("ownerReferences", list(owner.boxed())),
        ("creationTimestamp", time()),
    ])
}

/// Fields that a type cannot do without, and others.
fn with(required: Value, fields: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    fields
        .prop_map(move |fields| {
            let mut whole = required.clone();
            if let (Value::Object(whole), Value::Object(fields)) = (&mut whole, fields) {
                whole.extend(fields);
            }
            whole
        })
        .boxed()
}

fn conditions() -> BoxedStrategy<Value> {
    let fields = object(vec![("type", text()), ("status", mostly(&["True", "False"])), ("reason", text()), ("message", text())]);
    list(with(json!({"type": "X", "status": "True"}), fields))
}

fn workload() -> BoxedStrategy<Value> {
    let counts = [
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "active",
        "succeeded",
        "failed",
    ];
    let mut status: Vec<_> = counts.map(|name| (name, count())).to_vec();
    status.extend([
        ("currentRevision", mostly(&["1", "2"])),
        ("updateRevision", mostly(&["1", "2"])),
        ("conditions", conditions()),
    ]);
    let spec = object(vec![
        ("replicas", count()),
        ("activeDeadlineSeconds", count()),
        ("updateStrategy", object(vec![("type", text())])),
    ]);
    object(vec![
        ("metadata", metadata()),
        ("spec", with(json!({"selector": {}, "template": {}, "serviceName": "x"}), spec)),
        ("status", with(json!({"replicas": 1}), object(status))),
    ])
}

fn pod() -> BoxedStrategy<Value> {
    let ended = with(
        json!({"exitCode": 1}),
        object(vec![("exitCode", count()), ("signal", count()), ("reason", text()), ("message", text()), ("finishedAt", time())]),
    );
    let state = object(vec![
        ("waiting", object(vec![("reason", text()), ("message", text())])),
        ("running", object(vec![])),
        ("terminated", ended),
    ]);
    let status = object(vec![
        ("name", name()),
        ("image", text()),
        ("ready", flag()),
        ("started", flag()),
        ("restartCount", count()),
        ("containerID", text()),
        ("state", state.clone()),
        ("lastState", state),
    ]);
    let statuses = list(with(json!({"name": "api", "image": "", "imageID": "", "ready": false, "restartCount": 0}), status));
    let volume = name().prop_map(|name| json!({"name": "v", "persistentVolumeClaim": {"claimName": name}}));
    object(vec![
        ("metadata", metadata()),
        ("spec", with(json!({"containers": [{"name": "api"}]}), object(vec![("volumes", list(volume.boxed()))]))),
        (
            "status",
            object(vec![
                ("phase", phase()),
                ("conditions", conditions()),
                ("containerStatuses", statuses.clone()),
                ("initContainerStatuses", statuses),
                ("nominatedNodeName", text()),
            ]),
        ),
    ])
}

fn event() -> BoxedStrategy<Value> {
    with(
        json!({"metadata": {"name": "e"}, "involvedObject": {}}),
        object(vec![
            ("metadata", metadata()),
            ("involvedObject", object(vec![("uid", mostly(&["one", "two"]))])),
            ("reason", text()),
            ("message", text()),
            ("lastTimestamp", time()),
        ]),
    )
}

fn claim() -> BoxedStrategy<Value> {
    object(vec![("metadata", metadata()), ("status", object(vec![("phase", phase())]))])
}

fn read<K: serde::de::DeserializeOwned>(values: &[Value]) -> Vec<K> {
    values.iter().map(|value| serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))).collect()
}

fn check(finding: &Finding) -> Result<(), TestCaseError> {
    for text in [&finding.message, &finding.hint] {
        prop_assert!(text.len() < 64 << 10 && !text.chars().any(char::is_control), "{text:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_objects_give_a_verdict_in_words_fit_for_a_message(
        kind in prop::sample::select(vec![
            RolloutKind::Deployment, RolloutKind::StatefulSet, RolloutKind::Job { name: "api".to_owned() }, RolloutKind::CronJob,
        ]),
        workloads in prop::collection::vec(workload(), 0..3),
        sets in prop::collection::vec(workload(), 0..3),
        pods in prop::collection::vec(pod(), 0..4),
        events in prop::collection::vec(event(), 0..4),
        claims in prop::collection::vec(claim(), 0..2),
        moments in prop::collection::vec(prop_oneof![0_u64..100, Just(u64::MAX)], 1..4),
    ) {
        let subject = Subject { kind, name: "api".to_owned(), namespace: "shop".to_owned() };
        let mut snapshot = Snapshot::new(subject);
        snapshot.deployments.replace(read(&workloads));
        snapshot.stateful_sets.replace(read(&workloads));
        snapshot.jobs.replace(read(&workloads));
        snapshot.replica_sets.replace(read(&sets));
        snapshot.pods.replace(read(&pods));
        snapshot.events.replace(read(&events));
        snapshot.claims.replace(read(&claims));
        let mut since = Since::default();
        for moment in moments {
            if let Verdict::Failed(finding) = verdict(&snapshot, &mut since, Duration::from_secs(moment), Duration::from_secs(moment / 2)) {
                check(&finding)?;
            }
        }
        check(&at_timeout(&snapshot, Duration::ZERO, Duration::from_secs(600)))?;
        is_ready_at_timeout(&snapshot);
        let told = Told::default();
        Narrator::default().tell(&snapshot, &told);
        for line in told.0.into_inner().unwrap() {
            prop_assert!(line.len() < 16 << 10 && !line.chars().any(char::is_control), "{line:?}");
        }
    }
}
