//! References to images in registries, as Docker and OCI clients read them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An image that a user names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageSource {
    /// Registry, path, and tag or digest.
    pub reference: ImageReference,
    /// The name of the credential that reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// `host/path:tag` or `host/path@sha256:…`, normalised: the host is always there (`docker.io` when it was left out) and a
/// one-part path of `docker.io` begins with `library/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference {
    host: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// The longest name that DNS carries, a colon and a port.
const LONGEST_HOST: usize = 253 + 6;

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {expected}")]
pub struct InvalidImageReference {
    /// The text that was refused.
    pub text: String,
    /// What was expected.
    pub expected: &'static str,
}

impl ImageReference {
    /// Reads a reference; see the [grammar](https://github.com/distribution/reference).
    pub fn parse(text: &str) -> Result<Self, InvalidImageReference> {
        let refuse = |expected| InvalidImageReference { text: text.to_owned(), expected };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
            Some(_) => return Err(refuse("expected `sha256:` and 64 hex digits after `@`")),
            None => (text, None),
        };
        let last_part = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last_part..].find(':') {
            Some(colon) => (&rest[..last_part + colon], Some(rest[last_part + colon + 1..].to_owned())),
            None => (rest, None),
        };
        if tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(refuse("expected a tag of at most 128 letters, digits, `_`, `.` and `-` after `:`"));
        }
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host.to_owned(), path.to_owned()),
            _ => ("docker.io".to_owned(), name.to_owned()),
        };
        let host = if host == "index.docker.io" || host == "registry-1.docker.io" { "docker.io".to_owned() } else { host };
        let path = if host == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path };
        if !is_host_and_port(&host) {
            return Err(refuse("expected a host name, with a port if need be, before the first `/`"));
        }
        if path.len() > 255 || !path.split('/').all(is_path_part) {
            return Err(refuse("expected a path of lower-case letters and digits with `.`, `_`, `-` or `/` between them"));
        }
        Ok(Self { host, path, tag, digest })
    }

    /// Whether a text can be the host of a registry, with or without a port.
    pub(super) fn is_host(text: &str) -> bool {
        is_host_and_port(text)
    }

    /// Whether a text can stand between two slashes of the path of a repository.
    pub(super) fn is_path_part(text: &str) -> bool {
        is_path_part(text)
    }

    /// The registry's host, with its port if it has one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository in the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if there is one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest (`sha256:…`), if there is one.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// What to ask the registry for: the digest, else the tag, else `latest`.
    pub fn digest_or_tag(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// Name and tag as people write them: without Docker Hub's host and its `library`, and without the digest.
    pub fn familiar(&self) -> String {
        let name = match (self.host.as_str(), self.path.strip_prefix("library/")) {
            ("docker.io", Some(official)) => official.to_owned(),
            ("docker.io", None) => self.path.clone(),
            (host, _) => format!("{host}/{}", self.path),
        };
        self.tag.as_ref().map_or(name.clone(), |tag| format!("{name}:{tag}"))
    }

    /// The same image pinned to a digest; the tag stays, for people.
    #[must_use]
    pub fn with_digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// The same image at another version: a tag, or a digest `sha256:…`.
    pub fn with_version(self, version: &str) -> Result<Self, InvalidImageReference> {
        if is_digest(version) {
            return Ok(Self { tag: None, digest: Some(version.to_owned()), ..self });
        }
        if is_tag(version) {
            return Ok(Self { tag: Some(version.to_owned()), digest: None, ..self });
        }
        Err(InvalidImageReference { text: version.to_owned(), expected: "expected a tag, or `sha256:` and 64 hex digits" })
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_host_and_port(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let name_is_good = name.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    // `parse` alone would take a plus sign.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    text.len() <= LONGEST_HOST && name_is_good && port.is_none_or(is_port)
}

fn is_path_part(text: &str) -> bool {
    let mut separators = 0_usize;
    let mut last = b'.';
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => separators = 0,
            b'.' if separators == 0 => separators = 1,
            b'_' if separators == 0 || (separators == 1 && last == b'_') => separators += 1,
            b'-' if separators == 0 || last == b'-' => separators += 1,
            _ => return false,
        }
        last = byte;
    }
    !text.is_empty() && separators == 0 && text.as_bytes()[0].is_ascii_alphanumeric()
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ImageReference {
    type Error = InvalidImageReference;

    fn try_from(text: String) -> Result<Self, InvalidImageReference> {
        Self::parse(&text)
    }
}

impl From<ImageReference> for String {
    fn from(reference: ImageReference) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    use super::*;

    #[test]
    fn references_are_normalised_as_docker_does() {
        for (text, normal) in [
            ("redis", "docker.io/library/redis"),
            ("redis:7.2", "docker.io/library/redis:7.2"),
            ("bitnami/redis", "docker.io/bitnami/redis"),
            ("index.docker.io/library/redis", "docker.io/library/redis"),
            ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1"),
            ("localhost/a", "localhost/a"),
            ("ghcr.io/a/b__c", "ghcr.io/a/b__c"),
        ] {
            assert_eq!(ImageReference::parse(text).unwrap().to_string(), normal, "{text}");
        }
    }

    #[test]
    fn people_see_names_as_they_write_them() {
        for text in ["debian:12", "bitnami/redis:7", "ghcr.io/library/a:1", "127.0.0.1:5000/a"] {
            assert_eq!(ImageReference::parse(text).unwrap().familiar(), text);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for bad in [
            "",
            "A",
            "a//b",
            "a/../b",
            "-a",
            "a:",
            "a:-x",
            "a@sha256:12",
            "a b",
            "ghcr.io/",
            "ghcr.io/a-",
            "a\n",
            "x.y:p/a",
            "a:b/c",
            "x.y:+80/a",
            &format!("{}.y/a", "x".repeat(300)),
        ] {
            assert!(ImageReference::parse(bad).is_err(), "{bad:?}");
        }
    }

    fn law(text: &str) -> Result<(), TestCaseError> {
        let Ok(reference) = ImageReference::parse(text) else { return Ok(()) };
        let shown = reference.to_string();
        prop_assert_eq!(ImageReference::parse(&shown), Ok(reference.clone()), "{} was read as {}", text, shown);
        prop_assert!(shown.len() <= text.len() + "docker.io/library/".len());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
        prop_assert!(shown.bytes().all(is_plain), "{}", shown);
        prop_assert!(
            !shown.starts_with('-') && !reference.path().split('/').any(|part| part.is_empty() || part.starts_with('.'))
        );
        Ok(())
    }

    proptest! {
        #[test]
        fn what_is_accepted_reads_back_and_is_no_path_or_option(text in "\\PC{0,40}") {
            law(&text)?;
        }

        #[test]
        fn what_looks_like_a_reference_reads_back_too(
            host in "([a-zA-Z0-9-]{1,5}(\\.[a-z0-9]{1,4}){0,2}(:[+0-9]{1,6})?/)?",
            path in "[a-z0-9._/-]{0,12}",
            tag in "(:[A-Za-z0-9._+-]{0,5})?",
            digest in "(@sha256:[0-9a-f]{63,65}|@[a-z0-9:]{0,6})?",
        ) {
            law(&format!("{host}{path}{tag}{digest}"))?;
        }
    }
}
