//! The lock of a home: which owners of its store are known to be dead.
//!
//! The system frees the lock of a process that has ended, however it ended. The file names the owner that holds it, so that who
//! finds it free knows *whose* end that proves: an owner that took over from one that was only stopped has a file of its own, put
//! in the place of the old one, and the end of the stopped one proves nothing about it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::home::{HomeError, disk};

/// Proof that the processes that held the home before have ended; free again when it is dropped, or when the process ends.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
    path: PathBuf,
}

impl HomeLock {
    /// Takes the lock of the home at `root`, which exists.
    pub(crate) fn take(root: &Path) -> Result<Self, HomeError> {
        let path = root.join("lock");
        loop {
            let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path);
            let file = file.map_err(|error| disk(&path, "opened", error))?;
            lock(&file, root, &path)?;
            match is_in_place(&file, &path) {
                Ok(true) => return Ok(Self { file, path }),
                // Somebody put another file in its place meanwhile.
                Ok(false) => {}
                Err(error) => return Err(disk(&path, "read", error)),
            }
        }
    }

    /// A lock beside that of an owner who holds the home and does not answer. See [`Self::put_in_place`].
    pub(crate) fn beside(root: &Path, owner: &str) -> Result<Self, HomeError> {
        let path = root.join(format!(".lock.{owner}"));
        let file = OpenOptions::new().create_new(true).read(true).write(true).mode(0o600).open(&path);
        let file = file.map_err(|error| disk(&path, "made", error))?;
        lock(&file, root, &path)?;
        Ok(Self { file, path })
    }

    /// Makes this lock the home's. Who held the former one holds a file that nobody finds any more.
    pub(crate) fn put_in_place(&mut self, root: &Path) -> Result<(), HomeError> {
        let path = root.join("lock");
        std::fs::rename(&self.path, &path).map_err(|error| disk(&path, "replaced", error))?;
        self.path = path;
        Ok(())
    }

    /// Removes a lock beside that did not come to its place.
    pub(crate) fn discard(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a lock that is of no use any more stays");
        }
    }

    /// Whether holding this lock proves that an owner has ended.
    pub(crate) fn proves_dead(&mut self, owner: &str) -> Result<bool, HomeError> {
        let mut text = String::new();
        let read = self.file.rewind().and_then(|()| self.file.read_to_string(&mut text));
        read.map_err(|error| disk(&self.path, "read", error))?;
        Ok(text.lines().any(|line| line == owner))
    }

    /// Writes down whose end the lock will prove, once it is free: all that are dead now, and the owner that this process is about
    /// to be. It is written before, so that a kill in between leaves no owner without a proof.
    pub(crate) fn name(&mut self, owners: &[&str]) -> Result<(), HomeError> {
        let text = owners.iter().map(|owner| format!("{owner}\n")).collect::<String>();
        let write = |file: &mut File| -> io::Result<()> {
            // The new text is written over the old one before the rest is cut off: at no time is the file empty.
            file.rewind()?;
            file.write_all(text.as_bytes())?;
            file.set_len(text.len() as u64)
        };
        write(&mut self.file).map_err(|error| disk(&self.path, "written", error))
    }
}

fn lock(file: &File, root: &Path, path: &Path) -> Result<(), HomeError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(HomeError::Owned(root.to_owned())),
        Err(TryLockError::Error(error)) => Err(disk(path, "locked", error)),
    }
}

fn is_in_place(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.dev() == held.dev() && found.ino() == held.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_proves_the_end_of_those_that_it_names_and_of_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut lock = HomeLock::take(folder.path()).unwrap();
        assert!(!lock.proves_dead("first").unwrap());
        lock.name(&["before-the-first", "first"]).unwrap();
        drop(lock);
        let mut lock = HomeLock::take(folder.path()).unwrap();
        assert!(lock.proves_dead("first").unwrap() && lock.proves_dead("before-the-first").unwrap());
        assert!(!lock.proves_dead("fir").unwrap());
        lock.name(&["second"]).unwrap();
        assert!(lock.proves_dead("second").unwrap() && !lock.proves_dead("first").unwrap(), "the rest was cut off");
    }

    #[test]
    fn a_lock_that_was_put_in_place_outlives_the_end_of_the_stopped_owner() {
        let folder = tempfile::tempdir().unwrap();
        let mut stopped = HomeLock::take(folder.path()).unwrap();
        stopped.name(&["stopped"]).unwrap();
        let mut follower = HomeLock::beside(folder.path(), "follower").unwrap();
        follower.name(&["follower"]).unwrap();
        assert!(matches!(HomeLock::take(folder.path()), Err(HomeError::Owned(_))));
        follower.put_in_place(folder.path()).unwrap();
        drop(stopped);
        assert!(matches!(HomeLock::take(folder.path()), Err(HomeError::Owned(_))), "the follower owns it");
        drop(follower);
        let mut next = HomeLock::take(folder.path()).unwrap();
        assert!(next.proves_dead("follower").unwrap() && !next.proves_dead("stopped").unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
