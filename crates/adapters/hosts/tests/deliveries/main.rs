//! Deliveries as git hosts post them: what is read of their documented payloads, what proves them, and hostile ones.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod hostile;
mod posted;
mod proofs;
mod samples_bitbucket;
mod samples_github;
mod samples_gitlab;
