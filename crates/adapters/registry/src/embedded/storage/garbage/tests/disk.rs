//! A registry on the disk, with what is in it made and looked at directly.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Value, json};
use slipway_ports::Freed;
use tempfile::TempDir;

use super::super::{Kept, Storage};
use super::{AGES, LONG_AGO};
use crate::digest::Digest;
use crate::embedded::storage::ManifestRecord;
use crate::manifest::Manifest;
use crate::media_type::OCI_INDEX;
use crate::name::{RepositoryName, Tag};

/// An empty registry on the disk.
pub(super) struct Disk {
    directory: TempDir,
    pub(super) storage: Storage,
}

impl Disk {
    pub(super) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let storage = Storage::open(directory.path()).unwrap();
        Self { directory, storage }
    }

    pub(super) fn blob(&self, name: &RepositoryName, content: &[u8]) -> Value {
        let digest = Digest::sha256(content);
        let file = self.storage.layout().temporary();
        std::fs::write(&file, content).unwrap();
        self.storage.publish_blob(name, &digest, &file).unwrap();
        json!({ "mediaType": "application/octet-stream", "digest": digest.to_string(), "size": content.len() })
    }

    pub(super) fn manifest(&self, name: &RepositoryName, document: &Value, tags: &[Tag]) -> Digest {
        let content = document.to_string().into_bytes();
        let (digest, manifest) = (Digest::sha256(&content), Manifest::parse(&content, None).unwrap());
        let referrer = manifest.subject.clone().map(|subject| (subject, manifest.referrer_descriptor(&digest, content.len())));
        let record = ManifestRecord {
            digest: &digest,
            media_type: document["mediaType"].as_str().unwrap(),
            content: &content,
            requires: manifest.references().map(|part| part.digest.clone()).collect(),
            referrer,
            tags: tags.to_vec(),
        };
        assert_eq!(self.storage.put_manifest(name, &record).unwrap(), []);
        digest
    }

    /// Makes every file look as if nobody had used it for long, but for those.
    pub(super) fn age_all_but(&self, young: &[PathBuf]) {
        for path in self.files("repositories").into_iter().filter(|path| !young.contains(path)) {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - LONG_AGO).unwrap();
        }
    }

    pub(super) fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut pending = vec![self.directory.path().join(below)];
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { pending.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }

    pub(super) fn contents(&self) -> BTreeSet<String> {
        self.files("blobs").iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    pub(super) fn collect(&self, kept: &Kept) -> Freed {
        self.storage.collect_garbage(kept, AGES, &|| true).unwrap()
    }

    /// Everything that a manifest consists of can be read.
    pub(super) fn is_complete(&self, name: &RepositoryName, digest: &Digest) -> bool {
        let Some(stored) = self.storage.manifest_in_use(name, digest).unwrap() else { return false };
        let manifest = Manifest::parse(&stored.content, Some(&stored.media_type)).unwrap();
        manifest.references().all(|part| match stored.media_type.as_str() {
            OCI_INDEX => self.is_complete(name, &part.digest),
            _ => self.storage.open_blob(name, &part.digest).unwrap().is_some(),
        })
    }
}
