//! The adapter.

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_ports::{Addresses, CancellationToken, CommitStatus, HostPlace, HostedRequest, MarkedComment, RequestHosts};

use crate::caller::Clients;
use crate::talk::Talk;

/// The APIs of GitHub, GitLab, Gitea, Bitbucket Cloud and Bitbucket Data Center.
#[derive(Debug, Clone)]
pub struct HostApi {
    clients: Clients,
}

/// Why the client can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTPS can't be set up: {reason}; are the system's CA certificates installed?")]
pub struct SetupError {
    reason: String,
}

impl HostApi {
    /// A client of them all, where the addresses may be asked.
    pub fn new(addresses: Addresses) -> Result<Self, SetupError> {
        let clients = Clients::new(addresses).map_err(|error| SetupError { reason: error.to_string() })?;
        Ok(Self { clients })
    }
}

#[async_trait]
impl RequestHosts for HostApi {
    async fn request(&self, at: &HostPlace, number: u64, cancel: &CancellationToken) -> Result<HostedRequest, Failure> {
        Talk::new(&self.clients, at, cancel)?.request(number).await
    }

    async fn may_write(&self, at: &HostPlace, person: &str, cancel: &CancellationToken) -> Result<bool, Failure> {
        Talk::new(&self.clients, at, cancel)?.may_write(person).await
    }

    async fn set_status(
        &self,
        at: &HostPlace,
        commit: &str,
        status: &CommitStatus,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        Talk::new(&self.clients, at, cancel)?.set_status(commit, status).await
    }

    async fn put_comment(
        &self,
        at: &HostPlace,
        number: u64,
        comment: &MarkedComment,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        Talk::new(&self.clients, at, cancel)?.put_comment(number, comment).await
    }
}
