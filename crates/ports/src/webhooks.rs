//! What git hosts and registries told, kept until it is worked on and for a while after.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use slipway_core::auto_deploy::Notice;
use slipway_core::deployment::{Actor, Timestamp};
use slipway_core::model::Name;

use crate::{Access, SecretText, StoreError};

/// Webhooks and their deliveries. A part of every [`Store`](crate::Store).
///
/// A delivery is kept before it is answered, and worked on later: whatever instant the server ends at, it is worked on. Its body is
/// not kept, only what follows from it.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Keeps a new webhook; its secret is encrypted at rest.
    async fn put_webhook(&self, access: &Access, webhook: &Webhook, secret: &SecretText) -> Result<(), StoreError>;

    /// The webhooks that the caller may see, the oldest first.
    async fn webhooks(&self, access: &Access) -> Result<Vec<Webhook>, StoreError>;

    /// A webhook with its secret, for whoever comes with its id: the secret tells whether he may.
    async fn webhook_to_check(&self, id: &str) -> Result<(Webhook, SecretText), StoreError>;

    /// Forgets a webhook with its deliveries.
    async fn remove_webhook(&self, access: &Access, id: &str) -> Result<(), StoreError>;

    /// Keeps a delivery, unless its webhook has one of its id: then `false`. The oldest of those that are settled go beyond
    /// [`Delivery::MOST_KEPT`].
    async fn take_delivery(&self, delivery: &NewDelivery) -> Result<bool, StoreError>;

    /// The deliveries of all webhooks that are not settled, the oldest first, each with the project of its webhook.
    async fn open_deliveries(&self) -> Result<Vec<Delivery>, StoreError>;

    /// Writes what came of a delivery.
    async fn settle_delivery(&self, number: u64, at: Timestamp, effects: &[Effect]) -> Result<(), StoreError>;

    /// The last deliveries of a webhook, the newest first; at most `limit`.
    async fn deliveries(&self, access: &Access, webhook: &str, limit: u32) -> Result<Vec<Delivery>, StoreError>;
}

/// A way by which a git host or a registry tells this server what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// A UUID; a part of its URL.
    pub id: String,
    /// Who tells, such as `github`.
    pub host: String,
    /// The project whose environments follow; absent: those of all projects.
    pub project: Option<Name>,
    /// Who made it.
    pub made_by: Actor,
    /// When.
    pub made_at: Timestamp,
}

impl Webhook {
    /// Whether a caller may see it. One for all projects is seen by whoever sees all of them.
    pub fn is_seen_by(&self, access: &Access) -> bool {
        match &self.project {
            Some(project) => access.covers(project),
            None => access.projects.is_none(),
        }
    }
}

/// Something that was told, and is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// By which webhook.
    pub webhook: String,
    /// The teller's id of it, the same when it is told again.
    pub id: String,
    /// The event, by the teller's name for it.
    pub event: String,
    /// What happened.
    pub notices: Vec<Notice>,
    /// When it came.
    pub at: Timestamp,
}

/// Something that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Counts all deliveries, in the order in which they came.
    pub number: u64,
    /// What was told.
    pub told: NewDelivery,
    /// Who tells by its webhook, such as `github`.
    pub host: String,
    /// The project of its webhook.
    pub project: Option<Name>,
    /// When it was settled, and what came of it; absent while it is worked on.
    pub settled: Option<(Timestamp, Vec<Effect>)>,
}

impl Delivery {
    /// As many settled deliveries of a webhook are kept. One that is told again after so many others is taken for new.
    pub const MOST_KEPT: u32 = 250;
}

/// What came of a delivery for one environment, or for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// Of which environment, with its project; absent: nothing follows what was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<(Name, Name)>,
    /// Of which services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Name>,
    /// What.
    pub kind: EffectKind,
    /// Why, for a person.
    pub why: String,
    /// The deployment that it brought about, or was joined to: its id and its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<(String, u64)>,
}

impl Effect {
    /// One that concerns no environment.
    pub fn none(kind: EffectKind, why: impl Into<String>) -> Self {
        Self { environment: None, services: Vec::new(), kind, why: why.into(), deployment: None }
    }
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectKind {
    /// A deployment of its own.
    Deployed,
    /// A part in a deployment that was queued.
    Joined,
    /// An environment that was made for it is being deleted.
    Deleted,
    /// Nothing, since a later delivery tells more of the same.
    Superseded,
    /// Nothing, and that is as it should be.
    Ignored,
    /// Nothing, although something should have.
    Failed,
}

impl EffectKind {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Joined => "joined",
            Self::Deleted => "deleted",
            Self::Superseded => "superseded",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}
