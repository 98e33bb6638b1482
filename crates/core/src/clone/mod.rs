//! Clones: an environment made after another one, and a service put into another environment.
//!
//! [`clone_environment`] and [`clone_service`] make the environment as it is wanted, or say by a [`Refusal`] why there is none; what is
//! cloned stays as it is. Built-in variables are named after services, so a clone needs no edit. What only one environment can have stays
//! behind: custom host names, data, generated credentials. What would take from something that the clone lacks is refused.

mod checked;
mod environment;
mod refusal;
mod service;
mod stripped;
mod takes;

#[cfg(test)]
mod tests;

pub use environment::{CloneRequest, Cloned, clone_environment};
pub use refusal::{Lack, Refusal};
pub use service::{ClonedService, ServiceCloneRequest, clone_service};
