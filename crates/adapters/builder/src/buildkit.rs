//! Builds by `buildctl`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_ports::{Activity, BuildRequest, Builder, BuiltImage, CancellationToken, Progress};
use tokio::process::{ChildStderr, Command};
use tokio::sync::OnceCell;

use crate::address::Transport;
use crate::arguments::{self, Destination};
use crate::cgroup::BuildCgroup;
use crate::credentials::{self, RegistryCredential};
use crate::daemon::LocalBuildkitd;
use crate::docker::DockerRelay;
use crate::emulation;
use crate::frontend::{self, Frontend};
use crate::lines::Lines;
use crate::outcome;
use crate::process::{GroupGuard, bound, spawn};
use crate::programs::supported_version;
use crate::transcript::{Transcribed, Transcript};

/// A longer line of progress is left out: BuildKit's own are far shorter.
const LONGEST_PROGRESS: usize = 8 << 20;
/// How long the daemon may take to tell of itself.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);

/// What is said of a builder whose builds have a cgroup, and of one whose have none (C6).
const LIMITS_OF_BUILD: &str = "limits hold for all steps of a build together";
const LIMITS_OF_STEP: &str = "limits hold for each step by itself";

/// Where images go, and where the builder keeps what is its own.
#[derive(Debug, Clone)]
pub struct BuildKitSettings {
    /// `host:port` of the registry that images are pushed to.
    pub registry: String,
    /// Whether that registry speaks plain HTTP.
    pub registry_is_plain: bool,
    /// Who the builder is to registries, that one among them.
    pub credentials: Vec<RegistryCredential>,
    /// A folder of its own, for the credentials and for what builds leave behind.
    pub folder: PathBuf,
    /// The frontends that a Dockerfile may name, beside Docker's own.
    pub frontends: Vec<Frontend>,
}

/// The builder.
#[derive(Debug)]
pub struct BuildKit {
    daemon: Daemon,
    registry: String,
    credentials: Vec<RegistryCredential>,
    registry_is_plain: bool,
    folder: PathBuf,
    frontends: BTreeSet<Frontend>,
}

#[derive(Debug)]
enum Daemon {
    /// Ours: it is started again when it died.
    Local(Box<LocalBuildkitd>),
    /// Somebody else's.
    Given(Given),
}

/// A daemon that others start and end.
#[derive(Debug)]
struct Given {
    buildctl: PathBuf,
    way: Way,
    /// Its version, once it was found good.
    version: OnceCell<String>,
}

/// How a daemon of others is reached.
#[derive(Debug)]
enum Way {
    /// By itself.
    Direct { address: String, transport: Transport },
    /// Through its Docker Engine.
    Docker(DockerRelay),
}

impl Way {
    fn address(&self) -> String {
        match self {
            Self::Direct { address, .. } => address.clone(),
            Self::Docker(relay) => relay.address(),
        }
    }
}

impl BuildKit {
    /// Builds by a daemon of our own.
    pub fn new(daemon: LocalBuildkitd, settings: BuildKitSettings) -> io::Result<Self> {
        Self::with(Daemon::Local(Box::new(daemon)), settings)
    }

    /// Builds by the daemon at an address that `buildctl` understands.
    pub fn at(
        buildctl: impl Into<PathBuf>,
        address: impl Into<String>,
        transport: Transport,
        settings: BuildKitSettings,
    ) -> io::Result<Self> {
        let way = Way::Direct { address: address.into(), transport };
        Self::with(Daemon::Given(Given { buildctl: buildctl.into(), way, version: OnceCell::new() }), settings)
    }

    /// Builds by the BuildKit in the Docker Engine that listens at a socket.
    pub fn of_docker(buildctl: impl Into<PathBuf>, engine: PathBuf, settings: BuildKitSettings) -> io::Result<Self> {
        let way = Way::Docker(DockerRelay::listen(&settings.folder.join("relay"), engine)?);
        Self::with(Daemon::Given(Given { buildctl: buildctl.into(), way, version: OnceCell::new() }), settings)
    }

    fn with(daemon: Daemon, settings: BuildKitSettings) -> io::Result<Self> {
        credentials::write(&settings.folder.join("docker"), &settings.credentials)?;
        let frontends = settings.frontends.into_iter().chain([Frontend::docker()]).collect();
        let BuildKitSettings { registry, registry_is_plain, credentials, folder, .. } = settings;
        Ok(Self { daemon, registry, credentials, registry_is_plain, folder, frontends })
    }

    /// The daemon of our own, if it is one.
    pub fn local(&self) -> Option<&LocalBuildkitd> {
        match &self.daemon {
            Daemon::Local(daemon) => Some(daemon),
            Daemon::Given(_) => None,
        }
    }

    fn buildctl(&self) -> &PathBuf {
        match &self.daemon {
            Daemon::Local(daemon) => &daemon.programs().buildctl,
            Daemon::Given(given) => &given.buildctl,
        }
    }

    fn address(&self) -> String {
        match &self.daemon {
            Daemon::Local(daemon) => daemon.address(),
            Daemon::Given(given) => given.way.address(),
        }
    }

    async fn ensure(&self) -> Result<(), Failure> {
        match &self.daemon {
            Daemon::Local(daemon) => daemon.ensure().await,
            Daemon::Given(given) => {
                let found = given.version.get_or_try_init(|| self.given_version(given)).await;
                found.map(|_| ()).map_err(|failure| self.with_what_to_do(failure))
            }
        }
    }

    /// The version of a daemon of others, with where it is; one that can not build for us is refused.
    async fn given_version(&self, given: &Given) -> Result<String, Failure> {
        let of = match &given.way {
            Way::Direct { address, .. } => format!("at {address}"),
            Way::Docker(relay) => format!("of Docker Engine {} at {}", relay.engine_version().await?, relay.engine().display()),
        };
        Ok(format!("{} {of}", supported_version(&self.ask(&["debug", "info"]).await?)?))
    }

    /// What `buildctl` is told of the daemon.
    fn connection(&self) -> Vec<OsString> {
        let mut arguments = vec![OsString::from("--addr"), self.address().into()];
        if let Daemon::Given(Given { way: Way::Direct { transport: Transport::Tls(folder), .. }, .. }) = &self.daemon {
            arguments.extend([OsString::from("--tlsdir"), folder.into()]);
        }
        arguments
    }

    /// The registry; a daemon of ours knows of it by its configuration.
    fn destination(&self) -> Destination<'_> {
        Destination { address: &self.registry, is_told_plain: self.local().is_none() && self.registry_is_plain }
    }

    /// The cgroup of a build, where the daemon is ours.
    fn cgroup(&self, request: &BuildRequest, progress: &dyn Progress) -> Option<BuildCgroup> {
        let Some(daemon) = self.local() else {
            progress.line("the limits hold for each step by itself: the builder is not this server's own");
            return None;
        };
        let made = daemon.cgroups()?.make(&request.line, request.cpu, request.memory);
        let told = |error: io::Error| {
            tracing::warn!(%error, "no cgroup could be made for a build");
            progress.line(&format!("the limits hold for each step by itself: no cgroup could be made for the build ({error})"));
        };
        made.map_err(told).ok()
    }

    fn command(&self) -> Command {
        let mut command = bound(self.buildctl());
        command.env_clear().env("DOCKER_CONFIG", self.folder.join("docker"));
        for name in ["PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Why a build failed.
    async fn failure(&self, request: &BuildRequest, transcribed: Transcribed) -> Failure {
        if emulation::is_suspected(&transcribed) {
            // A builder that does not tell leaves the step's own words.
            let runs = self.ask(&["debug", "workers"]).await.unwrap_or_default();
            if let Some(failure) = emulation::missing(&transcribed, &request.platforms, &emulation::platforms_in(&runs)) {
                return failure;
            }
        }
        outcome::failure(transcribed, request.memory, &self.registry)
    }

    /// A daemon of others that is away is not started again by us.
    fn with_what_to_do(&self, failure: Failure) -> Failure {
        if self.local().is_none() && failure.code == Code::BuilderUnavailable && failure.kind == FailureKind::Retry {
            return failure.with_hint(
                "start the builder that `--builder` names, or leave that out for one of Slipway's own; it is tried again",
            );
        }
        failure
    }

    /// What the daemon answers to a question of `buildctl`.
    async fn ask(&self, question: &[&str]) -> Result<String, Failure> {
        let mut command = self.command();
        command.args(self.connection()).args(question).stdout(Stdio::piped());
        let unanswered = |why: &str| outcome::unavailable(&format!("the daemon at {} does not answer: {why}", self.address()));
        let child = spawn(command).await.map_err(|error| not_started(self.buildctl(), &error))?;
        let output = tokio::time::timeout(LONGEST_ANSWER, child.wait_with_output())
            .await
            .map_err(|_| unanswered("it did not answer within 20 s"))?
            .map_err(|error| unanswered(&error.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(match said.trim() {
                said if said.starts_with("setpriv: ") => outcome::client_missing(said.trim_start_matches("setpriv: ")),
                said if said.contains("Unimplemented") => too_old(&self.address(), said),
                said => unanswered(said),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    async fn run(&self, command: Command, progress: &dyn Progress) -> Result<(ExitStatus, Transcribed), Failure> {
        let broken = |error: io::Error| outcome::unavailable(&format!("buildctl could not be run: {error}"));
        let mut child = spawn(command).await.map_err(|error| not_started(self.buildctl(), &error))?;
        let group = GroupGuard::of(&child);
        let stderr = child.stderr.take().ok_or_else(|| outcome::unavailable("buildctl has no standard error"))?;
        let transcribed = transcribe(stderr, progress).await.map_err(broken)?;
        let status = child.wait().await.map_err(broken)?;
        group.ended();
        Ok((status, transcribed))
    }
}

fn not_started(program: &std::path::Path, error: &io::Error) -> Failure {
    Failure::permanent(Code::BuilderUnavailable, format!("{} could not be started: {error}", program.display()))
        .with_hint("install BuildKit 0.28.1 or newer; a build argument or the list of them may also be too long for a command (128 KiB each)")
}

/// What did not know the question yet.
fn too_old(address: &str, said: &str) -> Failure {
    Failure::permanent(Code::BuilderUnavailable, format!("the daemon at {address} is too old, and unsafe: {said}"))
        .with_hint("use BuildKit 0.28.1 or newer, or leave `--builder` out for a builder of Slipway's own")
}

async fn transcribe(stderr: ChildStderr, progress: &dyn Progress) -> io::Result<Transcribed> {
    let mut transcript = Transcript::new(progress);
    let mut lines = Lines::new(stderr, LONGEST_PROGRESS);
    while let Some(line) = lines.next().await? {
        transcript.take(&line);
    }
    Ok(transcript.finish())
}

#[async_trait]
impl Builder for BuildKit {
    async fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, Failure> {
        frontend::check(request, &self.frontends)?;
        let canceled = || Failure::canceled("the build was canceled");
        tokio::select! {
            ensured = self.ensure() => ensured?,
            () = cancel.cancelled() => return Err(canceled()),
        }
        let kept = |error: io::Error| outcome::unavailable(&format!("{} cannot be written: {error}", self.folder.display()));
        let left = tempfile::Builder::new().prefix("build-").tempdir_in(&self.folder).map_err(kept)?;
        let metadata = left.path().join("metadata.json");
        let cgroup = self.cgroup(request, progress);
        let cgroup_name = cgroup.as_ref().map(BuildCgroup::name);
        let docker = left.path().join("docker");
        credentials::write(&docker, &credentials::of_build(&self.credentials, &request.reader)).map_err(kept)?;
        let mut command = self.command();
        command.env("DOCKER_CONFIG", docker);
        command.args(arguments::build(request, &self.connection(), self.destination(), cgroup_name, &metadata)?);
        for (name, value) in arguments::secret_variables(request)? {
            command.env(name, value.expose());
        }
        progress.activity(Activity::Building);
        let (status, transcribed) = tokio::select! {
            ended = self.run(command, progress) => ended?,
            () = tokio::time::sleep(request.timeout) => return Err(timed_out(request.timeout)),
            () = cancel.cancelled() => return Err(canceled()),
        };
        if status.success() {
            outcome::image(&metadata)
        } else {
            Err(self.with_what_to_do(self.failure(request, transcribed).await))
        }
    }

    async fn version(&self) -> Result<String, Failure> {
        match &self.daemon {
            Daemon::Local(daemon) => {
                daemon.ensure().await?;
                let version = supported_version(&self.ask(&["debug", "info"]).await?)?;
                let limits = if daemon.cgroups().is_some() { LIMITS_OF_BUILD } else { LIMITS_OF_STEP };
                Ok(format!("{version} of this server at {}; {limits}", daemon.address()))
            }
            // Asked anew: it may have been replaced since.
            Daemon::Given(given) => {
                let told = self.given_version(given).await.map_err(|failure| self.with_what_to_do(failure))?;
                Ok(format!("{told}; {LIMITS_OF_STEP}"))
            }
        }
    }
}

fn timed_out(timeout: Duration) -> Failure {
    Failure::permanent(Code::BuildTimeout, format!("the build did not end within {} s", timeout.as_secs()))
        .with_hint("raise `timeout` in the service's build settings, or find what hangs in the log")
}
