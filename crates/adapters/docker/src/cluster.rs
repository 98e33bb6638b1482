//! The port `Cluster`: a namespace is a network, a Secret a sealed file, a pod a container.

use std::collections::{BTreeMap, HashMap};

use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};
use slipway_core::failure::{Code, Failure};
use slipway_core::plan::{ObjectRef, Observed};
use slipway_ports::{
    CancellationToken, Cluster, ClusterIssuer, JobOutput, LogQuery, Namespace, PodLine, Progress, RolloutKind, RolloutRequest,
    SecretObject, SecretText, Target, async_trait,
};
use tokio::sync::mpsc;

use crate::containers;
use crate::engine::{failure, is_missing, status};
use crate::local::LocalDocker;
use crate::names::{NAMESPACE, checked, filters};
use crate::{logs, output, rollout, survey};

/// Whose turn it is to make the network of a namespace; no release is called so.
const NETWORK_TURN: &str = "";
/// The label that a namespace's owner is told by.
const ENVIRONMENT: &str = "slipway.dev/environment";

#[async_trait]
impl Cluster for LocalDocker {
    async fn version(&self, _: &Target) -> Result<String, Failure> {
        self.engine.version().await
    }

    async fn cluster_issuers(&self, _: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        Ok(Vec::new())
    }

    async fn ensure_namespace(&self, _: &Target, namespace: &Namespace) -> Result<(), Failure> {
        let name = checked(&namespace.name)?;
        let docker = self.engine.docker().await?;
        // An engine before 25 makes a second network of the same name for who asks at the same time.
        let _turn = self.turn(name, NETWORK_TURN).await;
        if let Some(found) = self.network(name).await? {
            return owned(namespace, &found);
        }
        let mut labels: HashMap<String, String> = namespace.labels.clone().into_iter().collect();
        labels.insert(NAMESPACE.to_owned(), name.to_owned());
        let wanted = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels),
            ..NetworkCreateRequest::default()
        };
        match docker.create_network(wanted).await {
            Ok(_) => Ok(()),
            // Another server made it just now.
            Err(error) if status(&error) == Some(409) => Ok(()),
            Err(error) => {
                Err(failure("make a network", &error).with_hint("`docker network prune` removes networks that nothing uses"))
            }
        }
    }

    async fn put_secret(&self, _: &Target, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
        self.secrets.put(namespace, secret)
    }

    async fn secret(&self, _: &Target, namespace: &str, name: &str) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        self.secrets.get(namespace, name)
    }

    /// Only what a chart of the user's own has made is paused, and there is none here.
    async fn pause(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn resume(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn restart(&self, _: &Target, namespace: &str, release: &str, _: &RolloutKind, token: &str) -> Result<(), Failure> {
        self.restart_release(namespace, release, token).await
    }

    async fn remove_leftovers(&self, _: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        let docker = self.engine.docker().await?;
        let options = ListVolumesOptionsBuilder::new().filters(&filters(namespace, Some(release))).build();
        let found = docker.list_volumes(Some(options)).await.map_err(|error| failure("list volumes", &error))?;
        for volume in found.volumes.unwrap_or_default() {
            match docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await {
                Ok(()) => {}
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(failure("remove a volume", &error)),
            }
        }
        self.secrets.remove_of_service(namespace, release)
    }

    async fn remove_namespace(&self, _: &Target, namespace: &Namespace, _: &CancellationToken) -> Result<bool, Failure> {
        let docker = self.engine.docker().await?;
        if self.records.has_any(&namespace.name) || !containers::list(docker, &namespace.name, None).await?.is_empty() {
            return Ok(false);
        }
        if let Some(found) = self.network(&namespace.name).await? {
            if owned(namespace, &found).is_err() {
                return Ok(false);
            }
            match docker.remove_network(&namespace.name).await {
                Ok(()) => {}
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(failure("remove a network", &error)),
            }
        }
        self.records.remove_namespace(&namespace.name)?;
        Ok(true)
    }

    async fn await_rollout(
        &self,
        _: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        rollout::watch(self, request, progress, cancel).await
    }

    async fn job_output(&self, _: &Target, request: &RolloutRequest) -> Result<JobOutput, Failure> {
        output::read(self, request).await
    }

    async fn forget_job_output(&self, _: &Target, request: &RolloutRequest) -> Result<(), Failure> {
        output::forget(self, request).await
    }

    async fn survey(&self, _: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        survey::survey(self, objects).await
    }

    async fn take_back(&self, _: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        survey::take_back(self, objects).await
    }

    async fn logs(
        &self,
        _: &Target,
        query: &LogQuery,
        lines: mpsc::Sender<PodLine>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        logs::read(self, query, lines, cancel).await
    }
}

impl LocalDocker {
    /// The labels of a network; `None` when it is not there.
    pub(crate) async fn network(&self, name: &str) -> Result<Option<HashMap<String, String>>, Failure> {
        match self.engine.docker().await?.inspect_network(name, None).await {
            Ok(found) => Ok(Some(found.labels.unwrap_or_default())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failure("show a network", &error)),
        }
    }
}

/// Refuses a network that is not this environment's.
fn owned(namespace: &Namespace, labels: &HashMap<String, String>) -> Result<(), Failure> {
    if labels.get(ENVIRONMENT) == namespace.labels.get(ENVIRONMENT) {
        return Ok(());
    }
    Err(Failure::permanent(
        Code::ClusterRefused,
        format!("the network {} is there already, and Slipway has not made it for this environment", namespace.name),
    )
    .with_hint("remove or rename that network"))
}
