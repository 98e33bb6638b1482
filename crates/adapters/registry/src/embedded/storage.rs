//! The registry's content as files on disk.
//!
//! Every change is one rename or one removal, so a process that is killed at any instant leaves each object either there
//! or not there. The order of the steps is such that what is visible is complete: content before the link to it, the link
//! before the tag. All functions block; handlers call them off the async threads.

mod blobs;
mod garbage;
mod manifests;
mod tags;
mod uploads;
mod used;

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

pub use garbage::{Ages, Kept};
pub(crate) use manifests::{ManifestRecord, StoredManifest};
pub(crate) use tags::order as tag_order;

use super::durable;
use super::layout::Layout;
use crate::digest::Digest;

/// An upload that nobody touched for this long is removed when the registry opens.
const STALE_UPLOAD: Duration = Duration::from_hours(24);

/// The directory of an embedded registry, owned by this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    layout: Layout,
    /// Held shared while something is published, or a client is told that it is there; exclusively while something is removed that
    /// nobody needs.
    publishing: RwLock<()>,
    /// The content that was published since the collection began that runs, if one does.
    published: Mutex<Option<HashSet<Digest>>>,
    /// Held by the collection that runs.
    collecting: Mutex<()>,
    /// Keeps the lock on the directory for as long as the storage lives.
    _lock: File,
}

/// Why a directory could not be opened as a registry.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process serves this directory.
    #[error("registry directory {0} is in use by another process; stop that server, or choose another directory")]
    InUse(PathBuf),
    /// The directory can't be made, read or written.
    #[error("registry directory {directory} can't be opened: {source}; check that it is writable and the disk is not full")]
    Unusable {
        /// The registry's directory.
        directory: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What says that nobody else serves a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Its lock.
    Lock,
    /// Whoever opens it.
    Caller,
}

impl Storage {
    /// Opens a directory, makes it if it is not there, removes half-written files, and uploads that were left a day ago.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::open_by(directory.into(), Proof::Lock)
    }

    /// The same for a caller who knows by other means that the directory is its own: one that takes the place of a process which
    /// is stopped, and so still holds the lock, but may not go on.
    pub fn open_as_owner(directory: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::open_by(directory.into(), Proof::Caller)
    }

    fn open_by(directory: PathBuf, proof: Proof) -> Result<Self, OpenError> {
        // Absolute: the directory stays the same one when the process changes where it is.
        let absolute = std::path::absolute(&directory);
        let layout = Layout::new(absolute.map_err(|source| OpenError::Unusable { directory, source })?);
        let unusable = |source| OpenError::Unusable { directory: layout.root().to_owned(), source };
        durable::create_directories(layout.root()).map_err(unusable)?;
        let lock = File::create(layout.lock()).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if proof == Proof::Caller => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(layout.root().to_owned())),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        for directory in [layout.blobs(), layout.repositories(), layout.uploads(), layout.temporaries()] {
            durable::create_directories(&directory).map_err(unusable)?;
        }
        empty_directory(&layout.temporaries()).map_err(unusable)?;
        let shared = Shared {
            layout: layout.clone(),
            publishing: RwLock::default(),
            published: Mutex::default(),
            collecting: Mutex::default(),
            _lock: lock,
        };
        let storage = Self { shared: Arc::new(shared) };
        let swept = storage.sweep_uploads(STALE_UPLOAD).map_err(unusable)?;
        tracing::debug!(directory = %layout.root().display(), swept, "registry directory opened");
        Ok(storage)
    }

    /// The directory that was opened.
    pub fn directory(&self) -> &Path {
        self.layout().root()
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.shared.layout
    }

    fn publishing(&self) -> std::sync::RwLockReadGuard<'_, ()> {
        // The lock guards no data: a panic elsewhere leaves nothing inconsistent behind it.
        self.shared.publishing.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn publishing_halted(&self) -> std::sync::RwLockWriteGuard<'_, ()> {
        self.shared.publishing.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Content that was published during a collection, to be touched while publishing is held, shared or halted.
    fn noted(&self) -> MutexGuard<'_, Option<HashSet<Digest>>> {
        // A set is whole between two of its calls.
        self.shared.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, digest: &Digest) {
        if let Some(noted) = self.noted().as_mut() {
            noted.insert(digest.clone());
        }
    }

    fn write(&self, destination: &Path, content: &[u8]) -> io::Result<()> {
        durable::write_file(&self.layout().temporary(), destination, content)
    }
}

fn empty_directory(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}
