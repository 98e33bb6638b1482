//! Owning a store: showing that one lives, and finding out whether another does.
//!
//! Both sides measure on a clock that nobody sets. The owner renews well within the length of its lease, and stops when it can
//! neither write nor read for so long; who wants to take over watches the lease for its length and [`GRACE`], and gives up at
//! the first sign of life. So the owner has stopped before another begins, whatever the clocks of their hosts say.

use std::time::Duration;

use slipway_ports::{CancellationToken, Lease, Leases, StoreError};
use tokio::time::{Instant, sleep, timeout_at};

/// How much longer than its length a lease must have been silent.
pub const GRACE: Duration = Duration::from_secs(1);
/// Renewals in the length of a lease.
const RENEWALS: u32 = 4;
/// Between two looks at the lease of another. There is nothing to subscribe to: the other is another process.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Why a server may not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another server took its place.
    #[error("another server has taken over, since this one had not answered for longer than its lease")]
    Fenced,
    /// Another server may take its place at any moment, and this one would not see it.
    #[error("the database could neither be written nor read for longer than the lease: {0}")]
    OutOfReach(String),
}

/// Renews a lease as long as it is held; returns why it is not any more. `fenced` is the store's own word for it.
///
/// A database that takes no writes, being full or locked, takes none of another server either: as long as it still reads, and
/// names this owner, the owner goes on.
pub async fn keep(leases: &dyn Leases, held: &Lease, fenced: &CancellationToken) -> Lost {
    let between = held.length / RENEWALS;
    // The last time at which the store said that this is the owner.
    let mut known = Instant::now();
    let mut pause = between;
    loop {
        tokio::select! {
            () = fenced.cancelled() => return Lost::Fenced,
            () = sleep(pause) => {}
        }
        let asked = Instant::now();
        // A process that was stopped for long asks all the same before it gives up.
        let deadline = (known + held.length).max(asked + between);
        match by(deadline, ask(leases, held, between)).await {
            Ok(true) => (known, pause) = (asked, between),
            Ok(false) => return Lost::Fenced,
            Err(error) => {
                let left = (known + held.length).saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Lost::OutOfReach(error.to_string());
                }
                pause = between.min(left);
            }
        }
    }
}

/// Renews; says whether the lease is still held. A database that is locked is waited for, and not so long that it can not be read.
async fn ask(leases: &dyn Leases, held: &Lease, patience: Duration) -> Result<bool, StoreError> {
    match by(Instant::now() + patience, leases.renew_lease(held)).await {
        Ok(()) => return Ok(true),
        Err(StoreError::Fenced { .. }) => return Ok(false),
        Err(trouble) => tracing::warn!(%trouble, "the lease can not be renewed; trying again"),
    }
    Ok(leases.lease().await?.is_some_and(|found| found.is_same_owner(held)))
}

async fn by<T>(deadline: Instant, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::Unavailable("it does not answer".to_owned()));
    timeout_at(deadline, call).await.unwrap_or_else(late)
}

/// What watching the lease of another came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// The owner gave no sign of life for as long as it may be silent. The lease as it was all the time; take it as it was seen.
    Silent(Lease),
    /// The owner lives, or another has become the owner.
    Alive,
}

/// Watches the lease `seen` until its owner shows that it lives, or has been silent for too long. The time counts from the first
/// look of one's own, for the owner may have renewed it just before.
pub async fn watch(look: impl AsyncFn() -> Result<Option<Lease>, StoreError>, seen: Lease) -> Result<Watched, StoreError> {
    let since = Instant::now();
    let patience = seen.length + GRACE;
    loop {
        let is_over = since.elapsed() >= patience;
        match look().await? {
            Some(found) if found != seen => return Ok(Watched::Alive),
            None => return Ok(Watched::Alive),
            // This look began after the time was over.
            Some(_) if is_over => return Ok(Watched::Silent(seen)),
            Some(_) => sleep(LOOK_AGAIN.min(patience.saturating_sub(since.elapsed()))).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use slipway_ports::{Epoch, async_trait};
    use tokio::time::timeout;

    use super::*;

    const LENGTH: Duration = Duration::from_secs(12);

    /// A store that takes and tells what a test wants.
    struct Scripted(Mutex<State>);

    struct State {
        lease: Lease,
        writes: bool,
        reads: bool,
        hangs: bool,
    }

    impl Scripted {
        fn new() -> (Self, Lease) {
            let lease = Lease { epoch: Epoch(3), owner: "me".to_owned(), renewals: 0, length: LENGTH };
            (Self(Mutex::new(State { lease: lease.clone(), writes: true, reads: true, hangs: false })), lease)
        }

        fn set(&self, change: impl FnOnce(&mut State)) {
            change(&mut self.0.lock().unwrap());
        }

        fn renewals(&self) -> u64 {
            self.0.lock().unwrap().lease.renewals
        }

        fn take_over(&self) {
            self.set(|state| {
                state.lease = Lease { epoch: Epoch(4), owner: "another".to_owned(), renewals: 0, length: LENGTH };
            });
        }
    }

    fn away() -> StoreError {
        StoreError::Unavailable("the disk is full".to_owned())
    }

    #[async_trait]
    impl Leases for Scripted {
        async fn lease(&self) -> Result<Option<Lease>, StoreError> {
            let state = self.0.lock().unwrap();
            if state.reads { Ok(Some(state.lease.clone())) } else { Err(away()) }
        }

        async fn take_lease(&self, _: Option<&Lease>, _: &str, _: Duration) -> Result<Lease, StoreError> {
            Err(away())
        }

        async fn renew_lease(&self, held: &Lease) -> Result<(), StoreError> {
            if self.0.lock().unwrap().hangs {
                std::future::pending::<()>().await;
            }
            let mut state = self.0.lock().unwrap();
            if !state.lease.is_same_owner(held) {
                return Err(StoreError::Fenced { expected: "me".to_owned(), found: state.lease.owner.clone() });
            }
            if !state.writes {
                return Err(away());
            }
            state.lease.renewals += 1;
            Ok(())
        }
    }

    async fn goes_on(keeping: &mut (impl Future<Output = Lost> + Unpin), time: Duration) {
        let ended = timeout(time, keeping).await;
        assert!(ended.is_err(), "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_well_within_its_length() {
        let (store, held) = Scripted::new();
        let never = CancellationToken::new();
        let mut keeping = Box::pin(keep(&store, &held, &never));
        goes_on(&mut keeping, LENGTH * 10 + Duration::from_secs(1)).await;
        assert_eq!(store.renewals(), 40);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_was_followed_ends_at_its_next_renewal_or_write() {
        let (store, held) = Scripted::new();
        let fenced = CancellationToken::new();
        store.take_over();
        let since = Instant::now();
        assert_eq!(keep(&store, &held, &fenced).await, Lost::Fenced);
        assert!(since.elapsed() <= LENGTH / RENEWALS);

        let (store, held) = Scripted::new();
        fenced.cancel();
        let since = Instant::now();
        assert_eq!(keep(&store, &held, &fenced).await, Lost::Fenced);
        assert_eq!(since.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_disk_does_not_end_a_server_and_a_database_out_of_reach_does() {
        let (store, held) = Scripted::new();
        let never = CancellationToken::new();
        let mut keeping = Box::pin(keep(&store, &held, &never));
        store.set(|state| state.writes = false);
        goes_on(&mut keeping, LENGTH * 20).await;
        store.set(|state| state.writes = true);
        goes_on(&mut keeping, LENGTH).await;
        assert!(store.renewals() > 0, "it goes on when there is room again");

        store.set(|state| (state.writes, state.reads) = (false, false));
        let since = Instant::now();
        assert!(matches!(keeping.await, Lost::OutOfReach(reason) if reason.contains("full")));
        assert!(since.elapsed() + LENGTH / RENEWALS >= LENGTH, "{:?}", since.elapsed());
        assert!(since.elapsed() <= LENGTH, "before another may begin: {:?}", since.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_another_locks_for_long_does_not_end_a_server() {
        let (store, held) = Scripted::new();
        let never = CancellationToken::new();
        let mut keeping = Box::pin(keep(&store, &held, &never));
        store.set(|state| state.hangs = true);
        goes_on(&mut keeping, LENGTH * 20).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_never_answers_ends_a_server_before_another_may_begin() {
        let (store, held) = Scripted::new();
        store.set(|state| (state.hangs, state.reads) = (true, false));
        let since = Instant::now();
        let lost = keep(&store, &held, &CancellationToken::new()).await;
        assert!(matches!(lost, Lost::OutOfReach(_)), "{lost}");
        assert_eq!(since.elapsed(), LENGTH);
    }

    /// Stopped, and let go on: all its timers are over at once.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_was_stopped_for_long_and_not_followed_goes_on() {
        let (store, held) = Scripted::new();
        let never = CancellationToken::new();
        let mut keeping = Box::pin(keep(&store, &held, &never));
        goes_on(&mut keeping, Duration::from_secs(1)).await;
        tokio::time::advance(LENGTH * 100).await;
        goes_on(&mut keeping, LENGTH).await;
        assert!(store.renewals() > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_owner_is_followed_after_its_lease_and_a_second() {
        let (store, held) = Scripted::new();
        let since = Instant::now();
        let watched = watch(async || store.lease().await, held.clone()).await;
        assert_eq!(watched, Ok(Watched::Silent(held)));
        assert!(since.elapsed() >= LENGTH + GRACE && since.elapsed() < LENGTH + GRACE * 2, "{:?}", since.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_of_life_is_seen_at_once() {
        let (store, held) = Scripted::new();
        let never = CancellationToken::new();
        let since = Instant::now();
        let watched = tokio::select! {
            lost = keep(&store, &held, &never) => panic!("{lost}"),
            watched = watch(async || store.lease().await, held.clone()) => watched,
        };
        assert_eq!(watched, Ok(Watched::Alive));
        assert!(since.elapsed() < LENGTH / RENEWALS + GRACE, "{:?}", since.elapsed());

        let (store, held) = Scripted::new();
        store.take_over();
        assert_eq!(watch(async || store.lease().await, held).await, Ok(Watched::Alive), "somebody else was first");
    }
}
