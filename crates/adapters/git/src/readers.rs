//! Who has read a repository: only he may use its mirror.
//!
//! A mirror is one for all projects of a server. The host says who may read it, each time that it is fetched; what it said is kept
//! in the mirror, so that commits which the mirror holds can still be read by the same when the host is gone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use slipway_core::failure::{Code, Failure};
use slipway_ports::Credential;

use crate::context::hex;

const FOLDER: &str = "slipway-readers";

/// The mark of a reader; those who have no credential are one.
fn mark(mirror: &Path, credential: Option<&Credential>) -> PathBuf {
    let name = credential.map_or_else(|| "anybody".to_owned(), |credential| hex(&Sha256::digest(credential.id.as_bytes())));
    mirror.join(FOLDER).join(name)
}

/// Whether the mirror is there, and its host has let the reader in.
pub(crate) fn has_read(mirror: &Path, credential: Option<&Credential>) -> io::Result<bool> {
    mark(mirror, credential).try_exists()
}

/// Keeps what the host has said: that it lets the reader in, or does not any more. A host that could not be asked said neither.
pub(crate) fn remember(mirror: &Path, credential: Option<&Credential>, fetched: &Result<(), Failure>) -> io::Result<()> {
    let mark = mark(mirror, credential);
    match fetched {
        Ok(()) if mark.try_exists()? => Ok(()),
        Ok(()) => {
            fs::create_dir_all(mirror.join(FOLDER))?;
            fs::write(mark, "")
        }
        Err(failure) if failure.code == Code::RepositoryUnauthorized => {
            fs::remove_file(mark).or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
        }
        Err(_) => Ok(()),
    }
}
