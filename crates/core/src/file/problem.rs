//! What is wrong with an environment file, and where.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with an environment file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The key, such as `services[2].ports[0].internal`; empty for the document.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// A key of the file and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The key, such as `services[2].stage`.
    pub path: String,
}

impl Location {
    /// A problem here.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { line: self.line, column: self.column, path: self.path.clone(), message: message.into() }
    }
}
