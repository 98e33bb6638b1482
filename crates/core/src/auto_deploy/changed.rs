//! What a push changed.

/// The files between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// These, from the root of the repository: added, changed and deleted ones, and both names of one that was renamed. A submodule
    /// counts by its path.
    Paths(Vec<String>),
    /// Nobody can say, and why: the first push of a branch, one whose history is gone, or too many files. Then it may be any file.
    Unknown(String),
}
