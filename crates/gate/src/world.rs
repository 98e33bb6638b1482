//! The ports, each behind its gate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use slipway_core::auto_deploy::Changed;
use slipway_core::deployment::{Event, Timestamp};
use slipway_core::failure::Failure;
use slipway_core::model::{Environment, GitRevision, ImageReference, Name, Project};
use slipway_core::plan::{ObjectRef, Observed};
use slipway_ports::{
    Access, BuildClaim, BuildRequest, Builder, BuiltImage, CancellationToken, ChartNeeds, ChartPlace, ChartVersion, Charts,
    Cluster, ClusterIssuer, ConnectRequest, Credential, DeploymentSummary, ExecRequest, ExecStreams, Export, Freed,
    ImageCollector, JobOutput, JobRequest, KeptAnswer, LogLine, LogMatches, LogQuery, LogSearch, LogSection, LogWindow,
    Namespace, NeededImage, NewDeployment, PlacedLine, PodConnection, PodLine, Presence, Progress, Reader, RecordedEvent,
    Registry, ReleaseRequest, ReleaseStatus, Releases, Repositories, RepositoryTag, Revision, RolloutKind, RolloutRequest,
    RunningServices, SecretObject, SecretText, Store, StoreError, StoredEnvironment, StoredProject, Target, Tips, TreeFacts,
    TreeQuery, Upgraded, Workloads,
};
use tokio::sync::{mpsc, watch};

use crate::Gated;

#[async_trait]
impl Repositories for Gated<dyn Repositories> {
    async fn fetch(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<(), Failure> {
        self.pass("repositories.fetch", self.port.fetch(url, reader, cancel)).await
    }

    async fn resolve(&self, url: &str, reader: &Reader, revision: &GitRevision) -> Result<String, Failure> {
        self.pass("repositories.resolve", self.port.resolve(url, reader, revision)).await
    }

    async fn facts(&self, query: &TreeQuery, reader: &Reader) -> Result<TreeFacts, Failure> {
        self.pass("repositories.facts", self.port.facts(query, reader)).await
    }

    async fn export(
        &self,
        query: &TreeQuery,
        reader: &Reader,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<Export, Failure> {
        self.pass("repositories.export", self.port.export(query, reader, into, cancel)).await
    }

    async fn export_folder(
        &self,
        query: &TreeQuery,
        reader: &Reader,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.pass("repositories.export-folder", self.port.export_folder(query, reader, into, cancel)).await
    }

    async fn text(&self, url: &str, commit: &str, path: &str, reader: &Reader) -> Result<String, Failure> {
        self.pass("repositories.text", self.port.text(url, commit, path, reader)).await
    }

    async fn tips(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<Tips, Failure> {
        self.pass("repositories.tips", self.port.tips(url, reader, cancel)).await
    }

    async fn changed_paths(&self, url: &str, reader: &Reader, from: &str, to: &str) -> Result<Changed, Failure> {
        self.pass("repositories.changed-paths", self.port.changed_paths(url, reader, from, to)).await
    }
}

#[async_trait]
impl Builder for Gated<dyn Builder> {
    async fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, Failure> {
        self.pass("builder.build", self.port.build(request, progress, cancel)).await
    }

    async fn version(&self) -> Result<String, Failure> {
        self.port.version().await
    }
}

#[async_trait]
impl Registry for Gated<dyn Registry> {
    fn address(&self) -> &str {
        self.port.address()
    }

    async fn presence(&self, image: &RepositoryTag) -> Result<Presence, Failure> {
        self.pass("registry.presence", self.port.presence(image)).await
    }

    async fn resolve(&self, reference: &ImageReference, reader: &Reader) -> Result<String, Failure> {
        self.pass("registry.resolve", self.port.resolve(reference, reader)).await
    }

    async fn bases(&self, image: &RepositoryTag) -> Result<Vec<ImageReference>, Failure> {
        self.pass("registry.bases", self.port.bases(image)).await
    }

    async fn claim_build(&self, image: &RepositoryTag) -> Result<BuildClaim, Failure> {
        self.port.claim_build(image).await
    }

    async fn mirror(
        &self,
        source: &ImageReference,
        reader: &Reader,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<String, Failure> {
        self.pass("registry.mirror", self.port.mirror(source, reader, progress, cancel)).await
    }
}

#[async_trait]
impl Charts for Gated<dyn Charts> {
    async fn resolve(&self, place: &ChartPlace, version: &str, reader: &Reader) -> Result<ChartVersion, Failure> {
        self.pass("charts.resolve", self.port.resolve(place, version, reader)).await
    }

    async fn archive(
        &self,
        place: &ChartPlace,
        pinned: &ChartVersion,
        reader: &Reader,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, Failure> {
        self.pass("charts.archive", self.port.archive(place, pinned, reader, cancel)).await
    }
}

#[async_trait]
impl ImageCollector for Gated<dyn ImageCollector> {
    async fn collect(
        &self,
        needed: &BTreeSet<NeededImage>,
        unused: Duration,
        cancel: &CancellationToken,
    ) -> Result<Freed, Failure> {
        self.pass("images.collect", self.port.collect(needed, unused, cancel)).await
    }
}

#[async_trait]
impl Releases for Gated<dyn Releases> {
    fn inputs(&self, target: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        self.port.inputs(target, request)
    }

    async fn upgrade(&self, target: &Target, request: &ReleaseRequest, cancel: &CancellationToken) -> Result<Upgraded, Failure> {
        self.pass("releases.upgrade", self.port.upgrade(target, request, cancel)).await
    }

    async fn rollback(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        deployment: &str,
    ) -> Result<Option<Revision>, Failure> {
        self.pass("releases.rollback", self.port.rollback(target, namespace, release, deployment)).await
    }

    async fn uninstall(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        self.pass("releases.uninstall", self.port.uninstall(target, namespace, release)).await
    }

    async fn pack_chart(&self, folder: &Path) -> Result<Vec<u8>, Failure> {
        self.port.pack_chart(folder).await
    }

    async fn chart_needs(&self, archive: &[u8], is_folder: bool) -> Result<ChartNeeds, Failure> {
        self.port.chart_needs(archive, is_folder).await
    }

    async fn objects(&self, target: &Target, namespace: &str, release: &str) -> Result<Vec<ObjectRef>, Failure> {
        self.pass("releases.objects", self.port.objects(target, namespace, release)).await
    }

    async fn status(&self, target: &Target, namespace: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure> {
        self.pass("releases.status", self.port.status(target, namespace, release)).await
    }

    async fn version(&self) -> Result<String, Failure> {
        self.port.version().await
    }
}

#[async_trait]
impl Cluster for Gated<dyn Cluster> {
    async fn version(&self, target: &Target) -> Result<String, Failure> {
        self.port.version(target).await
    }

    async fn cluster_issuers(&self, target: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        self.port.cluster_issuers(target).await
    }

    async fn ensure_namespace(&self, target: &Target, namespace: &Namespace) -> Result<(), Failure> {
        self.pass("cluster.ensure-namespace", self.port.ensure_namespace(target, namespace)).await
    }

    async fn put_secret(&self, target: &Target, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
        self.pass("cluster.put-secret", self.port.put_secret(target, namespace, secret)).await
    }

    async fn secret(
        &self,
        target: &Target,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        self.pass("cluster.secret", self.port.secret(target, namespace, name)).await
    }

    async fn pause(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.pass("cluster.pause", self.port.pause(target, objects)).await
    }

    async fn resume(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.pass("cluster.resume", self.port.resume(target, objects)).await
    }

    async fn restart(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        kind: &RolloutKind,
        token: &str,
    ) -> Result<(), Failure> {
        self.pass("cluster.restart", self.port.restart(target, namespace, release, kind, token)).await
    }

    async fn remove_leftovers(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        self.pass("cluster.remove-leftovers", self.port.remove_leftovers(target, namespace, release)).await
    }

    async fn remove_namespace(
        &self,
        target: &Target,
        namespace: &Namespace,
        cancel: &CancellationToken,
    ) -> Result<bool, Failure> {
        self.pass("cluster.remove-namespace", self.port.remove_namespace(target, namespace, cancel)).await
    }

    async fn survey(&self, target: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        self.pass("cluster.survey", self.port.survey(target, objects)).await
    }

    async fn take_back(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.pass("cluster.take-back", self.port.take_back(target, objects)).await
    }

    async fn await_rollout(
        &self,
        target: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.pass("cluster.await-rollout", self.port.await_rollout(target, request, progress, cancel)).await
    }

    async fn job_output(&self, target: &Target, request: &RolloutRequest) -> Result<JobOutput, Failure> {
        self.pass("cluster.job-output", self.port.job_output(target, request)).await
    }

    async fn forget_job_output(&self, target: &Target, request: &RolloutRequest) -> Result<(), Failure> {
        self.pass("cluster.forget-job-output", self.port.forget_job_output(target, request)).await
    }

    async fn logs(
        &self,
        target: &Target,
        query: &LogQuery,
        lines: mpsc::Sender<PodLine>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.port.logs(target, query, lines, cancel).await
    }
}

#[async_trait]
impl Workloads for Gated<dyn Workloads> {
    async fn watch(
        &self,
        target: &Target,
        namespace: &str,
        seen: watch::Sender<Option<RunningServices>>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.port.watch(target, namespace, seen, cancel).await
    }

    async fn exec(
        &self,
        target: &Target,
        request: &ExecRequest,
        streams: ExecStreams,
        cancel: &CancellationToken,
    ) -> Result<i32, Failure> {
        self.pass("workloads.exec", self.port.exec(target, request, streams, cancel)).await
    }

    async fn connect(&self, target: &Target, request: &ConnectRequest) -> Result<PodConnection, Failure> {
        self.pass("workloads.connect", self.port.connect(target, request)).await
    }

    async fn run_job(&self, target: &Target, request: &JobRequest) -> Result<String, Failure> {
        self.pass("workloads.run-job", self.port.run_job(target, request)).await
    }
}

#[async_trait]
impl Store for Gated<dyn Store> {
    async fn put_target(&self, access: &Access, target: &Target) -> Result<(), StoreError> {
        self.pass("store.put-target", self.port.put_target(access, target)).await
    }

    async fn targets(&self, access: &Access) -> Result<Vec<Target>, StoreError> {
        self.port.targets(access).await
    }

    async fn put_environment_with_secrets(
        &self,
        access: &Access,
        environment: &Environment,
        expected_version: u64,
        secrets: &BTreeMap<String, SecretText>,
    ) -> Result<StoredEnvironment, StoreError> {
        let put = self.port.put_environment_with_secrets(access, environment, expected_version, secrets);
        self.pass("store.put-environment", put).await
    }

    async fn environment(&self, access: &Access, project: &Name, name: &Name) -> Result<StoredEnvironment, StoreError> {
        self.port.environment(access, project, name).await
    }

    async fn environments_after(
        &self,
        access: &Access,
        after: Option<(&Name, &Name)>,
        limit: u32,
    ) -> Result<Vec<StoredEnvironment>, StoreError> {
        self.port.environments_after(access, after, limit).await
    }

    async fn environments(&self, access: &Access) -> Result<Vec<StoredEnvironment>, StoreError> {
        self.port.environments(access).await
    }

    async fn put_project(&self, access: &Access, project: &Project, expected_version: u64) -> Result<StoredProject, StoreError> {
        self.pass("store.put-project", self.port.put_project(access, project, expected_version)).await
    }

    async fn project(&self, access: &Access, project: &Name) -> Result<StoredProject, StoreError> {
        self.port.project(access, project).await
    }

    async fn projects(&self, access: &Access) -> Result<Vec<Name>, StoreError> {
        self.port.projects(access).await
    }

    async fn create_deployment(&self, access: &Access, new: &NewDeployment) -> Result<DeploymentSummary, StoreError> {
        self.pass("store.create-deployment", self.port.create_deployment(access, new)).await
    }

    async fn append(&self, deployment: &str, expected: u64, events: &[Event]) -> Result<(), StoreError> {
        self.pass("store.append", self.port.append(deployment, expected, events)).await
    }

    async fn events(&self, access: &Access, deployment: &str, after: u64) -> Result<Vec<RecordedEvent>, StoreError> {
        self.port.events(access, deployment, after).await
    }

    async fn deployment(&self, access: &Access, id: &str) -> Result<DeploymentSummary, StoreError> {
        self.port.deployment(access, id).await
    }

    async fn deployments(
        &self,
        access: &Access,
        project: &Name,
        name: &Name,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeploymentSummary>, StoreError> {
        self.port.deployments(access, project, name, before, limit).await
    }

    async fn unfinished(&self) -> Result<Vec<DeploymentSummary>, StoreError> {
        self.port.unfinished().await
    }

    async fn append_log(&self, deployment: &str, lines: &[LogLine]) -> Result<Vec<u64>, StoreError> {
        self.pass("store.append-log", self.port.append_log(deployment, lines)).await
    }

    async fn log(
        &self,
        access: &Access,
        deployment: &str,
        service: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, LogLine)>, StoreError> {
        self.port.log(access, deployment, service, after, limit).await
    }

    async fn log_window(&self, access: &Access, deployment: &str, window: &LogWindow<'_>) -> Result<Vec<PlacedLine>, StoreError> {
        self.port.log_window(access, deployment, window).await
    }

    async fn log_sections(&self, access: &Access, deployment: &str) -> Result<Vec<LogSection>, StoreError> {
        self.port.log_sections(access, deployment).await
    }

    async fn search_log(&self, access: &Access, deployment: &str, search: &LogSearch<'_>) -> Result<LogMatches, StoreError> {
        self.port.search_log(access, deployment, search).await
    }

    async fn bound_log(&self, deployment: &str, most_bytes: u64) -> Result<(), StoreError> {
        self.pass("store.bound-log", self.port.bound_log(deployment, most_bytes)).await
    }

    async fn remove_environment(&self, access: &Access, project: &Name, name: &Name) -> Result<bool, StoreError> {
        self.pass("store.remove-environment", self.port.remove_environment(access, project, name)).await
    }

    async fn remove_deployments(&self, ids: &[String]) -> Result<u64, StoreError> {
        self.pass("store.remove-deployments", self.port.remove_deployments(ids)).await
    }

    async fn put_secret(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
        name: &str,
        value: &SecretText,
    ) -> Result<(), StoreError> {
        self.pass("store.put-secret", self.port.put_secret(access, project, environment, name, value)).await
    }

    async fn secret_or_insert(
        &self,
        project: &Name,
        environment: &Name,
        name: &str,
        value: SecretText,
    ) -> Result<SecretText, StoreError> {
        self.pass("store.secret-or-insert", self.port.secret_or_insert(project, environment, name, value)).await
    }

    async fn secrets(&self, project: &Name, environment: Option<&Name>) -> Result<BTreeMap<String, SecretText>, StoreError> {
        self.port.secrets(project, environment).await
    }

    async fn secret_names(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
    ) -> Result<BTreeSet<String>, StoreError> {
        self.port.secret_names(access, project, environment).await
    }

    async fn put_credential(&self, access: &Access, project: &Name, credential: &Credential) -> Result<(), StoreError> {
        self.pass("store.put-credential", self.port.put_credential(access, project, credential)).await
    }

    async fn credentials(&self, access: &Access, project: &Name) -> Result<Vec<Credential>, StoreError> {
        self.port.credentials(access, project).await
    }

    async fn remove_credential(&self, access: &Access, project: &Name, name: &Name) -> Result<(), StoreError> {
        self.pass("store.remove-credential", self.port.remove_credential(access, project, name)).await
    }

    async fn keep_answer(&self, access: &Access, key: &str, answer: &KeptAnswer) -> Result<(), StoreError> {
        self.pass("store.keep-answer", self.port.keep_answer(access, key, answer)).await
    }

    async fn kept_answer(&self, access: &Access, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        self.port.kept_answer(access, key, since).await
    }
}
