//! Packed charts in memory: every version is there, and its digest tells it from others.

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use slipway_core::names::sha256_hex;

use super::World;
use crate::{CancellationToken, ChartPlace, ChartVersion, Charts, Reader};

/// The digest of an archive in memory.
fn digest(place: &ChartPlace, version: &str) -> String {
    format!("sha256:{}", sha256_hex(format!("{place} {version}").as_bytes()))
}

#[async_trait]
impl Charts for World {
    async fn resolve(&self, place: &ChartPlace, version: &str, _: &Reader) -> Result<String, Failure> {
        self.act_now(&format!("resolve chart {place} {version}")).await?;
        Ok(digest(place, version))
    }

    async fn archive(
        &self,
        place: &ChartPlace,
        pinned: &ChartVersion,
        _: &Reader,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, Failure> {
        self.act(&format!("fetch chart {place} {}", pinned.version), cancel).await?;
        if pinned.digest != digest(place, &pinned.version) {
            return Err(Failure::permanent(Code::DigestMismatch, format!("{place} {} is another chart now", pinned.version)));
        }
        Ok(pinned.digest.clone().into_bytes())
    }
}
