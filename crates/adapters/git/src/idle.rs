//! Processes that read a mirror, kept for a while, so that git is started once for the many services of a deployment.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::objects::Objects;

/// Each is a process.
const MOST: usize = 4;
/// How long a reader that nobody uses is kept.
const LONGEST: Duration = Duration::from_secs(10);

/// The processes that nobody uses.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdleReaders {
    idle: Arc<Mutex<Vec<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    mirror: PathBuf,
    objects: Objects,
    since: Instant,
}

impl IdleReaders {
    /// A reader of a mirror, if one is left. It may have ended meanwhile, or know a mirror that was replaced: what it does not find
    /// is to be looked for by a new one.
    pub(crate) fn take(&self, mirror: &Path) -> Option<Objects> {
        let mut idle = self.idle();
        let place = idle.iter().rposition(|idle| idle.mirror == mirror)?;
        Some(idle.swap_remove(place).objects)
    }

    /// Leaves a reader for whoever comes next.
    pub(crate) fn give_back(&self, mirror: &Path, objects: Objects) {
        let mut idle = self.idle();
        if idle.len() >= MOST {
            return;
        }
        idle.push(Idle { mirror: mirror.to_owned(), objects, since: Instant::now() });
        // One task watches all of them, for as long as there are any.
        if idle.len() == 1 {
            tokio::spawn(end_the_unused(self.clone()));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // A list is whole between two of its calls.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn end_the_unused(readers: IdleReaders) {
    loop {
        tokio::time::sleep(LONGEST).await;
        let mut idle = readers.idle();
        idle.retain(|idle| idle.since.elapsed() < LONGEST);
        if idle.is_empty() {
            return;
        }
    }
}
