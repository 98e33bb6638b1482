//! Previews: an environment for a pull request, made after the environment that the request is against.
//!
//! A preview is a clone in mode `preview` whose services take from the request's branch what the first environment takes from the branch
//! that the request goes into. Everything here is a value; who makes, deploys and deletes previews is the engine.

mod branches;
mod comment;
mod make;
mod name;
mod report;
mod request;

#[cfg(test)]
mod tests;

pub use branches::{IntoBranch, services_on};
pub use comment::{Asked, COMMAND, asks_for_preview};
pub use make::{NotMade, Wanted, make, renew};
pub use name::names;
pub use report::{Progress, Report, ReportState, Reported, ServiceLine, report};
pub use request::PullRequest;
