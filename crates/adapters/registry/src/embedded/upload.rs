//! Uploads in progress: bytes are appended to a file and hashed as they arrive.
//!
//! The file's length is the truth about how far an upload is; the hash in memory is a shortcut that is made again from the
//! file when the two disagree, for example after a restart.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use futures::StreamExt as _;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::error::{ErrorCode, Refusal};
use super::storage::Storage;
use crate::digest::{Digest, DigestAlgorithm, Hasher};
use crate::name::RepositoryName;

/// How long a request waits for another one that writes the same upload, such as one whose client is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may send nothing of a body that it began.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// How much is read at once when a file is hashed again.
const READ_SIZE: usize = 1 << 20;

/// How far the hash of an upload is.
#[derive(Clone)]
struct Progress {
    hasher: Hasher,
    hashed: u64,
}

/// The lock of one upload, and its hash as far as this process knows it.
type Writer = Arc<tokio::sync::Mutex<Option<Progress>>>;

/// The uploads that this process has seen, each written by one request at a time.
#[derive(Clone, Default)]
pub(crate) struct Uploads {
    active: Arc<Mutex<HashMap<Uuid, Writer>>>,
}

/// What a request says about the bytes that it brings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Announced {
    /// Where the bytes begin, by `Content-Range`.
    pub(crate) start: Option<u64>,
    /// How many there are, by `Content-Range` or `Content-Length`.
    pub(crate) length: Option<u64>,
}

impl Uploads {
    /// Appends a request's body; returns the new length. What arrived of a body that breaks off is kept, to go on from.
    pub(crate) async fn append(
        &self,
        storage: &Storage,
        (name, id): (&RepositoryName, Uuid),
        announced: Announced,
        body: Body,
    ) -> Result<u64, Refusal> {
        let mut progress = self.lock(storage, name, id).await?;
        self.append_locked(storage, (name, id), announced, body, &mut progress).await
    }

    /// Appends a request's body, then checks the whole and makes it a blob. Nothing of a wrong upload is kept.
    pub(crate) async fn finish(
        &self,
        storage: &Storage,
        (name, id): (&RepositoryName, Uuid),
        (announced, body): (Announced, Body),
        expected: &Digest,
    ) -> Result<(), Refusal> {
        let mut progress = self.lock(storage, name, id).await?;
        self.append_locked(storage, (name, id), announced, body, &mut progress).await?;
        let path = storage.layout().upload_data(id);
        let actual = match progress.take() {
            Some(done) if expected.algorithm() == DigestAlgorithm::Sha256 => done.hasher.finish(),
            _ => hash_file(path.clone(), expected.algorithm()).await?.hasher.finish(),
        };
        let (storage, name, expected) = (storage.clone(), name.clone(), expected.clone());
        let verdict = blocking(move || {
            if actual != expected {
                storage.remove_upload(id)?;
                return Ok(Err(actual));
            }
            storage.publish_blob(&name, &expected, &path)?;
            storage.remove_upload(id)?;
            Ok(Ok(()))
        })
        .await?;
        self.forget(id);
        verdict.map_err(|actual| {
            let message = format!("the uploaded content has the digest {actual}; it was discarded");
            Refusal::bad_request(ErrorCode::DigestInvalid, message)
        })
    }

    /// Removes an upload and its bytes; says whether there was one.
    pub(crate) async fn cancel(&self, storage: &Storage, name: &RepositoryName, id: Uuid) -> Result<bool, Refusal> {
        let _writer = self.lock(storage, name, id).await?;
        let (storage, name) = (storage.clone(), name.clone());
        let existed = blocking(move || {
            let existed = storage.upload_length(&name, id)?.is_some();
            if existed {
                storage.remove_upload(id)?;
            }
            Ok(existed)
        })
        .await?;
        self.forget(id);
        Ok(existed)
    }

    /// Waits until no other request writes the upload. What it is then is to be looked at afterwards.
    async fn lock(
        &self,
        storage: &Storage,
        name: &RepositoryName,
        id: Uuid,
    ) -> Result<OwnedMutexGuard<Option<Progress>>, Refusal> {
        let (storage, name) = (storage.clone(), name.clone());
        if !blocking(move || storage.has_upload(&name, id)).await? {
            return Err(unknown());
        }
        let upload = {
            let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(active.entry(id).or_default())
        };
        tokio::time::timeout(PATIENCE, upload.lock_owned()).await.map_err(|_| {
            let message = "another request is writing this upload; try again when it has ended";
            Refusal::new(StatusCode::CONFLICT, ErrorCode::BlobUploadInvalid, message)
        })
    }

    async fn append_locked(
        &self,
        storage: &Storage,
        (name, id): (&RepositoryName, Uuid),
        announced: Announced,
        body: Body,
        progress: &mut Option<Progress>,
    ) -> Result<u64, Refusal> {
        let length = known_length(storage, name, id).await?;
        if announced.start.is_some_and(|start| start != length) {
            return Err(out_of_order(name, id, length));
        }
        let path = storage.layout().upload_data(id);
        let mut current = match progress.take() {
            Some(progress) if progress.hashed == length => progress,
            _ => hash_file(path.clone(), DigestAlgorithm::Sha256).await?,
        };
        let mut file = OpenOptions::new().append(true).open(&path).await?;
        let before = current.clone();
        let received = receive(&mut file, body.into_data_stream(), announced.length, &mut current).await;
        // Bytes that were accepted are in the file before anybody asks for its length.
        let flushed = file.flush().await.map_err(Interruption::of_disk);
        match received.and(flushed) {
            Ok(()) => {
                let end = current.hashed;
                *progress = Some(current);
                Ok(end)
            }
            Err(Interruption::Lied(refusal)) => {
                file.set_len(before.hashed).await?;
                *progress = Some(before);
                Err(refusal)
            }
            Err(Interruption::BrokeOff(refusal)) => {
                *progress = Some(current);
                Err(refusal)
            }
            Err(Interruption::Full(refusal)) => {
                drop(file);
                let storage = storage.clone();
                blocking(move || storage.remove_upload(id)).await?;
                self.forget(id);
                Err(refusal)
            }
        }
    }

    fn forget(&self, id: Uuid) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Why the body was not taken to its end.
enum Interruption {
    /// Its length was not what its headers said: nothing of it is kept.
    Lied(Refusal),
    /// The connection or the disk failed: what came is kept.
    BrokeOff(Refusal),
    /// The disk is full: nothing is kept, for few clients ever go on with it, and others need the space.
    Full(Refusal),
}

impl Interruption {
    fn of_disk(error: io::Error) -> Self {
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if is_full { Self::Full(error.into()) } else { Self::BrokeOff(error.into()) }
    }
}

async fn receive(
    file: &mut File,
    mut body: BodyDataStream,
    length: Option<u64>,
    progress: &mut Progress,
) -> Result<(), Interruption> {
    let start = progress.hashed;
    loop {
        let next = tokio::time::timeout(LONGEST_SILENCE, body.next()).await.map_err(|_| {
            let message =
                format!("no byte came for {} s; ask for the upload's status and go on from there", LONGEST_SILENCE.as_secs());
            let refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::BlobUploadInvalid, message);
            Interruption::BrokeOff(refusal)
        })?;
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|error| {
            let message = format!("the upload broke off: {error}; ask for its status and go on from there");
            Interruption::BrokeOff(Refusal::bad_request(ErrorCode::BlobUploadInvalid, message))
        })?;
        if length.is_some_and(|length| progress.hashed - start + chunk.len() as u64 > length) {
            return Err(Interruption::Lied(wrong_size("longer")));
        }
        file.write_all(&chunk).await.map_err(Interruption::of_disk)?;
        progress.hasher.update(&chunk);
        progress.hashed += chunk.len() as u64;
    }
    if length.is_some_and(|length| progress.hashed - start < length) {
        return Err(Interruption::BrokeOff(wrong_size("shorter")));
    }
    Ok(())
}

fn wrong_size(how: &str) -> Refusal {
    let message = format!("the body is {how} than Content-Range or Content-Length says");
    Refusal::bad_request(ErrorCode::SizeInvalid, message)
}

fn out_of_order(name: &RepositoryName, id: Uuid, length: u64) -> Refusal {
    let message = format!("the upload has {length} bytes; the next chunk must begin there");
    Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid, message)
        .with_header(axum::http::header::LOCATION, location(name, id))
        .with_header(axum::http::header::RANGE, received_range(length))
}

/// Where an upload goes on.
pub(crate) fn location(name: &RepositoryName, id: Uuid) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

/// The bytes that an upload has; `0-0` also when it has none, as clients expect.
pub(crate) fn received_range(length: u64) -> String {
    format!("0-{}", length.saturating_sub(1))
}

/// The length of an upload of this repository; refuses when there is none.
pub(crate) async fn known_length(storage: &Storage, name: &RepositoryName, id: Uuid) -> Result<u64, Refusal> {
    let (storage, name) = (storage.clone(), name.clone());
    blocking(move || storage.upload_length(&name, id)).await?.ok_or_else(unknown)
}

fn unknown() -> Refusal {
    Refusal::not_found(ErrorCode::BlobUploadUnknown, "there is no such upload; start a new one")
}

async fn hash_file(path: PathBuf, algorithm: DigestAlgorithm) -> Result<Progress, Refusal> {
    blocking(move || hash_file_blocking(&path, algorithm)).await
}

fn hash_file_blocking(path: &Path, algorithm: DigestAlgorithm) -> io::Result<Progress> {
    let mut progress = Progress { hasher: Hasher::new(algorithm), hashed: 0 };
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(progress);
        }
        progress.hasher.update(&buffer[..read]);
        progress.hashed += read as u64;
    }
}

/// Runs what waits for the disk off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(io::Error::other)??)
}
