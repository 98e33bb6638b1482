//! Environments on a Docker Engine: what Kubernetes and Helm do for a cluster, done with containers.
//!
//! [`LocalDocker`] fills the ports `Releases` and `Cluster`. A release is a record in a file of the server's home (`record.rs`) and
//! the containers that it asks for (`spec.rs`, a pure function); the hash of what it asks for is their *generation*. `upgrade` makes
//! the containers of the new generation beside those of the old one; `await_rollout` watches them to the verdict (`verdict.rs`),
//! then drains and removes the old ones. Whoever fails is removed by `rollback`, and the old ones go on.
//!
//! While the server runs, `health.rs` follows the engine's events, asks the probes, and keeps the table of [`Routes`] by which the
//! server's proxy finds ready containers; `cron.rs` runs jobs when their time has come. The engine restarts what ends by itself.

mod cluster;
mod containers;
mod cron;
mod database;
mod engine;
mod health;
mod job;
mod local;
mod logs;
mod making;
mod names;
mod output;
mod probe;
mod pull;
mod record;
mod releases;
mod rollout;
mod routes;
mod running;
mod schedule;
mod secrets;
mod spec;
mod survey;
mod text;
mod verdict;
mod workloads;

pub use local::LocalDocker;
pub use routes::{NoPassage, Passage, Route, Routes, Speaks};
pub use secrets::Seal;
