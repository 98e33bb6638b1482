//! Who is told of deployments, what is to be told, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use slipway_core::deployment::{Actor, Timestamp};
use slipway_core::model::Name;
use slipway_core::notification::{Event, Filter, Message};

use crate::{Access, SecretText, StoreError};

/// Receivers, occasions and deliveries of messages. A part of every [`Store`](crate::Store).
///
/// An occasion is written by the append that writes its fact ([`Store::append`](crate::Store::append)), and goes when its messages are
/// kept: whatever instant the server ends at, nothing that happened stays untold.
#[async_trait]
pub trait Notifications: Send + Sync {
    /// Keeps a new receiver; its address is encrypted at rest. A name that another has is [`StoreError::Conflict`].
    async fn put_receiver(&self, access: &Access, receiver: &Receiver, address: &ReceiverAddress) -> Result<(), StoreError>;

    /// The receivers that the caller may see, by name.
    async fn receivers(&self, access: &Access) -> Result<Vec<Receiver>, StoreError>;

    /// Where a receiver is told. Only who tells it reads it; no face does.
    async fn receiver_address(&self, id: &str) -> Result<ReceiverAddress, StoreError>;

    /// Forgets a receiver with its deliveries.
    async fn remove_receiver(&self, access: &Access, id: &str) -> Result<(), StoreError>;

    /// What is to be told, the oldest first; at most [`Occasion::AT_ONCE`].
    async fn occasions(&self) -> Result<Vec<Occasion>, StoreError>;

    /// Keeps deliveries, unless there are such of their ids, and forgets the occasion that they are for.
    async fn keep_messages(&self, occasion: Option<u64>, messages: &[MessageDelivery]) -> Result<(), StoreError>;

    /// The deliveries that have not come to an end, the oldest first.
    async fn open_messages(&self) -> Result<Vec<MessageDelivery>, StoreError>;

    /// Writes what came of an attempt, and what it says of the receiver. Of those that have come to an end the oldest go beyond
    /// [`MessageDelivery::MOST_KEPT`] of the receiver.
    async fn record_attempt(&self, delivery: &MessageDelivery, sign: Sign, at: Timestamp) -> Result<(), StoreError>;

    /// The last deliveries to a receiver, the newest first; at most `limit`.
    async fn message_deliveries(&self, receiver: &str, limit: u32) -> Result<Vec<MessageDelivery>, StoreError>;

    /// How receivers are that are not well, by their ids.
    async fn receiver_standings(&self) -> Result<BTreeMap<String, ReceiverStanding>, StoreError>;
}

/// Posts messages. It tries once, and never asks a place that its operator does not allow.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Posts a message. It has an answer whatever happens, within half a minute.
    async fn post(&self, post: &Post) -> Answer;

    /// Whether a URL may be one of a receiver, as far as it tells by itself.
    fn check(&self, url: &str) -> Result<(), String>;
}

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub address: ReceiverAddress,
    /// The id of the delivery: the same on every attempt.
    pub id: String,
    /// When it is sent.
    pub at: Timestamp,
    /// JSON.
    pub body: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The status of the answer; absent: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The first line of the answer, or why there was none; bounded.
    pub line: String,
    /// How long the receiver wants not to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// There was none.
    pub fn none(why: impl Into<String>) -> Self {
        Self { status: None, line: why.into(), retry_after: None }
    }

    /// Whether the message has arrived.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver wants to be told nothing any more.
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// Somebody who is told of deployments, by the server's own list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// A UUID.
    pub id: String,
    /// Unique in the server.
    pub name: Name,
    /// How it is told.
    pub kind: ReceiverKind,
    /// Its address as far as anybody is shown it.
    pub shown: String,
    /// Of what it is told.
    pub filter: Filter,
    /// Who made it.
    pub made_by: Actor,
    /// When.
    pub made_at: Timestamp,
}

impl Receiver {
    /// Whether a caller may see it: who sees all projects, or all that it is told of.
    pub fn is_seen_by(&self, access: &Access) -> bool {
        let Some(seen) = &access.projects else { return true };
        let projects = &self.filter.projects;
        !projects.is_empty() && projects.iter().all(|pattern| seen.iter().any(|name| name.as_str() == pattern.as_str()))
    }
}

/// How somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiverKind {
    /// JSON, as Standard Webhooks advises.
    Webhook,
    /// Text, for an incoming webhook of Slack or what understands the same.
    Slack,
}

/// A word that is no kind of receiver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of notification; expected `webhook` or `slack`")]
pub struct UnknownReceiverKind(String);

impl ReceiverKind {
    /// The word of the wire and of the environment file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
        }
    }

    /// A URL as far as anybody is shown it: its query may be a secret, and of Slack's all behind the host is.
    pub fn shown(self, url: &str) -> String {
        let end = match self {
            Self::Webhook => url.find(['?', '#']),
            Self::Slack => url.find("://").and_then(|scheme| Some(scheme + 3 + url[scheme + 3..].find(['/', '?', '#'])?)),
        };
        url[..end.unwrap_or(url.len())].to_owned()
    }

    /// What is posted to it.
    pub fn body(self, message: &Message) -> String {
        match self {
            Self::Webhook => message.webhook_body(),
            Self::Slack => message.slack_body(),
        }
    }
}

impl fmt::Display for ReceiverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReceiverKind {
    type Err = UnknownReceiverKind;

    fn from_str(text: &str) -> Result<Self, UnknownReceiverKind> {
        let known = [Self::Webhook, Self::Slack].into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| UnknownReceiverKind(text.chars().take(100).collect()))
    }
}

/// Where somebody is told, and what signs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverAddress {
    /// The URL, which is a secret itself where Slack made it.
    pub url: SecretText,
    /// What signs messages.
    pub secret: Option<SecretText>,
}

/// What the ids of all receivers begin with that an environment names.
pub fn receivers_of(project: &Name, environment: &Name) -> String {
    format!("{project}.{environment}.")
}

/// Something that happened to a deployment and is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// Counts all occasions.
    pub number: u64,
    /// The deployment.
    pub deployment: String,
    /// The number of the fact that it is: what came after it is not told.
    pub version: u64,
    /// What happened.
    pub event: Event,
}

impl Occasion {
    /// As many are read at once.
    pub const AT_ONCE: u32 = 100;
}

/// A message to one receiver, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageDelivery {
    /// `msg_…`: the same for the same occasion and receiver, on every attempt.
    pub id: String,
    /// The id of the receiver.
    pub receiver: String,
    /// What is told.
    pub message: Message,
    /// When it was made.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it goes on.
    pub state: MessageState,
    /// What the last attempt was answered.
    pub last: Option<Answer>,
}

impl MessageDelivery {
    /// As many that have come to an end are kept of a receiver.
    pub const MOST_KEPT: u32 = 250;
}

/// Whether a delivery goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// It is to be tried.
    Open {
        /// When.
        next: Timestamp,
    },
    /// It has arrived.
    Delivered {
        /// When.
        at: Timestamp,
    },
    /// It was given up.
    Failed {
        /// When.
        at: Timestamp,
    },
}

impl MessageState {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
        }
    }

    /// When it is tried next, or has come to its end.
    pub fn when(self) -> Timestamp {
        match self {
            Self::Open { next } => next,
            Self::Delivered { at } | Self::Failed { at } => at,
        }
    }

    /// The state of a word and its time.
    pub fn of(word: &str, when: Timestamp) -> Option<Self> {
        let states = [Self::Open { next: when }, Self::Delivered { at: when }, Self::Failed { at: when }];
        states.into_iter().find(|state| state.as_str() == word)
    }
}

/// What an attempt says of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is well, and wants to be told.
    Well,
    /// It does not take what it is told.
    Failing,
    /// It wants to be told nothing any more.
    Gone,
    /// Nothing: it was not asked.
    Nothing,
}

/// How a receiver is that is not well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiverStanding {
    /// Since when nothing has arrived that was tried.
    pub failing_since: Option<Timestamp>,
    /// When it said that it wants to be told nothing any more.
    pub gone_at: Option<Timestamp>,
}

impl ReceiverStanding {
    /// How it is after another attempt.
    #[must_use]
    pub fn after(self, sign: Sign, at: Timestamp) -> Self {
        match sign {
            Sign::Well => Self::default(),
            Sign::Failing => Self { failing_since: self.failing_since.or(Some(at)), ..self },
            Sign::Gone => Self { failing_since: self.failing_since.or(Some(at)), gone_at: Some(at) },
            Sign::Nothing => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_of_a_url_may_be_a_secret_is_not_shown() {
        for (kind, url, shown) in [
            (ReceiverKind::Webhook, "https://hooks.example/a/b?token=hunter2#x", "https://hooks.example/a/b"),
            (ReceiverKind::Webhook, "https://hooks.example", "https://hooks.example"),
            (ReceiverKind::Slack, "https://hooks.slack.example:8443/services/T/B/hunter2", "https://hooks.slack.example:8443"),
            (ReceiverKind::Slack, "https://chat.example?key=hunter2", "https://chat.example"),
        ] {
            assert_eq!(kind.shown(url), shown);
        }
    }
}
