//! The Secrets of environments, each sealed in a file of its own that only the server's user can read.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{SecretObject, SecretText};

use crate::names::checked;
use crate::record::{absent_is_fine, disk, entries, replace_file, write_file};

/// Seals what lies on the disk, with a key that does not lie beside it.
pub trait Seal: Send + Sync {
    /// Seals a text for a place.
    fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>, String>;

    /// Opens what was sealed for this place.
    fn open(&self, place: &str, sealed: &[u8]) -> Result<String, String>;

    /// The same text under the key that seals now; `None` when that is what sealed it.
    fn seal_anew(&self, place: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String>;
}

/// The Secrets of a home.
pub(crate) struct Secrets {
    folder: PathBuf,
    seal: Arc<dyn Seal>,
    /// Held for as long as the key of a file matters: from the seal to the disk, from the disk to what is opened.
    files: RwLock<()>,
}

/// A Secret as it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    data: BTreeMap<String, SecretText>,
    service: Option<String>,
    immutable: bool,
}

impl Secrets {
    /// Those in a folder.
    pub(crate) fn new(folder: &Path, seal: Arc<dyn Seal>) -> Self {
        Self { folder: folder.to_owned(), seal, files: RwLock::default() }
    }

    /// Keeps a Secret. An immutable one is never changed.
    pub(crate) fn put(&self, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
        let (path, place) = self.path(namespace, &secret.name)?;
        let service = secret.labels.get(crate::names::SERVICE).cloned();
        let _writes = self.files.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.read(&path, &place)? {
            if found.data == secret.data {
                return Ok(());
            }
            if found.immutable {
                return Err(Failure::permanent(
                    Code::ClusterRefused,
                    format!("the Secret {} of {namespace} is immutable and has another content", secret.name),
                ));
            }
        }
        let kept = Kept { data: secret.data.clone(), service, immutable: secret.immutable };
        let text = SecretText::new(serde_json::to_string(&kept).map_err(|error| damaged(&path, &error.to_string()))?);
        let sealed = self.seal.seal(&place, text.expose()).map_err(|reason| damaged(&path, &reason))?;
        write_file(&path, &sealed).map_err(|error| disk(&path, &error))
    }

    /// The content of a Secret; `None` when it is not there.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        let (path, place) = self.path(namespace, name)?;
        let _reads = self.files.read().unwrap_or_else(PoisonError::into_inner);
        Ok(self.read(&path, &place)?.map(|kept| kept.data))
    }

    /// The names of the Secrets of a service.
    pub(crate) fn of_service(&self, namespace: &str, service: &str) -> Result<Vec<String>, Failure> {
        let folder = self.folder.join(checked(namespace)?).join("secrets");
        let names = entries(&folder).map_err(|error| disk(&folder, &error))?;
        let mut found = Vec::new();
        for name in names.into_iter().filter(|name| checked(name).is_ok()) {
            let (path, place) = self.path(namespace, &name)?;
            let _reads = self.files.read().unwrap_or_else(PoisonError::into_inner);
            if self.read(&path, &place)?.is_some_and(|kept| kept.service.as_deref() == Some(service)) {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// Removes the Secrets of a service.
    pub(crate) fn remove_of_service(&self, namespace: &str, service: &str) -> Result<(), Failure> {
        for name in self.of_service(namespace, service)? {
            let (path, _) = self.path(namespace, &name)?;
            let _writes = self.files.write().unwrap_or_else(PoisonError::into_inner);
            absent_is_fine(std::fs::remove_file(&path)).map_err(|error| disk(&path, &error))?;
        }
        Ok(())
    }

    /// Fails when one does not open.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.each(|path, place| self.read(path, place).map(|_| false)).map(|_| ())
    }

    /// Seals under the key that seals now what another has sealed, and tells how many there are.
    pub(crate) fn seal_anew(&self) -> Result<u64, Failure> {
        self.each(|path, place| {
            let _writes = self.files.write().unwrap_or_else(PoisonError::into_inner);
            let Some(sealed) = sealed(path)? else { return Ok(false) };
            match self.seal.seal_anew(place, &sealed).map_err(|reason| damaged(path, &reason))? {
                // Its namespace may have been removed meanwhile, and does not come back.
                Some(anew) => absent_is_fine(replace_file(path, &anew)).map_err(|error| disk(path, &error)).map(|()| true),
                None => Ok(true),
            }
        })
    }

    /// Does it to each file of a Secret, and counts those for which it is true.
    fn each(&self, act: impl Fn(&Path, &str) -> Result<bool, Failure>) -> Result<u64, Failure> {
        let mut count = 0;
        let listed = |folder: &Path| -> Result<Vec<String>, Failure> {
            let names = entries(folder).map_err(|error| disk(folder, &error))?;
            Ok(names.into_iter().filter(|name| checked(name).is_ok()).collect())
        };
        for namespace in listed(&self.folder)? {
            for name in listed(&self.folder.join(&namespace).join("secrets"))? {
                let (path, place) = self.path(&namespace, &name)?;
                count += u64::from(act(&path, &place)?);
            }
        }
        Ok(count)
    }

    fn read(&self, path: &Path, place: &str) -> Result<Option<Kept>, Failure> {
        let Some(sealed) = sealed(path)? else { return Ok(None) };
        let text = SecretText::new(self.seal.open(place, &sealed).map_err(|reason| damaged(path, &reason))?);
        // What serde says of a text may quote it.
        serde_json::from_str(text.expose()).map(Some).map_err(|_| damaged(path, "it is no Secret"))
    }

    /// The file of a Secret, and the place that it is sealed for.
    fn path(&self, namespace: &str, name: &str) -> Result<(PathBuf, String), Failure> {
        let (namespace, name) = (checked(namespace)?, checked(name)?);
        Ok((self.folder.join(namespace).join("secrets").join(name), format!("docker/{namespace}/{name}")))
    }
}

fn sealed(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|error| disk(path, &error)),
    }
}

fn damaged(path: &Path, reason: &str) -> Failure {
    Failure::permanent(Code::Internal, format!("the Secret {} can not be used: {reason}", path.display()))
        .with_hint("remove the file and deploy again: it is made anew")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Turns every bit, and knows its place. What begins with `!` was sealed by the key before.
    struct Turning;

    impl Seal for Turning {
        fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>, String> {
            Ok(format!("{place}\n{text}").bytes().map(|byte| !byte).collect())
        }

        fn seal_anew(&self, place: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
            self.open(place, sealed)?;
            Ok(sealed.strip_prefix(b"!").map(<[u8]>::to_vec))
        }

        fn open(&self, place: &str, sealed: &[u8]) -> Result<String, String> {
            let sealed = sealed.strip_prefix(b"!").unwrap_or(sealed);
            let text = String::from_utf8(sealed.iter().map(|byte| !byte).collect()).map_err(|error| error.to_string())?;
            text.strip_prefix(&format!("{place}\n")).map(str::to_owned).ok_or_else(|| "another place".to_owned())
        }
    }

    fn secret(name: &str, value: &str, immutable: bool) -> SecretObject {
        SecretObject {
            name: name.to_owned(),
            secret_type: "Opaque".to_owned(),
            data: BTreeMap::from([("TOKEN".to_owned(), SecretText::new(value))]),
            labels: BTreeMap::from([("slipway.dev/service".to_owned(), "api".to_owned())]),
            immutable,
        }
    }

    #[test]
    fn a_secret_is_kept_sealed_never_changed_and_goes_with_its_service() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(folder.path(), Arc::new(Turning));
        secrets.put("ns", &secret("api-1", "hunter2", true)).unwrap();
        secrets.put("ns", &secret("api-1", "hunter2", true)).unwrap();
        assert_eq!(secrets.get("ns", "api-1").unwrap().unwrap()["TOKEN"].expose(), "hunter2");
        assert_eq!(secrets.get("ns", "api-2").unwrap(), None);
        let refused = secrets.put("ns", &secret("api-1", "other-value", true)).unwrap_err();
        assert!(refused.message.contains("immutable") && !format!("{refused:?}").contains("hunter2"), "{refused:?}");
        let path = folder.path().join("ns/secrets/api-1");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!std::fs::read(&path).unwrap().windows(7).any(|window| window == b"hunter2"));
        assert!(secrets.put("..", &secret("a", "b", false)).is_err());
        assert!(secrets.get("ns", "../../etc/passwd").is_err());
        secrets.remove_of_service("ns", "api").unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn every_secret_is_sealed_anew_and_one_that_does_not_open_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(folder.path(), Arc::new(Turning));
        assert_eq!(secrets.seal_anew().unwrap(), 0);
        let path = |namespace: &str| folder.path().join(namespace).join("secrets/api-1");
        for namespace in ["one", "two"] {
            secrets.put(namespace, &secret("api-1", "hunter2", true)).unwrap();
            let sealed = std::fs::read(path(namespace)).unwrap();
            std::fs::write(path(namespace), [b"!".as_slice(), &sealed].concat()).unwrap();
        }
        secrets.check().unwrap();
        assert_eq!(secrets.seal_anew().unwrap(), 2);
        for namespace in ["one", "two"] {
            assert_ne!(std::fs::read(path(namespace)).unwrap()[0], b'!');
            assert_eq!(secrets.get(namespace, "api-1").unwrap().unwrap()["TOKEN"].expose(), "hunter2");
            assert_eq!(std::fs::metadata(path(namespace)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(secrets.seal_anew().unwrap(), 2, "harmless when it is repeated");
        std::fs::rename(path("one"), folder.path().join("two/secrets/api-2")).unwrap();
        let told = secrets.check().unwrap_err();
        assert!(told.message.contains("two/secrets/api-2"), "{told:?}");
        assert!(secrets.seal_anew().is_err());
    }
}
