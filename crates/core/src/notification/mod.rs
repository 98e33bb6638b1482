//! Who is told what of deployments.
//!
//! A deployment that starts or ends is an [`Event`]. A [`Filter`] says of which events somebody is told, and a [`Message`] what: it is made
//! of facts alone, which hold no secret. It is told to webhooks as JSON, the way Standard Webhooks advises, and to Slack as text. What does
//! not arrive is told again after [`pause_after`].

mod event;
mod filter;
mod message;
mod patience;
mod slack;

#[cfg(test)]
mod tests;

pub use event::{Event, UnknownEvent};
pub use filter::Filter;
pub use message::{Asker, DeploymentMessage, FailedStep, Message, Place};
pub use patience::{MOST_ATTEMPTS, longest_pause_after, pause_after};
