//! Which server may write to a store.
//!
//! A store has one owner at a time. Its lease is a row without a time: the owner counts up its renewals, and who wants to take
//! over watches, on a clock of its own that nobody sets, whether the count still moves. So no jump of a clock can lose a lease.

use std::time::Duration;

use async_trait::async_trait;

use crate::StoreError;

/// Counts the owners that a store has had, from 1. It is the fencing token: every write is refused whose epoch is not the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// Who owns a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which owner it is.
    pub epoch: Epoch,
    /// The owner's id, made anew by each server that starts.
    pub owner: String,
    /// How often the owner has shown that it lives.
    pub renewals: u64,
    /// How long the owner may be silent before another may take its place.
    pub length: Duration,
}

impl Lease {
    /// Whether both are of one owner, renewed or not.
    pub fn is_same_owner(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self.owner == other.owner
    }
}

/// The lease of a store.
#[async_trait]
pub trait Leases: Send + Sync {
    /// The lease as it stands; `None` when the store never had an owner.
    async fn lease(&self) -> Result<Option<Lease>, StoreError>;

    /// Makes `owner` the owner, if the lease still is as it was seen, renewals included; else [`StoreError::Conflict`].
    async fn take_lease(&self, seen: Option<&Lease>, owner: &str, length: Duration) -> Result<Lease, StoreError>;

    /// Shows that the owner lives; [`StoreError::Fenced`] when another has taken its place.
    async fn renew_lease(&self, held: &Lease) -> Result<(), StoreError>;
}
