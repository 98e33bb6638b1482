//! Repositories as bare mirrors: resolve, read and export trees by git.
