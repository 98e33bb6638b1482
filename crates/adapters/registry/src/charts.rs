//! Packed charts of users: found in OCI registries and Helm repositories, and kept on the disk by their digests.

mod index;
mod kept;
mod repository;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_ports::{CancellationToken, ChartPlace, ChartVersion, Charts, Reader};

use crate::client::{ClientError, OciRegistry};
use crate::digest::{Digest, DigestAlgorithm};
use kept::Kept;
use repository::{Address, HelmRepositories, Listed};

/// How many of the versions that there are a failure names.
const MOST_NAMED: usize = 5;

/// Charts in registries and Helm repositories, with what is kept of them.
pub struct ChartArchives {
    registry: Arc<OciRegistry>,
    repositories: HelmRepositories,
    kept: Kept,
}

impl ChartArchives {
    /// Charts that are fetched by this client of registries, and kept in this folder, which is made when it is needed.
    pub fn new(registry: Arc<OciRegistry>, folder: impl Into<PathBuf>) -> Result<Self, ClientError> {
        let repositories =
            HelmRepositories::new(registry.addresses().clone()).map_err(|error| ClientError::Transport(error.to_string()))?;
        Ok(Self { registry, repositories, kept: Kept::new(folder.into()) })
    }

    /// The archive that an index lists, kept for later.
    async fn listed(&self, place: &ChartPlace, listed: &Listed, reader: &Reader) -> Result<(Digest, Vec<u8>), Failure> {
        let archive = match &listed.address {
            Address::Web(url) => self.repositories.archive(url, reader).await?,
            Address::Oci { repository, tag } => {
                let digest = self.registry.tagged_chart(repository, tag, reader).await?;
                self.registry.chart_archive(repository, &digest, reader).await?
            }
        };
        let digest = Digest::sha256(&archive);
        if let Some(expected) = listed.digest.as_ref().filter(|expected| **expected != digest) {
            return Err(mismatch(place, &listed.version, expected, &digest));
        }
        self.kept.keep(place, reader, &digest, &archive).await;
        Ok((digest, archive))
    }

    async fn fetch(&self, place: &ChartPlace, version: &str, digest: &Digest, reader: &Reader) -> Result<Vec<u8>, Failure> {
        match place {
            ChartPlace::Oci(reference) => {
                let archive = self.registry.chart_archive(&oci(reference)?, digest, reader).await?;
                self.kept.keep(place, reader, digest, &archive).await;
                Ok(archive)
            }
            ChartPlace::Repository { url, name } => {
                let listed = self.repositories.find(url, name, version, reader).await?;
                if let Some(now) = listed.digest.as_ref().filter(|now| *now != digest) {
                    return Err(mismatch(place, version, digest, now));
                }
                let (now, archive) = self.listed(place, &listed, reader).await?;
                if now == *digest { Ok(archive) } else { Err(mismatch(place, version, digest, &now)) }
            }
        }
    }
}

#[async_trait]
impl Charts for ChartArchives {
    async fn resolve(&self, place: &ChartPlace, version: &str, reader: &Reader) -> Result<ChartVersion, Failure> {
        let (version, digest) = match place {
            ChartPlace::Oci(reference) => self.registry.chart(&oci(reference)?, version, reader).await.map_err(chart_hint)?,
            ChartPlace::Repository { url, name } => {
                let listed = self.repositories.find(url, name, version, reader).await?;
                let digest = match &listed.digest {
                    Some(digest) => digest.clone(),
                    // Only the archive itself tells its digest.
                    None => self.listed(place, &listed, reader).await.map_err(chart_hint)?.0,
                };
                (listed.version, digest)
            }
        };
        Ok(ChartVersion { version, digest: digest.to_string() })
    }

    async fn archive(
        &self,
        place: &ChartPlace,
        pinned: &ChartVersion,
        reader: &Reader,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, Failure> {
        let digest = pinned.digest.parse::<Digest>().ok().filter(|digest| digest.algorithm() == DigestAlgorithm::Sha256);
        let digest = digest.ok_or_else(|| {
            Failure::permanent(Code::Internal, format!("{place} is pinned to {:?}, which is no digest", pinned.digest))
        })?;
        if let Some(archive) = self.kept.read(place, reader, &digest).await {
            return Ok(archive);
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::canceled(format!("fetching the chart {place} was canceled"))),
            fetched = self.fetch(place, &pinned.version, &digest, reader) => fetched.map_err(chart_hint),
        }
    }
}

/// What a version that there is not came to, with some that there are.
pub(crate) fn not_found(place: &str, version: &str, there_are: &[String]) -> Failure {
    let version = version.escape_debug();
    let failure = Failure::permanent(Code::ChartNotFound, format!("{place} has no version `{version}`, nor one in that range"));
    if there_are.is_empty() {
        return failure.with_hint("there is no version of it: check its name");
    }
    failure.with_hint(format!("there are {}; a range admits prereleases only if it names one", some(there_are)))
}

/// The first few of a list, as a person reads them.
fn some(list: &[String]) -> String {
    let named: Vec<_> = list.iter().take(MOST_NAMED).map(|text| format!("`{}`", text.escape_debug())).collect();
    let more = list.len().saturating_sub(MOST_NAMED);
    if more == 0 { named.join(", ") } else { format!("{}, and {more} more", named.join(", ")) }
}

/// The repository of `oci://host/path`.
fn oci(reference: &str) -> Result<ImageReference, Failure> {
    let rest = reference.strip_prefix("oci://").unwrap_or(reference);
    ImageReference::parse(rest).map_err(|error| Failure::permanent(Code::ChartNotFound, format!("{reference}: {error}")))
}

/// Who is refused is told how a project gets a credential.
fn chart_hint(failure: Failure) -> Failure {
    match failure.code {
        Code::RegistryUnauthorized if failure.hint.as_deref().is_none_or(|hint| !hint.contains("slipway credential set")) => {
            failure.with_hint("`slipway credential set NAME --registry HOST --user USER` sets what the project reads it with")
        }
        _ => failure,
    }
}

fn mismatch(place: &ChartPlace, version: &str, expected: &Digest, actual: &Digest) -> Failure {
    let message = format!("{place}, version {version}, is {actual}; expected {expected}");
    Failure::permanent(Code::DigestMismatch, message).with_hint(
        "it was published again under the same version, or is damaged; a new deployment takes what its place lists now",
    )
}
