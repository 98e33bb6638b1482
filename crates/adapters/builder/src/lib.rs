#![forbid(unsafe_code)]
//! Images built by BuildKit.
//!
//! [`LocalBuildkitd`] keeps one `buildkitd` of our own running: it adopts the one that an earlier server left, and starts it again
//! when it died. [`BuildKit`] fills the port [`Builder`](slipway_ports::Builder): one `buildctl` per build, given an
//! argument vector, its progress decoded line by line and bounded, its end turned into an image's digest or a failure
//! that names the step. The daemon may also be somebody else's, or the one in a Docker Engine ([`BuilderAddress`]).

mod address;
mod arguments;
mod buildkit;
mod cgroup;
mod configuration;
mod credentials;
mod daemon;
mod docker;
mod emulation;
mod frontend;
#[cfg(test)]
mod hostile_tests;
mod lines;
mod outcome;
mod process;
mod programs;
mod progress;
#[cfg(test)]
mod recorded_tests;
mod transcript;

pub use address::{BuilderAddress, InvalidBuilder, Transport, TransportWish};
pub use buildkit::{BuildKit, BuildKitSettings};
pub use configuration::DaemonSettings;
pub use credentials::RegistryCredential;
pub use daemon::LocalBuildkitd;
pub use frontend::{Frontend, InvalidFrontend};
pub use programs::BuildKitPrograms;
