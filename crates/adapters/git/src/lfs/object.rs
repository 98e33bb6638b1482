//! Objects on disk, by their digests, beside the mirror of their repository: who may not read the one does not share the other.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use slipway_core::failure::{Code, Failure};
use tokio::io::AsyncWriteExt as _;

use super::client::{BATCH, Client, unreachable};
use super::endpoint::Endpoint;
use super::pointer::Pointer;
use super::server::Server;
use crate::context::hex;

/// Objects in the making have names that begin so.
const UNFINISHED: &str = ".unfinished-";

/// The objects of one repository.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    largest: u64,
}

impl Cache {
    /// The objects beside a mirror.
    pub(crate) fn beside(mirror: &Path, largest: u64) -> Self {
        Self { folder: mirror.with_extension("lfs"), largest }
    }

    /// Removes what an interrupted server left.
    pub(crate) fn clear_unfinished(folder: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Where an object lies, or will.
    pub(crate) fn path(&self, pointer: &Pointer) -> PathBuf {
        self.folder.join(&pointer.oid)
    }

    /// Downloads the objects that are not here. `wanted` are pointers, and the path of a file of each, to be named in a failure.
    pub(crate) async fn ensure(&self, client: &Client, server: &Server<'_>, wanted: &[(&Pointer, &str)]) -> Result<(), Failure> {
        let mut missing = BTreeMap::new();
        for (pointer, path) in wanted {
            if pointer.size > self.largest {
                let message = format!("`{path}` has {} bytes in Git LFS; at most {} are read", pointer.size, self.largest);
                return Err(Failure::permanent(Code::LfsUnavailable, message)
                    .with_hint("exclude it with `.dockerignore` if the image does not need it"));
            }
            if !self.holds(pointer).map_err(|error| not_kept(&self.folder, &error))? {
                missing.insert(&pointer.oid, (*pointer, *path));
            }
        }
        let missing: Vec<(&Pointer, &str)> = missing.into_values().collect();
        for some in missing.chunks(BATCH) {
            let pointers: Vec<&Pointer> = some.iter().map(|(pointer, _)| *pointer).collect();
            let endpoint = &server.endpoint().await?;
            let downloads = client.batch(endpoint, &pointers).await?;
            for (pointer, path) in some {
                let download = downloads.get(&pointer.oid).ok_or_else(|| {
                    let message = format!("the LFS server {} does not hold `{path}` (sha256:{})", endpoint.url, pointer.oid);
                    Failure::permanent(Code::LfsUnavailable, message).with_hint("push it with `git lfs push --all`")
                })?;
                let response = client.download(endpoint, download).await?;
                self.keep(endpoint, pointer, path, response).await?;
            }
        }
        Ok(())
    }

    fn holds(&self, pointer: &Pointer) -> io::Result<bool> {
        match std::fs::metadata(self.path(pointer)) {
            Ok(metadata) => Ok(metadata.len() == pointer.size),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes an object under another name, and gives it its own when it is what its digest says.
    async fn keep(
        &self,
        endpoint: &Endpoint,
        pointer: &Pointer,
        path: &str,
        mut response: reqwest::Response,
    ) -> Result<(), Failure> {
        let not_kept = |error: io::Error| not_kept(&self.folder, &error);
        std::fs::create_dir_all(&self.folder).map_err(not_kept)?;
        let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder).map_err(not_kept)?;
        let mut file = tokio::fs::File::from_std(unfinished.reopen().map_err(not_kept)?);
        let (mut digest, mut size) = (Sha256::new(), 0_u64);
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(endpoint, &error))? {
            size += chunk.len() as u64;
            if size > pointer.size {
                break;
            }
            digest.update(&chunk);
            file.write_all(&chunk).await.map_err(not_kept)?;
        }
        if size < pointer.size {
            let message = format!("the LFS server {} sent {size} of the {} bytes of `{path}`", endpoint.url, pointer.size);
            return Err(Failure::retry(Code::LfsUnavailable, message));
        }
        if size > pointer.size || hex(&digest.finalize()) != pointer.oid {
            let message = format!("what the LFS server {} sent for `{path}` is not sha256:{}", endpoint.url, pointer.oid);
            return Err(
                Failure::permanent(Code::DigestMismatch, message).with_hint("push the file anew with `git lfs push --all`")
            );
        }
        file.sync_all().await.map_err(not_kept)?;
        unfinished.persist(self.path(pointer)).map_err(|error| not_kept(error.error))?;
        Ok(())
    }
}

fn not_kept(folder: &Path, error: &io::Error) -> Failure {
    Failure::retry(Code::Internal, format!("objects of Git LFS cannot be kept in {}: {error}", folder.display()))
        .with_hint("free space in the server's data folder, and check its owner")
}
