//! What the operator sets when the server starts.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use slipway_builder::{BuilderAddress, Frontend};
use slipway_core::address::{AddressRule, Allowed};
use slipway_ports::Addresses;
use slipway_registry::RegistryPlace;

use crate::public_url::PublicUrl;

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the HTTP API listens: a loopback address.
    pub listen: SocketAddr,
    /// Where a proxy shows this server; absent: nowhere else than on loopback.
    pub public_url: Option<PublicUrl>,
    /// Where the embedded registry listens, which is also where targets pull.
    pub registry_listen: SocketAddr,
    /// Where public http ports of the local target are served: a loopback address; absent: at port 8080, or where that is taken at
    /// another one.
    pub http_listen: Option<SocketAddr>,
    /// The mirroring registry of somebody else; absent: the embedded one.
    pub registry: Option<ExternalRegistry>,
    /// Where to ask instead of a registry.
    pub registry_mirrors: Vec<RegistryMirror>,
    /// The builder.
    pub builder: BuilderAddress,
    /// The frontends that a Dockerfile may name (`# syntax=`), beside `docker/dockerfile`.
    pub frontends: Vec<Frontend>,
    /// Whether `file://` URLs of git repositories are taken.
    pub allow_file_urls: bool,
    /// The longest that a rollout may take, unless its probes allow longer.
    pub rollout_timeout: Duration,
    /// How many finished deployments of an environment are kept, besides those that something needs.
    pub keep_deployments: NonZeroUsize,
    /// How long an image stays in the registry that no deployment needs and nobody uses.
    pub keep_images: Duration,
    /// How many bytes the log of a deployment may have.
    pub most_log_bytes: u64,
    /// How long between two looks at git hosts for pushes that no webhook told of; zero: it never looks.
    pub poll: Duration,
    /// What is not of the open internet and may be asked for users all the same: repositories, registries, charts, receivers of messages.
    pub allow_addresses: Vec<Allowed>,
    /// How long this server may be silent before another that waits for its home takes over.
    pub lease: Duration,
}

impl Options {
    /// Where URLs of users may lead. A server that no proxy shows is reached from its own machine alone.
    pub(crate) fn addresses(&self) -> Addresses {
        Addresses::new(AddressRule { is_local: self.public_url.is_none(), allowed: self.allow_addresses.clone() })
    }
}

/// A registry that images are built and mirrored into, instead of the embedded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalRegistry {
    /// Where it is.
    pub place: RegistryPlace,
    /// Who writes; absent: anybody may.
    pub writer: Option<RegistryLogin>,
    /// Who reads, for the pods; absent: the writer.
    pub puller: Option<RegistryLogin>,
}

/// A user of a registry, and where his password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// The user.
    pub user: String,
    /// A file that only the server's user can read.
    pub password_file: PathBuf,
}

/// Where to ask instead of a registry: `host=url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryMirror {
    /// The registry that images name, such as `docker.io`.
    pub host: String,
    /// Where to ask, such as `http://127.0.0.1:7879/hub`.
    pub url: String,
}

/// Why a text is no mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mirror: expected `host=url`, such as `docker.io=http://127.0.0.1:5000`")]
pub struct InvalidMirror(String);

impl RegistryMirror {
    /// Reads `host=url`.
    pub fn parse(text: &str) -> Result<Self, InvalidMirror> {
        let refuse = || InvalidMirror(text.to_owned());
        let (host, url) = text.split_once('=').ok_or_else(refuse)?;
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).ok_or_else(refuse)?;
        if host.is_empty() || host.contains('/') || rest.is_empty() || rest.starts_with('/') {
            return Err(refuse());
        }
        Ok(Self { host: host.to_owned(), url: url.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for RegistryMirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.host, self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::RegistryMirror;

    #[test]
    fn a_mirror_reads_back_and_nonsense_is_refused() {
        let mirror = RegistryMirror::parse("docker.io=http://127.0.0.1:7879/hub/").unwrap();
        assert_eq!(mirror.to_string(), "docker.io=http://127.0.0.1:7879/hub");
        for text in ["docker.io", "=http://a", "docker.io=ftp://a", "docker.io=http://", "a/b=http://c"] {
            assert!(RegistryMirror::parse(text).is_err(), "{text}");
        }
    }
}
