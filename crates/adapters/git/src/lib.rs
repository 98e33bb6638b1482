#![forbid(unsafe_code)]
//! Repositories as bare mirrors, read and exported by the `git` program.
//!
//! [`GitMirrors`] keeps one bare mirror per repository and brings it up to date by one fetch. Everything else is read from the
//! mirror without a checkout: a commit is pinned, the facts for an image key are read from tree objects, and a build
//! context is written file by file, as it was committed: no filter, hook or program of the repository has a say. What submodules hold
//! is written with it, each from a mirror of its own, and so is what Git LFS holds.

mod changes;
mod context;
mod export;
mod idle;
mod ignore;
mod known;
mod lfs;
mod login;
mod mirrors;
mod objects;
mod path;
mod program;
mod readers;
mod recent;
mod refusal;
mod revision;
mod seen;
mod source_url;
mod ssh_address;
mod stale;
mod submodule_url;
mod submodules;
mod tips;
mod writer;

pub use mirrors::{GitMirrors, GitSettings};
