//! Locks that a killed git left in a mirror.

use std::fs::{DirEntry, read_dir, remove_file};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Git holds the lock of a ref for the moment that it takes to write it. The lock of one that was killed then stays, and every
/// later fetch of the ref would be refused.
const STALE: Duration = Duration::from_secs(2);

/// Removes the stale locks of a mirror and of its refs. Nobody else may be fetching into it.
pub(crate) fn remove_locks(mirror: &Path) -> io::Result<()> {
    for entry in read_dir(mirror)? {
        remove_if_stale(&entry?)?;
    }
    let mut pending = vec![mirror.join("refs")];
    while let Some(folder) = pending.pop() {
        for entry in read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else {
                remove_if_stale(&entry)?;
            }
        }
    }
    Ok(())
}

fn remove_if_stale(entry: &DirEntry) -> io::Result<()> {
    if !entry.file_name().as_encoded_bytes().ends_with(b".lock") || !entry.file_type()?.is_file() {
        return Ok(());
    }
    // A time to come is of a clock that was put back.
    if entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age < STALE) {
        return Ok(());
    }
    tracing::warn!(lock = %entry.path().display(), "a lock that a killed git left is removed");
    remove_file(entry.path())
}
