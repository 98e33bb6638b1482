//! The program as a user has it: real git over http, real BuildKit, the embedded registry, real Helm, real pods.
//!
//! Each test starts a server of its own, with a home and ports of its own, on the development cluster. What is missing is a
//! failure. `make test` brings everything up and runs them one after another.
#![expect(clippy::print_stderr, reason = "a failed test shows the log of its server")]

mod actions;
mod auto_deploy;
mod bad_input;
mod builder;
mod builds;
mod cancel;
mod charts;
mod clone;
mod cluster;
mod contract;
mod crash_points;
mod fields;
mod flood;
mod git;
mod git_host;
mod gitea;
mod hands_off;
mod hook;
mod kill;
mod kinds;
mod load;
mod local;
mod notifications;
mod offline;
mod outputs;
mod packed_charts;
mod page;
mod previews;
mod private;
mod process;
mod projects;
mod registry;
mod rollouts;
mod running;
mod server;
mod shop;
mod stages;
mod unchanged;
