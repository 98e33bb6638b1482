//! Removes what no repository needs any more.
//!
//! A blob is needed by a repository when one of its manifests names it, or when it was pushed or mounted within the grace
//! time: a push uploads blobs first and the manifest last. Content is needed while any repository links to it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Storage;
use crate::digest::Digest;
use crate::embedded::durable;
use crate::manifest::Manifest;
use crate::name::RepositoryName;

/// What a collection removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Files of content.
    pub contents: usize,
    /// Their length in bytes.
    pub bytes: u64,
}

impl Storage {
    /// Removes blobs that no manifest of their repository names and that were pushed longer than `grace` ago, then the
    /// content that no repository links to. Pushes wait meanwhile; pulls do not.
    pub fn collect_garbage(&self, grace: Duration) -> io::Result<Collected> {
        let _halted = self.publishing_halted();
        let now = SystemTime::now();
        let mut linked = HashSet::new();
        for name in self.repository_names()? {
            let manifests = digests_in(&self.layout().manifest_links(&name))?;
            let needed = self.blobs_of_manifests(&manifests)?;
            for digest in digests_in(&self.layout().blob_links(&name))? {
                let link = self.layout().blob_link(&name, &digest);
                let age = now.duration_since(fs::metadata(&link)?.modified()?).unwrap_or_default();
                if needed.contains(&digest) || age < grace {
                    linked.insert(digest);
                } else {
                    durable::remove_file(&link)?;
                }
            }
            linked.extend(manifests);
        }
        self.remove_unlinked(&linked)
    }

    /// Every repository that something was pushed to, in order.
    pub fn repository_names(&self) -> io::Result<Vec<RepositoryName>> {
        let root = self.layout().repositories();
        let mut names = Vec::new();
        let mut pending: Vec<PathBuf> = vec![root.clone()];
        while let Some(directory) = pending.pop() {
            let mut is_repository = false;
            for entry in durable::names_in(&directory)? {
                if entry.starts_with('_') {
                    is_repository |= entry == "_blobs" || entry == "_manifests";
                } else {
                    pending.push(directory.join(entry));
                }
            }
            let relative = directory.strip_prefix(&root).ok().and_then(Path::to_str);
            if let Some(Ok(name)) = relative.map(str::parse)
                && is_repository
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn blobs_of_manifests(&self, manifests: &HashSet<Digest>) -> io::Result<HashSet<Digest>> {
        let mut needed = HashSet::new();
        for digest in manifests {
            let Some(content) = self.read_content(digest)? else { continue };
            // What was stored was checked when it was pushed; if it can't be read now, nothing may be removed.
            let manifest =
                Manifest::parse(&content, None).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            needed.extend(manifest.references().map(|descriptor| descriptor.digest.clone()));
        }
        Ok(needed)
    }

    fn remove_unlinked(&self, linked: &HashSet<Digest>) -> io::Result<Collected> {
        let mut collected = Collected::default();
        for algorithm in durable::names_in(&self.layout().blobs())? {
            let directory = self.layout().blobs().join(&algorithm);
            for prefix in durable::names_in(&directory)? {
                for hexadecimal in durable::names_in(&directory.join(prefix))? {
                    let Ok(digest) = format!("{algorithm}:{hexadecimal}").parse::<Digest>() else { continue };
                    if !linked.contains(&digest) {
                        collected.bytes += self.content_length(&digest)?;
                        collected.contents += 1;
                        durable::remove_file(&self.layout().blob(&digest))?;
                    }
                }
            }
        }
        Ok(collected)
    }
}

fn digests_in(links: &Path) -> io::Result<HashSet<Digest>> {
    let mut digests = HashSet::new();
    for algorithm in durable::names_in(links)? {
        for hexadecimal in durable::names_in(&links.join(&algorithm))? {
            if let Ok(digest) = format!("{algorithm}:{hexadecimal}").parse() {
                digests.insert(digest);
            }
        }
    }
    Ok(digests)
}
