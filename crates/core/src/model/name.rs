//! Names as Kubernetes and Helm can carry them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a project, environment or service: `^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$`. Facts and tables are full of copies, which
/// share one text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name: {expected}")]
pub struct InvalidName {
    /// The text that was refused.
    pub text: String,
    /// What a name looks like.
    pub expected: &'static str,
}

impl Name {
    /// Most characters of a name.
    pub const LONGEST: usize = 40;

    const EXPECTED: &str = "expected lower-case letters, digits and `-`, at most 40, first a letter, last no `-`";

    /// A checked name.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let bytes = text.as_bytes();
        let plain = bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let first = bytes.first().is_some_and(u8::is_ascii_lowercase);
        let last = bytes.last().is_some_and(|byte| *byte != b'-');
        if plain && first && last && bytes.len() <= Self::LONGEST {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName { text, expected: Self::EXPECTED })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it stands in built-in variables: upper case, `-` becomes `_`.
    pub fn as_variable_part(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }
}

/// The name of a variable: `^[A-Za-z_][A-Za-z0-9_]*$`, as a POSIX environment takes it, at most 256 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VariableName(String);

impl VariableName {
    const EXPECTED: &str = "expected letters, digits and `_`, first no digit, at most 256";

    /// A checked name.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let bytes = text.as_bytes();
        let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let first = bytes.first().is_some_and(|byte| !byte.is_ascii_digit());
        if plain && first && bytes.len() <= 256 { Ok(Self(text)) } else { Err(InvalidName { text, expected: Self::EXPECTED }) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }
    };
}

text_conversions!(Name);
text_conversions!(VariableName);

impl From<Name> for String {
    fn from(name: Name) -> Self {
        Self::from(&*name.0)
    }
}

impl From<VariableName> for String {
    fn from(name: VariableName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for good in ["a", "db", "api-2", &"a".repeat(40)] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "1a", "-a", "a-", "a_b", "a.b", "a\n", &"a".repeat(41)] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_in_a_built_in_variable_has_no_dash() {
        assert_eq!(Name::new("my-db").unwrap().as_variable_part(), "MY_DB");
    }
}
