//! The batch API of LFS, and its `basic` transfer.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Action as Redirect, Attempt, Policy};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use slipway_core::address::{RefusedAddress, host_of};
use slipway_core::failure::{Code, Failure};
use slipway_ports::Addresses;

use super::endpoint::{Endpoint, http, sensitive};
use super::pointer::Pointer;

const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";
const CONNECT: Duration = Duration::from_secs(15);
/// A server that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// Of an answer of the batch API.
const LARGEST_ANSWER: usize = 4 << 20;
/// Objects in one request.
pub(crate) const BATCH: usize = 100;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// Asks LFS servers.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Follows a redirect to any host, without an `Authorization`.
    anywhere: reqwest::Client,
    /// Follows none to another host: for headers of which only we know that they are secret.
    at_home: reqwest::Client,
    addresses: Addresses,
}

/// Where one object is downloaded, as its server says.
#[derive(Debug)]
pub(crate) struct Download {
    url: reqwest::Url,
    headers: HeaderMap,
    /// Whether the headers are for this host alone.
    is_at_home: bool,
}

#[derive(Serialize)]
struct Batch<'a> {
    operation: &'static str,
    transfers: [&'static str; 1],
    hash_algo: &'static str,
    objects: Vec<Wanted<'a>>,
}

#[derive(Serialize)]
struct Wanted<'a> {
    oid: &'a str,
    size: u64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    oid: String,
    /// Whether the download needs no further credential.
    #[serde(default)]
    authenticated: bool,
    #[serde(default)]
    actions: Option<Actions>,
    #[serde(default)]
    error: Option<ObjectError>,
}

#[derive(Deserialize)]
struct Actions {
    download: Option<Action>,
}

#[derive(Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ObjectError {
    code: u16,
}

impl Client {
    /// A client that honours the proxies of the environment, as git does.
    pub(crate) fn new(addresses: Addresses) -> Result<Self, Failure> {
        // Whoever installed a provider first is right; without one no client can be made.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |redirects: Policy| {
            let builder = reqwest::Client::builder().user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")));
            let client = builder.connect_timeout(CONNECT).read_timeout(SILENCE).redirect(redirects).build();
            client.map_err(|error| Failure::permanent(Code::Internal, format!("there is no client for LFS: {error}")))
        };
        let (anywhere, at_home) = (client(anywhere(addresses.clone()))?, client(Policy::custom(stay_at_home))?);
        Ok(Self { anywhere, at_home, addresses })
    }

    /// Refuses an address that this server may not be sent to.
    async fn judge(&self, endpoint: &Endpoint, url: &reqwest::Url) -> Result<(), Failure> {
        self.addresses.judge(&format!("the LFS server {}", endpoint.url), url.as_str()).await
    }

    fn which(&self, is_at_home: bool) -> &reqwest::Client {
        if is_at_home { &self.at_home } else { &self.anywhere }
    }

    /// Where the objects are downloaded, by their digests; at most [`BATCH`].
    pub(crate) async fn batch(&self, endpoint: &Endpoint, wanted: &[&Pointer]) -> Result<BTreeMap<String, Download>, Failure> {
        self.judge(endpoint, &endpoint.url).await?;
        let objects = wanted.iter().map(|pointer| Wanted { oid: &pointer.oid, size: pointer.size }).collect();
        let batch = Batch { operation: "download", transfers: ["basic"], hash_algo: "sha256", objects };
        let client = self.which(has_others(&endpoint.headers));
        let request = client.post(endpoint.batch()).headers(endpoint.headers.clone());
        let mut own = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(MEDIA_TYPE))]);
        // Before the body, which keeps a type that is there.
        own.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        let request = request.headers(own).json(&batch);
        let response = request.send().await.map_err(|error| unreachable(endpoint, &error))?;
        let response = accepted(endpoint, response)?;
        let answer: Answer = serde_json::from_slice(&body(endpoint, response).await?).map_err(|_| {
            Failure::permanent(Code::LfsUnavailable, format!("{} gives no answer of an LFS server", endpoint.url))
        })?;
        let mut downloads = BTreeMap::new();
        for object in answer.objects {
            let action = object.actions.and_then(|actions| actions.download);
            match (object.error, action) {
                (Some(error), _) if error.code >= 500 || error.code == 429 => {
                    let message = format!("{} cannot give the object {} now: {}", endpoint.url, object.oid, error.code);
                    return Err(Failure::retry(Code::LfsUnavailable, message));
                }
                (None, Some(action)) => {
                    downloads.insert(object.oid, download(endpoint, action, object.authenticated)?);
                }
                // What is not there is told by the file that wants it.
                (Some(_), _) | (None, None) => {}
            }
        }
        Ok(downloads)
    }

    /// Begins a download.
    pub(crate) async fn download(&self, endpoint: &Endpoint, download: &Download) -> Result<Response, Failure> {
        self.judge(endpoint, &download.url).await?;
        let request = self.which(download.is_at_home).get(download.url.clone()).headers(download.headers.clone());
        let response = request.send().await.map_err(|error| unreachable(endpoint, &error))?;
        accepted(endpoint, response)
    }
}

fn download(endpoint: &Endpoint, action: Action, authenticated: bool) -> Result<Download, Failure> {
    let invalid = || Failure::permanent(Code::LfsUnavailable, format!("{} names an address that cannot be asked", endpoint.url));
    let url = http(&action.href).ok_or_else(invalid)?;
    let mut headers = HeaderMap::new();
    for (name, value) in action.header {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        headers.insert(name, sensitive(&value)?);
    }
    let is_asked_alike = !authenticated && !headers.contains_key(AUTHORIZATION);
    let own = endpoint.headers_for(&url).filter(|_| is_asked_alike);
    for (name, value) in own.into_iter().flatten() {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    Ok(Download { url, headers, is_at_home: own.is_some_and(has_others) })
}

/// Whether there is more than an `Authorization`, which no redirect takes to another host.
fn has_others(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name != AUTHORIZATION)
}

/// Follows to where this server may be sent, as far as an address tells by itself.
fn anywhere(addresses: Addresses) -> Policy {
    Policy::custom(move |attempt| {
        if attempt.previous().len() > MOST_REDIRECTS {
            attempt.error("it leads in a circle")
        } else {
            match addresses.rule().judge_host(host_of(attempt.url().as_str())) {
                Ok(()) => attempt.follow(),
                Err(refused) => attempt.error(refused),
            }
        }
    })
}

fn stay_at_home(attempt: Attempt<'_>) -> Redirect {
    let is_home = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if attempt.previous().len() > MOST_REDIRECTS {
        attempt.error("it leads in a circle")
    } else if is_home {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn accepted(endpoint: &Endpoint, response: Response) -> Result<Response, Failure> {
    let url = &endpoint.url;
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::permanent(
            Code::RepositoryUnauthorized,
            format!("the LFS server {url} refuses to be read with the credentials that it was given"),
        )
        .with_hint("give the environment a credential that may read the repository, and check that it has not expired")),
        status if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
            Err(Failure::retry(Code::LfsUnavailable, format!("the LFS server {url} answers {}", status.as_u16())))
        }
        status => Err(Failure::permanent(Code::LfsUnavailable, format!("the LFS server {url} answers {}", status.as_u16()))
            .with_hint(
                "check that the repository's host has Git LFS turned on, or name the server as `lfs.url` in `.lfsconfig`",
            )),
    }
}

/// The addresses of downloads may hold credentials, so the error's own text is not shown.
pub(super) fn unreachable(endpoint: &Endpoint, error: &reqwest::Error) -> Failure {
    if let Some(refused) = RefusedAddress::behind(error) {
        let message = format!("the LFS server {} leads where this server may not be sent: {refused}", endpoint.url);
        return Failure::permanent(Code::AddressRefused, message);
    }
    let why = if error.is_timeout() {
        "it does not answer in time"
    } else if error.is_connect() {
        "it does not answer"
    } else if error.is_redirect() {
        "it leads in a circle"
    } else {
        "its answer broke off"
    };
    Failure::retry(Code::LfsUnavailable, format!("the LFS server {} cannot be read: {why}", endpoint.url))
        .with_hint("check that the host is reachable from the server; it is tried again")
}

async fn body(endpoint: &Endpoint, mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(endpoint, &error))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Failure::permanent(Code::LfsUnavailable, format!("{} answers with more than 4 MiB", endpoint.url)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
