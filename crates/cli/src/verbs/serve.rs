//! `slipway serve`: the server, in the foreground.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use slipway_core::address::Allowed;
use slipway_core::model::Bytes;
use slipway_server::{
    BuilderAddress, ExternalRegistry, Frontend, Options, PublicUrl, RegistryLogin, RegistryMirror, RegistryPlace, TransportWish,
};

use crate::context::Context;
use crate::output;
use crate::stop::{Exit, Stop};

/// Run the server in the foreground; `up` runs it in the background.
#[derive(Debug, Clone, Args)]
pub(crate) struct Serve {
    /// Where the HTTP API listens: a loopback address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    pub(crate) listen: std::net::SocketAddr,
    /// The address under which a proxy shows this server, such as `https://ci.example.com/slipway`: its host is accepted then, and the
    /// page is served below its path.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<PublicUrl>,
    /// Where the embedded registry listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7879")]
    pub(crate) registry_listen: std::net::SocketAddr,
    /// Where public http ports of services on the target `local` are served: a loopback address; absent: 127.0.0.1:8080, or another
    /// port when that is taken.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) http_listen: Option<std::net::SocketAddr>,
    #[command(flatten)]
    pub(crate) registry: ExternalRegistryArguments,
    /// Ask a mirror instead of a registry, such as `docker.io=http://127.0.0.1:7879/hub`; may be repeated.
    #[arg(long = "registry-mirror", value_name = "HOST=URL", value_parser = RegistryMirror::parse)]
    pub(crate) registry_mirrors: Vec<RegistryMirror>,
    /// Allow the frontends of a repository in `# syntax=`, such as `ghcr.io/example/frontend`, beside `docker/dockerfile`; may be
    /// repeated.
    #[arg(long = "frontend", value_name = "REPOSITORY", value_parser = Frontend::parse)]
    pub(crate) frontends: Vec<Frontend>,
    /// What builds: `local`, a BuildKit of this server's own; the one at `unix:///path` or `tcp://host:port`; or `docker`, the one in
    /// the Docker Engine of `DOCKER_HOST`, or at `docker:///path`.
    #[arg(long, value_name = "ADDRESS", default_value = "local")]
    pub(crate) builder: String,
    /// Speak to a builder at `tcp://` by TLS, with `ca.pem`, `cert.pem` and `key.pem` of this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) builder_tls: Option<PathBuf>,
    /// Allow plain TCP to a builder on another machine: whoever is on the way can read secrets and replace images.
    #[arg(long, conflicts_with = "builder_tls")]
    pub(crate) builder_plain: bool,
    /// Allow `file://` URLs of git repositories.
    #[arg(long)]
    pub(crate) allow_file_urls: bool,
    /// The longest that a rollout may take, such as `90s` or `10m`, unless its probes allow longer.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(crate) rollout_timeout: Duration,
    /// How many finished deployments of an environment are kept; the last failure, and what runs, stay besides.
    #[arg(long, value_name = "COUNT", default_value = "20")]
    pub(crate) keep_deployments: NonZeroUsize,
    /// How long an image stays in the registry that no kept deployment needs and nobody pulls, such as `7d` or `36h`; at least `1h`.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = keep_images)]
    pub(crate) keep_images: Duration,
    /// How long the log of a deployment may get, such as `64Mi`; what is too much is cut out of its middle.
    #[arg(long, value_name = "SIZE", default_value = "64Mi", value_parser = log_limit)]
    pub(crate) log_limit: Bytes,
    /// How often git hosts are asked for pushes that no webhook told of, such as `5m`; at least `10s`, or `0s`: never.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = poll)]
    pub(crate) poll: Duration,
    /// Allow repositories, registries, charts and notifications at addresses that are not of the open internet, such as `10.0.0.0/8`
    /// or `git.internal`; may be repeated. A server without `--public-url` needs none: whoever reaches it is on its machine.
    #[arg(long = "allow-address", value_name = "RANGE|HOST")]
    pub(crate) allow_addresses: Vec<Allowed>,
    /// How long the server may be silent before another that waits for its home takes over, such as `15s`; at least `1s`.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = lease)]
    pub(crate) lease: Duration,
}

/// A registry of somebody else's, instead of the embedded one.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExternalRegistryArguments {
    /// Build and mirror into this registry instead of the embedded one, such as `https://registry.example.com/team`.
    #[arg(long, value_name = "URL")]
    registry: Option<RegistryPlace>,
    /// Who writes there.
    #[arg(long, value_name = "USER", requires_all = ["registry", "registry_password_file"])]
    registry_user: Option<String>,
    /// A file with the password of that user, which nobody else can read.
    #[arg(long, value_name = "FILE", requires = "registry_user")]
    registry_password_file: Option<PathBuf>,
    /// Who reads there, for the pods; absent: who writes.
    #[arg(long, value_name = "USER", requires_all = ["registry", "registry_pull_password_file"])]
    registry_pull_user: Option<String>,
    /// A file with the password of that user, which nobody else can read.
    #[arg(long, value_name = "FILE", requires = "registry_pull_user")]
    registry_pull_password_file: Option<PathBuf>,
}

impl ExternalRegistryArguments {
    fn to_arguments(&self) -> Vec<String> {
        let text = |name: &str, value: Option<String>| value.map(|value| [format!("--{name}"), value]);
        // The process that they are for runs in another folder.
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string())
        };
        let arguments = [
            text("registry", self.registry.as_ref().map(ToString::to_string)),
            text("registry-user", self.registry_user.clone()),
            text("registry-password-file", path(&self.registry_password_file)),
            text("registry-pull-user", self.registry_pull_user.clone()),
            text("registry-pull-password-file", path(&self.registry_pull_password_file)),
        ];
        arguments.into_iter().flatten().flatten().collect()
    }

    fn option(&self) -> Option<ExternalRegistry> {
        let login = |user: &Option<String>, file: &Option<PathBuf>| {
            Some(RegistryLogin { user: user.clone()?, password_file: file.clone()? })
        };
        Some(ExternalRegistry {
            place: self.registry.clone()?,
            writer: login(&self.registry_user, &self.registry_password_file),
            puller: login(&self.registry_pull_user, &self.registry_pull_password_file),
        })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    slipway_core::file::duration(text).ok_or_else(|| format!("`{text}` is no duration; expected such as `90s`, `10m` or `1h30m`"))
}

fn log_limit(text: &str) -> Result<Bytes, String> {
    let least = Bytes::mebi(1);
    let refuse = || format!("`{text}` is no size of a log; expected at least {least}, such as `64Mi`");
    Bytes::parse(text).filter(|size| *size >= least).ok_or_else(refuse)
}

/// A push, and a deployment that is being prepared, rely on what they found a while ago.
fn keep_images(text: &str) -> Result<Duration, String> {
    let (hour, year) = (Duration::from_hours(1), Duration::from_hours(366 * 24));
    let days = text.strip_suffix('d').and_then(|count| duration(&format!("{count}h")).ok()).map(|hours| hours * 24);
    let length = days.or_else(|| duration(text).ok());
    let refuse = || format!("`{text}` is no time to keep images; expected `1h` to `366d`, such as `7d` or `36h`");
    length.filter(|length| (hour..=year).contains(length)).ok_or_else(refuse)
}

fn poll(text: &str) -> Result<Duration, String> {
    let pause = duration(text)?;
    let day = Duration::from_hours(24);
    if pause.is_zero() || (Duration::from_secs(10)..=day).contains(&pause) {
        Ok(pause)
    } else {
        Err(format!("`{text}` is not between `10s` and `24h`, nor `0s`, which is never"))
    }
}

fn lease(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    let hour = Duration::from_secs(60 * 60);
    if (Duration::from_secs(1)..=hour).contains(&length) {
        Ok(length)
    } else {
        Err(format!("`{text}` is not between `1s` and `1h`"))
    }
}

impl Serve {
    /// The same as arguments of a process that runs it.
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--listen".to_owned(), self.listen.to_string()];
        arguments.extend(self.public_url.iter().flat_map(|url| ["--public-url".to_owned(), url.to_string()]));
        arguments.extend(["--registry-listen".to_owned(), self.registry_listen.to_string()]);
        arguments.extend(self.http_listen.into_iter().flat_map(|address| ["--http-listen".to_owned(), address.to_string()]));
        arguments.extend(self.registry.to_arguments());
        for mirror in &self.registry_mirrors {
            arguments.extend(["--registry-mirror".to_owned(), mirror.to_string()]);
        }
        for frontend in &self.frontends {
            arguments.extend(["--frontend".to_owned(), frontend.to_string()]);
        }
        arguments.extend(["--builder".to_owned(), self.builder.clone()]);
        // It starts in another folder.
        let tls = self.builder_tls.as_ref().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
        arguments.extend(tls.into_iter().flat_map(|folder| ["--builder-tls".to_owned(), folder.display().to_string()]));
        arguments.extend(self.builder_plain.then(|| "--builder-plain".to_owned()));
        arguments.extend(self.allow_file_urls.then(|| "--allow-file-urls".to_owned()));
        arguments.extend(["--rollout-timeout".to_owned(), format!("{}s", self.rollout_timeout.as_secs())]);
        arguments.extend(["--keep-deployments".to_owned(), self.keep_deployments.to_string()]);
        arguments.extend(["--keep-images".to_owned(), format!("{}s", self.keep_images.as_secs())]);
        arguments.extend(["--log-limit".to_owned(), self.log_limit.to_string()]);
        arguments.extend(["--poll".to_owned(), format!("{}s", self.poll.as_secs())]);
        for allowed in &self.allow_addresses {
            arguments.extend(["--allow-address".to_owned(), allowed.to_string()]);
        }
        arguments.extend(["--lease".to_owned(), format!("{}s", self.lease.as_secs())]);
        arguments
    }

    /// The builder that the arguments name.
    pub(crate) fn builder(&self) -> Result<BuilderAddress, Stop> {
        let wish = TransportWish { tls: self.builder_tls.clone(), plain_is_allowed: self.builder_plain };
        let docker_host = std::env::var("DOCKER_HOST").ok();
        BuilderAddress::parse(&self.builder, &wish, docker_host.as_deref())
            .map_err(|error| Stop::new(Exit::Refused, format!("--builder: {error}")))
    }

    fn options(&self) -> Result<Options, Stop> {
        Ok(Options {
            builder: self.builder()?,
            listen: self.listen,
            public_url: self.public_url.clone(),
            registry_listen: self.registry_listen,
            http_listen: self.http_listen,
            registry: self.registry.option(),
            registry_mirrors: self.registry_mirrors.clone(),
            frontends: self.frontends.clone(),
            allow_file_urls: self.allow_file_urls,
            rollout_timeout: self.rollout_timeout,
            keep_deployments: self.keep_deployments,
            keep_images: self.keep_images,
            most_log_bytes: self.log_limit.0,
            poll: self.poll,
            allow_addresses: self.allow_addresses.clone(),
            lease: self.lease,
        })
    }
}

pub(crate) fn run(context: &Context, arguments: &Serve) -> Result<Exit, Stop> {
    let options = arguments.options()?;
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("SLIPWAY_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(Exit::Internal, format!("no threads for the server: {error}")))?;
    let home = context.home.clone();
    let ended = runtime.block_on(slipway_server::serve(home, options));
    // What still runs, such as a build, goes on at the next start; nothing waits for it here.
    runtime.shutdown_background();
    ended.map_err(|error| Stop::new(Exit::Internal, error.to_string()))?;
    output::tell("the server has stopped; what it deployed runs on");
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_hosts_are_asked_now_and_then_or_never() {
        assert_eq!(poll("0s"), Ok(Duration::ZERO));
        assert_eq!(poll("10s"), Ok(Duration::from_secs(10)));
        for text in ["", "5", "9s", "25h"] {
            assert!(poll(text).is_err(), "{text}");
        }
    }

    #[test]
    fn images_are_kept_for_days_or_hours_and_not_for_less_than_a_push_takes() {
        for (text, hours) in [("7d", 7 * 24), ("36h", 36), ("1h", 1), ("366d", 366 * 24), ("604800s", 7 * 24)] {
            assert_eq!(keep_images(text), Ok(Duration::from_hours(hours)), "{text}");
        }
        for text in ["", "d", "7", "-1d", "59m", "0d", "367d", "1d1h", "99999999999999999999d"] {
            assert!(keep_images(text).is_err(), "{text}");
        }
    }
}
