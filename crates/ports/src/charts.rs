//! Packed charts of users, in OCI registries and in Helm repositories.
//!
//! A port of its own: an archive is no image that pods pull, and no source with commits. It is named by its version, pinned to its
//! digest, and read with the project's own credential.

use std::fmt;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::model::ChartSource;

use crate::{CancellationToken, Reader};

/// Where packed charts are.
#[async_trait]
pub trait Charts: Send + Sync {
    /// What a version or a range of versions stands for now, asked of its own place, which says too whether the reader may have it:
    /// the version that is written exactly so, else the newest that the range admits.
    ///
    /// Fails with `chart-not-found`, `chart-invalid`, `registry-unauthorized`, `registry-unavailable` (retry), `digest-mismatch`.
    async fn resolve(&self, place: &ChartPlace, version: &str, reader: &Reader) -> Result<ChartVersion, Failure>;

    /// The archive with this digest, from what is kept of earlier calls of the same reader, else from its place.
    ///
    /// Fails as [`Self::resolve`].
    async fn archive(
        &self,
        place: &ChartPlace,
        pinned: &ChartVersion,
        reader: &Reader,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, Failure>;
}

/// The place of a chart in all its versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChartPlace {
    /// In a Helm repository.
    Repository {
        /// Its URL.
        url: String,
        /// The chart in it.
        name: String,
    },
    /// In an OCI registry: `oci://host/path`.
    Oci(String),
}

/// One version of a chart, pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartVersion {
    /// The version, as its place calls it.
    pub version: String,
    /// `sha256:…` of the archive.
    pub digest: String,
}

impl ChartPlace {
    /// The place of a chart that is called so in a repository: `oci://host/path`, or the URL of a Helm repository.
    pub fn within(repository: &str, name: &str) -> Self {
        if repository.starts_with("oci://") {
            return Self::Oci(format!("{}/{name}", repository.trim_end_matches('/')));
        }
        Self::Repository { url: repository.to_owned(), name: name.to_owned() }
    }

    /// The place and the configured version of a chart that is packed; `None`: it is in git.
    pub fn of(source: &ChartSource) -> Option<(Self, &str)> {
        match source {
            ChartSource::Repository { url, name, version, .. } => {
                Some((Self::Repository { url: url.clone(), name: name.clone() }, version))
            }
            ChartSource::Oci { reference, version, .. } => Some((Self::Oci(reference.clone()), version)),
            ChartSource::Git(_) => None,
        }
    }
}

impl fmt::Display for ChartPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository { url, name } => write!(f, "{name} of {url}"),
            Self::Oci(reference) => f.write_str(reference),
        }
    }
}
