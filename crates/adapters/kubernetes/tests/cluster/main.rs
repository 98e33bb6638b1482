//! The adapter against the development cluster (`dev/cluster/cluster up`), or the one of `SLIPWAY_TEST_KUBECONFIG`, whose node
//! must reach this machine's loopback interface. A cluster that is missing is a failure.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, unreachable_pub)]

mod images;
mod logs;
mod objects;
mod rollouts;
mod scene;
