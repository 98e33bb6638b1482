//! Images built from a Dockerfile.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::model::{Bytes, Millicores};

use crate::{CancellationToken, Progress, Reader, RepositoryTag, SecretText};

/// Builds images and pushes them.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Builds, pushes under the tag, and returns the digest of what was pushed.
    ///
    /// Fails with `build-failed` (its last lines are the failing step's), `dockerfile-invalid`, `build-timeout`,
    /// `build-out-of-memory`, `build-without-image`, `emulation-missing`, `builder-unavailable` (retry) or `registry-unavailable` (retry).
    async fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, Failure>;

    /// The builder's version, for `doctor`; a failure says why there is none.
    async fn version(&self) -> Result<String, Failure>;
}

/// One image to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The folder of the build context.
    pub context: PathBuf,
    /// The folder that holds the `Dockerfile`.
    pub dockerfile_folder: PathBuf,
    /// The stage to build; absent: the last.
    pub target: Option<String>,
    /// Values of declared build arguments.
    pub args: BTreeMap<String, String>,
    /// Secrets that `RUN --mount=type=secret` may read, by id; they reach the build in no other way.
    pub secrets: BTreeMap<String, SecretText>,
    /// Who reads the base images.
    pub reader: Reader,
    /// OCI platforms; empty: the builder's own.
    pub platforms: Vec<String>,
    /// What stays the same from one build of a service to the next: the builder keeps what it caches by it.
    pub line: String,
    /// Whose mounted caches its steps write: builds without one share theirs, and none with one sees those of another. Absent for all
    /// who may write to the repositories of the server.
    pub cache_scope: Option<String>,
    /// CPU that all steps of the build have together.
    pub cpu: Millicores,
    /// Memory that all steps of the build have together.
    pub memory: Bytes,
    /// The longest the build may take.
    pub timeout: Duration,
    /// Where the image goes.
    pub destination: RepositoryTag,
    /// Annotations of the image (`org.opencontainers.image.*`).
    pub annotations: BTreeMap<String, String>,
}

/// An image that was built and pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// `sha256:…` of the pushed manifest or index.
    pub digest: String,
}
