//! Which builder: one of our own, somebody's BuildKit, or the one in a Docker Engine.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// Where a Docker Engine listens unless it is told otherwise.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// The builder that an operator names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuilderAddress {
    /// A daemon of this server's own.
    Local,
    /// The BuildKit that listens at an address, `unix:///path` or `tcp://host:port`.
    BuildKit {
        /// The address, as `buildctl` takes it.
        address: String,
        /// How it is spoken to.
        transport: Transport,
    },
    /// The BuildKit in the Docker Engine that listens at this socket.
    Docker(PathBuf),
}

/// How a BuildKit is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// In the clear: over a socket of this machine, or where the operator says that the network may be trusted.
    Plain,
    /// By TLS, with `ca.pem`, `cert.pem` and `key.pem` of this folder.
    Tls(PathBuf),
}

/// What an operator says of the way to a BuildKit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransportWish {
    /// The folder of certificates.
    pub tls: Option<PathBuf>,
    /// Plain TCP to another machine is allowed.
    pub plain_is_allowed: bool,
}

/// Why an address is none of a builder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBuilder {
    /// It is of no known kind.
    #[error("`{0}` is no builder: expected `local`, `docker`, `docker:///path`, `unix:///path` or `tcp://host:port`")]
    Address(String),
    /// Anybody on the way could read secrets and replace images.
    #[error(
        "`{0}` is another machine, and plain TCP to it can be read and changed on its way: give certificates by `--builder-tls FOLDER`, or \
         allow it by `--builder-plain`"
    )]
    Plain(String),
    /// Only TCP has certificates.
    #[error("`{0}` takes no certificates: `--builder-tls` is for `tcp://host:port`")]
    Certificates(String),
    /// `DOCKER_HOST` names what is no socket of this machine.
    #[error(
        "the Docker Engine at `{0}` can not build for this server: expected one at a socket of this machine, `docker:///path`"
    )]
    Docker(String),
}

impl BuilderAddress {
    /// Reads an address; `docker` alone is the engine at `docker_host`, the value of `DOCKER_HOST`, or at its usual socket.
    pub fn parse(text: &str, wish: &TransportWish, docker_host: Option<&str>) -> Result<Self, InvalidBuilder> {
        let refuse = || InvalidBuilder::Address(text.to_owned());
        if let Some(rest) = text.strip_prefix("tcp://") {
            return Self::tcp(text, rest, wish);
        }
        if wish.tls.is_some() {
            return Err(InvalidBuilder::Certificates(text.to_owned()));
        }
        let is_absolute = |path: &str| path.starts_with('/') && path.len() > 1 && !path.contains('\0');
        match text {
            "local" => Ok(Self::Local),
            "docker" => match docker_host.filter(|host| !host.is_empty()) {
                None => Ok(Self::Docker(PathBuf::from(DOCKER_SOCKET))),
                Some(host) => {
                    let path = host.strip_prefix("unix://").filter(|path| is_absolute(path));
                    path.map(|path| Self::Docker(PathBuf::from(path))).ok_or_else(|| InvalidBuilder::Docker(host.to_owned()))
                }
            },
            _ => match (text.strip_prefix("docker://"), text.strip_prefix("unix://")) {
                (Some(path), _) if is_absolute(path) => Ok(Self::Docker(PathBuf::from(path))),
                (_, Some(path)) if is_absolute(path) => {
                    Ok(Self::BuildKit { address: text.to_owned(), transport: Transport::Plain })
                }
                _ => Err(refuse()),
            },
        }
    }

    fn tcp(text: &str, place: &str, wish: &TransportWish) -> Result<Self, InvalidBuilder> {
        let refuse = || InvalidBuilder::Address(text.to_owned());
        let (host, port) = place.rsplit_once(':').ok_or_else(refuse)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_host =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
        if port.parse::<u16>().is_err() || !is_host(bare) || bare.starts_with('-') {
            return Err(refuse());
        }
        // A name may stand for another machine tomorrow, but for this one.
        let is_here = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let transport = match &wish.tls {
            Some(folder) => Transport::Tls(folder.clone()),
            None if is_here || wish.plain_is_allowed => Transport::Plain,
            None => return Err(InvalidBuilder::Plain(text.to_owned())),
        };
        Ok(Self::BuildKit { address: text.to_owned(), transport })
    }
}

impl fmt::Display for BuilderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::BuildKit { address, .. } => f.write_str(address),
            Self::Docker(socket) => write!(f, "docker://{}", socket.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BuilderAddress, InvalidBuilder> {
        BuilderAddress::parse(text, &TransportWish::default(), None)
    }

    #[test]
    fn addresses_read_back() {
        for text in
            ["local", "unix:///run/buildkit/buildkitd.sock", "tcp://127.0.0.1:1234", "tcp://[::1]:1234", "docker:///run/d.sock"]
        {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse("docker").unwrap().to_string(), "docker:///var/run/docker.sock");
        let of = |host| BuilderAddress::parse("docker", &TransportWish::default(), Some(host));
        assert_eq!(of("unix:///run/user/1000/docker.sock").unwrap().to_string(), "docker:///run/user/1000/docker.sock");
        assert!(matches!(of("tcp://10.0.0.1:2375"), Err(InvalidBuilder::Docker(_))));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "/run/x.sock",
            "unix://",
            "unix://run",
            "tcp://",
            "tcp://a",
            "tcp://a:b",
            "tcp://-x:1",
            "tcp://a/b:1",
            "docker://x",
            "http://a:1",
        ] {
            assert!(matches!(parse(text), Err(InvalidBuilder::Address(_))), "{text}");
        }
    }

    #[test]
    fn plain_tcp_goes_no_further_than_this_machine_unless_it_is_allowed() {
        for text in ["tcp://10.0.0.1:1234", "tcp://builder.example:1234", "tcp://127.0.0.1.example:1", "tcp://[fe80::1]:1"] {
            assert!(matches!(parse(text), Err(InvalidBuilder::Plain(_))), "{text}");
            let allowed = TransportWish { plain_is_allowed: true, ..TransportWish::default() };
            assert!(BuilderAddress::parse(text, &allowed, None).is_ok());
            let tls = TransportWish { tls: Some("/certificates".into()), ..TransportWish::default() };
            let expected = Transport::Tls("/certificates".into());
            let BuilderAddress::BuildKit { transport, .. } = BuilderAddress::parse(text, &tls, None).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(transport, expected);
            assert!(matches!(BuilderAddress::parse("local", &tls, None), Err(InvalidBuilder::Certificates(_))));
        }
    }
}
