//! Uploads in progress: a directory each, whose data file's length is how far the upload is.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::Storage;
use crate::embedded::durable;
use crate::name::RepositoryName;

impl Storage {
    /// Starts an upload to a repository.
    pub(crate) fn start_upload(&self, name: &RepositoryName) -> io::Result<Uuid> {
        let id = Uuid::now_v7();
        fs::create_dir(self.layout().upload(id))?;
        File::create(self.layout().upload_data(id))?;
        // The file that makes the upload one that can be found comes last, whole.
        let temporary = self.layout().temporary();
        fs::write(&temporary, name.as_str())?;
        fs::rename(&temporary, self.layout().upload_repository(id))?;
        Ok(id)
    }

    /// Whether the repository has such an upload, be it one that is just being finished.
    pub(crate) fn has_upload(&self, name: &RepositoryName, id: Uuid) -> io::Result<bool> {
        let owner = durable::read_if_present(&self.layout().upload_repository(id))?;
        Ok(owner.as_deref() == Some(name.as_str().as_bytes()))
    }

    /// How many bytes an upload has, or `None` when the repository has no such upload.
    pub(crate) fn upload_length(&self, name: &RepositoryName, id: Uuid) -> io::Result<Option<u64>> {
        if !self.has_upload(name, id)? {
            return Ok(None);
        }
        match fs::metadata(self.layout().upload_data(id)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forgets an upload and its bytes.
    pub(crate) fn remove_upload(&self, id: Uuid) -> io::Result<()> {
        remove_directory(&self.layout().upload(id))
    }

    /// Removes uploads that nobody wrote to for the given time; returns how many.
    pub fn sweep_uploads(&self, idle: Duration) -> io::Result<usize> {
        let now = SystemTime::now();
        let mut removed = 0;
        for entry in fs::read_dir(self.layout().uploads())? {
            let path = entry?.path();
            if idle_since(&path, now)? >= idle {
                remove_directory(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn idle_since(upload: &Path, now: SystemTime) -> io::Result<Duration> {
    let metadata = match fs::metadata(upload.join("data")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::metadata(upload)?,
        other => other?,
    };
    // A clock that was set back makes the file look new: it is kept.
    Ok(now.duration_since(metadata.modified()?).unwrap_or_default())
}

fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
