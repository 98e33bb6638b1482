//! Requests sent to an API: with its token, to its host alone, for a bounded time, and for an answer of bounded size.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{Addresses, CancellationToken, HostPlace, SecretText};

use crate::ask::Ask;
use crate::dialect::{Authorization, Dialect};
use crate::refusal;

/// How long a host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a host may take for one answer.
const WHOLE: Duration = Duration::from_secs(30);

/// The largest answer that is read.
pub(crate) const LARGEST: usize = 1 << 20;

/// The largest page of comments that is read: a hundred of the longest that GitHub takes.
pub(crate) const LARGEST_PAGE: usize = 8 << 20;

/// What an API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Clients of HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// Honours the proxy of the environment.
    outside: Client,
    /// For this machine: a proxy could not reach it.
    direct: Client,
    addresses: Addresses,
}

/// Sends to one repository's host.
pub(crate) struct Caller<'c> {
    clients: &'c Clients,
    cancel: &'c CancellationToken,
    headers: HeaderMap,
    /// What a host may not say back: the token, and what it is sent as.
    secrets: Vec<SecretText>,
}

impl Clients {
    pub(crate) fn new(addresses: Addresses) -> Result<Self, reqwest::Error> {
        // Whoever installed a provider first is right; without one no client can be made.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { outside: builder().build()?, direct: builder().no_proxy().build()?, addresses })
    }

    fn of(&self, url: &Url) -> &Client {
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_here = host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if is_here { &self.direct } else { &self.outside }
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        // The token would go along.
        .redirect(Policy::none())
}

impl<'c> Caller<'c> {
    pub(crate) fn new(
        clients: &'c Clients,
        at: &HostPlace,
        dialect: &dyn Dialect,
        cancel: &'c CancellationToken,
    ) -> Result<Self, Failure> {
        let shown = shown(&dialect.authorization(&at.user), &at.token);
        let mut authorization = HeaderValue::try_from(shown.expose()).map_err(|_| {
            Failure::permanent(Code::RepositoryUnauthorized, "the token can not be sent: it has characters that no token has")
        })?;
        authorization.set_sensitive(true);
        let fixed = dialect.headers().iter();
        let fixed = fixed.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut headers: HeaderMap = fixed.collect();
        headers.insert(AUTHORIZATION, authorization);
        let sent = shown.expose().split_once(' ').map_or("", |(_, sent)| sent);
        let secrets = vec![at.token.clone(), SecretText::new(sent)];
        Ok(Self { clients, cancel, headers, secrets })
    }

    /// What the host answers, also when it refuses.
    pub(crate) async fn call(&self, ask: &Ask, largest: usize) -> Result<Answer, Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::canceled(format!("{} was canceled", ask.doing))),
            answer = self.send(ask, largest) => answer,
        }
    }

    /// What the host answers when it does not refuse.
    pub(crate) async fn ask(&self, ask: &Ask, largest: usize) -> Result<Answer, Failure> {
        let answer = self.call(ask, largest).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refused(ask, &answer)) }
    }

    /// What a refusal comes to.
    pub(crate) fn refused(&self, ask: &Ask, answer: &Answer) -> Failure {
        refusal::refused(ask, answer, &self.secrets)
    }

    async fn send(&self, ask: &Ask, largest: usize) -> Result<Answer, Failure> {
        self.clients.addresses.judge(&ask.doing, ask.url.as_str()).await?;
        let request = self.clients.of(&ask.url).request(ask.method.clone(), ask.url.clone()).headers(self.headers.clone());
        let request = match &ask.body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.map_err(|error| refusal::unreachable(ask, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match body(response, largest).await.map_err(|error| refusal::unreachable(ask, &error))? {
            Some(body) => body,
            // The status says enough.
            None if !status.is_success() => Vec::new(),
            None => return Err(refusal::too_large(ask, largest)),
        };
        Ok(Answer { status, headers, body })
    }
}

/// The body; `None`: it is larger than that.
async fn body(mut response: Response, largest: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > largest {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// The header that shows a token.
fn shown(authorization: &Authorization, token: &SecretText) -> SecretText {
    SecretText::new(match authorization {
        Authorization::Bearer => format!("Bearer {}", token.expose()),
        Authorization::Token => format!("token {}", token.expose()),
        Authorization::Basic(user) => format!("Basic {}", STANDARD.encode(format!("{user}:{}", token.expose()))),
    })
}
