//! One message, posted once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use slipway_core::address::host_of;
use slipway_core::file::web_url;
use slipway_ports::{Addresses, Answer, Notifier, Post, SIGNING_SECRET, SecretText, WEBHOOK_HEADERS, signature, signing_key};

use crate::answer;
use crate::judged::Judged;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long all of it may take, the answer included.
const WHOLE: Duration = Duration::from_secs(15);

/// Posts messages over HTTP.
pub struct HttpNotifier {
    client: Client,
    addresses: Addresses,
}

/// Why messages can not be posted at all.
#[derive(Debug, thiserror::Error)]
#[error("there is no client for notifications: {0}")]
pub struct NotifierError(reqwest::Error);

impl HttpNotifier {
    /// Posts where the addresses may be asked.
    pub fn new(addresses: Addresses) -> Result<Self, NotifierError> {
        // Whoever installed a provider first is right; without one no client can be made.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .redirect(Policy::none())
            // A proxy would look names up by itself.
            .no_proxy()
            // Every message is judged, so none takes the connection of another.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Judged(addresses.clone())))
            .build()
            .map_err(NotifierError)?;
        Ok(Self { client, addresses })
    }

    /// The URL as it is asked, if it may be.
    fn checked(&self, text: &str) -> Result<Url, String> {
        web_url(text, &["https", "http"])?;
        let url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
        // Both readings of the host: as it is written, and as it is asked. An address passes no resolver.
        let asked = url.host_str().unwrap_or_default();
        for host in [host_of(text), asked.trim_start_matches('[').trim_end_matches(']')] {
            self.addresses.rule().judge_host(host).map_err(|refused| refused.to_string())?;
        }
        Ok(url)
    }
}

#[async_trait]
impl Notifier for HttpNotifier {
    async fn post(&self, post: &Post) -> Answer {
        let url = match self.checked(post.address.url.expose()) {
            Ok(url) => url,
            Err(why) => return Answer::none(format!("it is not asked: {why}")),
        };
        let [id, timestamp, signed] = WEBHOOK_HEADERS;
        let time = (post.at.0 / 1_000).to_string();
        let mut request = self.client.post(url).header(CONTENT_TYPE, "application/json");
        request = request.header(id, &post.id).header(timestamp, &time);
        if let Some(secret) = &post.address.secret {
            let Some(key) = key_of(secret) else {
                return Answer::none(format!("its secret is none: behind `{SIGNING_SECRET}` stands no key in Base64"));
            };
            request = request.header(signed, signature(&key, &post.id, &time, post.body.as_bytes()));
        }
        match request.body(post.body.clone()).send().await {
            Ok(response) => answer::of_response(response, post.at).await,
            Err(error) => answer::of_error(&error.without_url()),
        }
    }

    fn check(&self, url: &str) -> Result<(), String> {
        self.checked(url).map(|_| ())
    }
}

/// The key of a secret: what stands in Base64 behind `whsec_`, else its bytes as they are.
fn key_of(secret: &SecretText) -> Option<Vec<u8>> {
    if secret.expose().starts_with(SIGNING_SECRET) {
        return signing_key(secret);
    }
    Some(secret.expose().as_bytes().to_vec()).filter(|key| !key.is_empty())
}
