//! Where blobs lie that were copied lately, so that another repository gets them by a mount.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::digest::Digest;

/// Blobs that are remembered, some 300 bytes each. One that was forgotten is copied again.
const MOST: usize = 20_000;

/// Blobs by the registry that they came from, with a repository of the mirroring registry that has them.
///
/// Only what came from the same registry is mounted: it has said, for whoever asked, that the blob belongs to the image. Another
/// registry could name the blob of an image that its user may not see.
#[derive(Debug, Default)]
pub(crate) struct Copied(Mutex<HashMap<(String, Digest), String>>);

impl Copied {
    /// A repository that had the blob when it was noted.
    pub(crate) fn repository(&self, host: &str, digest: &Digest) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(host.to_owned(), digest.clone())).cloned()
    }

    /// Notes that a repository has a blob from a registry.
    pub(crate) fn note(&self, host: &str, digest: &Digest, repository: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((host.to_owned(), digest.clone()), repository.to_owned());
    }
}
