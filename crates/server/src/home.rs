//! The folder of the server's state, which only its user can read.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use slipway_ports::SecretText;

use crate::home_lock::HomeLock;

/// More is no password.
const MOST_PASSWORD: u64 = 64 << 10;

/// `${SLIPWAY_HOME:-$HOME/.local/share/slipway}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// Where a running server is reached; the file `server.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerRecord {
    /// `host:port` of the HTTP API.
    pub address: String,
    /// `host:port` of the registry.
    pub registry: String,
    /// The server's process.
    pub pid: u32,
}

/// Why the home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Neither variable says where it is.
    #[error("neither SLIPWAY_HOME nor HOME is set, so there is no place for the server's state")]
    Nowhere,
    /// Another server owns it.
    #[error("another server owns {0}")]
    Owned(PathBuf),
    /// The disk refuses.
    #[error("{path} cannot be {what}: {error}")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
}

impl Home {
    /// The home that the environment names.
    pub fn find() -> Result<Self, HomeError> {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = named("SLIPWAY_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share/slipway")));
        root.map(Self::at).ok_or(HomeError::Nowhere)
    }

    /// A home at a path; a relative one counts from the working directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { root: std::path::absolute(&root).unwrap_or(root) }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folder, mode 0700, unless it is there.
    pub fn create(&self) -> Result<(), HomeError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.root);
        let closed = made.and_then(|()| std::fs::set_permissions(&self.root, std::fs::Permissions::from_mode(0o700)));
        closed.map_err(|error| disk(&self.root, "made", error))
    }

    /// Takes the home for this process. Somebody who looks whether it is owned holds it for a moment, so it is tried again.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        for _ in 0..20 {
            match HomeLock::take(&self.root) {
                Err(HomeError::Owned(_)) => std::thread::sleep(std::time::Duration::from_millis(10)),
                other => return other,
            }
        }
        HomeLock::take(&self.root)
    }

    /// Whether a server owns the home now.
    pub fn is_owned(&self) -> Result<bool, HomeError> {
        if !self.root.join("lock").exists() {
            return Ok(false);
        }
        match HomeLock::take(&self.root) {
            Ok(_) => Ok(false),
            Err(HomeError::Owned(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The token that every request of the API must carry; made at the first start.
    pub fn token_or_create(&self) -> Result<SecretText, HomeError> {
        self.random_text("token")
    }

    /// The token of the API.
    pub fn token(&self) -> Result<SecretText, HomeError> {
        self.read_secret("token")
    }

    /// The password of the registry's user who writes; made at the first start.
    pub fn registry_password_or_create(&self) -> Result<SecretText, HomeError> {
        self.random_text("registry-password")
    }

    /// The password of the registry's user who only reads, which targets are given; made at the first start.
    pub fn registry_pull_password_or_create(&self) -> Result<SecretText, HomeError> {
        self.random_text("registry-pull-password")
    }

    /// Where the token is.
    pub fn token_path(&self) -> PathBuf {
        self.root.join("token")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("slipway.db")
    }

    /// The key that secrets are encrypted with.
    pub fn secret_key(&self) -> PathBuf {
        self.root.join("secret.key")
    }

    /// The log of the server.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// A folder in the home.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Says where the server is reached.
    pub fn write_record(&self, record: &ServerRecord) -> Result<(), HomeError> {
        let text = serde_json::to_string_pretty(record).expect("strings and numbers always serialise");
        self.write_private("server.json", text.as_bytes())
    }

    /// A page of this user's alone that leads a browser to an address with a secret in it, which no list of processes shows then.
    pub fn write_open_page(&self, address: &str) -> Result<PathBuf, HomeError> {
        let address = address.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let page = format!(
            "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
             <meta http-equiv=\"refresh\" content=\"0; url={address}\"><title>Slipway</title><a href=\"{address}\">Slipway</a>\n"
        );
        self.write_private("open.html", page.as_bytes())?;
        Ok(self.root.join("open.html"))
    }

    /// Where the server is reached, if one has said so; it may be gone.
    pub fn record(&self) -> Result<Option<ServerRecord>, HomeError> {
        let path = self.root.join("server.json");
        match std::fs::read(&path) {
            // The file is written by rename, so it is never half there; what does not parse is of no server of ours.
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk(&path, "read", error)),
        }
    }

    fn random_text(&self, name: &str) -> Result<SecretText, HomeError> {
        if self.root.join(name).exists() {
            return self.read_secret(name);
        }
        let mut bytes = [0_u8; 32];
        let source = Path::new("/dev/urandom");
        File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(|error| disk(source, "read", error))?;
        let text = bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        });
        self.write_private(name, text.as_bytes())?;
        Ok(SecretText::new(text))
    }

    fn read_secret(&self, name: &str) -> Result<SecretText, HomeError> {
        let path = self.root.join(name);
        let text = std::fs::read_to_string(&path).map_err(|error| disk(&path, "read", error))?;
        Ok(SecretText::new(text.trim()))
    }

    fn write_private(&self, name: &str, content: &[u8]) -> Result<(), HomeError> {
        let path = self.root.join(name);
        let beside = self.root.join(format!(".{name}.new"));
        let write = || -> io::Result<()> {
            // A leftover of a killed server would keep its own mode.
            let _ = std::fs::remove_file(&beside);
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
            file.write_all(content)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)
        };
        write().map_err(|error| disk(&path, "written", error))
    }
}

/// A password in a file of the operator, less one line end. Others must not be able to read it.
pub(crate) fn password_in(path: &Path) -> Result<SecretText, HomeError> {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let about = file.metadata()?;
        if !about.is_file() || about.len() > MOST_PASSWORD {
            return Err(io::Error::other("it is no file of at most 64 KiB"));
        }
        if about.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::other(format!("others can read it; run `chmod 600 {}`", path.display())));
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error| disk(path, "read", error))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let password = SecretText::new(line.strip_suffix('\r').unwrap_or(line));
    if password.expose().is_empty() {
        return Err(disk(path, "read", io::Error::other("it holds no password")));
    }
    Ok(password)
}

pub(crate) fn disk(path: &Path, what: &'static str, error: io::Error) -> HomeError {
    HomeError::Disk { path: path.to_owned(), what, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_only_their_user_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("a/b"));
        home.create().unwrap();
        let token = home.token_or_create().unwrap();
        assert_eq!(token.expose().len(), 64);
        assert_eq!(home.token_or_create().unwrap(), token);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(home.root()), mode(&home.token_path())), (0o700, 0o600));
    }

    #[test]
    fn a_password_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "hunter2\r\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = password_in(&path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(password_in(&path).unwrap().expose(), "hunter2");
        std::fs::write(&path, "\n").unwrap();
        assert!(password_in(&path).is_err() && password_in(folder.path()).is_err());
    }

    #[test]
    fn one_server_owns_a_home() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        assert!(!home.is_owned().unwrap());
        let lock = home.lock().unwrap();
        assert!(home.is_owned().unwrap());
        assert!(matches!(home.lock(), Err(HomeError::Owned(_))));
        drop(lock);
        assert!(!home.is_owned().unwrap());
    }

    #[test]
    fn looking_at_a_home_does_not_keep_a_server_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let looks = HomeLock::take(home.root()).unwrap();
        let server = std::thread::spawn({
            let home = home.clone();
            move || home.lock().map(drop)
        });
        std::thread::sleep(std::time::Duration::from_millis(30));
        drop(looks);
        server.join().unwrap().unwrap();
    }
}
