//! The keys of a home: the one that seals, and during a rotation the one that it follows.
//!
//! A rotation writes the next key beside the current one, seals everything anew, and puts the next one in the other's place. From its
//! first step to its last both lie on the disk and open what is sealed, so it may stop anywhere and go on later.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{RwLock as Gate, RwLockReadGuard};

use crate::key::{Key, KeyError, put_in_place};

/// Seals and opens what lies at rest in a home. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct SecretKeys {
    path: PathBuf,
    known: Arc<RwLock<Known>>,
    readers: Arc<Gate<()>>,
}

#[derive(Clone)]
struct Known {
    /// Seals.
    current: Key,
    /// Opens what was sealed before the rotation that has begun.
    before: Option<Key>,
}

impl Known {
    fn read(path: &Path) -> Result<Self, KeyError> {
        match (Key::load(path)?, Key::load(&next(path))?) {
            (Some(before), Some(current)) => Ok(Self { current, before: Some(before) }),
            (Some(current), None) => Ok(Self { current, before: None }),
            (None, Some(_)) => Err(KeyError::Gone { path: path.display().to_string() }),
            (None, None) => Ok(Self { current: Key::create(path)?, before: None }),
        }
    }
}

/// Where the key lies that a rotation goes to.
fn next(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    path.with_file_name(name)
}

impl SecretKeys {
    /// Reads the keys; makes one first if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, KeyError> {
        Ok(Self { path: path.to_owned(), known: Arc::new(RwLock::new(Known::read(path)?)), readers: Arc::default() })
    }

    /// A nonce and the sealed text; `place` must be the same when it is opened.
    pub fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>, String> {
        self.known().current.seal(place, text)
    }

    /// The text, if a key of this home sealed it for this place.
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Result<String, String> {
        let known = self.known();
        match (known.current.open(place, sealed), &known.before) {
            (Err(_), Some(before)) => before.open(place, sealed),
            (opened, _) => opened,
        }
    }

    /// The same text under the current key; `None` when that is what sealed it.
    pub fn seal_anew(&self, place: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let known = self.known();
        match (known.current.open(place, sealed), &known.before) {
            (Ok(_), _) => Ok(None),
            (Err(_), Some(before)) => {
                let text = zeroize::Zeroizing::new(before.open(place, sealed)?);
                known.current.seal(place, &text).map(Some)
            }
            (Err(reason), None) => Err(reason),
        }
    }

    /// Keeps what opens the rows that are read meanwhile.
    pub(crate) async fn while_reading(&self) -> RwLockReadGuard<'_, ()> {
        self.readers.read().await
    }

    /// Whether a rotation has begun and not ended.
    pub fn is_rotating(&self) -> bool {
        self.known().before.is_some()
    }

    /// Makes the next key, on the disk, and seals with it from now on. A rotation that has begun already goes on.
    pub(crate) fn begin(&self) -> Result<(), KeyError> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.before.is_none() {
            let made = Key::create(&next(&self.path))?;
            known.before = Some(std::mem::replace(&mut known.current, made));
        }
        Ok(())
    }

    /// Forgets the key before: nothing may be sealed with it any more.
    pub(crate) async fn finish(&self) -> Result<(), KeyError> {
        // Somebody may hold a row that he has read under the key before, and not opened yet.
        let _none_reads = self.readers.write().await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.before.is_some() {
            put_in_place(&next(&self.path), &self.path)?;
            known.before = None;
        }
        Ok(())
    }

    /// Reads the files again: another process may have owned the home after they were read.
    pub(crate) fn read_again(&self) -> Result<(), KeyError> {
        let found = Known::read(&self.path)?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
