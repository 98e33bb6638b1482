//! Releases by Helm.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::model::Service;
use slipway_core::plan::ObjectRef;

use crate::{CancellationToken, Target};

/// Helm releases on a target. One release is worked on by one call at a time; the adapter sees to it.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Stands for all that a release is made from, but for what differs from one deployment to the next without a change of
    /// anything: its labels and its run. Equal inputs make the same objects. Nothing outside is asked.
    fn inputs(&self, target: &Target, request: &ReleaseRequest) -> Result<String, Failure>;

    /// Installs or upgrades, and returns once Kubernetes has taken the objects; whether they become ready is watched
    /// elsewhere. A release that a killed helper left `pending-*` is put right first.
    ///
    /// Fails with `release-failed` or `cluster-refused` (permanent), `cluster-unreachable`, `helm-unavailable` (retry).
    async fn upgrade(&self, target: &Target, request: &ReleaseRequest, cancel: &CancellationToken) -> Result<Upgraded, Failure>;

    /// Goes back to the newest good revision that a deployment did not make itself, by the label [`DEPLOYMENT_LABEL`] of its
    /// revisions; `None` when there is none. Where that is the newest one already, nothing is done.
    async fn rollback(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        deployment: &str,
    ) -> Result<Option<Revision>, Failure>;

    /// Removes the release; nothing to remove is success. Volumes stay.
    async fn uninstall(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure>;

    /// Packs the folder of a chart as the release carries it. Its `.helmignore` is gone by when it is loaded.
    ///
    /// Fails with `chart-invalid` (permanent) when it holds a link, a device or too much.
    async fn pack_chart(&self, folder: &Path) -> Result<Vec<u8>, Failure>;

    /// What a packed chart is, and which charts it needs and does not hold. `is_folder` is as in [`UserChart`].
    ///
    /// Fails with `chart-invalid` (permanent), also when its lock file is not of its dependencies, and `helm-unavailable` (retry).
    async fn chart_needs(&self, archive: &[u8], is_folder: bool) -> Result<ChartNeeds, Failure>;

    /// The objects of the newest revision of a release, without its hooks; none when Helm knows no release.
    async fn objects(&self, target: &Target, namespace: &str, release: &str) -> Result<Vec<ObjectRef>, Failure>;

    /// What Helm knows of a release; `None` when it knows none.
    async fn status(&self, target: &Target, namespace: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure>;

    /// The version of Helm in use, for `doctor`.
    async fn version(&self) -> Result<String, Failure>;
}

/// One service to release; chart and values follow from it.
#[derive(Debug, Clone)]
pub struct ReleaseRequest {
    /// The namespace, which exists.
    pub namespace: String,
    /// The project, for labels.
    pub project: String,
    /// The environment, for labels.
    pub environment: String,
    /// The service; the release has its name.
    pub service: Service,
    /// Whether nothing of it runs: no pod, no run of a cron job. Its volumes stay.
    pub stopped: bool,
    /// What it is made from.
    pub made_from: MadeFrom,
    /// The Secret that the containers take their environment from, if they have any. It has a hash in its name.
    pub variables_secret: Option<String>,
    /// Mount path of a file to the key in `variables_secret` that holds its content.
    pub files: BTreeMap<String, String>,
    /// The Secret to pull with, if the registry wants one.
    pub pull_secret: Option<String>,
    /// Host names of the public http ports, by internal port; a port that is not public is not in it.
    pub hosts: BTreeMap<u16, Vec<String>>,
    /// The `ClusterIssuer` of cert-manager that gives these hosts their certificates; absent: they are served without TLS.
    pub cluster_issuer: Option<String>,
    /// Requests as a share of the limits, 1 to 100 percent.
    pub request_percent: u8,
    /// Distinguishes the runs of a job; the same for every attempt of one deployment: lower-case letters and digits, at most 12.
    pub run: String,
    /// Labels of the release record and its objects, not of pods: the deployment's id, the version.
    pub labels: BTreeMap<String, String>,
}

/// What a release is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MadeFrom {
    /// One of our own charts, whose containers run this.
    Image(WantedImage),
    /// A chart of the user's own.
    Chart(UserChart),
}

/// A chart of the user's own, and what its values are made from beside the service's configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct UserChart {
    /// The packed chart.
    pub archive: Arc<[u8]>,
    /// Whether it is a folder as it lies in git, of which `.helmignore` leaves out files.
    pub is_folder: bool,
    /// The charts that it needs and does not hold.
    pub dependencies: Vec<FetchedChart>,
    /// Its version, for people.
    pub version: String,
    /// The files of values, in order: how a person calls them, and their text.
    pub values_files: Vec<(String, String)>,
    /// What `{{NAME}}` in a value stands for.
    pub variables: BTreeMap<String, String>,
    /// Names of variables that no value may use.
    pub secrets: BTreeSet<String>,
}

/// A chart that was fetched because another one needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchedChart {
    /// The packed chart.
    pub archive: Arc<[u8]>,
    /// As in [`UserChart`].
    pub is_folder: bool,
}

/// What a chart is, and which charts it needs and does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartNeeds {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What is not in its `charts/`.
    pub missing: Vec<NeededChart>,
}

/// A chart that another one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededChart {
    /// Its name.
    pub name: String,
    /// The version of the lock file, or the range of `Chart.yaml` where there is none.
    pub version: String,
    /// Where it is, as `Chart.yaml` says it.
    pub repository: String,
}

impl fmt::Debug for FetchedChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchedChart").field("bytes", &self.archive.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for UserChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserChart")
            .field("version", &self.version)
            .field("bytes", &self.archive.len())
            .field("dependencies", &self.dependencies)
            .field("values_files", &self.values_files)
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for MadeFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => image.fmt(f),
            Self::Chart(chart) => write!(f, "the chart {}", chart.version),
        }
    }
}

/// An image in the registry that the target pulls from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedImage {
    /// `host:port/path`, without tag or digest.
    pub repository: String,
    /// `sha256:…`
    pub digest: String,
}

impl fmt::Display for WantedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

/// What an upgrade left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The revision that it made.
    pub revision: Revision,
    /// The objects of the release, without its hooks; empty when the adapter can not tell.
    pub objects: Vec<ObjectRef>,
}

/// The revision number of a release, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u32);

/// The label of a revision that names the deployment that made it; a rollback has that of the revision that it went back to.
pub const DEPLOYMENT_LABEL: &str = "slipway.dev/deployment";

/// What Helm knows of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseStatus {
    /// The newest revision.
    pub revision: Revision,
    /// As Helm writes it: `deployed`, `failed`, `pending-upgrade` …
    pub status: String,
    /// The deployment that made the newest revision, by its [`DEPLOYMENT_LABEL`].
    pub deployment: Option<String>,
}
