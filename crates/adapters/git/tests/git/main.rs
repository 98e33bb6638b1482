//! The adapter against real repositories and the real `git`.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod addresses;
mod commits;
mod contexts;
mod credentials;
mod host;
mod keys;
mod lfs;
mod mirrors;
mod pushes;
#[cfg(feature = "ssh-tests")]
mod ssh;
#[cfg(feature = "ssh-tests")]
mod ssh_lfs;
mod submodules;
mod support;
