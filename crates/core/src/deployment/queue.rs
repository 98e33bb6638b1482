//! Which steps of one phase are open, kept so that what is due is found without a walk over all services.

use std::collections::BTreeSet;
use std::ops::Range;

/// The open steps of one phase, as indexes of services in execution order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Queue {
    /// Neither running nor ended.
    waiting: BTreeSet<usize>,
    /// Those of `waiting` that lack nothing of their own: a build that is no follower, a release whose image is there.
    ready: BTreeSet<usize>,
    /// Those of `ready` that were begun and interrupted: they come first, so that nothing is left half done.
    interrupted: BTreeSet<usize>,
    /// Begun and not ended.
    running: BTreeSet<usize>,
}

impl Queue {
    pub(super) fn add(&mut self, index: usize, ready: bool) {
        self.waiting.insert(index);
        if ready {
            self.ready.insert(index);
        }
    }

    pub(super) fn make_ready(&mut self, index: usize) {
        if self.waiting.contains(&index) {
            self.ready.insert(index);
        }
    }

    pub(super) fn start(&mut self, index: usize) {
        self.waiting.remove(&index);
        self.ready.remove(&index);
        self.interrupted.remove(&index);
        self.running.insert(index);
    }

    pub(super) fn end(&mut self, index: usize) {
        self.waiting.remove(&index);
        self.ready.remove(&index);
        self.interrupted.remove(&index);
        self.running.remove(&index);
    }

    pub(super) fn interrupt(&mut self, index: usize) {
        self.running.remove(&index);
        self.add(index, true);
        self.interrupted.insert(index);
    }

    /// The first open step, which tells the stage that the pipeline has come to.
    pub(super) fn first_open(&self) -> Option<usize> {
        [self.waiting.first(), self.running.first()].into_iter().flatten().min().copied()
    }

    pub(super) fn has_open_in(&self, range: &Range<usize>) -> bool {
        self.waiting.range(range.clone()).next().is_some() || self.running.range(range.clone()).next().is_some()
    }

    pub(super) fn open_count(&self) -> usize {
        self.waiting.len() + self.running.len()
    }

    pub(super) fn waiting(&self) -> &BTreeSet<usize> {
        &self.waiting
    }

    pub(super) fn running(&self) -> &BTreeSet<usize> {
        &self.running
    }

    /// The ready steps of a range that fit into a window: interrupted ones, then the others in order.
    pub(super) fn next_in(&self, range: Range<usize>, window: u32) -> impl Iterator<Item = usize> {
        let room = (window as usize).saturating_sub(self.running.len());
        let others = self.ready.range(range.clone()).filter(|index| !self.interrupted.contains(index));
        self.interrupted.range(range).chain(others).copied().take(room)
    }
}
