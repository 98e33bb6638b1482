//! Becoming the owner of a home: at once where the owner before is known to be dead, after its lease where it only does not answer.

use std::sync::Arc;
use std::time::Duration;

use slipway_engine::ownership::{GRACE, Lost, Watched, keep, watch};
use slipway_gate::Gate;
use slipway_ports::{Lease, Leases as _, StoreError, async_trait};
use slipway_store::{LeaseReader, SqliteStore};

use crate::home::{Home, HomeError};
use crate::home_lock::HomeLock;

/// A home that is owned: its lock, and its store, written in the name of the owner.
pub struct Ownership {
    lock: HomeLock,
    store: SqliteStore,
    lease: Lease,
}

/// Why a home can not be owned.
#[derive(Debug, thiserror::Error)]
pub enum OwnershipError {
    /// Another server owns it, or its files can not be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The database does not open.
    #[error(transparent)]
    Open(#[from] slipway_store::OpenError),
    /// The lease can not be read or written.
    #[error("the lease of the database can not be had: {0}")]
    Lease(#[from] StoreError),
}

impl Ownership {
    /// Makes this process the owner of a home, as a new owner of its own whose lease has this length.
    ///
    /// A free lock proves the owner before dead, and its work is taken over at once. Where the lock is held the holder may be
    /// stopped: it is watched for the length of its lease and a second. One that lives in that time is [`HomeError::Owned`].
    pub async fn take(home: &Home, length: Duration) -> Result<Self, OwnershipError> {
        let owner = uuid::Uuid::now_v7().to_string();
        match home.lock() {
            Ok(lock) => with_lock(home, lock, &owner, length).await,
            Err(HomeError::Owned(_)) => from_silent(home, &owner, length).await,
            Err(error) => Err(error.into()),
        }
    }

    /// The store, for everything that this owner does.
    pub fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    /// Shows that the owner lives, until another has taken its place or may do so: then this process may do nothing more.
    pub async fn keep(&self) -> Lost {
        keep(&self.store, &self.lease, &self.store.fenced()).await
    }

    /// What every call of the outside world passes.
    pub fn gate(&self) -> Arc<dyn Gate> {
        Arc::new(OwnerGate { store: self.store.clone(), lease: self.lease.clone() })
    }

    /// Keeps the home until the process ends: what still runs in it must not meet the next owner.
    pub(crate) fn until_the_end(self) {
        std::mem::forget(self.lock);
    }
}

/// How long a store that does not tell its owner is left alone.
const AWAY: Duration = Duration::from_millis(200);

/// Lets nothing begin once another owns the home. The store refuses late facts by itself; this keeps a server that was stopped from
/// touching the cluster in the moment before it hears that it was followed.
pub(crate) struct OwnerGate {
    store: SqliteStore,
    lease: Lease,
}

#[async_trait]
impl Gate for OwnerGate {
    async fn before(&self, call: &'static str) {
        loop {
            match self.store.lease().await {
                Ok(Some(found)) if found.is_same_owner(&self.lease) => return,
                Ok(_) => {
                    self.store.fenced().cancel();
                    // It neither fails nor ends: the next owner goes on with it.
                    return std::future::pending().await;
                }
                // It can not be found out now. Who keeps the lease says when to give up.
                Err(error) => {
                    tracing::warn!(call, %error, "whether this server still owns its home can not be read; looking again");
                }
            }
            tokio::time::sleep(AWAY).await;
        }
    }

    async fn after(&self, _: &'static str) {}
}

async fn with_lock(home: &Home, mut lock: HomeLock, owner: &str, length: Duration) -> Result<Ownership, OwnershipError> {
    let store = SqliteStore::open(&home.database(), &home.secret_key()).await?;
    let seen = store.lease().await?;
    if let Some(before) = &seen
        && !lock.proves_dead(&before.owner)?
    {
        // It took over from a stopped owner, or the file is a copy of another home's.
        if watched(before, async || store.lease().await).await? == Watched::Alive {
            return Err(HomeError::Owned(home.root().to_owned()).into());
        }
    }
    let before = seen.as_ref().map(|lease| lease.owner.as_str());
    lock.name(&before.into_iter().chain([owner]).collect::<Vec<_>>())?;
    let lease = take(home, &store, seen.as_ref(), owner, length).await?;
    Ok(Ownership { lock, store: store.owned(&lease), lease })
}

async fn from_silent(home: &Home, owner: &str, length: Duration) -> Result<Ownership, OwnershipError> {
    let owned = || HomeError::Owned(home.root().to_owned());
    // Without a lease to watch, the holder has just begun, or is of an older program.
    let reader = LeaseReader::open(&home.database()).await?.ok_or_else(owned)?;
    let seen = reader.lease().await?.ok_or_else(owned)?;
    if watched(&seen, async || reader.lease().await).await? == Watched::Alive {
        return Err(owned().into());
    }
    // It has ended meanwhile.
    match HomeLock::take(home.root()) {
        Ok(lock) => return with_lock(home, lock, owner, length).await,
        Err(HomeError::Owned(_)) => {}
        Err(error) => return Err(error.into()),
    }
    tracing::warn!(owner = seen.owner, "the owner of the home does not answer; this server takes over");
    let store = SqliteStore::open(&home.database(), &home.secret_key()).await?;
    let mut lock = HomeLock::beside(home.root(), owner)?;
    lock.name(&[owner])?;
    let lease = match take_from_silent(home, &store, &seen, owner, length).await {
        Ok(lease) => lease,
        Err(error) => {
            lock.discard();
            return Err(error);
        }
    };
    lock.put_in_place(home.root())?;
    Ok(Ownership { lock, store: store.owned(&lease), lease })
}

/// An owner that was stopped in the middle of a write holds the database's one place for a writer until it goes on or is killed.
async fn take_from_silent(
    home: &Home,
    store: &SqliteStore,
    seen: &Lease,
    owner: &str,
    length: Duration,
) -> Result<Lease, OwnershipError> {
    loop {
        match take(home, store, Some(seen), owner, length).await {
            Err(OwnershipError::Lease(StoreError::Unavailable(reason))) => {
                tracing::warn!(
                    reason,
                    "the database takes no write of this server; kill the owner that does not answer, or wait"
                );
                tokio::time::sleep(AWAY).await;
            }
            other => return other,
        }
    }
}

async fn watched(seen: &Lease, look: impl AsyncFn() -> Result<Option<Lease>, StoreError>) -> Result<Watched, StoreError> {
    let patience = (seen.length + GRACE).as_secs_f32();
    tracing::info!("another server owns the home; waiting {patience} s at most whether it shows that it lives");
    watch(look, seen.clone()).await
}

/// Takes the lease as it was seen; who was faster owns the home.
async fn take(
    home: &Home,
    store: &SqliteStore,
    seen: Option<&Lease>,
    owner: &str,
    length: Duration,
) -> Result<Lease, OwnershipError> {
    match store.take_lease(seen, owner, length).await {
        Err(StoreError::Conflict { .. }) => Err(HomeError::Owned(home.root().to_owned()).into()),
        other => Ok(other?),
    }
}
