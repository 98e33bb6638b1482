//! A value that knows whether it is secret.

use std::fmt;

/// The value of a variable. A secret one prints stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Resolved {
    value: String,
    secret: bool,
    /// Whether it takes from the output of a job, which no build sees; then there is no value.
    from_output: bool,
}

impl Resolved {
    /// A value that anybody may see.
    pub fn plain(value: impl Into<String>) -> Self {
        Self { value: value.into(), secret: false, from_output: false }
    }

    /// A value that nobody may see.
    pub fn secret(value: impl Into<String>) -> Self {
        Self { value: value.into(), secret: true, from_output: false }
    }

    pub(super) fn new(value: String, secret: bool) -> Self {
        Self { value, secret, from_output: false }
    }

    /// What stands for the output of a job where none is to be seen.
    pub(super) fn unseen_output() -> Self {
        Self { value: String::new(), secret: false, from_output: true }
    }

    /// Makes it what takes from another.
    pub(super) fn append(&mut self, other: &Self) {
        self.value.push_str(&other.value);
        self.secret |= other.secret;
        self.from_output |= other.from_output;
    }

    pub(super) fn append_text(&mut self, text: &str) {
        self.value.push_str(text);
    }

    pub(super) fn takes_from_output(&self) -> bool {
        self.from_output
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
