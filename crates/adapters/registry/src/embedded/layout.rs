//! Where things lie below the registry's directory.
//!
//! ```text
//! registry.lock                                        held by the process that owns the directory
//! blobs/sha256/aa/aa…                                  content, shared among repositories
//! repositories/NAME/_blobs/sha256/aa…                  this repository may read that blob (empty file)
//! repositories/NAME/_manifests/sha256/aa…              this repository has that manifest (holds its media type)
//! repositories/NAME/_tags/TAG                          holds a digest
//! repositories/NAME/_referrers/sha256/aa…/sha256-bb…   holds the descriptor of a manifest whose subject is aa…
//! uploads/UUID/{repository,data}                       an upload in progress
//! temporary/UUID                                       a file that is being written
//! ```

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::digest::Digest;
use crate::name::{RepositoryName, Tag};

/// Paths below the registry's directory.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("registry.lock")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hexadecimal = digest.hexadecimal();
        self.blobs().join(digest.algorithm().name()).join(&hexadecimal[..2]).join(hexadecimal)
    }

    pub(crate) fn repositories(&self) -> PathBuf {
        self.root.join("repositories")
    }

    pub(crate) fn repository(&self, name: &RepositoryName) -> PathBuf {
        self.repositories().join(name.as_str())
    }

    pub(crate) fn blob_links(&self, name: &RepositoryName) -> PathBuf {
        self.repository(name).join("_blobs")
    }

    pub(crate) fn blob_link(&self, name: &RepositoryName, digest: &Digest) -> PathBuf {
        self.blob_links(name).join(digest.algorithm().name()).join(digest.hexadecimal())
    }

    pub(crate) fn manifest_links(&self, name: &RepositoryName) -> PathBuf {
        self.repository(name).join("_manifests")
    }

    pub(crate) fn manifest_link(&self, name: &RepositoryName, digest: &Digest) -> PathBuf {
        self.manifest_links(name).join(digest.algorithm().name()).join(digest.hexadecimal())
    }

    pub(crate) fn tags(&self, name: &RepositoryName) -> PathBuf {
        self.repository(name).join("_tags")
    }

    pub(crate) fn tag(&self, name: &RepositoryName, tag: &Tag) -> PathBuf {
        self.tags(name).join(tag.as_str())
    }

    pub(crate) fn referrers(&self, name: &RepositoryName, subject: &Digest) -> PathBuf {
        self.repository(name).join("_referrers").join(subject.algorithm().name()).join(subject.hexadecimal())
    }

    pub(crate) fn referrer(&self, name: &RepositoryName, subject: &Digest, referrer: &Digest) -> PathBuf {
        let file = format!("{}-{}", referrer.algorithm().name(), referrer.hexadecimal());
        self.referrers(name, subject).join(file)
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    pub(crate) fn upload(&self, id: Uuid) -> PathBuf {
        self.uploads().join(id.to_string())
    }

    pub(crate) fn upload_data(&self, id: Uuid) -> PathBuf {
        self.upload(id).join("data")
    }

    pub(crate) fn upload_repository(&self, id: Uuid) -> PathBuf {
        self.upload(id).join("repository")
    }

    pub(crate) fn temporaries(&self) -> PathBuf {
        self.root.join("temporary")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.temporaries().join(Uuid::now_v7().to_string())
    }
}
