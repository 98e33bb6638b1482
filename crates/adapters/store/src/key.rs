//! One key that seals secrets, and its file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Why the key can not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can not be read or written.
    #[error("the key file {path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Others can read the file.
    #[error("the key file {path} can be read by others (mode {mode:o}); run `chmod 600 {path}`")]
    Exposed {
        /// Which file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The file does not hold a key.
    #[error("the key file {path} holds {found} bytes, not {KEY_BYTES}; restore it from a backup")]
    Damaged {
        /// Which file.
        path: String,
        /// How many bytes are there.
        found: usize,
    },
    /// A rotation has begun, and the key that it began from is gone.
    #[error("the key file {path} is gone, though a rotation of it has not ended; restore it from a backup")]
    Gone {
        /// Which file.
        path: String,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Seals and opens secrets.
#[derive(Clone)]
pub(crate) struct Key(Aes256GcmSiv);

impl Key {
    /// Reads the key of a file; `None` when there is no file.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, KeyError> {
        match File::open(path) {
            Ok(file) => Self::read(path, file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(KeyError::File { path: path.display().to_string(), error }),
        }
    }

    /// Makes a key, and its file: whole and on the disk when this returns, or not there.
    pub(crate) fn create(path: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File { path: path.display().to_string(), error };
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        getrandom::fill(bytes.as_mut()).map_err(KeyError::Random)?;
        let temporary = path.with_extension("new");
        let _ = std::fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(failed)?;
        file.write_all(bytes.as_ref()).and_then(|()| file.sync_all()).map_err(failed)?;
        put_in_place(&temporary, path)?;
        Ok(Self::from_bytes(&bytes))
    }

    fn read(path: &Path, mut file: File) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File { path: path.display().to_string(), error };
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.display().to_string(), mode });
        }
        let mut found = Zeroizing::new(Vec::new());
        file.read_to_end(&mut found).map_err(failed)?;
        let bytes: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(
            found
                .as_slice()
                .try_into()
                .map_err(|_| KeyError::Damaged { path: path.display().to_string(), found: found.len() })?,
        );
        Ok(Self::from_bytes(&bytes))
    }

    fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Aes256GcmSiv::new(bytes.into()))
    }

    /// A nonce and the sealed text; `place` must be the same when it is opened.
    pub(crate) fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>, String> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let payload = Payload { msg: text.as_bytes(), aad: place.as_bytes() };
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), payload).map_err(|error| error.to_string())?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// The text, if this key sealed it for this place.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<String, String> {
        if sealed.len() < NONCE_BYTES {
            return Err("it is too short".to_owned());
        }
        let (nonce, sealed) = sealed.split_at(NONCE_BYTES);
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let text = self
            .0
            .decrypt(Nonce::from_slice(nonce), payload)
            .map_err(|_| "another key sealed it, or it is damaged".to_owned())?;
        String::from_utf8(text).map_err(|_| "it is no text".to_owned())
    }
}

/// Gives a file its name for good, in the place of the file that has it.
pub(crate) fn put_in_place(from: &Path, to: &Path) -> Result<(), KeyError> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let done = std::fs::rename(from, to).and_then(|()| File::open(folder)?.sync_all());
    done.map_err(|error| KeyError::File { path: to.display().to_string(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_in_its_place_and_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::create(&folder.path().join("a")).unwrap();
        let sealed = key.seal("shop/staging/TOKEN", "hunter2").unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(key.open("shop/staging/TOKEN", &sealed).unwrap(), "hunter2");
        assert!(key.open("shop/staging/OTHER", &sealed).is_err());
        let again = Key::load(&folder.path().join("a")).unwrap().unwrap();
        assert_eq!(again.open("shop/staging/TOKEN", &sealed).unwrap(), "hunter2");
        let other = Key::create(&folder.path().join("b")).unwrap();
        assert!(other.open("shop/staging/TOKEN", &sealed).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_cut_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(Key::load(&path).unwrap().is_none());
        Key::create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Key::load(&path), Err(KeyError::Exposed { mode: 0o644, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(31).unwrap();
        assert!(matches!(Key::load(&path), Err(KeyError::Damaged { found: 31, .. })));
    }
}
