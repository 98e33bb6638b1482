//! Which product fills which port.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use slipway_builder::DaemonSettings;
use slipway_docker::LocalDocker;
use slipway_engine::{Ports, Settings};
use slipway_gate::{Gate, Gated};
use slipway_git::{GitMirrors, GitSettings};
use slipway_helm::HelmOptions;
use slipway_host_api::HostApi;
use slipway_kubernetes::KubeCluster;
use slipway_registry::embedded;
use slipway_registry::{ChartArchives, ClientError, OciRegistry};

use slipway_notifier::{HttpNotifier, NotifierError};
use slipway_ports::{Notifier, Workloads};

use crate::builder::EmbeddedBuilder;
use crate::home::{Home, HomeError};
use crate::local_target;
use crate::mirroring::{EmbeddedRegistry, MirroringRegistry};
use crate::options::Options;
use crate::ownership::Ownership;
use crate::platforms::ByPlatform;

/// How long one call waits for an API server that is away. Who asks by hand shall not wait long; a deployment asks again.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(10);

/// Why an adapter does not start.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// A file of the home.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The embedded registry.
    #[error("the registry does not open: {0}")]
    Registry(#[from] embedded::OpenError),
    /// The client of registries.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The client of git hosts.
    #[error(transparent)]
    Hosts(#[from] slipway_host_api::SetupError),
    /// Notifications.
    #[error(transparent)]
    Notifier(#[from] NotifierError),
    /// Helm.
    #[error("Helm can not be used: {0}")]
    Helm(std::io::Error),
    /// The crash tests.
    #[cfg(feature = "crash-points")]
    #[error(transparent)]
    CrashPoints(#[from] slipway_gate::InvalidCrashPoint),
    /// A folder.
    #[error("{folder} can not be used: {error}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

/// What the server runs on.
pub(crate) struct Wired {
    /// The engine's world.
    pub(crate) ports: Ports,
    /// What runs, for the faces.
    pub(crate) workloads: Arc<dyn Workloads>,
    /// How messages leave.
    pub(crate) notifier: Arc<dyn Notifier>,
    /// How the engine works.
    pub(crate) settings: Settings,
    /// The builder, to be stopped at the end.
    pub(crate) builder: Arc<EmbeddedBuilder>,
    /// The embedded registry, to be served, if it is not somebody else's.
    pub(crate) registry: Option<EmbeddedRegistry>,
    /// The Docker Engine, to be watched.
    pub(crate) local: LocalDocker,
}

/// Opens everything that a server in this home needs besides its store.
pub(crate) fn wire(
    home: &Home,
    ownership: &Ownership,
    options: &Options,
    registry: MirroringRegistry,
) -> Result<Wired, WiringError> {
    let work_folder = home.folder("work");
    // Nothing in it outlives the server that wrote it.
    clear(&work_folder)?;
    let builder = Arc::new(builder(home, options, &registry));
    let local = local_target::open(home, ownership.store().keys())?;
    let helm = Arc::from(slipway_helm::find(HelmOptions::default()).map_err(WiringError::Helm)?);
    let kubernetes = Arc::new(KubeCluster::new(slipway_kubernetes::Settings {
        patience: CLUSTER_PATIENCE,
        ..slipway_kubernetes::Settings::default()
    }));
    let registry_client = Arc::new(OciRegistry::new(registry.settings)?);
    let charts = Arc::new(ChartArchives::new(registry_client.clone(), home.folder("charts"))?);
    let ports = Ports {
        store: Arc::new(ownership.store()),
        repositories: Arc::new(repositories(home, options)?),
        builder: builder.clone(),
        registry: registry_client,
        charts,
        releases: Arc::new(ByPlatform::releases(helm, &local)),
        cluster: Arc::new(ByPlatform::cluster(kubernetes.clone(), &local)),
        requests: Arc::new(HostApi::new(options.addresses())?),
    };
    #[cfg(feature = "crash-points")]
    let ports = behind_crash_points(ports)?;
    let ports = behind(ports, &ownership.gate());
    let workloads: Arc<dyn Workloads> = Arc::new(ByPlatform::workloads(kubernetes, &local));
    let workloads = Arc::new(Gated::new(workloads, ownership.gate()));
    let notifier: Arc<dyn Notifier> = Arc::new(HttpNotifier::new(options.addresses())?);
    let notifier = Arc::new(Gated::new(notifier, ownership.gate()));
    let embedded = registry.embedded.map(|embedded| {
        let collector = Arc::new(Gated::new(embedded.collector, ownership.gate()));
        EmbeddedRegistry { router: embedded.router, collector }
    });
    let settings = Settings {
        pull_credential: registry.puller,
        work_folder: Some(work_folder),
        rollout_timeout: options.rollout_timeout,
        keep_deployments: options.keep_deployments,
        keep_images: options.keep_images,
        most_log_bytes: options.most_log_bytes,
        page: options.public_url.as_ref().map(|url| format!("{url}/")),
        ..Settings::default()
    };
    Ok(Wired { ports, workloads, notifier, settings, builder, registry: embedded, local })
}

/// Puts all that is outside behind a gate; the store sees to itself.
fn behind(ports: Ports, gate: &Arc<dyn Gate>) -> Ports {
    Ports {
        store: ports.store,
        repositories: Arc::new(Gated::new(ports.repositories, gate.clone())),
        builder: Arc::new(Gated::new(ports.builder, gate.clone())),
        registry: Arc::new(Gated::new(ports.registry, gate.clone())),
        charts: Arc::new(Gated::new(ports.charts, gate.clone())),
        releases: Arc::new(Gated::new(ports.releases, gate.clone())),
        cluster: Arc::new(Gated::new(ports.cluster, gate.clone())),
        requests: Arc::new(Gated::new(ports.requests, gate.clone())),
    }
}

/// Every call is a point at which the crash tests may kill this process.
#[cfg(feature = "crash-points")]
fn behind_crash_points(ports: Ports) -> Result<Ports, WiringError> {
    let points: Arc<dyn Gate> = Arc::new(slipway_gate::CrashPoints::from_environment()?);
    let ports = behind(ports, &points);
    Ok(Ports { store: Arc::new(Gated::new(ports.store, points)), ..ports })
}

fn repositories(home: &Home, options: &Options) -> Result<GitMirrors, WiringError> {
    let path = home.folder("git");
    let settings = GitSettings { file_urls: options.allow_file_urls, addresses: options.addresses(), ..GitSettings::new(&path) };
    GitMirrors::open(settings).map_err(|error| folder(path, error))
}

fn builder(home: &Home, options: &Options, registry: &MirroringRegistry) -> EmbeddedBuilder {
    let mirrors = options.registry_mirrors.iter().filter(|mirror| mirror.host == "docker.io");
    // BuildKit names a mirror by its host and prefix alone.
    let mirrors = mirrors.map(|mirror| mirror.url.split_once("://").map_or(mirror.url.as_str(), |(_, rest)| rest).to_owned());
    let daemon = DaemonSettings {
        docker_io_mirrors: mirrors.collect(),
        frontends: options.frontends.clone(),
        ..DaemonSettings::new(&registry.settings.address, registry.is_plain)
    };
    let address = registry.address.clone();
    EmbeddedBuilder::new(options.builder.clone(), home.folder("buildkit"), daemon, address, registry.writer.clone())
}

/// Makes a folder empty.
fn clear(path: &Path) -> Result<(), WiringError> {
    let removed = std::fs::remove_dir_all(path).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    removed.and_then(|()| std::fs::create_dir_all(path)).map_err(|error| folder(path.to_owned(), error))
}

fn folder(folder: PathBuf, error: std::io::Error) -> WiringError {
    WiringError::Folder { folder, error }
}
