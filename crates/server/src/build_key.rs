//! The image key of a service of a file: git alone is asked, and nothing is kept.

use slipway_core::image_key::BuildKey;
use slipway_core::model::Environment;
use slipway_engine::BuildKeyError;
use slipway_git::{GitMirrors, GitSettings};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum BuildKeyStop {
    /// The service, or its repository.
    #[error(transparent)]
    Key(#[from] BuildKeyError),
    /// The disk.
    #[error("there is no temporary folder for the repository: {0}")]
    Disk(#[from] std::io::Error),
}

/// The key that a first deployment of an environment would seal for a service. Repositories are fetched into a temporary folder: the
/// mirrors of a home are its server's alone.
pub async fn build_key(environment: &Environment, service: &str, allow_file_urls: bool) -> Result<BuildKey, BuildKeyStop> {
    let folder = tempfile::Builder::new().prefix("slipway-build-key-").tempdir()?;
    let mirrors = GitMirrors::open(GitSettings { file_urls: allow_file_urls, ..GitSettings::new(folder.path()) })?;
    Ok(slipway_engine::build_key(&mirrors, environment, service).await?)
}
