//! What a project reads private repositories and registries with.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use slipway_core::model::{CredentialPlace, ImageReference, Name};

use crate::{ChartPlace, SecretText};

/// A credential of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// A UUID, another one each time that it is set: who was let in by the one before is not let in by this.
    pub id: String,
    /// Unique in its project.
    pub name: Name,
    /// Where it may be sent.
    pub place: CredentialPlace,
    /// What is sent.
    pub login: Login,
}

/// How somebody shows who he is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// To a registry, or to a git host over HTTP.
    #[serde(rename_all = "camelCase")]
    Password {
        /// The user; what token a host takes under which user's name is the host's to say.
        user: String,
        /// The password or token.
        password: SecretText,
    },
    /// To a git host over SSH.
    #[serde(rename_all = "camelCase")]
    SshKey {
        /// As `ssh-keygen` writes it, without a passphrase.
        private_key: SecretText,
        /// Lines as `ssh-keyscan` writes them, one of which the host must prove; absent: the first key that it shows is remembered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host_keys: Option<String>,
    },
}

/// Who reads a repository or a registry: what the project of a deployment has. What is shared between projects is shared with a
/// reader only when he has read it himself.
#[derive(Clone, Default)]
pub struct Reader {
    credentials: Arc<[Credential]>,
    /// The one that the service names, by its place in the list.
    named: Option<usize>,
}

impl Reader {
    /// One who has no credential.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// One who has the credentials of a project.
    pub fn new(credentials: Vec<Credential>) -> Self {
        Self { credentials: credentials.into(), named: None }
    }

    /// The same, for a service that names one of them; `None` when there is no such one.
    pub fn naming(&self, name: &str) -> Option<Self> {
        let named = self.credentials.iter().position(|credential| credential.name.as_str() == name)?;
        Some(Self { named: Some(named), ..self.clone() })
    }

    /// The one that is named.
    pub fn named(&self) -> Option<&Credential> {
        self.named.and_then(|named| self.credentials.get(named))
    }

    /// All of them.
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// What a repository is read with: the credential that is named if it may be sent there, else the one with the closest place.
    pub fn for_repository(&self, url: &str) -> Option<&Credential> {
        self.closest(|place| match place {
            CredentialPlace::Git(place) => place.covers(url),
            CredentialPlace::Registry(_) => false,
        })
    }

    /// What an image is read with, in the same way.
    pub fn for_image(&self, image: &ImageReference) -> Option<&Credential> {
        self.closest(|place| match place {
            CredentialPlace::Git(_) => false,
            CredentialPlace::Registry(place) => place.covers(image),
        })
    }

    /// What a packed chart is read with: that of its registry, or by the rule of git hosts that of its Helm repository.
    pub fn for_chart(&self, place: &ChartPlace) -> Option<&Credential> {
        match place {
            ChartPlace::Repository { url, .. } => self.for_repository(url),
            ChartPlace::Oci(reference) => {
                let image = ImageReference::parse(reference.strip_prefix("oci://").unwrap_or(reference)).ok()?;
                self.for_image(&image)
            }
        }
    }

    fn closest(&self, covers: impl Fn(&CredentialPlace) -> bool) -> Option<&Credential> {
        if let Some(named) = self.named().filter(|named| covers(&named.place)) {
            return Some(named);
        }
        // Of two for one place the first by name: the list is in that order.
        self.credentials
            .iter()
            .rev()
            .filter(|credential| covers(&credential.place))
            .max_by_key(|credential| credential.place.depth())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.credentials.iter().map(|credential| credential.name.as_str());
        f.debug_struct("Reader").field("credentials", &names.collect::<Vec<_>>()).field("named", &self.named).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(name: &str, place: &str) -> Credential {
        Credential {
            id: name.to_owned(),
            name: Name::new(name).unwrap(),
            place: place.parse().unwrap(),
            login: Login::Password { user: "robot".to_owned(), password: SecretText::new("hunter2") },
        }
    }

    #[test]
    fn the_closest_credential_is_sent_and_the_named_one_before_it() {
        let reader = Reader::new(vec![
            credential("acme", "git https://git.example/acme"),
            credential("all", "git https://git.example"),
            credential("images", "registry git.example"),
            credential("other", "git https://git.example"),
        ]);
        let name = |reader: &Reader, url: &str| reader.for_repository(url).map(|credential| credential.name.to_string());
        assert_eq!(name(&reader, "https://git.example/acme/shop").as_deref(), Some("acme"));
        assert_eq!(name(&reader, "https://git.example/else").as_deref(), Some("all"));
        assert_eq!(name(&reader, "https://evil.example/acme"), None);
        let naming = reader.naming("other").unwrap();
        assert_eq!(name(&naming, "https://git.example/acme/shop").as_deref(), Some("other"));
        assert_eq!(name(&naming, "https://evil.example/acme"), None, "a name does not send it elsewhere");
        assert!(reader.naming("none").is_none());
        let image = ImageReference::parse("git.example/acme/shop").unwrap();
        assert_eq!(reader.for_image(&image).map(|credential| credential.name.as_str()), Some("images"));
        assert!(!format!("{reader:?} {:?}", reader.credentials()).contains("hunter2"));
    }
}
