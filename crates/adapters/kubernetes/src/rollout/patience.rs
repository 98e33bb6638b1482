//! How the sources of a snapshot fare: which have listed their objects, and which have trouble for how long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::source::{News, Notice};
use crate::trouble::Trouble;

/// See the module.
pub(crate) struct Patience {
    /// How long a source may be in trouble.
    longest: Duration,
    /// Sources that have listed their objects at least once.
    listed: BTreeSet<usize>,
    /// Sources that have trouble, since when, and the last of it.
    troubles: BTreeMap<usize, (Instant, Trouble)>,
}

impl Patience {
    /// Nothing is listed yet.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, listed: BTreeSet::new(), troubles: BTreeMap::new() }
    }

    /// Takes what a source tells into the snapshot; a refusal is returned.
    pub(crate) fn take<S>(&mut self, notice: Notice<S>, snapshot: &mut S) -> Result<(), Trouble> {
        match notice.news {
            News::Listed(update) => {
                self.troubles.remove(&notice.source);
                self.listed.insert(notice.source);
                update(snapshot);
            }
            News::Changed(update) => {
                self.troubles.remove(&notice.source);
                update(snapshot);
            }
            News::Alive => {
                self.troubles.remove(&notice.source);
            }
            News::Trouble(trouble @ Trouble::Away { .. }) => {
                let since = self.troubles.get(&notice.source).map_or_else(Instant::now, |(since, _)| *since);
                self.troubles.insert(notice.source, (since, trouble));
            }
            News::Trouble(trouble) => return Err(trouble),
        }
        Ok(())
    }

    /// Whether so many sources have listed their objects.
    pub(crate) fn all_listed(&self, count: usize) -> bool {
        self.listed.len() >= count
    }

    /// When it is over, unless a source comes back before.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.troubles.values().map(|(since, _)| *since + self.longest).min()
    }

    /// The trouble that it is over for.
    pub(crate) fn over(&self) -> Option<&Trouble> {
        self.troubles.values().find(|(since, _)| since.elapsed() >= self.longest).map(|(_, trouble)| trouble)
    }
}
