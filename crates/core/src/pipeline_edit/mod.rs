//! Editing the pipeline of an environment: stages and their order, and where services are (C9, C10, C11).
//!
//! An [`Edit`] is a command. [`edit`] makes the next environment out of the present one, or says by a [`Refusal`] why there
//! is none; the present one stays as it is. A deployment that runs has its own sealed copy, so no edit reaches it.
//!
//! Whatever is edited, names of stages stay unique, every service is in exactly one stage that exists, and there is a stage.
//! No edit gives a stage the role of a default: renaming or deleting a default stage ends its role for ever (C10).

mod apply;
mod edit;
mod refusal;
mod services;
mod stages;

#[cfg(test)]
mod tests;

pub use apply::{Edited, edit};
pub use edit::{Edit, Position};
pub use refusal::{Refusal, RefusalCode};
