//! Packed charts in memory: each is there in the versions of the contract, and its place and version are all that it holds.

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use slipway_core::names::sha256_hex;
use slipway_core::version_range::newest;

use super::world::as_whom;
use super::{CHART_VERSIONS, World};
use crate::{CancellationToken, ChartPlace, ChartVersion, Charts, Reader};

/// An archive in memory.
fn archive(place: &ChartPlace, version: &str) -> Vec<u8> {
    format!("{place} {version}").into_bytes()
}

fn digest(place: &ChartPlace, version: &str) -> String {
    format!("sha256:{}", sha256_hex(&archive(place, version)))
}

#[async_trait]
impl Charts for World {
    async fn resolve(&self, place: &ChartPlace, version: &str, reader: &Reader) -> Result<ChartVersion, Failure> {
        self.act_now(&format!("resolve chart {place} {version}{}", as_whom(reader.for_chart(place)))).await?;
        let found = newest(version, CHART_VERSIONS).ok_or_else(|| {
            Failure::permanent(Code::ChartNotFound, format!("{place} has no version {version}"))
                .with_hint(format!("there are {}", CHART_VERSIONS.join(", ")))
        })?;
        Ok(ChartVersion { version: found.to_owned(), digest: digest(place, found) })
    }

    async fn archive(
        &self,
        place: &ChartPlace,
        pinned: &ChartVersion,
        reader: &Reader,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, Failure> {
        let who = as_whom(reader.for_chart(place));
        self.act(&format!("fetch chart {place} {}{who}", pinned.version), cancel).await?;
        if pinned.digest != digest(place, &pinned.version) {
            return Err(Failure::permanent(Code::DigestMismatch, format!("{place} {} is another chart now", pinned.version)));
        }
        Ok(archive(place, &pinned.version))
    }
}
