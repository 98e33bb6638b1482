//! Removes what nobody needs any more, while pushes and pulls go on.
//!
//! Repository by repository, publishing is halted for a moment and everything goes that is neither needed nor was used lately: tags
//! first, then manifests from the top down, then the links to blobs ([`repository`]). At last the content goes that no repository
//! links to. So whatever is visible is complete at every instant, and a collection that is killed has removed a part of the garbage.
//!
//! What a client was told to be there was marked as used when it was told ([`used`](super::used)), so a push that relies on it finds
//! it. Content that is published while a collection runs is noted, and stays.

mod graph;
mod repository;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use slipway_ports::Freed;

use super::Storage;
use crate::digest::Digest;
use crate::embedded::durable;
use crate::name::{RepositoryName, Tag};

/// Content that is removed at once while publishing is halted.
const BATCH: usize = 64;

/// What stays however long nobody used it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    by_repository: HashMap<RepositoryName, KeptHere>,
}

/// What stays in one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct KeptHere {
    tags: HashSet<Tag>,
    digests: HashSet<Digest>,
}

impl Kept {
    /// Keeps a tag, and what it points to.
    pub fn keep_tag(&mut self, name: RepositoryName, tag: Tag) {
        self.by_repository.entry(name).or_default().tags.insert(tag);
    }

    /// Keeps a manifest.
    pub fn keep_digest(&mut self, name: RepositoryName, digest: Digest) {
        self.by_repository.entry(name).or_default().digests.insert(digest);
    }
}

/// For how long something stays that is not kept. Both are far longer than a push takes between two of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// Tags and manifests, since they were last used or kept.
    pub unused: Duration,
    /// Blobs that no manifest names, since they were pushed or asked for: the manifest of a push comes last.
    pub unfinished: Duration,
}

/// One collection on its way.
struct Pass<'a> {
    kept: &'a Kept,
    ages: Ages,
    go_on: &'a dyn Fn() -> bool,
    freed: Freed,
    /// The content that the repositories which were passed still link to.
    linked: HashSet<Digest>,
}

impl Pass<'_> {
    /// Asked before every step.
    fn step(&self) -> io::Result<()> {
        if (self.go_on)() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::Interrupted, "the collection was ended")) }
    }
}

impl Storage {
    /// Removes tags and manifests that are not kept and were not used lately, blobs that no manifest needs, and content without a
    /// link. `go_on` is asked before every step; when it says no, this ends with [`io::ErrorKind::Interrupted`].
    pub fn collect_garbage(&self, kept: &Kept, ages: Ages, go_on: &dyn Fn() -> bool) -> io::Result<Freed> {
        // The lock guards no data.
        let _one_at_a_time = self.shared.collecting.lock().unwrap_or_else(PoisonError::into_inner);
        let _noting = self.note_what_is_published();
        let mut pass = Pass { kept, ages, go_on, freed: Freed::default(), linked: HashSet::new() };
        for name in self.repository_names()? {
            pass.step()?;
            self.collect_repository(&name, &mut pass)?;
        }
        self.remove_unlinked(&mut pass)?;
        Ok(pass.freed)
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

    fn note_what_is_published(&self) -> Noting<'_> {
        // Nobody is in the middle of publishing now: what anybody publishes from here on is noted, or linked already.
        let _halted = self.publishing_halted();
        *self.noted() = Some(HashSet::new());
        Noting(self)
    }

    fn remove_unlinked(&self, pass: &mut Pass<'_>) -> io::Result<()> {
        let blobs = self.layout().blobs();
        let mut unlinked = Vec::new();
        for algorithm in durable::names_in(&blobs)? {
            for prefix in durable::names_in(&blobs.join(&algorithm))? {
                pass.step()?;
                let names = durable::names_in(&blobs.join(&algorithm).join(prefix))?;
                let digests = names.iter().filter_map(|hexadecimal| format!("{algorithm}:{hexadecimal}").parse::<Digest>().ok());
                unlinked.extend(digests.filter(|digest| !pass.linked.contains(digest)));
            }
        }
        for batch in unlinked.chunks(BATCH) {
            let _halted = self.publishing_halted();
            for digest in batch {
                pass.step()?;
                let was_published = self.noted().as_ref().is_none_or(|noted| noted.contains(digest));
                if !was_published {
                    self.remove_content(digest, pass)?;
                }
            }
        }
        Ok(())
    }

    fn remove_content(&self, digest: &Digest, pass: &mut Pass<'_>) -> io::Result<()> {
        let path = self.layout().blob(digest);
        let bytes = fs::metadata(&path)?.len();
        // What a loss of power brings back is garbage again.
        if durable::remove_unflushed(&path)? {
            pass.freed.contents += 1;
            pass.freed.bytes += bytes;
        }
        Ok(())
    }
}

/// Notes what is published, as long as it lives.
struct Noting<'a>(&'a Storage);

impl Drop for Noting<'_> {
    fn drop(&mut self) {
        *self.0.noted() = None;
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

#[cfg(test)]
mod tests;
