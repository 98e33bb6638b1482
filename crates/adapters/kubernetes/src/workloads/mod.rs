//! What runs of an environment, and ways into its pods: the port `Workloads` filled.
//!
//! What a namespace holds is watched in the same two halves as a rollout: sources keep a snapshot, and [`observe`] says of it what runs,
//! purely. Ways into a pod go through the websockets of the API server.

mod addresses;
mod connect;
mod exec;
pub(crate) mod members;
mod observe;
mod pod;
pub(crate) mod pods;
mod run_job;
mod snapshot;
#[cfg(test)]
mod tests;
mod watch;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_ports::{
    CancellationToken, ConnectRequest, ExecRequest, ExecStreams, JobRequest, PodConnection, RunningServices, Target, Workloads,
};

use crate::KubeCluster;

#[async_trait]
impl Workloads for KubeCluster {
    async fn watch(
        &self,
        target: &Target,
        namespace: &str,
        seen: tokio::sync::watch::Sender<Option<RunningServices>>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let watching = async {
            let connection = self.connection(target).await?;
            watch::run(&connection.client, &self.calls, namespace, &seen).await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::canceled(format!("stopped watching namespace {namespace}"))),
            ended = watching => ended,
        }
    }

    async fn exec(
        &self,
        target: &Target,
        request: &ExecRequest,
        streams: ExecStreams,
        cancel: &CancellationToken,
    ) -> Result<i32, Failure> {
        let running = async { exec::exec(&self.connection(target).await?, &self.calls, request, streams).await };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::canceled(format!("left the command in {}", request.release))),
            ended = running => ended,
        }
    }

    async fn connect(&self, target: &Target, request: &ConnectRequest) -> Result<PodConnection, Failure> {
        connect::connect(&self.connection(target).await?, &self.calls, request).await
    }

    async fn run_job(&self, target: &Target, request: &JobRequest) -> Result<String, Failure> {
        run_job::run(&self.connection(target).await?, &self.calls, request).await
    }
}
