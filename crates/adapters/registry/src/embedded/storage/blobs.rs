//! Blobs: shared content, and the links that make it visible in a repository.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Storage, used};
use crate::digest::Digest;
use crate::embedded::durable;
use crate::name::RepositoryName;

impl Storage {
    /// Whether anything was ever pushed to the repository.
    pub(crate) fn repository_exists(&self, name: &RepositoryName) -> io::Result<bool> {
        Ok(self.layout().blob_links(name).try_exists()? || self.layout().manifest_links(name).try_exists()?)
    }

    /// Whether the repository may read the blob.
    pub(crate) fn has_blob(&self, name: &RepositoryName, digest: &Digest) -> io::Result<bool> {
        Ok(self.layout().blob_link(name, digest).try_exists()? && self.layout().blob(digest).try_exists()?)
    }

    /// The blob's file and length, or `None` when the repository does not have it. Whoever asked may rely on it for a while.
    pub(crate) fn open_blob(&self, name: &RepositoryName, digest: &Digest) -> io::Result<Option<(File, u64)>> {
        let _publishing = self.publishing();
        if !used::mark(&self.layout().blob_link(name, digest))? {
            return Ok(None);
        }
        match File::open(self.layout().blob(digest)) {
            Ok(file) => {
                let length = file.metadata()?.len();
                Ok(Some((file, length)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves a verified file in as the blob's content and links it to the repository.
    pub(crate) fn publish_blob(&self, name: &RepositoryName, digest: &Digest, verified: &Path) -> io::Result<()> {
        durable::flush_file(verified)?;
        let _publishing = self.publishing();
        self.note(digest);
        durable::move_into_place(verified, &self.layout().blob(digest))?;
        self.write(&self.layout().blob_link(name, digest), b"")
    }

    /// Makes a blob of `from` visible in `name`; says whether there was one.
    pub(crate) fn mount_blob(&self, name: &RepositoryName, from: &RepositoryName, digest: &Digest) -> io::Result<bool> {
        let _publishing = self.publishing();
        if !self.has_blob(from, digest)? {
            return Ok(false);
        }
        self.note(digest);
        self.write(&self.layout().blob_link(name, digest), b"")?;
        Ok(true)
    }

    /// Takes the blob out of the repository; says whether it was there. The content goes with the next collection.
    pub(crate) fn delete_blob(&self, name: &RepositoryName, digest: &Digest) -> io::Result<bool> {
        durable::remove_file(&self.layout().blob_link(name, digest))
    }

    /// Content that was written whole under its digest, whichever repository may see it.
    pub(super) fn read_content(&self, digest: &Digest) -> io::Result<Option<Vec<u8>>> {
        durable::read_if_present(&self.layout().blob(digest))
    }
}
