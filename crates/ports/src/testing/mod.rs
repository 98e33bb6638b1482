//! A world in memory, for tests: it keeps the contracts of the ports, does what a test tells it, and remembers what was asked.
//!
//! It stands beside the real adapters and never in their place: the contract suites here run against both.

mod charts;
mod charts_contract;
mod cut;
mod kept_line;
mod lease_contract;
mod notifications;
mod removed_environment;
mod schedule_marks;
mod store;
mod store_contract;
mod told;
mod webhooks;
mod workloads;
mod world;

pub use charts_contract::{CHART_VERSIONS, charts_contract};
pub use lease_contract::lease_contract;
pub use store::MemoryStore;
pub use store_contract::store_contract;
pub use told::Told;
pub use world::{Pace, World};
