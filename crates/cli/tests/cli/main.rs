//! The program as a person runs it, in one program of tests: each module is about one part of it.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod addresses;
mod build_key;
mod clones;
mod key;
mod notifications;
mod offline;
mod open;
mod server;
mod simulate;
mod stages;
mod support;
mod takeover;
mod webhooks;
