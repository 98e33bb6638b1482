//! One writer at a time for each release.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

type Key = (String, String, String);
type Lock = tokio::sync::Mutex<()>;

/// The locks that are held or waited for; others take no room.
#[derive(Debug, Default)]
pub(crate) struct ReleaseLocks {
    held: Mutex<HashMap<Key, Weak<Lock>>>,
}

impl ReleaseLocks {
    /// Waits for the release.
    pub(crate) async fn acquire(&self, target: &str, namespace: &str, release: &str) -> OwnedMutexGuard<()> {
        self.lock_of((target.to_owned(), namespace.to_owned(), release.to_owned())).lock_owned().await
    }

    fn lock_of(&self, key: Key) -> Arc<Lock> {
        // Nothing panics while it holds this lock.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = held.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        held.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(Lock::default());
        held.insert(key, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_release_has_one_writer_and_others_do_not_wait_for_it() {
        let locks = ReleaseLocks::default();
        let first = locks.acquire("a", "shop", "api").await;
        let _other = locks.acquire("a", "shop", "web").await;
        let same = locks.lock_of(("a".to_owned(), "shop".to_owned(), "api".to_owned()));
        assert!(same.try_lock().is_err());
        drop(first);
        assert!(same.try_lock().is_ok());
    }

    #[tokio::test]
    async fn locks_that_nobody_holds_are_forgotten() {
        let locks = ReleaseLocks::default();
        for index in 0..100 {
            drop(locks.acquire("a", "shop", &format!("api-{index}")).await);
        }
        assert_eq!(locks.held.lock().unwrap().len(), 1);
    }
}
