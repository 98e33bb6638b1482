//! Repository names and tags, by the grammar of the Distribution specification.
//!
//! What passes is safe as a path below a directory: no component is empty, begins with a dot or an underscore, or holds
//! a separator.

use std::fmt;
use std::str::FromStr;

/// The longest repository name that clients take.
const LONGEST_NAME: usize = 255;
/// The longest tag that the specification allows.
const LONGEST_TAG: usize = 128;

/// A repository: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, joined by `/`, at most 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The text is not a repository name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a repository name: lower-case letters and digits, separated by one of . _ __ or dashes, in parts joined by /, at \
     most 255 characters"
)]
pub struct InvalidName;

impl FromStr for RepositoryName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST_NAME || !text.split('/').all(is_path_component) {
            return Err(InvalidName);
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_path_component(component: &str) -> bool {
    let mut separator = String::new();
    let mut after_letter = false;
    for character in component.chars() {
        match character {
            'a'..='z' | '0'..='9' => {
                if !separator.is_empty() && !is_separator(&separator) {
                    return false;
                }
                separator.clear();
                after_letter = true;
            }
            '.' | '_' | '-' if after_letter => separator.push(character),
            _ => return false,
        }
    }
    after_letter && separator.is_empty()
}

fn is_separator(text: &str) -> bool {
    matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The text is not a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tag: a letter, digit or _, then at most 127 letters, digits, dots, dashes or _")]
pub struct InvalidTag;

impl FromStr for Tag {
    type Err = InvalidTag;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut bytes = text.bytes();
        let starts_well = bytes.next().is_some_and(word);
        if !starts_well || text.len() > LONGEST_TAG || !bytes.all(|byte| word(byte) || byte == b'.' || byte == b'-') {
            return Err(InvalidTag);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_the_grammar_are_accepted() {
        for name in ["a", "library/redis", "a.b/c_d/e__f/g---h", "builds/git.example.com/shop/api", "0/1"] {
            assert!(name.parse::<RepositoryName>().is_ok(), "{name} was refused");
        }
    }

    #[test]
    fn names_outside_the_grammar_are_refused() {
        let long = "a".repeat(256);
        for name in [
            "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", ".a", "..", "a/../b", "_blobs", "a/_blobs", "-a", "a-",
            "a%2fb", "a\\b", "a\0b", "a b", "é", &long,
        ] {
            assert!(name.parse::<RepositoryName>().is_err(), "{name:?} was accepted");
        }
    }

    #[test]
    fn tags_outside_the_grammar_are_refused() {
        let long = "a".repeat(129);
        for tag in ["", ".", "..", ".a", "-a", "a/b", "a%2f", "a:b", "a b", "é", "a\n", &long] {
            assert!(tag.parse::<Tag>().is_err(), "{tag:?} was accepted");
        }
        assert!("a".repeat(128).parse::<Tag>().is_ok());
    }

    proptest! {
        #[test]
        fn every_name_of_the_grammar_is_accepted(
            name in "[a-z0-9]{1,5}((\\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}(/[a-z0-9]{1,5}((\\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}){0,3}"
        ) {
            prop_assert!(name.parse::<RepositoryName>().is_ok());
        }

        #[test]
        fn no_accepted_name_leaves_its_directory(name in "[a-z0-9._/%\\\\-]{0,24}") {
            if name.parse::<RepositoryName>().is_ok() {
                let path = std::path::Path::new(&name);
                prop_assert!(path.is_relative());
                prop_assert!(path.components().all(|component| matches!(component, std::path::Component::Normal(_))));
                prop_assert!(!name.split('/').any(|component| component.starts_with('_')));
            }
        }

        #[test]
        fn every_tag_of_the_grammar_is_accepted(tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            prop_assert!(tag.parse::<Tag>().is_ok());
        }

        #[test]
        fn no_accepted_tag_is_a_path(tag in "\\PC{0,12}") {
            if tag.parse::<Tag>().is_ok() {
                let mut components = std::path::Path::new(&tag).components();
                prop_assert!(matches!(components.next(), Some(std::path::Component::Normal(_))));
                prop_assert!(components.next().is_none());
            }
        }
    }
}
