//! Which product a target is: a decorator around the ports that deploy, which sends each call to Kubernetes or to Docker.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::plan::{ObjectRef, Observed};
use slipway_docker::LocalDocker;
use slipway_ports::{
    CancellationToken, ChartNeeds, Cluster, ClusterIssuer, ConnectRequest, ExecRequest, ExecStreams, JobOutput, JobRequest,
    LogQuery, Namespace, Platform, PodConnection, PodLine, Progress, ReleaseRequest, ReleaseStatus, Releases, Revision,
    RolloutKind, RolloutRequest, RunningServices, SecretObject, SecretText, Target, Upgraded, Workloads,
};
use tokio::sync::{mpsc, watch};

/// A port of which there is one for each platform.
pub(crate) struct ByPlatform<P: ?Sized> {
    kubernetes: Arc<P>,
    docker: Arc<P>,
}

impl ByPlatform<dyn Releases> {
    /// Releases by Helm, or on the engine.
    pub(crate) fn releases(kubernetes: Arc<dyn Releases>, docker: &LocalDocker) -> Self {
        Self { kubernetes, docker: Arc::new(docker.clone()) }
    }
}

impl ByPlatform<dyn Cluster> {
    /// A cluster, or the engine.
    pub(crate) fn cluster(kubernetes: Arc<dyn Cluster>, docker: &LocalDocker) -> Self {
        Self { kubernetes, docker: Arc::new(docker.clone()) }
    }
}

impl ByPlatform<dyn Workloads> {
    /// What runs on a cluster, or on the engine.
    pub(crate) fn workloads(kubernetes: Arc<dyn Workloads>, docker: &LocalDocker) -> Self {
        Self { kubernetes, docker: Arc::new(docker.clone()) }
    }
}

impl<P: ?Sized> ByPlatform<P> {
    fn of(&self, target: &Target) -> &P {
        match target.platform {
            Platform::Kubernetes(_) => &self.kubernetes,
            Platform::Docker { .. } => &self.docker,
        }
    }
}

#[async_trait]
impl Releases for ByPlatform<dyn Releases> {
    fn inputs(&self, target: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        self.of(target).inputs(target, request)
    }

    async fn upgrade(&self, target: &Target, request: &ReleaseRequest, cancel: &CancellationToken) -> Result<Upgraded, Failure> {
        self.of(target).upgrade(target, request, cancel).await
    }

    /// Only Helm has charts.
    async fn pack_chart(&self, folder: &Path) -> Result<Vec<u8>, Failure> {
        self.kubernetes.pack_chart(folder).await
    }

    async fn chart_needs(&self, archive: &[u8], is_folder: bool) -> Result<ChartNeeds, Failure> {
        self.kubernetes.chart_needs(archive, is_folder).await
    }

    async fn objects(&self, target: &Target, namespace: &str, release: &str) -> Result<Vec<ObjectRef>, Failure> {
        self.of(target).objects(target, namespace, release).await
    }

    async fn rollback(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        deployment: &str,
    ) -> Result<Option<Revision>, Failure> {
        self.of(target).rollback(target, namespace, release, deployment).await
    }

    async fn uninstall(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        self.of(target).uninstall(target, namespace, release).await
    }

    async fn status(&self, target: &Target, namespace: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure> {
        self.of(target).status(target, namespace, release).await
    }

    /// Helm has a version of its own; that of the engine is the target's.
    async fn version(&self) -> Result<String, Failure> {
        self.kubernetes.version().await
    }
}

#[async_trait]
impl Cluster for ByPlatform<dyn Cluster> {
    async fn version(&self, target: &Target) -> Result<String, Failure> {
        self.of(target).version(target).await
    }

    async fn cluster_issuers(&self, target: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        self.of(target).cluster_issuers(target).await
    }

    async fn ensure_namespace(&self, target: &Target, namespace: &Namespace) -> Result<(), Failure> {
        self.of(target).ensure_namespace(target, namespace).await
    }

    async fn put_secret(&self, target: &Target, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
        self.of(target).put_secret(target, namespace, secret).await
    }

    async fn secret(
        &self,
        target: &Target,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        self.of(target).secret(target, namespace, name).await
    }

    async fn pause(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.of(target).pause(target, objects).await
    }

    async fn resume(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.of(target).resume(target, objects).await
    }

    async fn restart(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        kind: &RolloutKind,
        token: &str,
    ) -> Result<(), Failure> {
        self.of(target).restart(target, namespace, release, kind, token).await
    }

    async fn remove_leftovers(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        self.of(target).remove_leftovers(target, namespace, release).await
    }

    async fn remove_namespace(
        &self,
        target: &Target,
        namespace: &Namespace,
        cancel: &CancellationToken,
    ) -> Result<bool, Failure> {
        self.of(target).remove_namespace(target, namespace, cancel).await
    }

    async fn await_rollout(
        &self,
        target: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.of(target).await_rollout(target, request, progress, cancel).await
    }

    async fn job_output(&self, target: &Target, request: &RolloutRequest) -> Result<JobOutput, Failure> {
        self.of(target).job_output(target, request).await
    }

    async fn forget_job_output(&self, target: &Target, request: &RolloutRequest) -> Result<(), Failure> {
        self.of(target).forget_job_output(target, request).await
    }

    async fn survey(&self, target: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        self.of(target).survey(target, objects).await
    }

    async fn take_back(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.of(target).take_back(target, objects).await
    }

    async fn logs(
        &self,
        target: &Target,
        query: &LogQuery,
        lines: mpsc::Sender<PodLine>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.of(target).logs(target, query, lines, cancel).await
    }
}

#[async_trait]
impl Workloads for ByPlatform<dyn Workloads> {
    async fn watch(
        &self,
        target: &Target,
        namespace: &str,
        seen: watch::Sender<Option<RunningServices>>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.of(target).watch(target, namespace, seen, cancel).await
    }

    async fn exec(
        &self,
        target: &Target,
        request: &ExecRequest,
        streams: ExecStreams,
        cancel: &CancellationToken,
    ) -> Result<i32, Failure> {
        self.of(target).exec(target, request, streams, cancel).await
    }

    async fn connect(&self, target: &Target, request: &ConnectRequest) -> Result<PodConnection, Failure> {
        self.of(target).connect(target, request).await
    }

    async fn run_job(&self, target: &Target, request: &JobRequest) -> Result<String, Failure> {
        self.of(target).run_job(target, request).await
    }
}
