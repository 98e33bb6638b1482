//! Where the mirroring registry is, as an operator writes it.

use std::fmt;
use std::str::FromStr;

use crate::client::is_loopback;
use crate::name::RepositoryName;

/// The mirroring registry, and the part of it that is Slipway's: `https://host[:port][/prefix]`. Many registries want every
/// repository below the name of an owner or a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryPlace {
    host: String,
    prefix: String,
    is_plain: bool,
}

/// Why a text is no place of a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a registry: {reason}; expected such as `https://registry.example.com/team`")]
pub struct InvalidPlace {
    text: String,
    reason: &'static str,
}

impl RegistryPlace {
    /// `host[:port]`, as it stands in image references.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What stands before every repository; empty, or without a slash at either end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether content travels unencrypted.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// `host[:port][/prefix]`: what stands before a repository in a reference.
    pub fn address(&self) -> String {
        if self.prefix.is_empty() { self.host.clone() } else { format!("{}/{}", self.host, self.prefix) }
    }
}

impl FromStr for RegistryPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let refuse = |reason| InvalidPlace { text: text.rsplit('@').next().unwrap_or_default().to_owned(), reason };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refuse("it does not begin with `https://`"))?;
        let is_plain = match scheme {
            "https" => false,
            "http" => true,
            _ => return Err(refuse("it is neither `https` nor `http`")),
        };
        let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(refuse("it holds a user; name him with `--registry-user`"));
        }
        let host = host.to_ascii_lowercase();
        let is_host = !host.is_empty()
            && !host.starts_with(['-', '.', ':'])
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'))
            && host.split_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok());
        if !is_host || !(host.contains(['.', ':']) || host == "localhost") {
            return Err(refuse("its host is none that an image reference could hold"));
        }
        if is_plain && !is_loopback(&host) {
            return Err(refuse("passwords would travel unencrypted: `http` is for this machine alone"));
        }
        let prefix = prefix.trim_end_matches('/');
        // What is put below it has some 130 characters.
        if !prefix.is_empty() && (prefix.len() > 100 || prefix.parse::<RepositoryName>().is_err()) {
            return Err(refuse("its path is no beginning of a repository name"));
        }
        Ok(Self { host, prefix: prefix.to_owned(), is_plain })
    }
}

impl fmt::Display for RegistryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_plain { "http" } else { "https" }, self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_nonsense_is_refused() {
        for (text, address) in [
            ("https://registry.example.com", "registry.example.com"),
            ("https://Registry.example.com:5000/team/slipway/", "registry.example.com:5000/team/slipway"),
            ("http://127.0.0.1:5000/team", "127.0.0.1:5000/team"),
            ("http://localhost:5000", "localhost:5000"),
        ] {
            let place: RegistryPlace = text.parse().unwrap();
            assert_eq!(place.address(), address);
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in [
            "registry.example.com",
            "ftp://registry.example.com",
            "https://",
            "https://registry",
            "https://-x.example",
            "https://user:canary@registry.example.com",
            "https://registry.example.com/Team",
            "https://registry.example.com/../x",
            "https://registry.example.com:99999",
            "http://registry.example.com",
        ] {
            let refused = text.parse::<RegistryPlace>().unwrap_err().to_string();
            assert!(!refused.contains("canary"), "{refused}");
        }
    }
}
