//! A delivery as it comes over HTTP.

use std::collections::BTreeMap;

use serde_json::Value;
use slipway_hosts::{Host, Received, Refusal, receive, sign};
use slipway_ports::SecretText;

/// What every delivery here is signed with, unless a test says otherwise.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The id that every delivery has here.
pub(crate) const DELIVERY: &str = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f";

#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) host: Host,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Posted {
    /// A delivery that is signed as its host does it.
    pub(crate) fn new(host: Host, event: &str, body: impl Into<Vec<u8>>) -> Self {
        let (event_header, delivery_header) = match host {
            Host::GitHub => ("x-github-event", "x-github-delivery"),
            Host::GitLab => ("x-gitlab-event", "idempotency-key"),
            Host::Gitea => ("x-gitea-event", "x-gitea-delivery"),
            Host::BitbucketCloud => ("x-event-key", "x-request-uuid"),
            Host::BitbucketDataCenter => ("x-event-key", "x-request-id"),
        };
        let mut posted = Self { host, headers: BTreeMap::new(), body: body.into() };
        posted.set("content-type", "application/json; charset=UTF-8");
        posted.set(event_header, event);
        posted.set(delivery_header, DELIVERY);
        posted.sign();
        posted
    }

    /// One of the samples.
    pub(crate) fn sample(host: Host, event: &str, name: &str) -> Self {
        let path = format!("{}/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Self::new(host, event, std::fs::read(path).unwrap())
    }

    /// The same with another value at a place of its JSON.
    pub(crate) fn with(&self, pointer: &str, value: &Value) -> Self {
        let mut json: Value = serde_json::from_slice(&self.body).unwrap();
        *json.pointer_mut(pointer).unwrap_or_else(|| panic!("the sample has no {pointer}")) = value.clone();
        let mut changed = self.clone();
        changed.body = serde_json::to_vec(&json).unwrap();
        changed.sign();
        changed
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn sign(&mut self) {
        let (header, value) = sign(self.host, &secret(), &self.body);
        self.set(header, &value);
    }

    pub(crate) fn receive_with(&self, secret: &str) -> Result<Received, Refusal> {
        let headers = |name: &str| self.headers.get(name).map(String::as_str);
        receive(self.host, &SecretText::new(secret), &headers, &self.body)
    }

    pub(crate) fn receive(&self) -> Result<Received, Refusal> {
        self.receive_with(SECRET)
    }

    /// What it tells, as it is stored; it must tell one thing.
    pub(crate) fn tells(&self) -> Value {
        let received = self.receive().unwrap();
        assert_eq!(received.delivery, DELIVERY);
        let [notice] = received.notices.as_slice() else { panic!("{:?}", received.notices) };
        serde_json::to_value(notice).unwrap()
    }
}

pub(crate) fn secret() -> SecretText {
    SecretText::new(SECRET)
}
