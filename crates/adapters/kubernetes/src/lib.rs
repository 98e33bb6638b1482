//! Namespaces, Secrets, rollouts watched to their end, jobs and logs on Kubernetes.
//!
//! [`KubeCluster`] fills the port `Cluster`. Every request runs through [`calls`]: it has a limit of time, is tried again
//! while the API server is away, and ends as a failure that says which of the two it was, away or refusing.
//!
//! A rollout is watched in two halves. The outer one ([`rollout`]) lists and watches the objects of a release and keeps
//! them in a snapshot; the inner one is pure: it says of a snapshot whether the release is ready, can't become ready any
//! more, or is on its way. Before a verdict is given, all objects are listed anew, so that a watch that lost something
//! decides nothing.

mod calls;
mod cert_manager;
mod cluster;
mod connection;
mod logs;
mod namespace;
mod outputs;
mod pause;
mod removal;
mod restart;
mod rollout;
mod secret;
mod settings;
mod survey;
mod text;
mod trouble;
mod workloads;

pub use cluster::KubeCluster;
pub use settings::{CredentialPlugins, Settings};
