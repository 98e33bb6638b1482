//! The embedded OCI registry, and the client that mirrors images into a registry.
//!
//! [`embedded`] serves the mirroring registry that a target pulls from: files on disk behind the OCI Distribution API.

mod digest;
pub mod embedded;
mod manifest;
mod media_type;
mod name;

pub use digest::{Digest, DigestAlgorithm, InvalidDigest};
pub use name::{InvalidName, InvalidTag, RepositoryName, Tag};
