//! Charts in OCI registries, as `helm push` leaves them: a manifest with Helm's configuration and one layer, the archive.

use reqwest::StatusCode;
use serde::Deserialize;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_core::version_range::{is_exact, newest};
use slipway_ports::Reader;

use super::referrers::following;
use super::remote::Remote;
use super::session::read_at_most;
use super::{OciRegistry, refusal};
use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::name::Tag;

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// What Helm writes now, and what its first versions with registries wrote.
const ARCHIVES: [&str; 2] = ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];
/// Bytes of an archive; no larger chart is released.
pub(crate) const LARGEST_ARCHIVE: usize = 16 << 20;
/// Bytes of a page of a list of tags.
const LARGEST_TAGS: usize = 4 << 20;
/// Tags that are asked for at a time; a registry may give fewer.
const PAGE: usize = 100;
const MOST_PAGES: usize = 500;

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl OciRegistry {
    /// The version of a chart that a version or a range stands for, and the digest of its archive.
    pub(crate) async fn chart(
        &self,
        repository: &ImageReference,
        wanted: &str,
        reader: &Reader,
    ) -> Result<(String, Digest), Failure> {
        let remote = self.chart_repository(repository, reader).await?;
        let shown = format!("oci://{}/{}", repository.host(), repository.path());
        let version = if is_exact(wanted) {
            wanted.to_owned()
        } else {
            let there_are = tags(&remote).await?;
            let found = newest(wanted, there_are.iter().map(String::as_str));
            found.ok_or_else(|| crate::charts::not_found(&shown, wanted, &there_are))?.to_owned()
        };
        let digest = self.tagged_chart(repository, &version, reader).await?;
        Ok((version, digest))
    }

    /// The digest of the archive that stands under a tag, or under an exact version.
    pub(crate) async fn tagged_chart(
        &self,
        repository: &ImageReference,
        version: &str,
        reader: &Reader,
    ) -> Result<Digest, Failure> {
        let remote = self.chart_repository(repository, reader).await?;
        let shown = format!("oci://{}/{}", repository.host(), repository.path());
        // A tag can not have the `+` of a version.
        let Ok(tag) = version.replace('+', "_").parse::<Tag>() else {
            return Err(crate::charts::not_found(&shown, version, &tags(&remote).await?));
        };
        let Some(digest) = remote.digest_of(tag.as_str()).await? else {
            return Err(crate::charts::not_found(&shown, version, &tags(&remote).await?));
        };
        let fetched = remote.manifest(&digest.to_string()).await?;
        archive_of(&fetched.manifest).map_err(|why| {
            Failure::permanent(Code::ChartInvalid, format!("{shown}, version {version}, {why}"))
                .with_hint("a chart is expected there, as `helm push` leaves it")
        })
    }

    /// An archive by its digest.
    pub(crate) async fn chart_archive(
        &self,
        repository: &ImageReference,
        digest: &Digest,
        reader: &Reader,
    ) -> Result<Vec<u8>, Failure> {
        let archive = self.chart_repository(repository, reader).await?.blob_at_most(digest, LARGEST_ARCHIVE).await;
        archive.map_err(|failure| match failure.code {
            Code::ImageNotFound => Failure::permanent(
                Code::ChartNotFound,
                format!("oci://{}/{} does not hold the chart {digest} any more", repository.host(), repository.path()),
            )
            .with_hint("push it again, or deploy another version"),
            _ => failure,
        })
    }

    async fn chart_repository(&self, repository: &ImageReference, reader: &Reader) -> Result<Remote<'_>, Failure> {
        self.refuse_of_somebody(repository, reader)?;
        Ok(Remote::to_read(&self.session, &self.endpoint(repository, reader).await?, repository.path()))
    }
}

/// The archive that a manifest names.
fn archive_of(manifest: &Manifest) -> Result<Digest, String> {
    let parts: Vec<_> = manifest.references().collect();
    if !parts.iter().any(|part| part.media_type == CONFIG) {
        return Err("is no chart: its manifest has no configuration of Helm's".to_owned());
    }
    let archive = parts.iter().find(|part| ARCHIVES.contains(&part.media_type.as_str()));
    let archive = archive.ok_or("has no archive: its manifest names no layer with a chart")?;
    if archive.size > LARGEST_ARCHIVE as u64 {
        return Err(format!("has {} bytes, more than {} MiB", archive.size, LARGEST_ARCHIVE >> 20));
    }
    Ok(archive.digest.clone())
}

/// The versions that there are; none in a repository that is not there.
async fn tags(remote: &Remote<'_>) -> Result<Vec<String>, Failure> {
    let mut first = remote.url("tags/list");
    first.query_pairs_mut().append_pair("n", &PAGE.to_string());
    let mut next = Some(first);
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let Some(url) = next.take() else { break };
        let response = remote.get(url).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => break,
            _ => return Err(refusal::refused(remote.endpoint(), "the question for the versions of a chart", response).await),
        }
        next = following(&response);
        let page = read_at_most(response, LARGEST_TAGS).await.and_then(|body| serde_json::from_slice::<Tags>(&body).ok());
        let Some(page) = page else {
            let message = format!("the list of versions of {} can't be read", remote.name());
            return Err(Failure::permanent(Code::RegistryUnavailable, message));
        };
        found.extend(page.tags.unwrap_or_default());
    }
    // The newest is last in most lists.
    Ok(found.into_iter().rev().map(|tag| tag.replace('_', "+")).collect())
}
