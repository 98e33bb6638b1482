//! Credentials of registries, in a folder that only `buildctl` is pointed at.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use slipway_core::model::CredentialPlace;
use slipway_ports::{Login, Reader, SecretText};

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

/// Under which name `buildctl` looks for the credential of Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What a build may show registries: the credentials of those who want it, and before them the builder's own.
pub(crate) fn of_build(own: &[RegistryCredential], reader: &Reader) -> Vec<RegistryCredential> {
    let mut by_host = BTreeMap::new();
    // One for each host is all that `buildctl` knows: the one for the largest part of it.
    for credential in reader.credentials() {
        let (CredentialPlace::Registry(place), Login::Password { user, password }) = (&credential.place, &credential.login)
        else {
            continue;
        };
        let depth = credential.place.depth();
        if by_host.get(place.host()).is_none_or(|(other, _)| depth < *other) {
            let registry = if place.host() == "docker.io" { DOCKER_HUB } else { place.host() };
            let found = RegistryCredential { registry: registry.to_owned(), user: user.clone(), password: password.clone() };
            by_host.insert(place.host().to_owned(), (depth, found));
        }
    }
    for credential in own {
        by_host.insert(credential.registry.clone(), (0, credential.clone()));
    }
    by_host.into_values().map(|(_, credential)| credential).collect()
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
    use slipway_core::model::Name;
    use slipway_ports::Credential;

    use super::*;

    #[test]
    fn a_build_shows_each_registry_one_credential_and_the_builders_own_before_all() {
        let credential = |name: &str, place: &str| Credential {
            id: name.to_owned(),
            name: Name::new(name).unwrap(),
            place: place.parse().unwrap(),
            login: Login::Password { user: name.to_owned(), password: SecretText::new("x") },
        };
        let reader = Reader::new(vec![
            credential("acme", "registry ghcr.io/acme"),
            credential("all", "registry ghcr.io"),
            credential("hub", "registry docker.io"),
            credential("mine", "registry 127.0.0.1:5000"),
            credential("source", "git https://ghcr.io"),
        ]);
        let own = RegistryCredential {
            registry: "127.0.0.1:5000".to_owned(),
            user: "slipway".to_owned(),
            password: SecretText::new("y"),
        };
        let shown: Vec<_> = of_build(&[own], &reader).into_iter().map(|each| (each.registry, each.user)).collect();
        let expected = [("127.0.0.1:5000", "slipway"), (DOCKER_HUB, "hub"), ("ghcr.io", "all")];
        assert_eq!(shown, expected.map(|(registry, user)| (registry.to_owned(), user.to_owned())));
    }

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
