//! The registry and its clients over HTTP, in one program of tests: each module is about one part.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod addresses;
mod charts;
mod clients;
mod collection;
mod disk;
mod hostile;
mod mirroring;
mod pull;
mod push;
mod referrers;
mod restart;
mod support;
