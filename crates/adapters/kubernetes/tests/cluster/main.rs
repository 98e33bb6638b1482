//! The adapter against the development cluster (`dev/cluster/cluster up`), or the one of `SLIPWAY_TEST_KUBECONFIG`, whose node
//! must reach this machine's loopback interface. A cluster that is missing is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    missing_docs,
    unreachable_pub,
    reason = "a test says what went wrong by ending; its JSON is passed on"
)]

mod certificates;
mod images;
mod logs;
mod objects;
mod registry;
mod rollouts;
mod scene;
mod workloads;
