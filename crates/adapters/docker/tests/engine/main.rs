//! The adapter against a Docker Engine (`dev/tools/dockerd up`). An engine that is missing is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    missing_docs,
    unreachable_pub,
    reason = "a test says what went wrong by ending"
)]

mod containers;
mod images;
mod jobs;
mod kills;
mod objects;
mod probes;
#[path = "../../../kubernetes/tests/cluster/registry.rs"]
mod registry;
mod rollouts;
mod scene;
mod ways;
