//! What of one repository stays, and the removal of the rest.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::graph::Graph;
use super::{KeptHere, Pass, digests_in};
use crate::digest::Digest;
use crate::embedded::durable;
use crate::embedded::storage::{Storage, used};
use crate::name::{RepositoryName, Tag};

/// What was found in a repository while publishing is halted.
struct Found {
    graph: Graph,
    manifests: HashSet<Digest>,
    tags: Vec<(Tag, Option<Digest>)>,
}

impl Storage {
    /// Removes what the repository does not need, and adds to the pass what it still links to.
    pub(super) fn collect_repository(&self, name: &RepositoryName, pass: &mut Pass<'_>) -> io::Result<()> {
        let mut graph = Graph::default();
        // Most of the reading needs no halt.
        for digest in digests_in(&self.layout().manifest_links(name))? {
            pass.step()?;
            graph.read(self, &digest)?;
        }
        let _halted = self.publishing_halted();
        let found = self.find(name, graph, pass)?;
        if let Some(digest) = &found.graph.unreadable {
            tracing::warn!(%name, %digest, "nothing is removed from a repository in which a manifest can't be read");
            pass.linked.extend(found.manifests);
            pass.linked.extend(digests_in(&self.layout().blob_links(name))?);
            return Ok(());
        }
        let nothing = KeptHere::default();
        let kept = pass.kept.by_repository.get(name).unwrap_or(&nothing);
        let staying = found.graph.staying(self.roots(name, kept, &found, pass)?);
        self.remove_tags(name, &found.tags, &staying, pass)?;
        self.remove_manifests(name, &found.graph, &staying, pass)?;
        self.remove_blob_links(name, &found.graph.references_of(&staying), pass)?;
        pass.linked.extend(staying);
        Ok(())
    }

    fn find(&self, name: &RepositoryName, mut graph: Graph, pass: &Pass<'_>) -> io::Result<Found> {
        let manifests = digests_in(&self.layout().manifest_links(name))?;
        for digest in &manifests {
            pass.step()?;
            graph.read(self, digest)?;
        }
        graph.retain(&manifests);
        let mut tags = Vec::new();
        for tag in self.tags(name)? {
            pass.step()?;
            let target = self.tag(name, &tag)?;
            tags.push((tag, target));
        }
        Ok(Found { graph, manifests, tags })
    }

    /// The manifests that stay for their own sake, or for that of a tag.
    fn roots(&self, name: &RepositoryName, kept: &KeptHere, found: &Found, pass: &Pass<'_>) -> io::Result<HashSet<Digest>> {
        let mut roots = HashSet::new();
        for digest in &found.manifests {
            if Self::stays(&self.layout().manifest_link(name, digest), kept.digests.contains(digest), pass)? {
                roots.insert(digest.clone());
            }
        }
        for (tag, target) in &found.tags {
            if Self::stays(&self.layout().tag(name, tag), kept.tags.contains(tag), pass)? {
                roots.extend(target.clone());
            }
        }
        Ok(roots)
    }

    /// Whether a manifest or a tag is kept, or was used lately. What is kept counts as used now: when it is not kept any more, it
    /// stays for its time.
    fn stays(path: &Path, is_kept: bool, pass: &Pass<'_>) -> io::Result<bool> {
        if is_kept {
            return used::mark(path);
        }
        Ok(used::unused_for(path, SystemTime::now())?.is_some_and(|unused| unused < pass.ages.unused))
    }

    /// Removes the tags of what goes. A manifest that stays keeps its names, so that it is found under its key again.
    fn remove_tags(
        &self,
        name: &RepositoryName,
        tags: &[(Tag, Option<Digest>)],
        staying: &HashSet<Digest>,
        pass: &mut Pass<'_>,
    ) -> io::Result<()> {
        let is_going = |target: &Option<Digest>| !target.as_ref().is_some_and(|target| staying.contains(target));
        for (tag, _) in tags.iter().filter(|(_, target)| is_going(target)) {
            pass.step()?;
            pass.freed.tags += usize::from(durable::remove_unflushed(&self.layout().tag(name, tag))?);
        }
        durable::flush_directory(&self.layout().tags(name))
    }

    fn remove_manifests(
        &self,
        name: &RepositoryName,
        graph: &Graph,
        staying: &HashSet<Digest>,
        pass: &mut Pass<'_>,
    ) -> io::Result<()> {
        for generation in graph.going(staying) {
            let mut directories = HashSet::new();
            for digest in generation {
                pass.step()?;
                let link = self.layout().manifest_link(name, &digest);
                pass.freed.manifests += usize::from(durable::remove_unflushed(&link)?);
                directories.extend(link.parent().map(Path::to_owned));
                if let Some(subject) = graph.subject(&digest) {
                    durable::remove_unflushed(&self.layout().referrer(name, subject, &digest))?;
                }
            }
            // An index is gone from the disk before anything that it lists.
            for directory in directories {
                durable::flush_directory(&directory)?;
            }
        }
        Ok(())
    }

    fn remove_blob_links(&self, name: &RepositoryName, needed: &HashSet<Digest>, pass: &mut Pass<'_>) -> io::Result<()> {
        let now = SystemTime::now();
        for digest in digests_in(&self.layout().blob_links(name))? {
            let link = self.layout().blob_link(name, &digest);
            let is_young = used::unused_for(&link, now)?.is_some_and(|unused| unused < pass.ages.unfinished);
            if is_young || needed.contains(&digest) {
                pass.linked.insert(digest);
            } else {
                pass.step()?;
                durable::remove_unflushed(&link)?;
            }
        }
        Ok(())
    }
}
