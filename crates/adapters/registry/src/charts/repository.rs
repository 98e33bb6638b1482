//! Helm repositories: `index.yaml` and the archives that it lists, over HTTP.
//!
//! Redirects are followed here, one by one: each address is sent the credential of its own place, or none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use reqwest::header::{self, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_core::version_range::newest;
use slipway_ports::{Addresses, Login, Reader};
use tokio::sync::Semaphore;

use super::index::{self, Entry, Index};
use super::{not_found, some};
use crate::client::{LARGEST_ARCHIVE, cause_of, client_builder, is_loopback, printable};
use crate::digest::Digest;

/// Bytes of an index.
const LARGEST_INDEX: usize = 64 << 20;
const MOST_REDIRECTS: usize = 5;
/// An index is large: so many are in memory at a time.
const INDEXES_AT_A_TIME: usize = 2;

/// One version of a chart, as an index lists it.
pub(super) struct Listed {
    pub(super) version: String,
    pub(super) digest: Option<Digest>,
    pub(super) address: Address,
}

/// Where an index says that an archive is.
pub(super) enum Address {
    Web(Url),
    Oci { repository: ImageReference, tag: String },
}

/// Clients of Helm repositories.
pub(super) struct HelmRepositories {
    /// Honours the proxy of the environment.
    outside: Client,
    /// For this machine: a proxy could not reach it.
    direct: Client,
    indexes: Semaphore,
    addresses: Addresses,
}

impl HelmRepositories {
    pub(super) fn new(addresses: Addresses) -> Result<Self, reqwest::Error> {
        let builder = || client_builder().redirect(Policy::none());
        let (outside, direct) = (builder().build()?, builder().no_proxy().build()?);
        Ok(Self { outside, direct, indexes: Semaphore::new(INDEXES_AT_A_TIME), addresses })
    }

    /// Finds a version of a chart, or the newest of a range, in the index of a repository.
    pub(super) async fn find(&self, repository: &str, name: &str, version: &str, reader: &Reader) -> Result<Listed, Failure> {
        let (base, index_url) = addresses(repository)?;
        let index = self.index(&index_url, name, reader).await?;
        let Some(versions) = index.versions else { return Err(no_chart(repository, name, &index.names)) };
        let place = format!("{name} of {repository}");
        let found = newest(version, versions.iter().map(|entry| entry.version.as_str())).map(str::to_owned);
        let Some(entry) = versions.iter().find(|entry| found.as_ref() == Some(&entry.version)) else {
            let there_are: Vec<_> = versions.into_iter().map(|entry| entry.version).collect();
            return Err(not_found(&place, version, &there_are));
        };
        listed(&base, entry)
            .map_err(|why| invalid(format!("the index of {repository} lists {name} {} wrongly: {why}", entry.version)))
    }

    /// The archive at an address that an index lists.
    pub(super) async fn archive(&self, url: &Url, reader: &Reader) -> Result<Vec<u8>, Failure> {
        self.get(url.clone(), LARGEST_ARCHIVE, reader).await
    }

    async fn index(&self, url: &Url, name: &str, reader: &Reader) -> Result<Index, Failure> {
        // The semaphore is never closed.
        let _one_of_few = self.indexes.acquire().await;
        let content = self.get(url.clone(), LARGEST_INDEX, reader).await?;
        let name = name.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let text = String::from_utf8(content).map_err(|_| "it is no UTF-8 text".to_owned())?;
            index::read(&text, &name)
        });
        let read = read.await.unwrap_or_else(|_| Err("it can not be read".to_owned()));
        read.map_err(|why| {
            invalid(format!("{} is no index of a Helm repository: {}", shown(url), printable(&why)))
                .with_hint("check the URL: `index.yaml` is expected below it, as `helm repo index` makes it")
        })
    }

    async fn get(&self, start: Url, limit: usize, reader: &Reader) -> Result<Vec<u8>, Failure> {
        let mut url = start;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send(&url, reader).await?;
            if !response.status().is_redirection() {
                return content(&url, response, limit).await;
            }
            url = redirected(&url, &response)?;
        }
        let message = format!("{} is redirected to more than {MOST_REDIRECTS} times", shown(&url));
        Err(Failure::permanent(Code::RegistryUnavailable, message))
    }

    async fn send(&self, url: &Url, reader: &Reader) -> Result<Response, Failure> {
        self.addresses.judge(&shown(url), url.as_str()).await?;
        let host = authority(url);
        let client = if is_loopback(&host) { &self.direct } else { &self.outside };
        let mut request = client.get(url.clone());
        if let Some(authorization) = authorization(url, reader)? {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.send().await.map_err(|error| unreachable(url, error))
    }
}

/// The folder that archives are relative to, and the index in it.
fn addresses(repository: &str) -> Result<(Url, Url), Failure> {
    let refuse = || Failure::permanent(Code::ChartNotFound, format!("`{repository}` is no URL of a Helm repository"));
    let mut base = Url::parse(repository).map_err(|_| refuse())?;
    allowed(&base).map_err(|why| Failure::permanent(Code::ChartNotFound, format!("{}: {why}", shown(&base))))?;
    let mut index = base.clone();
    index.path_segments_mut().map_err(|()| refuse())?.pop_if_empty().push("index.yaml");
    base.path_segments_mut().map_err(|()| refuse())?.pop_if_empty().push("");
    Ok((base, index))
}

fn listed(base: &Url, entry: &Entry) -> Result<Listed, String> {
    let text = entry.url.as_deref().ok_or("it names no archive")?;
    let address = match text.strip_prefix("oci://") {
        Some(reference) => in_registry(base, reference)?,
        None => Address::Web(on_web(base, text)?),
    };
    let digest = entry.digest.as_deref().map(|digest| {
        let hexadecimal = digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase();
        format!("sha256:{hexadecimal}").parse().map_err(|error| format!("its digest is not valid: {error}"))
    });
    Ok(Listed { version: entry.version.clone(), digest: digest.transpose()?, address })
}

fn on_web(base: &Url, text: &str) -> Result<Url, String> {
    let url = base.join(text).map_err(|error| format!("the address of its archive is not valid: {error}"))?;
    allowed(&url)?;
    if base.scheme() == "https" && url.scheme() != "https" {
        return Err("the address of its archive is not encrypted, and that of the repository is".to_owned());
    }
    Ok(url)
}

/// A chart that lies in an OCI registry, and whose index names its tag.
fn in_registry(base: &Url, reference: &str) -> Result<Address, String> {
    let shown = printable(reference);
    let repository = ImageReference::parse(reference).map_err(|error| format!("`oci://{shown}` is no place: {error}"))?;
    if is_loopback(repository.host()) && !is_loopback(&authority(base)) {
        return Err(format!("`oci://{shown}` is on this machine, and the repository is not"));
    }
    let tag = repository.tag().filter(|_| repository.digest().is_none());
    let tag = tag.ok_or_else(|| format!("`oci://{shown}` names no version; expected `oci://host/path:1.2.3`"))?.to_owned();
    Ok(Address::Oci { repository, tag })
}

/// Refuses an address that nothing may be asked from, or sent to.
fn allowed(url: &Url) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address must not carry a user's name or password; use a credential".to_owned());
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&authority(url)) => Ok(()),
        "http" => Err("plain HTTP is for addresses of this machine alone; expected `https://`".to_owned()),
        scheme => Err(format!("`{scheme}` is not supported; expected `https://`")),
    }
}

fn redirected(from: &Url, response: &Response) -> Result<Url, Failure> {
    let refuse = |why: &str| {
        let message = format!("{} redirects to an address that can not be used: {why}", shown(from));
        Failure::permanent(Code::RegistryUnavailable, message)
    };
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let to = location.and_then(|location| from.join(location).ok()).ok_or_else(|| refuse("there is none"))?;
    allowed(&to).map_err(|why| refuse(&why))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(refuse("it is not encrypted"));
    }
    Ok(to)
}

/// What an address is sent: the credential of its own place, by the rule of git hosts.
fn authorization(url: &Url, reader: &Reader) -> Result<Option<HeaderValue>, Failure> {
    let Some(credential) = reader.for_repository(url.as_str()) else { return Ok(None) };
    let Login::Password { user, password } = &credential.login else { return Ok(None) };
    let encoded = STANDARD.encode(format!("{user}:{}", password.expose()));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}")).map_err(|_| {
        let message = format!("the credential `{}` can not be sent to {}", credential.name, shown(url));
        Failure::permanent(Code::RegistryUnauthorized, message)
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

async fn content(url: &Url, response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    refused(url, response.status())?;
    let too_large = || invalid(format!("{} has more than {} MiB", shown(url), limit >> 20));
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut content = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| unreachable(url, error))?;
        if content.len() + chunk.len() > limit {
            return Err(too_large());
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

fn refused(url: &Url, status: StatusCode) -> Result<(), Failure> {
    let message = format!("{} answered {}", shown(url), status.as_u16());
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let hint = format!(
                "`slipway credential set NAME --git {}://{} --user USER` sets what the project reads it with",
                url.scheme(),
                authority(url)
            );
            Err(Failure::permanent(Code::RegistryUnauthorized, message).with_hint(hint))
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Failure::permanent(Code::ChartNotFound, message)
            .with_hint("check the URL of the repository; a private one may look as if it did not exist")),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(Failure::retry(Code::RegistryUnavailable, message)),
        status if status.is_server_error() => Err(Failure::retry(Code::RegistryUnavailable, message)),
        _ => Err(Failure::permanent(Code::RegistryUnavailable, message)),
    }
}

fn unreachable(url: &Url, error: reqwest::Error) -> Failure {
    // An address may be signed, which makes it a credential of a kind.
    let error = error.without_url();
    let what = if error.is_timeout() { "did not answer in time" } else { "can't be reached" };
    let message = format!("{} {what}: {}", shown(url), cause_of(&error));
    Failure::retry(Code::RegistryUnavailable, message).with_hint("check the URL of the repository, and that its host runs")
}

fn no_chart(repository: &str, name: &str, names: &[String]) -> Failure {
    let message = format!("{repository} has no chart `{}`", name.escape_debug());
    let (mut alike, others): (Vec<_>, Vec<_>) =
        names.iter().cloned().partition(|other| other.contains(name) || name.contains(other.as_str()));
    alike.extend(others);
    let hint = if alike.is_empty() { "it has no charts at all".to_owned() } else { format!("there are {}", some(&alike)) };
    Failure::permanent(Code::ChartNotFound, message).with_hint(hint)
}

fn invalid(message: String) -> Failure {
    Failure::permanent(Code::ChartInvalid, message)
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), authority(url), printable(url.path()))
}
