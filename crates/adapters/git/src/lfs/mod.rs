//! Git LFS: files of which a commit holds only the digest, replaced by what the repository's LFS server holds.
//!
//! A pointer is replaced where `.gitattributes` says `filter=lfs`, as a checkout would. Its digest is in the tree, so the image key
//! covers what it stands for.

mod attributes;
mod client;
mod endpoint;
mod object;
mod pointer;
mod server;
mod ssh;

pub(crate) use attributes::{EffectiveLines, with_lfs};
pub(crate) use client::Client;
pub(crate) use object::Cache;
pub(crate) use pointer::{LONGEST_POINTER, Pointer};
pub(crate) use server::Server;
