//! The builder of this server: a BuildKit daemon of its own, started by the first build that needs it.

use std::path::PathBuf;

use async_trait::async_trait;
use slipway_builder::{BuildKit, BuildKitPrograms, BuildKitSettings, DaemonSettings, LocalBuildkitd, RegistryCredential};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{BuildRequest, Builder, BuiltImage, CancellationToken, Progress};
use tokio::sync::OnceCell;

/// A server without BuildKit starts all the same: `doctor`, and each build, say what is missing.
pub(crate) struct EmbeddedBuilder {
    folder: PathBuf,
    daemon: DaemonSettings,
    credential: RegistryCredential,
    started: OnceCell<BuildKit>,
    stops: CancellationToken,
}

impl EmbeddedBuilder {
    /// Nothing is started yet.
    pub(crate) fn new(folder: PathBuf, daemon: DaemonSettings, credential: RegistryCredential) -> Self {
        Self { folder, daemon, credential, started: OnceCell::new(), stops: CancellationToken::new() }
    }

    async fn started(&self) -> Result<&BuildKit, Failure> {
        self.started.get_or_try_init(|| self.start()).await
    }

    async fn start(&self) -> Result<BuildKit, Failure> {
        let daemon = LocalBuildkitd::start(&self.folder, &self.daemon, BuildKitPrograms::find()?).await?;
        let settings = BuildKitSettings {
            registry: self.credential.registry.clone(),
            credentials: vec![self.credential.clone()],
            folder: self.folder.join("client"),
        };
        BuildKit::new(daemon, settings).map_err(|error| {
            let message = format!("the folder of the builder, {}, can not be used: {error}", self.folder.display());
            Failure::permanent(Code::BuilderUnavailable, message)
        })
    }

    /// Ends the daemon; a server that is killed leaves it, and the next one adopts it.
    pub(crate) async fn stop(&self) {
        self.stops.cancel();
        let Some(daemon) = self.started.get().and_then(BuildKit::local) else { return };
        if let Err(failure) = daemon.stop().await {
            tracing::warn!(%failure, "the BuildKit daemon does not stop");
        }
    }
}

#[async_trait]
impl Builder for EmbeddedBuilder {
    async fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, Failure> {
        let build = async { self.started().await?.build(request, progress, cancel).await };
        tokio::select! {
            biased;
            // It neither failed nor ended: the next server goes on with it. Nor may a retry start the daemon again.
            () = self.stops.cancelled() => std::future::pending().await,
            built = build => built,
        }
    }

    async fn version(&self) -> Result<String, Failure> {
        self.started().await?.version().await
    }
}
