//! The API of git hosts, behind its gate.

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_ports::{CancellationToken, CommitStatus, HostPlace, HostedRequest, MarkedComment, RequestHosts};

use crate::Gated;

#[async_trait]
impl RequestHosts for Gated<dyn RequestHosts> {
    async fn request(&self, at: &HostPlace, number: u64, cancel: &CancellationToken) -> Result<HostedRequest, Failure> {
        self.pass("requests.request", self.port.request(at, number, cancel)).await
    }

    async fn may_write(&self, at: &HostPlace, person: &str, cancel: &CancellationToken) -> Result<bool, Failure> {
        self.pass("requests.may-write", self.port.may_write(at, person, cancel)).await
    }

    async fn set_status(
        &self,
        at: &HostPlace,
        commit: &str,
        status: &CommitStatus,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.pass("requests.set-status", self.port.set_status(at, commit, status, cancel)).await
    }

    async fn put_comment(
        &self,
        at: &HostPlace,
        number: u64,
        comment: &MarkedComment,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.pass("requests.put-comment", self.port.put_comment(at, number, comment, cancel)).await
    }
}
