//! Charts made by Slipway, and releases by Helm.
//!
//! A service becomes a [`GeneratedRelease`] by [`generate`], a pure function: one of the charts under `charts/`, which are
//! compiled in, and values that name Secrets and hold none. Two adapters fill the port [`Releases`](slipway_ports::Releases)
//! with it, and pass the same suite on a real cluster: [`HelmSdk`] through the worker ([`worker`]), a process of our own on
//! Helm's SDK, and [`HelmCommand`] through the `helm` program. [`find`] takes the worker where there is one.

mod access;
mod chart;
mod command;
mod failure;
mod find;
mod invocation;
mod locks;
mod manifest;
mod options;
mod rollback;
mod sdk;
mod user_chart;
mod values;
pub mod worker;

pub use chart::{GeneratedChart, PackedChart};
pub use command::HelmCommand;
pub use find::{WORKER_VARIABLE, find};
pub use options::HelmOptions;
pub use sdk::HelmSdk;
pub use values::{GeneratedRelease, generate};
