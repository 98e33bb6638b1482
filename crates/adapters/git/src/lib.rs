#![forbid(unsafe_code)]
//! Repositories as bare mirrors, read and exported by the `git` program.
//!
//! [`GitMirrors`] keeps one bare mirror per repository and brings it up to date by one fetch. Everything else is read from the
//! mirror without a checkout: a commit is pinned, the facts for an image key are read from tree objects, and a build
//! context is written file by file, exactly as it was committed: no attribute, filter or hook of the repository has a say. What
//! submodules hold is written with it, each from a mirror of its own.

mod context;
mod export;
mod ignore;
mod mirrors;
mod objects;
mod path;
mod program;
mod refusal;
mod revision;
mod source_url;
mod stale;
mod submodule_url;
mod submodules;
mod writer;

pub use mirrors::{GitMirrors, GitSettings};
