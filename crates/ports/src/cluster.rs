//! Kubernetes beside Helm: namespaces, Secrets, rollouts, logs.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use slipway_core::failure::Failure;
use slipway_core::plan::{ObjectRef, Observed};

use crate::{CancellationToken, Progress, SecretText, Target};

/// A Kubernetes cluster, as far as Helm does not cover it.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// The API server's version, such as `v1.33.4`, for `target add` and `doctor`.
    async fn version(&self, target: &Target) -> Result<String, Failure>;

    /// The `ClusterIssuers` of cert-manager, by name, for `target add` and `doctor`; none where cert-manager is not installed.
    async fn cluster_issuers(&self, target: &Target) -> Result<Vec<ClusterIssuer>, Failure>;

    /// Makes the namespace, or finds it. One that exists without our label `slipway.dev/environment` of the same value is
    /// refused (`cluster-refused`).
    async fn ensure_namespace(&self, target: &Target, namespace: &Namespace) -> Result<(), Failure>;

    /// Makes a Secret, or finds it with the same content; an immutable one is never changed.
    async fn put_secret(&self, target: &Target, namespace: &str, secret: &SecretObject) -> Result<(), Failure>;

    /// The content of a Secret; `None` when it is not there.
    async fn secret(&self, target: &Target, namespace: &str, name: &str)
    -> Result<Option<BTreeMap<String, SecretText>>, Failure>;

    /// Scales the workloads among some objects to nothing and suspends what runs by the clock, and notes on each
    /// how it was. What is paused already, or is not there, stays as it is.
    async fn pause(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure>;

    /// Brings back what [`Self::pause`] took away, where the release has not done so itself. Objects that were not paused stay as
    /// they are.
    async fn resume(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure>;

    /// Starts the pods of a Deployment, StatefulSet or `DaemonSet` anew, in the way of its rollouts. With a `token` that it was restarted by
    /// before, nothing is done. Fails with `release-failed` (permanent) when there is no such object.
    async fn restart(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        kind: &RolloutKind,
        token: &str,
    ) -> Result<(), Failure>;

    /// Removes what stays behind when a release is uninstalled: the claims of its volumes, the Secrets of its service, and the
    /// certificates that cert-manager made for its hosts. Nothing to remove is success.
    async fn remove_leftovers(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure>;

    /// Removes a namespace that [`Self::ensure_namespace`] made and in which no release is left, and returns once it is gone. Returns
    /// whether it is gone: one that still holds a release stays, and so does one that somebody else made, without the environment's
    /// Secrets.
    async fn remove_namespace(&self, target: &Target, namespace: &Namespace, cancel: &CancellationToken)
    -> Result<bool, Failure>;

    /// Watches until what a release started is ready or has ended, or cannot any more: the verdict of product.md.
    ///
    /// Fails with the pod's own reason and its last lines: `image-pull-failed`, `crash-loop`,
    /// `container-config-invalid`, `unschedulable`, `volume-unavailable`, `admission-refused`, `probe-failed`,
    /// `rollout-timeout`, `job-failed`, `job-timeout` (permanent), `cluster-unreachable` (retry, after its own retries).
    async fn await_rollout(
        &self,
        target: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure>;

    /// What a job that came to its end wrote to [`OUTPUT_PATH`](slipway_core::variables::OUTPUT_PATH).
    async fn job_output(&self, target: &Target, request: &RolloutRequest) -> Result<JobOutput, Failure>;

    /// Removes what the target itself still shows of the output of a job that has ended. Nothing to remove is success.
    async fn forget_job_output(&self, target: &Target, request: &RolloutRequest) -> Result<(), Failure>;

    /// Looks at objects as they are now: one observation for each, in their order. The number of requests goes by the kinds of the
    /// objects, not by their number.
    async fn survey(&self, target: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure>;

    /// Makes what persons set on these objects by hand the release's own, so that its next upgrade removes what it does not set.
    async fn take_back(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure>;

    /// Sends the lines of a service's pods to `lines` until they end (without `follow`) or the receiver goes.
    async fn logs(
        &self,
        target: &Target,
        query: &LogQuery,
        lines: tokio::sync::mpsc::Sender<PodLine>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure>;
}

/// What signs certificates for the hosts of all namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterIssuer {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: IssuerState,
}

/// How an issuer of certificates stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerState {
    /// It signs.
    Ready,
    /// It does not, for this reason.
    NotReady(String),
}

/// A namespace to make.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Our labels: `slipway.dev/project`, `slipway.dev/environment`, `app.kubernetes.io/managed-by`.
    pub labels: BTreeMap<String, String>,
}

/// A Secret to make.
#[derive(Debug, Clone)]
pub struct SecretObject {
    /// Its name.
    pub name: String,
    /// `Opaque`, `kubernetes.io/dockerconfigjson` …
    pub secret_type: String,
    /// Its content.
    pub data: BTreeMap<String, SecretText>,
    /// Our labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it may never change.
    pub immutable: bool,
}

/// What to watch.
#[derive(Debug, Clone)]
pub struct RolloutRequest {
    /// The namespace.
    pub namespace: String,
    /// The release, which is also the name of its main object.
    pub release: String,
    /// The kind of its main object.
    pub kind: RolloutKind,
    /// Which pods and sets of pods are looked at.
    pub pods: PodsOf,
    /// The longest it may take.
    pub timeout: Duration,
}

/// How the pods of a release are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodsOf {
    /// By the label `app.kubernetes.io/instance`, which is that of the release, as our own charts write it.
    Release,
    /// Any pod of the namespace may be one: charts of others write what they like, so their owners tell.
    Namespace,
}

/// The main object of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutKind {
    /// A Deployment with the release's name.
    Deployment,
    /// A StatefulSet with the release's name.
    StatefulSet,
    /// A `DaemonSet` with the release's name.
    DaemonSet,
    /// A Job with this name, watched to completion.
    Job {
        /// The Job's name.
        name: String,
    },
    /// A CronJob with the release's name: there at once.
    CronJob,
    /// No pod at all: the release was stopped or removed.
    Gone,
}

/// What is to be had of the output of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutput {
    /// It wrote nothing.
    Nothing,
    /// It wrote this.
    Written(SecretText),
    /// Nobody knows: what held it is gone.
    Gone,
}

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub struct LogQuery {
    /// The namespace.
    pub namespace: String,
    /// The release whose pods are meant.
    pub release: String,
    /// How they are known.
    pub of: PodsOf,
    /// Which of its pods.
    pub pods: LogPods,
    /// Go on with new lines, also of pods that come later.
    pub follow: bool,
    /// So many last lines of each container.
    pub tail: Option<u32>,
    /// Only lines that were written at this time or later.
    pub since: Option<Timestamp>,
    /// Those of the run before of each container that was restarted, instead of the present one's.
    pub previous: bool,
}

/// Which pods of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPods {
    /// All of them.
    All,
    /// One, by its name; `pod-unavailable` when the release has no such pod.
    Named(String),
    /// Those of a run of a job, by its name.
    OfJob(String),
}

/// One line of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodLine {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// When it was written, if that is known: it grows from line to line of a container.
    pub at: Option<Timestamp>,
    /// The line, without its end; in a pod of several containers it begins with the name of its own.
    pub text: String,
}
