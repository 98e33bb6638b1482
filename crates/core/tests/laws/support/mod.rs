//! Random deployments, a driver that runs them without a world, and a ledger that reads their logs by its own means.

mod ledger;
mod run;
mod scenario;

pub(crate) use ledger::{Ledger, Mark};
pub(crate) use run::{Run, drive_to_the_end, failure, good_end};
pub(crate) use scenario::{How, Image, Scenario, name, scenario};
