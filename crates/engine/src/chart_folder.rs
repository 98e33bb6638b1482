//! A chart that is a folder of a repository, packed.

use slipway_core::failure::Failure;
use slipway_ports::{CancellationToken, Reader, TreeQuery};

use crate::engine::Shared;
use crate::executor::work_folder;

/// Packs a folder as it is in a commit.
pub(crate) async fn pack(
    shared: &Shared,
    query: &TreeQuery,
    reader: &Reader,
    stop: &CancellationToken,
) -> Result<Vec<u8>, Failure> {
    let folder = work_folder(shared, "chart-")?;
    // The folder's own name tells people and tests which it is.
    let name = query.root.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("chart");
    let chart = folder.path().join(name);
    shared.ports.repositories.export_folder(query, reader, &chart, stop).await?;
    shared.ports.releases.pack_chart(&chart).await
}

/// What is asked for to pack a folder.
pub(crate) fn query(url: &str, commit: &str, root: &str) -> TreeQuery {
    TreeQuery { url: url.to_owned(), commit: commit.to_owned(), root: root.to_owned(), dockerfile: None }
}
