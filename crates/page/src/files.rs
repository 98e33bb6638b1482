//! The built files, by their paths.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

/// Where the files of the page come from.
#[derive(Debug, Clone)]
pub enum Files {
    /// Those of `web/dist`: compiled into a release, read from the source tree by a debug build.
    Built,
    /// These, for tests.
    Given(BTreeMap<String, Vec<u8>>),
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) bytes: Cow<'static, [u8]>,
    /// Tells this content from any other.
    pub(crate) tag: String,
}

impl Files {
    /// The file at a path without a `/` at its beginning. Only plain names name one: no escape, no way up, nothing hidden.
    pub(crate) fn get(&self, path: &str) -> Option<File> {
        if !path.split('/').all(is_plain) {
            return None;
        }
        match self {
            Self::Built => Built::get(path).map(|file| File { tag: hex(&file.metadata.sha256_hash()), bytes: file.data }),
            Self::Given(files) => files.get(path).map(|bytes| File { tag: tag_of(bytes), bytes: Cow::Owned(bytes.clone()) }),
        }
    }
}

/// A tag of some content.
pub(crate) fn tag_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes).into())
}

/// Half of a hash is enough to tell the contents of one path apart.
fn hex(hash: &[u8; 32]) -> String {
    hash[..16].iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_plain(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_name_a_file() {
        let names = ["assets/a.js", "../secret", ".hidden", "a%2e", "a\\b", "a//b", "/etc", ""];
        let files = Files::Given(names.iter().map(|name| ((*name).to_owned(), b"x".to_vec())).collect());
        let found: Vec<_> = names.into_iter().filter(|name| files.get(name).is_some()).collect();
        assert_eq!(found, ["assets/a.js"]);
        for path in ["../page/Cargo.toml", "../../Cargo.toml", "./index.html", "/etc/passwd", ""] {
            assert_eq!(Files::Built.get(path), None, "{path}");
        }
    }

    #[test]
    fn another_content_has_another_tag() {
        let tag = |text: &str| Files::Given([("a".to_owned(), text.as_bytes().to_vec())].into()).get("a").map(|file| file.tag);
        assert_eq!(tag("one"), tag("one"));
        assert_ne!(tag("one"), tag("two"));
    }
}
