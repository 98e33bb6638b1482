//! The manifests of one repository, and what they refer to.

use std::collections::{HashMap, HashSet};
use std::io;

use crate::digest::Digest;
use crate::manifest::Manifest;

use super::Storage;

/// Manifests by their digests.
#[derive(Default)]
pub(super) struct Graph {
    manifests: HashMap<Digest, Parts>,
    /// One that can't be read. Nobody knows what it needs.
    pub(super) unreadable: Option<Digest>,
}

/// What one manifest refers to.
#[derive(Default)]
struct Parts {
    /// Blobs, and the manifests of an index.
    references: Vec<Digest>,
    subject: Option<Digest>,
}

impl Graph {
    /// Reads a manifest, unless it was read before: what is stored under a digest does not change.
    pub(super) fn read(&mut self, storage: &Storage, digest: &Digest) -> io::Result<()> {
        if self.manifests.contains_key(digest) {
            return Ok(());
        }
        let parts = match storage.read_content(digest)?.map(|content| Manifest::parse(&content, None)) {
            // Nobody can pull it, with or without what it referred to.
            None => Parts::default(),
            Some(Ok(manifest)) => Parts {
                references: manifest.references().map(|descriptor| descriptor.digest.clone()).collect(),
                subject: manifest.subject,
            },
            Some(Err(error)) => {
                tracing::warn!(%digest, %error, "a stored manifest can't be read");
                self.unreadable = Some(digest.clone());
                return Ok(());
            }
        };
        self.manifests.insert(digest.clone(), parts);
        Ok(())
    }

    /// Forgets those that are not among `present` any more.
    pub(super) fn retain(&mut self, present: &HashSet<Digest>) {
        self.manifests.retain(|digest, _| present.contains(digest));
    }

    /// The roots, what they list, and what is about any of these.
    pub(super) fn staying(&self, roots: impl IntoIterator<Item = Digest>) -> HashSet<Digest> {
        let mut about: HashMap<&Digest, Vec<&Digest>> = HashMap::new();
        for (digest, parts) in &self.manifests {
            if let Some(subject) = &parts.subject {
                about.entry(subject).or_default().push(digest);
            }
        }
        let mut staying = HashSet::new();
        let mut pending: Vec<Digest> = roots.into_iter().collect();
        while let Some(digest) = pending.pop() {
            let Some(parts) = self.manifests.get(&digest) else { continue };
            if !staying.contains(&digest) {
                pending.extend(parts.references.iter().cloned());
                pending.extend(about.get(&digest).into_iter().flatten().map(|referrer| (*referrer).clone()));
                staying.insert(digest);
            }
        }
        staying
    }

    /// The others in the order in which they may go: nothing goes before that which lists it.
    pub(super) fn going(&self, staying: &HashSet<Digest>) -> Vec<Vec<Digest>> {
        let mut listed: HashMap<&Digest, usize> =
            self.manifests.keys().filter(|digest| !staying.contains(digest)).map(|digest| (digest, 0)).collect();
        for digest in listed.keys().copied().collect::<Vec<_>>() {
            for reference in &self.manifests[digest].references {
                if let Some(count) = listed.get_mut(reference) {
                    *count += 1;
                }
            }
        }
        let mut generations = Vec::new();
        let mut next: Vec<&Digest> = listed.iter().filter(|(_, count)| **count == 0).map(|(digest, _)| *digest).collect();
        while !next.is_empty() {
            generations.push(next.iter().copied().cloned().collect());
            let mut after = Vec::new();
            for digest in next {
                for reference in &self.manifests[digest].references {
                    if let Some(count) = listed.get_mut(reference) {
                        *count -= 1;
                        if *count == 0 {
                            after.extend(self.manifests.get_key_value(reference).map(|(digest, _)| digest));
                        }
                    }
                }
            }
            next = after;
        }
        generations
    }

    /// What the given manifests refer to.
    pub(super) fn references_of(&self, manifests: &HashSet<Digest>) -> HashSet<Digest> {
        manifests
            .iter()
            .filter_map(|digest| self.manifests.get(digest))
            .flat_map(|parts| parts.references.iter().cloned())
            .collect()
    }

    /// What a manifest is about.
    pub(super) fn subject(&self, digest: &Digest) -> Option<&Digest> {
        self.manifests.get(digest)?.subject.as_ref()
    }
}
