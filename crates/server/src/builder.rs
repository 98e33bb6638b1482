//! The builder of this server: a BuildKit daemon of its own, started by the first build that needs it, or the one that the operator
//! names.

use std::path::PathBuf;

use async_trait::async_trait;
use slipway_builder::{
    BuildKit, BuildKitPrograms, BuildKitSettings, BuilderAddress, DaemonSettings, LocalBuildkitd, RegistryCredential,
};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{BuildRequest, Builder, BuiltImage, CancellationToken, Progress};
use tokio::sync::OnceCell;

/// A server without BuildKit starts all the same: `doctor`, and each build, say what is missing.
pub(crate) struct EmbeddedBuilder {
    address: BuilderAddress,
    folder: PathBuf,
    daemon: DaemonSettings,
    /// What stands before a repository in the name of an image.
    registry: String,
    credential: Option<RegistryCredential>,
    started: OnceCell<BuildKit>,
    stops: CancellationToken,
}

impl EmbeddedBuilder {
    /// Nothing is started yet.
    pub(crate) fn new(
        address: BuilderAddress,
        folder: PathBuf,
        daemon: DaemonSettings,
        registry: String,
        credential: Option<RegistryCredential>,
    ) -> Self {
        Self { address, folder, daemon, registry, credential, started: OnceCell::new(), stops: CancellationToken::new() }
    }

    async fn started(&self) -> Result<&BuildKit, Failure> {
        self.started.get_or_try_init(|| self.start()).await
    }

    async fn start(&self) -> Result<BuildKit, Failure> {
        let settings = BuildKitSettings {
            registry: self.registry.clone(),
            registry_is_plain: self.daemon.plain_http,
            credentials: self.credential.iter().cloned().collect(),
            folder: self.folder.join("client"),
            frontends: self.daemon.frontends.clone(),
        };
        let kit = match &self.address {
            BuilderAddress::Local => {
                let daemon = LocalBuildkitd::start(&self.folder, &self.daemon, BuildKitPrograms::find()?).await?;
                BuildKit::new(daemon, settings)
            }
            BuilderAddress::BuildKit { address, transport } => {
                BuildKit::at(BuildKitPrograms::find_client()?, address, transport.clone(), settings)
            }
            BuilderAddress::Docker(socket) => BuildKit::of_docker(BuildKitPrograms::find_client()?, socket.clone(), settings),
        };
        kit.map_err(|error| {
            let message = format!("the folder of the builder, {}, can not be used: {error}", self.folder.display());
            Failure::permanent(Code::BuilderUnavailable, message)
        })
    }

    /// Ends the daemon, also one that a killed server left and that no build has needed since.
    pub(crate) async fn stop(&self) {
        self.stops.cancel();
        let stopped = match self.started.get().and_then(BuildKit::local) {
            Some(daemon) => daemon.stop().await,
            None => LocalBuildkitd::stop_left_behind(&self.folder).await,
        };
        if let Err(failure) = stopped {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use slipway_builder::Transport;
    use slipway_core::model::{Bytes, Millicores};
    use slipway_ports::{RepositoryTag, SecretText, Silent};

    use super::*;

    /// Says that it runs, and fails as `buildctl` does whose daemon goes away, when `gone` is there.
    const BUILDCTL: &str = "#!/bin/sh
case \" $* \" in *\" debug info \"*) echo 'BuildKit: github.com/moby/buildkit v0.34.2'; exit 0 ;; esac
touch \"$HOME_OF_TEST/runs\"
while [ ! -e \"$HOME_OF_TEST/gone\" ]; do sleep 0.02; done
echo 'error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF' >&2
exit 1
";

    fn request() -> BuildRequest {
        BuildRequest {
            context: "/context".into(),
            dockerfile_folder: "/dockerfile".into(),
            target: None,
            args: BTreeMap::new(),
            secrets: [].into(),
            reader: slipway_ports::Reader::nobody(),
            platforms: Vec::new(),
            line: "a line".to_owned(),
            cache_scope: None,
            cpu: Millicores(1000),
            memory: Bytes::mebi(256),
            timeout: Duration::from_secs(60),
            destination: RepositoryTag { repository: "builds/shop".to_owned(), tag: "k1-a".to_owned() },
            annotations: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn a_build_that_runs_when_the_server_stops_does_not_fail() {
        let folder = tempfile::tempdir().unwrap();
        let buildctl = folder.path().join("buildctl");
        std::fs::write(&buildctl, BUILDCTL.replace("$HOME_OF_TEST", &folder.path().display().to_string())).unwrap();
        std::fs::set_permissions(&buildctl, std::fs::Permissions::from_mode(0o755)).unwrap();
        let registry = "127.0.0.1:1".to_owned();
        let credential =
            RegistryCredential { registry: registry.clone(), user: "slipway".to_owned(), password: SecretText::new("x") };
        let settings = BuildKitSettings {
            registry: registry.clone(),
            registry_is_plain: true,
            credentials: Vec::new(),
            folder: folder.path().join("client"),
            frontends: Vec::new(),
        };
        let builder = EmbeddedBuilder::new(
            BuilderAddress::Local,
            folder.path().to_owned(),
            DaemonSettings::new(registry.clone(), true),
            registry,
            Some(credential),
        );
        let kit = BuildKit::at(&buildctl, "unix:///nowhere", Transport::Plain, settings).unwrap();
        assert!(builder.started.set(kit).is_ok());

        let (request, never) = (request(), CancellationToken::new());
        let mut build = std::pin::pin!(builder.build(&request, &Silent, &never));
        let runs = folder.path().join("runs");
        let begun = async {
            while !runs.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            ended = &mut build => panic!("it ended before the server stopped: {ended:?}"),
            () = begun => {}
        }
        builder.stop().await;
        std::fs::write(folder.path().join("gone"), "").unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(1), build).await;
        assert!(ended.is_err(), "the next server goes on with it: {ended:?}");
    }
}
