//! The embedded OCI registry, and the client that mirrors images into a registry.
//!
//! [`embedded`] serves the mirroring registry that a target pulls from: files on disk behind the OCI Distribution API.
//! [`OciRegistry`] asks that registry and any other one, and copies images of others into it. The two know each other only
//! by the protocol: either works with any other registry, or client, that speaks it. [`ChartArchives`] fetches packed charts from
//! registries and Helm repositories.

mod charts;
mod client;
mod digest;
pub mod embedded;
mod manifest;
mod media_type;
mod name;
mod place;
mod places;

pub use charts::ChartArchives;
pub use client::{ClientError, Credential, InvalidEndpoint, OciRegistry, RegistrySettings};
pub use digest::{Digest, DigestAlgorithm, InvalidDigest};
pub use name::{InvalidName, InvalidTag, RepositoryName, Tag};
pub use place::{InvalidPlace, RegistryPlace};
pub use places::mirror_repository;
