//! The APIs of git hosts: what a request brings, who may write, and what is told on the page of a request.
//!
//! A [`Dialect`](dialect::Dialect) is what one kind of host is asked, and how its answers read; it is pure, and each host has a file.
//! [`Talk`](talk::Talk) carries the calls of the port out in a dialect, and [`Caller`](caller::Caller) sends: with the token to the
//! place of the repository alone, for a bounded time, and for an answer of bounded size. What hosts tell is held to the same rules
//! as what they post ([`told`](slipway_core::auto_deploy::told)).

mod ask;
mod bitbucket_cloud;
mod bitbucket_data_center;
mod bitbucket_shape;
mod caller;
mod comments;
mod dialect;
mod gitea;
mod github;
mod github_shape;
mod gitlab;
mod host_api;
mod place;
mod reading;
mod refusal;
mod shown;
mod talk;

pub use host_api::{HostApi, SetupError};
