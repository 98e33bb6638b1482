//! Requests to registries: authenticated when asked for, plain text only where it may be.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use reqwest::header::{self, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use slipway_core::failure::{Code, Failure};

use super::challenge::Challenge;
use super::endpoint::{Credential, Endpoint, is_loopback};
use super::refusal;

/// How long a registry may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a registry may be silent within an answer.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a token holds when its server does not say.
const TOKEN_LIFE: Duration = Duration::from_mins(1);
/// How long before its end a token is no longer used.
const TOKEN_MARGIN: Duration = Duration::from_secs(10);
const LARGEST_TOKEN: usize = 1024 * 1024;

/// What a request wants to do, and where.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) endpoint: Endpoint,
    /// `repository:<name>:pull`, as token servers understand it.
    scopes: Vec<String>,
}

impl Access {
    /// Reading a repository.
    pub(crate) fn pull(endpoint: &Endpoint, path: &str) -> Self {
        let scope = format!("repository:{}:pull", endpoint.repository(path));
        Self { endpoint: endpoint.clone(), scopes: vec![scope] }
    }

    /// Writing a repository.
    pub(crate) fn push(endpoint: &Endpoint, path: &str) -> Self {
        let scope = format!("repository:{}:pull,push", endpoint.repository(path));
        Self { endpoint: endpoint.clone(), scopes: vec![scope] }
    }

    /// The same, and reading another repository of the registry too.
    pub(crate) fn and_pull(mut self, repository: &str) -> Self {
        self.scopes.push(format!("repository:{repository}:pull"));
        self
    }
}

#[derive(Clone)]
struct Authorization {
    value: HeaderValue,
    until: Option<Instant>,
}

/// A registry, who asks, and for what.
type Key = (String, Option<String>, Vec<String>);

/// Clients, and the tokens that were given out.
pub(crate) struct Session {
    /// Honours the proxy of the environment.
    outside: Client,
    /// For this machine: a proxy could not reach it.
    direct: Client,
    authorizations: Mutex<HashMap<Key, Authorization>>,
}

impl Session {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let builder = || client_builder().redirect(redirects());
        Ok(Self { outside: builder().build()?, direct: builder().no_proxy().build()?, authorizations: Mutex::default() })
    }

    /// Sends a request that can be made twice: again with credentials when the registry asks for them.
    pub(crate) async fn send(&self, access: &Access, request: impl Fn(&Client) -> RequestBuilder) -> Result<Response, Failure> {
        let response = self.send_once(access, &request).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some(challenge) = challenge(&response) else {
            return Ok(response);
        };
        let authorization = self.authorize(access, challenge).await?;
        self.remember(access, authorization);
        self.send_once(access, &request).await
    }

    /// Sends a request whose body can be read only once, with the authorization that is known.
    pub(crate) async fn send_once(
        &self,
        access: &Access,
        request: impl FnOnce(&Client) -> RequestBuilder,
    ) -> Result<Response, Failure> {
        let mut request = request(self.client(&access.endpoint.shown()))
            .build()
            .map_err(|error| refusal::unreachable(&access.endpoint, error))?;
        // A registry may hand out addresses of another server; that one is not sent its credential.
        if access.endpoint.owns(request.url())
            && let Some(authorization) = self.known(access)
        {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.value);
        }
        let sent = self.client(&access.endpoint.shown()).execute(request).await;
        sent.map_err(|error| refusal::unreachable(&access.endpoint, error))
    }

    fn client(&self, authority: &str) -> &Client {
        if is_loopback(authority) { &self.direct } else { &self.outside }
    }

    fn known(&self, access: &Access) -> Option<Authorization> {
        let known = self.authorizations.lock().unwrap_or_else(PoisonError::into_inner);
        let authorization = known.get(&key(access))?;
        let fresh = authorization.until.is_none_or(|until| Instant::now() < until);
        fresh.then(|| authorization.clone())
    }

    fn remember(&self, access: &Access, authorization: Authorization) {
        let mut known = self.authorizations.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.retain(|_, authorization| authorization.until.is_none_or(|until| now < until));
        known.insert(key(access), authorization);
    }

    async fn authorize(&self, access: &Access, challenge: Challenge) -> Result<Authorization, Failure> {
        let credential = access.endpoint.sent.as_ref().map(|sent| &sent.credential);
        match (challenge, credential) {
            (Challenge::Basic, Some(credential)) => Ok(Authorization { value: basic(access, credential)?, until: None }),
            (Challenge::Basic, None) => Err(refusal::unauthorized(&access.endpoint, "none is stored for it")),
            (Challenge::Bearer { realm, service }, credential) => {
                self.token(access, &realm, service.as_deref(), credential).await
            }
        }
    }

    async fn token(
        &self,
        access: &Access,
        realm: &str,
        service: Option<&str>,
        credential: Option<&Credential>,
    ) -> Result<Authorization, Failure> {
        let url = token_url(access, realm, service)?;
        if let Some(addresses) = &access.endpoint.judged {
            addresses.judge(&format!("the token server of registry {}", access.endpoint.shown()), url.as_str()).await?;
        }
        let authority = url.host_str().unwrap_or_default().to_owned();
        let mut request = self.client(&authority).get(url);
        if let Some(credential) = credential {
            request = request.header(header::AUTHORIZATION, basic(access, credential)?);
        }
        let response = request.send().await.map_err(|error| refusal::unreachable(&access.endpoint, error))?;
        if !response.status().is_success() {
            return Err(refusal::refused(&access.endpoint, "the request for a token", response).await);
        }
        let granted = read_at_most(response, LARGEST_TOKEN).await.and_then(|body| serde_json::from_slice::<Granted>(&body).ok());
        let value = granted.as_ref().and_then(|token| token.token.as_ref().or(token.access_token.as_ref()));
        let header = value.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
        let Some(mut header) = header else {
            let message = format!("the token server of registry {} answered without a token", access.endpoint.shown());
            return Err(Failure::retry(Code::RegistryUnavailable, message));
        };
        header.set_sensitive(true);
        let life = granted.and_then(|token| token.expires_in).map_or(TOKEN_LIFE, Duration::from_secs);
        let usable = life.saturating_sub(TOKEN_MARGIN).max(life / 2);
        Ok(Authorization { value: header, until: Instant::now().checked_add(usable) })
    }
}

#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// A client that says who it is and waits for nobody without end.
pub(crate) fn client_builder() -> ClientBuilder {
    // Whoever installed a provider first is right; without one no client can be made.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION"))).connect_timeout(CONNECT).read_timeout(SILENCE)
}

fn key(access: &Access) -> Key {
    let who = access.endpoint.sent.as_ref().map(|sent| sent.id.clone());
    (access.endpoint.shown(), who, access.scopes.clone())
}

fn challenge(response: &Response) -> Option<Challenge> {
    let headers = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    headers.filter_map(|value| value.to_str().ok()).find_map(Challenge::parse)
}

/// The token server's address; over plain HTTP only when the registry itself is reached so.
fn token_url(access: &Access, realm: &str, service: Option<&str>) -> Result<Url, Failure> {
    let refuse = |why: &str| {
        let message = format!("registry {} names a token server that can't be used: {why}", access.endpoint.shown());
        Failure::permanent(Code::RegistryUnauthorized, message)
    };
    let mut url = Url::parse(realm).map_err(|_| refuse("its address is not valid"))?;
    match url.scheme() {
        "https" => {}
        "http" if access.endpoint.is_plain() => {}
        _ => return Err(refuse("its address is not https")),
    }
    url.query_pairs_mut()
        .extend_pairs(service.map(|service| ("service", service)))
        .extend_pairs(access.scopes.iter().map(|scope| ("scope", scope)));
    Ok(url)
}

fn basic(access: &Access, credential: &Credential) -> Result<HeaderValue, Failure> {
    let encoded = STANDARD.encode(format!("{}:{}", credential.user, credential.secret.expose()));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .map_err(|_| refusal::unauthorized(&access.endpoint, "the stored one can't be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Follows a few redirects, never from an encrypted address to a plain one.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let downgraded = attempt.url().scheme() == "http" && attempt.previous().last().is_some_and(|url| url.scheme() == "https");
        if downgraded {
            attempt.error("the registry redirects to an unencrypted address")
        } else if attempt.previous().len() > 5 {
            attempt.error("the registry redirects more than five times")
        } else {
            attempt.follow()
        }
    })
}

/// The body, unless it is longer than that or breaks off.
pub(crate) async fn read_at_most(response: Response, limit: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        if body.len() + chunk.len() > limit {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}
