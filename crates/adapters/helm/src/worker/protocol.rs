//! What is said to the worker and what it answers; its own `protocol.go` is the other half.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_core::plan::ObjectRef;
use slipway_ports::{ChartNeeds, NeededChart};

/// The version of the protocol that both sides must speak.
pub(super) const VERSION: u32 = 1;

/// Which cluster: a kubeconfig file and one of its contexts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ClusterAccess {
    /// The kubeconfig file.
    pub kubeconfig: PathBuf,
    /// The context in it.
    pub context: String,
}

/// One request, without its number. What an operation does not use stays at its default and is not sent.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Call {
    /// The operation.
    pub op: &'static str,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterAccess>,
    /// The namespace of the release.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The release.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub release: String,
    /// The longest that the worker may take.
    pub timeout_ms: u64,
    /// The packed chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<PackedBytes>,
    /// The values of the chart.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub values: Value,
    /// Files of values, before `values`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<ValuesText>,
    /// Values by path, after `values`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<SetValue>,
    /// What `{{NAME}}` in a value stands for; absent: it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpolation: Option<Interpolation>,
    /// Refuses objects outside the release's namespace.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub namespaced_only: bool,
    /// Lets templates look up objects of the cluster.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lookup: bool,
    /// Labels of the release record.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The revision to go back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// How many revisions are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_max: Option<u32>,
    /// Leaves the check of the manifest to the API server.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disable_validation: bool,
}

/// A file of values.
#[derive(Debug, Clone, Serialize)]
pub struct ValuesText {
    /// How a person calls it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A value by its path.
#[derive(Debug, Clone, Serialize)]
pub struct SetValue {
    /// As `--set-json` takes it.
    pub path: String,
    /// The value.
    pub value: Value,
}

/// Variables for values.
#[derive(Debug, Clone, Serialize)]
pub struct Interpolation {
    /// By their names.
    pub variables: BTreeMap<String, String>,
    /// Names that no value may use.
    pub secrets: BTreeSet<String>,
}

/// A packed chart, in base64.
#[derive(Debug, Clone, Serialize)]
pub struct PackedBytes {
    archive: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignore: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<PackedBytes>,
}

impl PackedBytes {
    /// The chart's bytes.
    pub fn new(archive: &[u8]) -> Self {
        use base64::Engine;
        Self { archive: base64::engine::general_purpose::STANDARD.encode(archive), ignore: false, dependencies: Vec::new() }
    }

    /// The same; of one that was packed from a folder with all that is in it, what `.helmignore` names is left out.
    pub fn of(archive: &[u8], is_folder: bool) -> Self {
        Self { ignore: is_folder, ..Self::new(archive) }
    }

    /// The same, with charts as if they lay in its `charts/`.
    #[must_use]
    pub fn with(self, dependencies: Vec<Self>) -> Self {
        Self { dependencies, ..self }
    }
}

/// A request as it is sent.
#[derive(Serialize)]
pub(super) struct Numbered<'a> {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) call: &'a Call,
}

/// The request that ends another one.
#[derive(Serialize)]
pub(super) struct Cancel {
    pub(super) id: u64,
    pub(super) op: &'static str,
    pub(super) target: u64,
}

/// An answer: a result, or an error.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) result: Value,
    #[serde(default)]
    pub(super) error: Option<WorkerError>,
}

/// What the worker says of itself.
#[derive(Deserialize)]
pub(super) struct Pong {
    pub(super) protocol: u32,
    pub(super) helm: String,
}

/// An error that the worker answered with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WorkerError {
    /// What may be done.
    pub kind: ErrorKind,
    /// The worker's own stable name of it.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The last lines of a hook that failed.
    #[serde(default)]
    pub last_lines: Vec<String>,
}

/// What may be done about an error of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// The same request may succeed later.
    Retry,
    /// It will fail again.
    Permanent,
    /// It was canceled.
    Canceled,
}

/// The answer to `status`, `history` and `list`.
#[derive(Debug, Deserialize)]
pub struct Revisions {
    /// Newest first.
    pub revisions: Vec<KnownRevision>,
}

/// A revision that Helm has recorded.
#[derive(Debug, Clone, Deserialize)]
pub struct KnownRevision {
    /// Its number.
    pub revision: u32,
    /// As Helm writes it.
    pub status: String,
    /// Of the record, without Helm's own.
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, String>,
    /// What an upgrade or rollback made.
    #[serde(default)]
    pub objects: Vec<KnownObject>,
}

/// The answer to `needs`.
#[derive(Debug, Deserialize)]
pub struct KnownNeeds {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// What is not in its `charts/`.
    pub missing: Vec<KnownNeeded>,
}

/// A chart that is needed, as the worker names it.
#[derive(Debug, Deserialize)]
pub struct KnownNeeded {
    name: String,
    version: String,
    repository: String,
}

impl From<KnownNeeds> for ChartNeeds {
    fn from(known: KnownNeeds) -> Self {
        let missing =
            known.missing.into_iter().map(|KnownNeeded { name, version, repository }| NeededChart { name, version, repository });
        Self { name: known.name, version: known.version, missing: missing.collect() }
    }
}

/// An object of a manifest, as the worker names it.
#[derive(Debug, Clone, Deserialize)]
pub struct KnownObject {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

impl From<KnownObject> for ObjectRef {
    fn from(known: KnownObject) -> Self {
        let KnownObject { api_version, kind, namespace, name } = known;
        Self { api_version, kind, namespace, name }
    }
}
