//! What git hosts post when something moves in a repository, read into one form for all of them.
//!
//! [`receive`] takes headers and body as they came, and gives [`Received`]: who sent it is proven first, by a secret that the host
//! and the server share; only then is a byte of the body read. Nothing here waits, asks the network or knows the time. A delivery
//! that is posted again has its id again: to act on it once is the caller's part.
//!
//! Each host has a file, which takes from its payloads what a [`Notice`](slipway_core::auto_deploy::Notice) needs, and bounds and
//! checks each text: names of branches go to git later, links to a page.

mod bitbucket_cloud;
mod bitbucket_data_center;
mod checked;
mod content;
mod gitea;
mod github;
mod github_shape;
mod gitlab;
mod host;
mod image;
mod receive;
mod refusal;
mod sender;
mod signature;

pub use host::{Host, UnknownHost};
pub use receive::{LARGEST, Received, receive};
pub use refusal::Refusal;
pub use sender::{Sender, UnknownSender};
pub use signature::{sign, sign_standard};
