//! A chart of the user's own, pinned when its deployment is accepted.

use serde::{Deserialize, Serialize};

/// A chart, and the files of values that go with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinnedChart {
    /// The chart itself.
    pub origin: PinnedOrigin,
    /// The commit of each file of values, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// What it needs and does not hold in its `charts/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<PinnedDependency>,
}

/// A chart that another one needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinnedDependency {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it is fetched from.
    pub origin: DependencyOrigin,
}

/// Where a chart that another one needs is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DependencyOrigin {
    /// Packed, in a Helm repository or below a path of an OCI registry.
    Archive {
        /// `https://…` or `oci://…`, as `Chart.yaml` names it.
        repository: String,
        /// `sha256:…` of the archive.
        digest: String,
    },
    /// A folder of the repository of the chart that needs it, in the same commit.
    Folder(String),
}

/// What of a chart's source is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PinnedOrigin {
    /// The folder as it is in this commit, 40 hex digits.
    Commit(String),
    /// The packed chart of a repository or registry.
    Archive {
        /// The chart's version.
        version: String,
        /// `sha256:…` of the archive.
        digest: String,
    },
}
