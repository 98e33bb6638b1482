//! Credentials of registries, in a folder that only `buildctl` is pointed at.

use std::fmt;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use slipway_ports::SecretText;

/// Who the builder is to a registry.
#[derive(Clone)]
pub struct RegistryCredential {
    /// `host:port`.
    pub registry: String,
    /// The user.
    pub user: String,
    /// The password or token.
    pub password: SecretText,
}

impl fmt::Debug for RegistryCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryCredential").field("registry", &self.registry).field("user", &self.user).finish_non_exhaustive()
    }
}

/// Writes a `config.json` for `DOCKER_CONFIG`, readable by its owner alone, in one step.
pub(crate) fn write(folder: &Path, credentials: &[RegistryCredential]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    let entries: serde_json::Map<String, serde_json::Value> = credentials
        .iter()
        .map(|credential| {
            let pair = format!("{}:{}", credential.user, credential.password.expose());
            (credential.registry.clone(), json!({ "auth": STANDARD.encode(pair) }))
        })
        .collect();
    let unfinished = folder.join(".config.json");
    let _left_by_a_crash = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(json!({ "auths": entries }).to_string().as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join("config.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_can_read_the_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let credential = RegistryCredential {
            registry: "127.0.0.1:5000".to_owned(),
            user: "slipway".to_owned(),
            password: SecretText::new("a:b\"c"),
        };
        assert!(!format!("{credential:?}").contains("a:b"));
        write(folder.path(), &[credential]).unwrap();
        let path = folder.path().join("config.json");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(read["auths"]["127.0.0.1:5000"]["auth"], STANDARD.encode("slipway:a:b\"c"));
    }
}
