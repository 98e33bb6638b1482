//! A value that knows whether it is secret.

use std::fmt;

/// The value of a variable. A secret one prints stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Resolved {
    value: String,
    secret: bool,
}

impl Resolved {
    /// A value that anybody may see.
    pub fn plain(value: impl Into<String>) -> Self {
        Self { value: value.into(), secret: false }
    }

    /// A value that nobody may see.
    pub fn secret(value: impl Into<String>) -> Self {
        Self { value: value.into(), secret: true }
    }

    pub(super) fn new(value: String, secret: bool) -> Self {
        Self { value, secret }
    }

    /// The value itself. Every call of it is a place to look at.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Whether it is, or takes from, a secret.
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret { f.write_str("***") } else { fmt::Debug::fmt(&self.value, f) }
    }
}
