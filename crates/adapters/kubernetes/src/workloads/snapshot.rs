//! The objects of a namespace that run something, as they were last seen, and whose they are.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Event, Pod};
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
    /// Warnings alone.
    pub(crate) events: Objects<Event>,
}

/// What is watched of a namespace.
pub(crate) fn sources(client: &Client, namespace: &str) -> Vec<Box<dyn Source<NamespaceSnapshot>>> {
    let mut sources: Vec<Box<dyn Source<NamespaceSnapshot>>> = Vec::new();
    macro_rules! source {
        ($place:ident, $selection:expr) => {
            sources.push(Box::new(KindSource {
                api: Api::namespaced(client.clone(), namespace),
                selection: $selection,
                place: |snapshot: &mut NamespaceSnapshot| &mut snapshot.$place,
            }))
        };
    }
    source!(deployments, Selection::default());
    source!(replica_sets, Selection::default());
    source!(stateful_sets, Selection::default());
    source!(daemon_sets, Selection::default());
    source!(cron_jobs, Selection::default());
    source!(jobs, Selection::default());
    source!(pods, Selection::default());
    source!(events, Selection { labels: None, fields: Some("type=Warning".to_owned()) });
    sources
}

/// The service of every object that has one, by the object's uid.
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
        services
    }

    fn add(&mut self, object: &ObjectMeta) {
        let (Some(uid), Some(service)) = (&object.uid, self.find(object)) else { return };
        self.0.insert(uid.clone(), service);
    }

    fn find(&self, object: &ObjectMeta) -> Option<String> {
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
