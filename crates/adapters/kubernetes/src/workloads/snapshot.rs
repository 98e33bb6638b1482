//! The objects of a namespace that run something, as they were last seen, and whose they are.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Client};

use crate::rollout::snapshot::Objects;
use crate::rollout::source::{KindSource, Selection, Source};

/// Everything that a running status depends on.
#[derive(Debug, Default)]
pub(crate) struct NamespaceSnapshot {
    pub(crate) deployments: Objects<Deployment>,
    pub(crate) replica_sets: Objects<ReplicaSet>,
    pub(crate) stateful_sets: Objects<StatefulSet>,
    pub(crate) daemon_sets: Objects<DaemonSet>,
    pub(crate) cron_jobs: Objects<CronJob>,
    pub(crate) jobs: Objects<Job>,
    pub(crate) pods: Objects<Pod>,
    pub(crate) services: Objects<Service>,
    /// Warnings alone.
    pub(crate) events: Objects<Event>,
}

/// A kind of objects that is watched of a namespace.
type NamespaceSource = Box<dyn Source<NamespaceSnapshot>>;

macro_rules! source {
    ($client:expr, $namespace:expr, $place:ident, $selection:expr) => {
        Box::new(KindSource {
            api: Api::namespaced($client.clone(), $namespace),
            selection: $selection,
            place: |snapshot: &mut NamespaceSnapshot| &mut snapshot.$place,
        }) as NamespaceSource
    };
}

/// What is watched of a namespace.
pub(crate) fn sources(client: &Client, namespace: &str) -> Vec<NamespaceSource> {
    let warnings = Selection { labels: None, fields: Some("type=Warning".to_owned()) };
    let mut sources = owners(client, namespace);
    sources.push(source!(client, namespace, pods, Selection::default()));
    sources.push(source!(client, namespace, services, Selection::default()));
    sources.push(source!(client, namespace, events, warnings));
    sources
}

/// What pods may be owned by.
pub(crate) fn owners(client: &Client, namespace: &str) -> Vec<NamespaceSource> {
    vec![
        source!(client, namespace, deployments, Selection::default()),
        source!(client, namespace, replica_sets, Selection::default()),
        source!(client, namespace, stateful_sets, Selection::default()),
        source!(client, namespace, daemon_sets, Selection::default()),
        source!(client, namespace, cron_jobs, Selection::default()),
        source!(client, namespace, jobs, Selection::default()),
    ]
}

/// The service of every object that has one, by the object's uid.
#[derive(Debug, Default)]
pub(crate) struct Services(BTreeMap<String, String>);

impl Services {
    /// Reads them off the owners; an object without one says itself whose it is.
    pub(crate) fn of(snapshot: &NamespaceSnapshot) -> Self {
        let mut services = Self(BTreeMap::new());
        snapshot.deployments.iter().for_each(|object| services.add(&object.metadata));
        snapshot.stateful_sets.iter().for_each(|object| services.add(&object.metadata));
        snapshot.daemon_sets.iter().for_each(|object| services.add(&object.metadata));
        snapshot.cron_jobs.iter().for_each(|object| services.add(&object.metadata));
        snapshot.replica_sets.iter().for_each(|object| services.add(&object.metadata));
        snapshot.jobs.iter().for_each(|object| services.add(&object.metadata));
        snapshot.pods.iter().for_each(|object| services.add(&object.metadata));
        snapshot.services.iter().for_each(|object| services.add(&object.metadata));
        services
    }

    fn add(&mut self, object: &ObjectMeta) {
        let (Some(uid), Some(service)) = (&object.uid, self.find(object)) else { return };
        self.0.insert(uid.clone(), service);
    }

    /// Whose an object is, by its owner, else by what it says itself.
    pub(crate) fn find(&self, object: &ObjectMeta) -> Option<String> {
        let owner = controller(object).and_then(|uid| self.0.get(uid));
        let annotations = object.annotations.as_ref();
        let by_helm = || annotations?.get("meta.helm.sh/release-name");
        let by_label = || object.labels.as_ref()?.get("app.kubernetes.io/instance");
        owner.or_else(by_helm).or_else(by_label).filter(|service| !service.is_empty()).cloned()
    }

    /// The service of an object.
    pub(crate) fn service(&self, object: &ObjectMeta) -> Option<&str> {
        self.0.get(object.uid.as_ref()?).map(String::as_str)
    }
}

/// The uid of what controls an object.
pub(crate) fn controller(object: &ObjectMeta) -> Option<&String> {
    let references = object.owner_references.as_deref().unwrap_or_default();
    references.iter().find(|reference| reference.controller == Some(true)).map(|reference| &reference.uid)
}
