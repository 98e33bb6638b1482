//! The port filled.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::future::try_join_all;
use slipway_core::failure::Failure;
use slipway_core::plan::{ObjectRef, Observed};
use slipway_ports::{
    CancellationToken, Cluster, ClusterIssuer, JobOutput, LogQuery, Namespace, PodLine, Progress, RolloutKind, RolloutRequest,
    SecretObject, SecretText, Target,
};
use tokio::sync::mpsc::Sender;

use crate::calls::Calls;
use crate::connection::{Connection, Connections};
use crate::rollout::Rollout;
use crate::settings::Settings;
use crate::survey::{Kinds, survey, take_back};
use crate::text::clean;
use crate::{cert_manager, logs, namespace, outputs, pause, removal, restart, secret};

/// Kubernetes clusters, reached by the kubeconfigs of their targets.
pub struct KubeCluster {
    settings: Settings,
    pub(crate) calls: Calls,
    connections: Connections,
    kinds: Kinds,
}

impl KubeCluster {
    /// Nothing is connected yet; each target is when it is first used.
    pub fn new(settings: Settings) -> Self {
        // The first one wins, and any will do: another adapter may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let calls = Calls { answer_timeout: settings.answer_timeout, patience: settings.patience };
        Self { settings, calls, connections: Connections::default(), kinds: Kinds::default() }
    }

    pub(crate) async fn connection(&self, target: &Target) -> Result<Connection, Failure> {
        self.connections.of(target, &self.settings).await
    }
}

impl Default for KubeCluster {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

#[async_trait]
impl Cluster for KubeCluster {
    async fn version(&self, target: &Target) -> Result<String, Failure> {
        let client = self.connection(target).await?.client;
        let info = self.calls.must("read the version of the API server", || client.apiserver_version()).await?;
        Ok(clean(&info.git_version))
    }

    async fn cluster_issuers(&self, target: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        cert_manager::cluster_issuers(&self.connection(target).await?, &self.calls).await
    }

    async fn ensure_namespace(&self, target: &Target, namespace: &Namespace) -> Result<(), Failure> {
        namespace::ensure(&self.connection(target).await?, &self.calls, namespace).await
    }

    async fn put_secret(&self, target: &Target, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
        secret::put(&self.connection(target).await?, &self.calls, namespace, secret).await
    }

    async fn secret(
        &self,
        target: &Target,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        secret::read(&self.connection(target).await?, &self.calls, namespace, name).await
    }

    async fn pause(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        pause::pause(&self.connection(target).await?, &self.calls, objects).await
    }

    async fn resume(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        pause::resume(&self.connection(target).await?, &self.calls, objects).await
    }

    async fn restart(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        kind: &RolloutKind,
        token: &str,
    ) -> Result<(), Failure> {
        restart::restart(&self.connection(target).await?, &self.calls, namespace, release, kind, token).await
    }

    async fn remove_leftovers(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        removal::leftovers(&self.connection(target).await?, &self.calls, namespace, release).await
    }

    async fn remove_namespace(
        &self,
        target: &Target,
        namespace: &Namespace,
        cancel: &CancellationToken,
    ) -> Result<bool, Failure> {
        let connection = self.connection(target).await?;
        if !namespace::remove(&connection, &self.calls, namespace).await? {
            return Ok(false);
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::canceled(format!("stopped waiting for namespace {} to go", namespace.name))),
            gone = removal::until_gone(&connection, &self.calls, &namespace.name) => gone.map(|()| true),
        }
    }

    async fn await_rollout(
        &self,
        target: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let watch = async {
            let connection = self.connection(target).await?;
            Rollout::new(connection.client, self.calls.clone(), request, self.settings.unschedulable_grace).watch(progress).await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::canceled(format!("stopped waiting for {}", request.release))),
            verdict = watch => verdict,
        }
    }

    async fn job_output(&self, target: &Target, request: &RolloutRequest) -> Result<JobOutput, Failure> {
        outputs::read(&self.connection(target).await?, &self.calls, request).await
    }

    async fn forget_job_output(&self, target: &Target, request: &RolloutRequest) -> Result<(), Failure> {
        outputs::forget(&self.connection(target).await?, &self.calls, request).await
    }

    async fn survey(&self, target: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        survey(&self.connection(target).await?, &self.calls, self.kinds.of(target), objects).await
    }

    async fn take_back(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        let connection = self.connection(target).await?;
        let known = self.kinds.of(target);
        try_join_all(objects.iter().map(|object| take_back(&connection, &self.calls, known, object))).await.map(|_| ())
    }

    async fn logs(
        &self,
        target: &Target,
        query: &LogQuery,
        lines: Sender<PodLine>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let gone = lines.clone();
        let read = async {
            let connection = self.connection(target).await?;
            logs::read(&connection, &self.calls, query, lines).await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::canceled(format!("stopped reading the logs of {}", query.release))),
            () = gone.closed() => Ok(()),
            result = read => result,
        }
    }
}
