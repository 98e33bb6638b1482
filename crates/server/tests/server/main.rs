//! The server over HTTP, in one program: each module is one part of it.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod board;
mod clones;
mod collection;
mod deployments;
mod document;
mod environments;
mod explanations;
mod guard;
mod histories;
mod hostile;
mod idempotency;
mod keys;
mod live;
mod log_windows;
mod notifications;
mod page;
mod pages;
mod previews;
mod projects;
mod running;
mod sessions;
mod stages;
mod support;
mod webhooks;
