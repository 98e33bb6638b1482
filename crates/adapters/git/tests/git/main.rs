//! The adapter against real repositories and the real `git`.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod contexts;
mod host;
mod keys;
mod lfs;
mod mirrors;
mod submodules;
mod support;
