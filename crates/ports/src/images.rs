//! Images that nobody needs any more: the engine says which must stay, the registry does the rest.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::model::ImageReference;
use slipway_core::plan::ReleasedImage;

use crate::{CancellationToken, RepositoryTag};

/// Collects the garbage of a mirroring registry that is ours. One of somebody else's has a rule of its own, and no collector.
#[async_trait]
pub trait ImageCollector: Send + Sync {
    /// Removes the images that are not needed and that nobody pushed, pulled or asked for within `unused`, then the blobs that
    /// only they had. An image that was needed in an earlier collection counts as used then.
    ///
    /// Everything that a needed image consists of stays: the manifests that an index lists, what refers to it, its blobs. So does
    /// what a push in flight was told to be there. A needed image that the registry does not hold is no error: it may not have been
    /// built. Pushes and pulls go on meanwhile; a collection that ends in the middle has removed a part and broken nothing.
    ///
    /// Fails with `registry-unavailable` (retry), or is canceled.
    async fn collect(
        &self,
        needed: &BTreeSet<NeededImage>,
        unused: Duration,
        cancel: &CancellationToken,
    ) -> Result<Freed, Failure>;
}

/// An image that must stay in the mirroring registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeededImage {
    /// Whatever is under a tag of a repository, such as an image under its key.
    Tagged(RepositoryTag),
    /// What has a digest in a repository.
    Pinned(ReleasedImage),
    /// The copy of somebody's image, wherever the registry keeps it; with its digest if the reference has one.
    Mirrored(ImageReference),
}

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Tags.
    pub tags: usize,
    /// Manifests: images, and the platforms of images.
    pub manifests: usize,
    /// Files of content, the manifests' own among them.
    pub contents: usize,
    /// The length of that content.
    pub bytes: u64,
}

impl Freed {
    /// Whether there was nothing to remove.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Freed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Shown with one decimal: a rounding in the fifteenth digit is not seen.
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let megabytes = self.bytes as f64 / 1e6;
        write!(f, "{megabytes:.1} MB in {} files; {} tags and {} manifests", self.contents, self.tags, self.manifests)
    }
}
