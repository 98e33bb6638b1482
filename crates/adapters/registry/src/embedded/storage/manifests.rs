//! Manifests: content by digest, with the media type they were pushed as, and who refers to whom.

use std::io;
use std::str::FromStr as _;

use super::{Storage, used};
use crate::digest::Digest;
use crate::embedded::durable;
use crate::name::{RepositoryName, Tag};

/// A manifest as it is read back: the exact bytes that were pushed.
#[derive(Debug, Clone)]
pub(crate) struct StoredManifest {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) content: Vec<u8>,
}

/// A manifest to be stored. It was checked.
#[derive(Debug)]
pub(crate) struct ManifestRecord<'a> {
    pub(crate) digest: &'a Digest,
    pub(crate) media_type: &'a str,
    pub(crate) content: &'a [u8],
    /// Blobs and manifests that the repository must have.
    pub(crate) requires: Vec<Digest>,
    /// The manifest that this one is about, and the descriptor to list for it.
    pub(crate) referrer: Option<(Digest, serde_json::Value)>,
    pub(crate) tags: Vec<Tag>,
}

impl Storage {
    /// Whether the repository has the manifest.
    pub(crate) fn has_manifest(&self, name: &RepositoryName, digest: &Digest) -> io::Result<bool> {
        self.layout().manifest_link(name, digest).try_exists()
    }

    /// The manifest by its digest, for somebody who may rely on it for a while.
    pub(crate) fn manifest_in_use(&self, name: &RepositoryName, digest: &Digest) -> io::Result<Option<StoredManifest>> {
        let _publishing = self.publishing();
        if !used::mark(&self.layout().manifest_link(name, digest))? {
            return Ok(None);
        }
        self.manifest(name, digest)
    }

    /// The manifest by its digest.
    fn manifest(&self, name: &RepositoryName, digest: &Digest) -> io::Result<Option<StoredManifest>> {
        let Some(media_type) = durable::read_if_present(&self.layout().manifest_link(name, digest))? else {
            return Ok(None);
        };
        let Some(content) = self.read_content(digest)? else {
            return Ok(None);
        };
        let media_type = String::from_utf8_lossy(&media_type).into_owned();
        Ok(Some(StoredManifest { digest: digest.clone(), media_type, content }))
    }

    /// Stores content, referrer, link and tag, in that order: what can be seen is complete. When the repository lacks
    /// something that the manifest requires, nothing is stored and what is missing is returned.
    pub(crate) fn put_manifest(&self, name: &RepositoryName, record: &ManifestRecord<'_>) -> io::Result<Vec<Digest>> {
        let _publishing = self.publishing();
        let mut missing = Vec::new();
        for digest in &record.requires {
            if !self.has_blob(name, digest)? && !self.has_manifest(name, digest)? {
                missing.push(digest.clone());
            }
        }
        if !missing.is_empty() {
            return Ok(missing);
        }
        self.note(record.digest);
        let layout = self.layout();
        self.write(&layout.blob(record.digest), record.content)?;
        if let Some((subject, descriptor)) = &record.referrer {
            let line = serde_json::to_vec(descriptor).map_err(io::Error::other)?;
            self.write(&layout.referrer(name, subject, record.digest), &line)?;
        }
        self.write(&layout.manifest_link(name, record.digest), record.media_type.as_bytes())?;
        for tag in &record.tags {
            self.write(&layout.tag(name, tag), record.digest.to_string().as_bytes())?;
        }
        Ok(missing)
    }

    /// Removes the tags that point to the manifest, then the manifest; says whether it was there.
    pub(crate) fn delete_manifest(&self, name: &RepositoryName, digest: &Digest) -> io::Result<bool> {
        let subject = self.manifest(name, digest)?.and_then(|manifest| subject_of(&manifest.content));
        for tag in self.tags(name)? {
            if self.tag(name, &tag)?.as_ref() == Some(digest) {
                self.delete_tag(name, &tag)?;
            }
        }
        let existed = durable::remove_file(&self.layout().manifest_link(name, digest))?;
        if let Some(subject) = subject {
            durable::remove_file(&self.layout().referrer(name, &subject, digest))?;
        }
        Ok(existed)
    }

    /// The descriptors of the manifests whose subject is `subject`, in the order of their digests.
    pub(crate) fn referrers(&self, name: &RepositoryName, subject: &Digest) -> io::Result<Vec<serde_json::Value>> {
        let directory = self.layout().referrers(name, subject);
        let mut files = durable::names_in(&directory)?;
        files.sort();
        let mut descriptors = Vec::new();
        for file in files {
            let Ok(digest) = Digest::from_str(&file.replacen('-', ":", 1)) else { continue };
            // A crash may leave a descriptor whose manifest was not stored, or is already removed.
            if !self.has_manifest(name, &digest)? {
                continue;
            }
            if let Some(line) = durable::read_if_present(&directory.join(&file))? {
                descriptors.push(serde_json::from_slice(&line).map_err(io::Error::other)?);
            }
        }
        Ok(descriptors)
    }
}

fn subject_of(content: &[u8]) -> Option<Digest> {
    let manifest: serde_json::Value = serde_json::from_slice(content).ok()?;
    manifest.pointer("/subject/digest")?.as_str()?.parse().ok()
}
