//! Where a credential may be sent: to a git host or a registry, or to a part of one.
//!
//! A credential that is sent to the wrong host is given away. So a place names scheme and host exactly, and a path in it by whole
//! parts; what can not be read surely is not covered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ImageReference;

/// What a credential is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CredentialPlace {
    /// Repositories of a git host.
    Git(GitPlace),
    /// Images of a registry.
    Registry(RegistryPlace),
}

/// Repositories of a git host: `https://host[:port][/path]`, `http://…`, or `ssh://user@host[:port][/path]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GitPlace {
    scheme: GitScheme,
    /// Of SSH; HTTP has none here.
    user: Option<String>,
    /// Lower case, with its port unless it is the scheme's own.
    authority: String,
    /// No slash at either end, no `.git`.
    path: String,
}

/// How a git host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GitScheme {
    /// Unencrypted.
    Http,
    /// Encrypted.
    Https,
    /// By a key.
    Ssh,
}

/// Images of a registry: `host[:port][/path]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryPlace {
    host: String,
    path: String,
}

/// Why a text is no place of a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place for a credential: {expected}")]
pub struct InvalidPlace {
    /// The text that was refused.
    pub text: String,
    /// What was expected.
    pub expected: &'static str,
}

impl GitScheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ssh => "ssh",
        }
    }

    fn port(self) -> &'static str {
        match self {
            Self::Http => "80",
            Self::Https => "443",
            Self::Ssh => "22",
        }
    }
}

impl GitPlace {
    const EXPECTED: &str = "expected `https://host`, `https://host/owner` or `ssh://git@host`";

    /// Reads a place. `host` alone is `https://host`, and `git@host:owner` is `ssh://git@host/owner`, as git reads it.
    pub fn parse(text: &str) -> Result<Self, InvalidPlace> {
        let refuse = || InvalidPlace { text: text.chars().take(200).collect(), expected: Self::EXPECTED };
        let is_bare = !text.contains("://") && !text.contains('@');
        let url = if is_bare { format!("https://{text}") } else { text.to_owned() };
        let place = Self::of_url(&url).ok_or_else(refuse)?;
        // Over HTTP the user comes with the password; over SSH he is a part of where the repository is.
        let is_whole = match place.scheme {
            GitScheme::Http | GitScheme::Https => !url.contains('@'),
            GitScheme::Ssh => place.user.is_some(),
        };
        if is_whole { Ok(place) } else { Err(refuse()) }
    }

    /// The place of a repository, as git would ask for it; `None` when that can not be said surely, or needs no credential.
    pub fn of_url(url: &str) -> Option<Self> {
        if url.chars().any(|character| character.is_control() || character.is_whitespace()) || url.contains(['%', '\\', '?', '#'])
        {
            return None;
        }
        let (scheme, authority, path) = if let Some((scheme, rest)) = url.split_once("://") {
            let known = [GitScheme::Http, GitScheme::Https, GitScheme::Ssh];
            let scheme = known.into_iter().find(|known| scheme.eq_ignore_ascii_case(known.as_str()))?;
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            (scheme, authority, path)
        } else {
            let (authority, path) = url.split_once(':')?;
            (GitScheme::Ssh, authority, path)
        };
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let user = match scheme {
            GitScheme::Http | GitScheme::Https => None,
            GitScheme::Ssh => user.map(str::to_owned),
        };
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix(&format!(":{}", scheme.port())).unwrap_or(&host);
        let is_host = ImageReference::is_host(host) && user.as_deref().is_none_or(is_user);
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let is_path = path.is_empty() || path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        (is_host && is_path).then(|| Self { scheme, user, authority: host.to_owned(), path: path.to_owned() })
    }

    /// Whether a credential for this place may be sent for a repository.
    pub fn covers(&self, url: &str) -> bool {
        Self::of_url(url).is_some_and(|of| {
            (self.scheme, &self.authority, &self.user) == (of.scheme, &of.authority, &of.user) && is_below(&self.path, &of.path)
        })
    }

    /// How the host is reached.
    pub fn scheme(&self) -> GitScheme {
        self.scheme
    }

    /// The host in lower case, and its port unless it is the scheme's own.
    pub fn host_and_port(&self) -> (&str, Option<&str>) {
        self.authority.split_once(':').map_or((&self.authority, None), |(host, port)| (host, Some(port)))
    }

    /// The path on the host, without a slash at either end and without `.git`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `scheme://host[:port]`, without user and path.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority)
    }
}

impl RegistryPlace {
    const EXPECTED: &str = "expected `host`, `host:port` or `host/path`, such as `ghcr.io` or `docker.io/acme`";

    /// Reads a place; `index.docker.io` and `registry-1.docker.io` are `docker.io`.
    pub fn parse(text: &str) -> Result<Self, InvalidPlace> {
        let refuse = || InvalidPlace { text: text.chars().take(200).collect(), expected: Self::EXPECTED };
        let trimmed = text.trim_end_matches('/').to_ascii_lowercase();
        let (host, path) = trimmed.split_once('/').unwrap_or((&trimmed, ""));
        let host = if matches!(host, "index.docker.io" | "registry-1.docker.io") { "docker.io" } else { host };
        let is_path = path.is_empty() || path.split('/').all(ImageReference::is_path_part);
        if ImageReference::is_host(host) && is_path {
            Ok(Self { host: host.to_owned(), path: path.to_owned() })
        } else {
            Err(refuse())
        }
    }

    /// Whether a credential for this place may be sent for an image.
    pub fn covers(&self, image: &ImageReference) -> bool {
        self.host == image.host().to_ascii_lowercase() && is_below(&self.path, image.path())
    }

    /// The registry, as it stands in image references.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path in it; empty: all of it.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Whether a path is the other, or in it.
fn is_below(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A user of SSH: never an option.
fn is_user(user: &str) -> bool {
    !user.is_empty()
        && !user.starts_with('-')
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

impl CredentialPlace {
    /// How specific it is: the length of its path.
    pub fn depth(&self) -> usize {
        match self {
            Self::Git(place) => place.path.len(),
            Self::Registry(place) => place.path.len(),
        }
    }
}

impl fmt::Display for GitPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.authority)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

impl fmt::Display for RegistryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

/// `git https://github.com/acme`, `registry ghcr.io`.
impl fmt::Display for CredentialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git(place) => write!(f, "git {place}"),
            Self::Registry(place) => write!(f, "registry {place}"),
        }
    }
}

impl FromStr for CredentialPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        match text.split_once(' ') {
            Some(("git", place)) => GitPlace::parse(place).map(Self::Git),
            Some(("registry", place)) => RegistryPlace::parse(place).map(Self::Registry),
            _ => Err(InvalidPlace { text: text.chars().take(200).collect(), expected: "expected `git URL` or `registry HOST`" }),
        }
    }
}

impl TryFrom<String> for CredentialPlace {
    type Error = InvalidPlace;

    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        text.parse()
    }
}

impl From<CredentialPlace> for String {
    fn from(place: CredentialPlace) -> Self {
        place.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_of_git_covers_its_own_host_scheme_and_path_alone() {
        let covers = |place: &str, url: &str| GitPlace::parse(place).unwrap().covers(url);
        for (place, url) in [
            ("github.com", "https://github.com/acme/shop.git"),
            ("https://GitHub.com/acme", "https://github.com:443/acme/shop"),
            ("https://github.com/acme/shop", "https://github.com/acme/shop.git"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/a/b"),
            ("ssh://git@github.com", "git@github.com:acme/shop.git"),
            ("git@github.com:acme", "ssh://git@github.com:22/acme/shop"),
        ] {
            assert!(covers(place, url), "{place} {url}");
        }
        for (place, url) in [
            ("github.com", "http://github.com/acme/shop"),
            ("github.com", "https://github.com.evil.example/acme"),
            ("github.com", "https://github.com@evil.example/acme"),
            ("github.com", "https://evil.example/github.com"),
            ("github.com", "https://github.com:8443/acme/shop"),
            ("github.com/acme", "https://github.com/acme-evil/shop"),
            ("github.com/acme", "https://github.com/acme/../evil/shop"),
            ("github.com/acme", "https://github.com/acme/%2e%2e/evil/shop"),
            ("ssh://git@github.com", "root@github.com:acme/shop"),
            ("ssh://git@github.com", "https://github.com/acme/shop"),
        ] {
            assert!(!covers(place, url), "{place} {url}");
        }
    }

    #[test]
    fn a_place_of_a_registry_covers_its_own_images_alone() {
        let covers =
            |place: &str, image: &str| RegistryPlace::parse(place).unwrap().covers(&ImageReference::parse(image).unwrap());
        for (place, image) in [
            ("ghcr.io", "ghcr.io/acme/shop:1"),
            ("ghcr.io/acme", "ghcr.io/acme/shop:1"),
            ("index.docker.io", "redis"),
            ("docker.io/acme/", "acme/shop"),
        ] {
            assert!(covers(place, image), "{place} {image}");
        }
        for (place, image) in
            [("ghcr.io/acme", "ghcr.io/acme-evil/shop"), ("ghcr.io", "ghcr.io:444/a"), ("docker.io/acme", "redis")]
        {
            assert!(!covers(place, image), "{place} {image}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "git",
            "git ",
            "git ftp://x",
            "git https://user:secret@x",
            "git https://-x",
            "git ssh://x",
            "git ssh://-o@x",
            "git https://x/../y",
            "git file:///etc",
            "registry ",
            "registry https://x",
            "registry x/../y",
            "registry -x",
            "other x",
        ] {
            assert!(text.parse::<CredentialPlace>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_place_reads_back(text in "(git|registry) ((https?|ssh)://)?([a-z]{1,3}@)?[a-zA-Z.]{1,8}(:[0-9]{1,4})?(/[a-z.]{0,4}){0,3}") {
            if let Ok(place) = text.parse::<CredentialPlace>() {
                prop_assert_eq!(place.to_string().parse::<CredentialPlace>(), Ok(place));
            }
        }

        #[test]
        fn a_url_is_covered_only_by_a_place_of_its_host(
            place in "https://[ab.]{1,5}(/[ab]{1,2}){0,2}",
            url in "https?://([ab]@)?[ab.]{1,5}(/[ab.%]{1,2}){0,3}",
        ) {
            if let Ok(place) = GitPlace::parse(&place)
                && place.covers(&url)
            {
                let rest = url.strip_prefix("https://").unwrap();
                let authority = rest.split('/').next().unwrap();
                let host = authority.rsplit('@').next().unwrap();
                prop_assert_eq!(place.origin(), format!("https://{host}"));
            }
        }
    }
}
