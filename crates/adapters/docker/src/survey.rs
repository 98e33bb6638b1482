//! What a release is made of, looked at as it is now: containers, volumes, the network, Secrets.

use std::collections::{BTreeMap, BTreeSet};

use bollard::query_parameters::ListVolumesOptionsBuilder;
use slipway_core::failure::Failure;
use slipway_core::names::sha256_hex;
use slipway_core::plan::{ObjectRef, Observed};

use crate::containers::{self, Container, Life};
use crate::engine::failure;
use crate::health::Condition;
use crate::local::LocalDocker;
use crate::names::filters;
use crate::record::Wanted;
use crate::spec::{Blueprint, replicas};

/// How objects of an engine are told from those of a cluster.
const API_VERSION: &str = "docker";
const CONTAINER: &str = "Container";
const VOLUME: &str = "Volume";
const NETWORK: &str = "Network";
const SECRET: &str = "Secret";

/// Stands for all that a release is made from.
pub(crate) fn inputs(wanted: &Wanted, blueprint: &Blueprint) -> String {
    // Texts, numbers and lists always serialise.
    let text = serde_json::to_string(&(blueprint, replicas(wanted), &wanted.hosts, &wanted.pull_secret)).unwrap_or_default();
    sha256_hex(text.as_bytes())
}

/// The objects of a release. The runs of a job are none: they come and go.
pub(crate) fn objects(namespace: &str, wanted: &Wanted, blueprint: &Blueprint) -> Vec<ObjectRef> {
    let service = wanted.service.name.as_str();
    let object = |kind: &str, name: String| ObjectRef {
        api_version: API_VERSION.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name,
    };
    let mut all = vec![object(NETWORK, namespace.to_owned())];
    for ordinal in 0..replicas(wanted) {
        all.push(object(CONTAINER, containers::name(namespace, service, &containers::suffix(&blueprint.generation(), ordinal))));
        let volumes = blueprint.volumes(namespace, service, ordinal);
        all.extend(volumes.into_iter().map(|(name, _)| object(VOLUME, name)));
    }
    all
}

/// Looks at objects, each as it is now.
pub(crate) async fn survey(local: &LocalDocker, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
    let namespaces: BTreeSet<&str> = objects.iter().map(|object| object.namespace.as_str()).collect();
    let mut seen = BTreeMap::new();
    for namespace in namespaces {
        seen.insert(namespace, Seen::of(local, namespace).await?);
    }
    objects.iter().map(|object| seen[object.namespace.as_str()].observe(local, object)).collect()
}

/// A container that somebody changed is not changed back: its release makes others, in the way of its rollouts.
pub(crate) async fn take_back(local: &LocalDocker, objects: &[ObjectRef]) -> Result<(), Failure> {
    let docker = local.engine.docker().await?;
    for object in objects.iter().filter(|object| object.kind == CONTAINER) {
        if let Some(changed) = containers::inspect(docker, &object.name).await? {
            let _turn = local.turn(&changed.namespace, &changed.service).await;
            // The same for every attempt.
            local.renew(&changed.namespace, &changed.service, &changed.id)?;
        }
    }
    Ok(())
}

/// What is there of a namespace.
struct Seen {
    containers: BTreeMap<String, Container>,
    volumes: BTreeSet<String>,
    has_network: bool,
}

impl Seen {
    async fn of(local: &LocalDocker, namespace: &str) -> Result<Self, Failure> {
        let docker = local.engine.docker().await?;
        let options = ListVolumesOptionsBuilder::new().filters(&filters(namespace, None)).build();
        let volumes = docker.list_volumes(Some(options)).await.map_err(|error| failure("list volumes", &error))?;
        let containers = containers::list(docker, namespace, None).await?;
        Ok(Self {
            containers: containers.into_iter().map(|container| (container.name.clone(), container)).collect(),
            volumes: volumes.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect(),
            has_network: local.network(namespace).await?.is_some(),
        })
    }

    fn observe(&self, local: &LocalDocker, object: &ObjectRef) -> Result<Observed, Failure> {
        let present =
            |fingerprint: &str, trouble| Observed::Present { fingerprint: fingerprint.to_owned(), trouble, changed_by: None };
        let is_there = match object.kind.as_str() {
            CONTAINER => {
                return Ok(match self.containers.get(&object.name) {
                    Some(container) => present(&container.shape, trouble(local, container)),
                    None => Observed::Absent,
                });
            }
            VOLUME => self.volumes.contains(&object.name),
            NETWORK => self.has_network,
            SECRET => local.secrets.get(&object.namespace, &object.name)?.is_some(),
            _ => false,
        };
        Ok(if is_there { present(&object.name, None) } else { Observed::Absent })
    }
}

/// Why a container does not work as it should.
fn trouble(local: &LocalDocker, container: &Container) -> Option<String> {
    match &container.life {
        Life::Created => Some("it was never started".to_owned()),
        Life::Restarting(ended) => Some(format!("it ends again and again: {}", ended.words())),
        Life::Ended(ended) => Some(format!("it has ended: {}", ended.words())),
        Life::Running => {
            let seen = local.health.of_service(&container.namespace, &container.service);
            let seen = seen.into_iter().find(|seen| seen.container.id == container.id)?;
            (seen.condition != Condition::Ready).then(|| seen.said.unwrap_or_else(|| "it is not ready".to_owned()))
        }
    }
}
