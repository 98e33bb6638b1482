//! The mirroring registry, and the registries that images come from.

use std::fmt;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::model::ImageReference;
use tokio::sync::watch;
use tokio_util::sync::DropGuard;

use crate::{CancellationToken, Progress, Reader};

/// Characters of a line that is told to other servers.
const LONGEST_TOLD: usize = 300;

/// The mirroring registry that targets pull from.
#[async_trait]
pub trait Registry: Send + Sync {
    /// `host:port` under which targets pull; the first part of every image reference handed to them.
    fn address(&self) -> &str;

    /// Whether the registry holds a tag of a repository. What could not be found out is a failure, never `Absent`.
    async fn presence(&self, image: &RepositoryTag) -> Result<Presence, Failure>;

    /// The digest that somebody's image reference stands for now, asked of its own registry (or of the mirror set for it), which
    /// says too whether the reader may have it.
    ///
    /// Fails with `image-not-found`, `registry-unauthorized`, `registry-unavailable` (retry).
    async fn resolve(&self, reference: &ImageReference, reader: &Reader) -> Result<String, Failure>;

    /// The base images of a built image, each with its tag and the digest that this stood for, as the image's provenance tells: none
    /// where it has none. A base that was named by digest is left out.
    ///
    /// Fails with `image-not-found`, `not-supported` (a provenance that can not be read), `registry-unavailable` (retry).
    async fn bases(&self, image: &RepositoryTag) -> Result<Vec<ImageReference>, Failure>;

    /// Becomes the one who builds an image, among all servers that build into this registry. Who is not asks again, and looks whether
    /// the image has come meanwhile. A registry that one server alone builds into has nobody to ask.
    async fn claim_build(&self, image: &RepositoryTag) -> Result<BuildClaim, Failure> {
        let _nobody_else_builds = image;
        Ok(BuildClaim::Ours(BuildTurn::alone()))
    }

    /// Copies an image, with all its platforms, into `mirror/<host>/<path>` and returns the repository it is in.
    /// `source` is pinned to a digest, which stays the same, and the reader has been let in by [`Self::resolve`]; only blobs that are missing are copied. An image that already
    /// lives in this registry stays where it is.
    async fn mirror(
        &self,
        source: &ImageReference,
        reader: &Reader,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<String, Failure>;
}

/// A tag in a repository of the mirroring registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryTag {
    /// The repository, without the registry's address.
    pub repository: String,
    /// The tag.
    pub tag: String,
}

impl fmt::Display for RepositoryTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

/// Whether something is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is, with this digest (`sha256:…`).
    Present(String),
    /// The registry says that it is not.
    Absent,
}

/// Who builds an image.
#[derive(Debug)]
pub enum BuildClaim {
    /// This server, for as long as it holds its turn.
    Ours(BuildTurn),
    /// Another, and what it has told last.
    Theirs {
        /// A line of its build's log; empty: nothing yet.
        told: String,
    },
}

/// The turn to build an image; others have theirs when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct BuildTurn(Option<SharedTurn>);

#[derive(Debug)]
struct SharedTurn {
    told: watch::Sender<String>,
    _ends: DropGuard,
}

impl BuildTurn {
    /// The turn of one that is alone.
    pub fn alone() -> Self {
        Self(None)
    }

    /// A turn whose end fires a token, and what is told to others while it lasts.
    pub fn shared(ends: CancellationToken) -> (Self, watch::Receiver<String>) {
        let (told, hears) = watch::channel(String::new());
        (Self(Some(SharedTurn { told, _ends: ends.drop_guard() })), hears)
    }

    /// Whether others may build too, and so may have left the image just now.
    pub fn has_others(&self) -> bool {
        self.0.is_some()
    }

    /// Tells the others a line of the build's log, from which all secrets are gone.
    pub fn tell(&self, line: &str) {
        if let Some(turn) = &self.0 {
            turn.told.send_replace(line.chars().take(LONGEST_TOLD).collect());
        }
    }
}
