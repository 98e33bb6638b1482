//! Where a registry is reached: its host, or the mirror that is set for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use reqwest::Url;
use slipway_ports::{Addresses, Login, SecretText};

/// A user name and a secret for one registry.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The user name.
    pub user: String,
    /// The password or token.
    pub secret: SecretText,
}

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct RegistrySettings {
    /// `host:port` under which targets pull from the mirroring registry.
    pub address: String,
    /// What stands before every repository that is made there; empty, or without a slash at either end.
    pub prefix: String,
    /// Whether other servers may build into it too.
    pub is_shared: bool,
    /// Where this process reaches the mirroring registry, when not under its address: `http://127.0.0.1:5000`.
    pub url: Option<String>,
    /// Registry mirrors: a source host, and the base that is asked in its place (`docker.io` → `http://127.0.0.1:5000/hub`).
    pub mirrors: BTreeMap<String, String>,
    /// Hosts, with port, that are asked over plain HTTP although they are not loopback addresses.
    pub plain_http: BTreeSet<String>,
    /// Credentials by host with port, as it stands in image references (`docker.io`, `ghcr.io`, `127.0.0.1:5000`).
    pub credentials: BTreeMap<String, Credential>,
    /// Where the host of an image or a chart may lead. What is set here is asked wherever it is.
    pub addresses: Addresses,
}

/// A setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("registry address {text:?} can't be used: {reason}; expected http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]")]
pub struct InvalidEndpoint {
    text: String,
    reason: String,
}

/// A registry as requests need it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Scheme and authority.
    base: Url,
    /// What stands before every repository, with its slash; empty without a mirror.
    prefix: String,
    /// The host whose credential is sent.
    pub(crate) credential_host: String,
    /// Who asks.
    pub(crate) sent: Option<Sent>,
    /// Where it may send us for a token, if it is a registry that a user named.
    pub(crate) judged: Option<Addresses>,
}

/// A credential that requests are sent with.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Tokens that one credential was given are not used for another.
    pub(crate) id: String,
    pub(crate) credential: Credential,
}

impl Endpoint {
    /// The endpoint for images of a host, asked by somebody whose own credential this is. What stands for a host gets none of it.
    pub(crate) fn of_host(
        settings: &RegistrySettings,
        host: &str,
        own: Option<&slipway_ports::Credential>,
    ) -> Result<Self, InvalidEndpoint> {
        if let Some(mirror) = settings.mirrors.get(host) {
            return Ok(Self::of_url(mirror)?.with_credential_of(settings));
        }
        let mut endpoint = if host == settings.address {
            // A reference has the whole path.
            Self { prefix: String::new(), ..Self::of_mirroring_registry(settings)? }
        } else {
            Self::of_authority(settings, host)?.with_credential_of(settings)
        };
        if let Some(own) = own
            && let Login::Password { user, password } = &own.login
        {
            let credential = Credential { user: user.clone(), secret: password.clone() };
            endpoint.sent = Some(Sent { id: own.id.clone(), credential });
        }
        Ok(endpoint)
    }

    /// The same, asked with what this server has for it.
    fn with_credential_of(mut self, settings: &RegistrySettings) -> Self {
        let credential = settings.credentials.get(&self.credential_host).cloned();
        self.sent = credential.map(|credential| Sent { id: String::new(), credential });
        self
    }

    /// The endpoint of the mirroring registry itself.
    pub(crate) fn of_mirroring_registry(settings: &RegistrySettings) -> Result<Self, InvalidEndpoint> {
        let mut endpoint = match &settings.url {
            Some(url) => Self::of_url(url)?,
            None => Self::of_authority(settings, &settings.address)?,
        };
        endpoint.credential_host.clone_from(&settings.address);
        if !settings.prefix.is_empty() {
            endpoint.prefix = format!("{}{}/", endpoint.prefix, settings.prefix);
        }
        Ok(endpoint.with_credential_of(settings))
    }

    fn of_authority(settings: &RegistrySettings, host: &str) -> Result<Self, InvalidEndpoint> {
        // The name in references is not the host that serves Docker Hub.
        let authority = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let plain = settings.plain_http.contains(host) || is_loopback(host);
        let mut endpoint = Self::of_url(&format!("{}://{authority}", if plain { "http" } else { "https" }))?;
        host.clone_into(&mut endpoint.credential_host);
        Ok(endpoint)
    }

    fn of_url(text: &str) -> Result<Self, InvalidEndpoint> {
        let refuse = |reason: &str| InvalidEndpoint { text: text.to_owned(), reason: reason.to_owned() };
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(refuse("it is not an HTTP address"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(refuse("it holds credentials or a query; credentials are set apart"));
        }
        let path = url.path().trim_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let base = url.join("/").map_err(|error| refuse(&error.to_string()))?;
        let credential_host = authority(&base);
        Ok(Self { base, prefix, credential_host, sent: None, judged: None })
    }

    /// The name under which the registry knows a repository.
    pub(crate) fn repository(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The address of something in a repository. Path and rest were checked by the grammar of names, tags and digests.
    pub(crate) fn url(&self, path: &str, rest: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{}{path}/{rest}", self.prefix));
        url
    }

    /// The address that tells whether this is a registry.
    pub(crate) fn version_url(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path("/v2/");
        url
    }

    /// `host:port`, as failures name it.
    pub(crate) fn shown(&self) -> String {
        authority(&self.base)
    }

    /// Whether content travels unencrypted.
    pub(crate) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Whether both are the same server, so that blobs can be mounted.
    pub(crate) fn is_same_server(&self, other: &Self) -> bool {
        self.base == other.base
    }

    /// Whether an address that the server handed out is its own, so that its credential may be sent there.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether `host[:port]` is `localhost` or an address of this machine alone.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RegistrySettings {
        RegistrySettings {
            address: "registry.example:5000".to_owned(),
            prefix: String::new(),
            is_shared: false,
            url: Some("http://127.0.0.1:7000".to_owned()),
            mirrors: BTreeMap::from([("quay.io".to_owned(), "http://127.0.0.1:5000/hub/".to_owned())]),
            plain_http: BTreeSet::from(["plain.example:80".to_owned()]),
            credentials: BTreeMap::new(),
            addresses: Addresses::default(),
        }
    }

    fn url(host: &str) -> String {
        Endpoint::of_host(&settings(), host, None).expect("the host is valid").url("a/b", "manifests/1").to_string()
    }

    #[test]
    fn a_host_is_asked_where_it_serves() {
        assert_eq!(url("docker.io"), "https://registry-1.docker.io/v2/a/b/manifests/1");
        assert_eq!(url("ghcr.io"), "https://ghcr.io/v2/a/b/manifests/1");
        assert_eq!(url("quay.io"), "http://127.0.0.1:5000/v2/hub/a/b/manifests/1");
        assert_eq!(url("registry.example:5000"), "http://127.0.0.1:7000/v2/a/b/manifests/1");
    }

    #[test]
    fn plain_http_is_for_loopback_and_what_is_set() {
        assert_eq!(url("127.0.0.1:5000"), "http://127.0.0.1:5000/v2/a/b/manifests/1");
        assert_eq!(url("localhost:5000"), "http://localhost:5000/v2/a/b/manifests/1");
        assert_eq!(url("plain.example:80"), "http://plain.example/v2/a/b/manifests/1");
        for host in ["10.0.0.1:5000", "localhost.example", "127.0.0.1.example", "registry.local:80"] {
            assert!(url(host).starts_with("https://"), "{host} was asked over plain HTTP");
        }
    }

    #[test]
    fn a_mirror_is_not_sent_the_credential_of_the_host_it_stands_for() {
        let endpoint = Endpoint::of_host(&settings(), "quay.io", None).expect("the host is valid");
        assert_eq!(endpoint.credential_host, "127.0.0.1:5000");
        assert!(Endpoint::of_url("http://user:secret@127.0.0.1").is_err());
        assert!(Endpoint::of_url("file:///etc").is_err());
    }
}
