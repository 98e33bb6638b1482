//! Archives on the disk, so that a rollback or another deployment downloads nothing.
//!
//! An archive is kept for its place and for who read it: a digest that somebody else's index names gives nothing away.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use slipway_ports::{ChartPlace, Reader};
use uuid::Uuid;

use crate::digest::Digest;

/// Bytes of all archives together; those that were used longest ago go first.
const MOST: u64 = 256 << 20;

/// The folder of archives.
pub(super) struct Kept {
    folder: PathBuf,
    most: u64,
}

impl Kept {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, most: MOST }
    }

    /// What is kept, if it is still what its digest says.
    pub(super) async fn read(&self, place: &ChartPlace, reader: &Reader, digest: &Digest) -> Option<Vec<u8>> {
        let (path, digest) = (self.path(place, reader, digest), digest.clone());
        tokio::task::spawn_blocking(move || {
            let archive = fs::read(&path).ok()?;
            if Digest::sha256(&archive) != digest {
                tracing::warn!(path = %path.display(), "a kept chart is damaged; it is fetched again");
                // What stays is overwritten by the next.
                let _ = fs::remove_file(&path);
                return None;
            }
            let touched = fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
            if let Err(error) = touched {
                tracing::debug!(%error, "a kept chart may go before its turn");
            }
            Some(archive)
        })
        .await
        .ok()
        .flatten()
    }

    /// Keeps an archive. One that can not be kept is fetched again another time.
    pub(super) async fn keep(&self, place: &ChartPlace, reader: &Reader, digest: &Digest, archive: &[u8]) {
        let (folder, most, path, archive) = (self.folder.clone(), self.most, self.path(place, reader, digest), archive.to_vec());
        let kept = tokio::task::spawn_blocking(move || {
            write(&folder, &path, &archive)?;
            bound(&folder, most)
        });
        match kept.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, folder = %self.folder.display(), "a chart could not be kept"),
            Err(error) => tracing::warn!(%error, "a chart could not be kept"),
        }
    }

    fn path(&self, place: &ChartPlace, reader: &Reader, digest: &Digest) -> PathBuf {
        // Any credential of the project may have opened the way to the archive.
        let who: Vec<_> = reader.credentials().iter().map(|credential| credential.id.as_str()).collect();
        let scope = Digest::sha256(format!("{place:?} {who:?}").as_bytes());
        self.folder.join(format!("{}-{}.tgz", scope.hexadecimal(), digest.hexadecimal()))
    }
}

fn write(folder: &Path, path: &Path, archive: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let partial = folder.join(format!("{}.partial", Uuid::now_v7()));
    let written = fs::File::create_new(&partial).and_then(|mut file| file.write_all(archive));
    written.and_then(|()| fs::rename(&partial, path)).inspect_err(|_| {
        // What a full disk left goes with the next bound, too.
        let _ = fs::remove_file(&partial);
    })
}

/// Removes what was used longest ago until the rest fits.
fn bound(folder: &Path, most: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Another call may have removed it.
        let Ok(metadata) = entry.metadata() else { continue };
        files.push((metadata.modified()?, metadata.len(), entry.path()));
    }
    files.sort();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, size, path) in files {
        if total <= most {
            break;
        }
        match fs::remove_file(&path) {
            Ok(()) => total -= size,
            Err(error) if error.kind() == io::ErrorKind::NotFound => total -= size,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kept_archive_is_verified_and_the_one_used_longest_ago_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept { folder: folder.path().join("charts"), most: 25 };
        let (place, nobody) = (ChartPlace::Oci("oci://a.example/b".to_owned()), Reader::nobody());
        let archives = ["first one.", "second one", "third one."].map(str::as_bytes);
        let digests = archives.map(Digest::sha256);
        for (archive, digest) in archives.iter().zip(&digests).take(2) {
            kept.keep(&place, &nobody, digest, archive).await;
            // The times of files are the order here, so they are set.
            let long_ago = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(archive.len() as u64);
            fs::File::options().append(true).open(kept.path(&place, &nobody, digest)).unwrap().set_modified(long_ago).unwrap();
        }
        assert_eq!(kept.read(&place, &nobody, &digests[0]).await.as_deref(), Some(archives[0]), "and so it is used");
        kept.keep(&place, &nobody, &digests[2], archives[2]).await;
        assert_eq!(kept.read(&place, &nobody, &digests[1]).await, None);
        assert_eq!(kept.read(&place, &nobody, &digests[0]).await.as_deref(), Some(archives[0]));

        let elsewhere = ChartPlace::Oci("oci://b.example/b".to_owned());
        assert_eq!(kept.read(&elsewhere, &nobody, &digests[0]).await, None, "a digest alone gives nothing away");
        fs::write(kept.path(&place, &nobody, &digests[0]), "other").unwrap();
        assert_eq!(kept.read(&place, &nobody, &digests[0]).await, None, "what is damaged is not used");
    }
}
