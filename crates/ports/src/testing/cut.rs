//! A server that is killed between two writes: none of its writes is carried out any more, and nothing that waits for one goes on.

use tokio::sync::watch;

use super::MemoryStore;

/// How many more writes are carried out; `None`: all.
pub(super) struct Cut(watch::Sender<Option<u32>>);

impl Default for Cut {
    fn default() -> Self {
        Self(watch::channel(None).0)
    }
}

impl MemoryStore {
    /// Carries out so many more facts, messages and attempts, and then no more of them.
    pub fn cut_after(&self, writes: u32) {
        // One that waits at zero has gone with its server.
        self.tables().cut.0.send_replace(Some(writes + 1));
    }

    /// Carries out everything again, for the server that comes after.
    pub fn mend(&self) {
        self.tables().cut.0.send_replace(None);
    }

    /// Returns when a write waits that is not carried out.
    pub async fn until_cut(&self) {
        let mut cut = self.tables().cut.0.subscribe();
        // The sender lives as long as the store, which this borrows.
        let _ = cut.wait_for(|left| *left == Some(0)).await;
    }

    /// Lets a write be carried out, or not any more.
    pub(super) async fn pass(&self) {
        self.tables().cut.0.send_modify(|left| {
            if let Some(left) = left {
                *left = left.saturating_sub(1);
            }
        });
        let is_cut = *self.tables().cut.0.borrow() == Some(0);
        if is_cut {
            std::future::pending::<()>().await;
        }
    }
}
