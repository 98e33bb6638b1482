//! The objects of one release, as they were last seen.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use slipway_ports::RolloutKind;

/// What is watched for.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The kind of the main object.
    pub(crate) kind: RolloutKind,
    /// The name of the main object.
    pub(crate) name: String,
    /// The namespace.
    pub(crate) namespace: String,
}

/// Everything that a verdict depends on; only the maps of the subject's kind are filled.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) subject: Subject,
    pub(crate) deployments: Objects<Deployment>,
    pub(crate) stateful_sets: Objects<StatefulSet>,
    pub(crate) daemon_sets: Objects<DaemonSet>,
    pub(crate) jobs: Objects<Job>,
    pub(crate) cron_jobs: Objects<CronJob>,
    pub(crate) replica_sets: Objects<ReplicaSet>,
    pub(crate) pods: Objects<Pod>,
    pub(crate) claims: Objects<PersistentVolumeClaim>,
    pub(crate) events: Objects<Event>,
}

/// Objects of one kind by name.
#[derive(Debug)]
pub(crate) struct Objects<K> {
    known: BTreeMap<String, K>,
}

impl<K> Default for Objects<K> {
    fn default() -> Self {
        Self { known: BTreeMap::new() }
    }
}

impl<K: ResourceExt> Objects<K> {
    /// These are all there are.
    pub(crate) fn replace(&mut self, all: Vec<K>) {
        self.known = all.into_iter().map(|object| (object.name_any(), object)).collect();
    }

    /// One was made or changed.
    pub(crate) fn put(&mut self, object: K) {
        self.known.insert(object.name_any(), object);
    }

    /// One is gone.
    pub(crate) fn remove(&mut self, object: &K) {
        self.known.remove(&object.name_any());
    }

    pub(crate) fn get(&self, name: &str) -> Option<&K> {
        self.known.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &K> {
        self.known.values()
    }
}

impl Snapshot {
    /// Nothing is seen yet.
    pub(crate) fn new(subject: Subject) -> Self {
        Self {
            subject,
            deployments: Objects::default(),
            stateful_sets: Objects::default(),
            daemon_sets: Objects::default(),
            jobs: Objects::default(),
            cron_jobs: Objects::default(),
            replica_sets: Objects::default(),
            pods: Objects::default(),
            claims: Objects::default(),
            events: Objects::default(),
        }
    }

    pub(crate) fn deployment(&self) -> Option<&Deployment> {
        self.deployments.get(&self.subject.name)
    }

    pub(crate) fn stateful_set(&self) -> Option<&StatefulSet> {
        self.stateful_sets.get(&self.subject.name)
    }

    pub(crate) fn daemon_set(&self) -> Option<&DaemonSet> {
        self.daemon_sets.get(&self.subject.name)
    }

    /// How long the controller itself waits until a ready pod is available.
    pub(crate) fn min_ready(&self) -> Duration {
        let deployment = || self.deployment()?.spec.as_ref()?.min_ready_seconds;
        let stateful_set = || self.stateful_set()?.spec.as_ref()?.min_ready_seconds;
        let daemon_set = || self.daemon_set()?.spec.as_ref()?.min_ready_seconds;
        let seconds = match self.subject.kind {
            RolloutKind::Deployment => deployment(),
            RolloutKind::StatefulSet => stateful_set(),
            RolloutKind::DaemonSet => daemon_set(),
            RolloutKind::Job { .. } | RolloutKind::CronJob | RolloutKind::Gone => None,
        };
        Duration::from_secs(seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0))
    }

    pub(crate) fn job(&self) -> Option<&Job> {
        self.jobs.get(&self.subject.name)
    }

    /// The pods that the rollout wants: those of the new revision that are not on their way out.
    pub(crate) fn new_pods(&self) -> Vec<&Pod> {
        let belongs: Box<dyn Fn(&Pod) -> bool> = match &self.subject.kind {
            RolloutKind::Deployment => match self.new_replica_set() {
                Some(set) => Box::new(|pod| owned_by(&pod.metadata, &set.metadata)),
                None => return Vec::new(),
            },
            RolloutKind::StatefulSet => match self.stateful_set().filter(|set| stateful_set_is_current(set)) {
                Some(set) => {
                    let revision = set.status.as_ref().and_then(|status| status.update_revision.as_ref());
                    Box::new(move |pod| {
                        owned_by(&pod.metadata, &set.metadata)
                            && revision.is_some()
                            && label(pod, "controller-revision-hash") == revision
                    })
                }
                None => return Vec::new(),
            },
            RolloutKind::DaemonSet => match self.daemon_set().filter(|set| daemon_set_is_current(set)) {
                Some(set) => {
                    let generation = set.annotations().get("deprecated.daemonset.template.generation");
                    Box::new(move |pod| {
                        owned_by(&pod.metadata, &set.metadata)
                            && (generation.is_none() || label(pod, "pod-template-generation") == generation)
                    })
                }
                None => return Vec::new(),
            },
            RolloutKind::Job { .. } => match self.job() {
                Some(job) => Box::new(|pod| owned_by(&pod.metadata, &job.metadata)),
                None => return Vec::new(),
            },
            RolloutKind::CronJob | RolloutKind::Gone => return Vec::new(),
        };
        self.pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none() && belongs(pod)).collect()
    }

    /// The `ReplicaSet` of the Deployment's newest revision, once its controller has seen what was asked for.
    pub(crate) fn new_replica_set(&self) -> Option<&ReplicaSet> {
        const REVISION: &str = "deployment.kubernetes.io/revision";
        let deployment = self.deployment().filter(|deployment| deployment_is_current(deployment))?;
        let revision = deployment.annotations().get(REVISION)?;
        self.replica_sets
            .iter()
            .find(|set| owned_by(&set.metadata, &deployment.metadata) && set.annotations().get(REVISION) == Some(revision))
    }

    /// Whether pods of the release are on their way out: what they hold will be free soon.
    pub(crate) fn has_leaving_pods(&self) -> bool {
        self.pods.iter().any(|pod| pod.metadata.deletion_timestamp.is_some())
    }

    /// The newest event about an object with one of these reasons.
    pub(crate) fn event(&self, uid: Option<&str>, reasons: &[&str]) -> Option<&Event> {
        let uid = uid?;
        self.events
            .iter()
            .filter(|event| event.involved_object.uid.as_deref() == Some(uid))
            .filter(|event| event.reason.as_deref().is_some_and(|reason| reasons.contains(&reason)))
            .max_by_key(|event| event_time(event))
    }
}

/// When an event was last seen, by the cluster's clock.
pub(crate) fn event_time(event: &Event) -> Option<jiff::Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.event_time.as_ref().map(|time| time.0);
    series.max(last).max(first)
}

/// Whether the controller has seen the Deployment as it is now.
pub(crate) fn deployment_is_current(deployment: &Deployment) -> bool {
    let observed = deployment.status.as_ref().and_then(|status| status.observed_generation);
    deployment.metadata.generation.is_some() && observed >= deployment.metadata.generation
}

/// Whether the controller has seen the `StatefulSet` as it is now.
pub(crate) fn stateful_set_is_current(set: &StatefulSet) -> bool {
    let observed = set.status.as_ref().and_then(|status| status.observed_generation);
    set.metadata.generation.is_some() && observed >= set.metadata.generation
}

/// Whether the controller has seen the `DaemonSet` as it is now.
pub(crate) fn daemon_set_is_current(set: &DaemonSet) -> bool {
    let observed = set.status.as_ref().and_then(|status| status.observed_generation);
    set.metadata.generation.is_some() && observed >= set.metadata.generation
}

fn owned_by(object: &ObjectMeta, owner: &ObjectMeta) -> bool {
    let references = object.owner_references.as_deref().unwrap_or_default();
    owner.uid.is_some()
        && references.iter().any(|reference| reference.controller == Some(true) && Some(&reference.uid) == owner.uid.as_ref())
}

fn label<'a>(pod: &'a Pod, name: &str) -> Option<&'a String> {
    pod.metadata.labels.as_ref()?.get(name)
}
