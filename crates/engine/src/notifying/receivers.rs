//! Who is told: receivers of the server's own list, and those that environments name.

use sha2::{Digest as _, Sha256};
use slipway_core::model::{Environment, EnvironmentMode, Name, Notification};
use slipway_core::notification::Event;
use slipway_ports::{Access, Receiver, ReceiverAddress, ReceiverKind, SecretText, StoreError, receivers_of};

use crate::engine::Engine;

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// By the server's own list.
    Own(Receiver),
    /// By the configuration of an environment.
    Environment(EnvironmentReceiver),
}

/// Somebody whom the configuration of an environment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentReceiver {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// What the configuration says.
    pub notification: Notification,
}

impl EnvironmentReceiver {
    /// Those that an environment names.
    fn of(environment: &Environment) -> impl Iterator<Item = Self> {
        environment.notifications.iter().map(|notification| Self {
            project: environment.project.clone(),
            environment: environment.name.clone(),
            notification: notification.clone(),
        })
    }

    /// Tells it from all others: `shop.staging.` and a digest of the place that it is told at.
    pub fn id(&self) -> String {
        let Notification { kind, url, secret, .. } = &self.notification;
        let place = url.as_deref().map_or_else(|| ("secret", secret.as_deref().unwrap_or_default()), |url| ("url", url));
        let mut hash = Sha256::new();
        for part in [kind.as_str(), place.0, place.1] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digits: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{}{digits}", receivers_of(&self.project, &self.environment))
    }

    /// How it is told.
    pub fn kind(&self) -> ReceiverKind {
        // The file knows no other word, and a webhook is the kind of which nothing is hidden.
        self.notification.kind.parse().unwrap_or(ReceiverKind::Webhook)
    }

    fn covers(&self, event: Event) -> bool {
        let events = &self.notification.events;
        events.is_empty() || events.iter().any(|word| word == event.as_str())
    }
}

impl Told {
    /// Its id.
    pub fn id(&self) -> String {
        match self {
            Self::Own(receiver) => receiver.id.clone(),
            Self::Environment(receiver) => receiver.id(),
        }
    }

    /// How it is told.
    pub fn kind(&self) -> ReceiverKind {
        match self {
            Self::Own(receiver) => receiver.kind,
            Self::Environment(receiver) => receiver.kind(),
        }
    }
}

impl Engine {
    /// All who are told, as far as the caller may see them: of the server's list, then of environments.
    pub async fn told(&self, access: &Access) -> Result<Vec<Told>, StoreError> {
        let store = &self.shared().ports.store;
        let mut told: Vec<Told> = store.receivers(access).await?.into_iter().map(Told::Own).collect();
        for stored in store.environments(access).await? {
            told.extend(EnvironmentReceiver::of(&stored.environment).map(Told::Environment));
        }
        Ok(told)
    }

    /// One who is told, by the id; `None`: there is no such, or not any more, or the caller may not see it.
    pub async fn told_by_id(&self, access: &Access, id: &str) -> Result<Option<Told>, StoreError> {
        let store = &self.shared().ports.store;
        let Some((project, environment)) = place_of(id) else {
            let receivers = store.receivers(access).await?;
            return Ok(receivers.into_iter().find(|receiver| receiver.id == id).map(Told::Own));
        };
        let stored = match store.environment(access, &project, &environment).await {
            Ok(stored) => stored,
            Err(StoreError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(EnvironmentReceiver::of(&stored.environment).find(|receiver| receiver.id() == id).map(Told::Environment))
    }

    /// The ids and kinds of those who are told of an event in an environment as it is configured now.
    pub(super) async fn concerned(
        &self,
        access: &Access,
        (project, name, mode): (&Name, &Name, EnvironmentMode),
        event: Event,
    ) -> Result<Vec<String>, StoreError> {
        let store = &self.shared().ports.store;
        let own = store.receivers(access).await?;
        let own = own.into_iter().filter(|receiver| receiver.filter.covers(project, mode, event)).map(|receiver| receiver.id);
        let mut concerned: Vec<String> = own.collect();
        match store.environment(access, project, name).await {
            Ok(stored) => {
                let named = EnvironmentReceiver::of(&stored.environment).filter(|receiver| receiver.covers(event));
                concerned.extend(named.map(|receiver| receiver.id()));
            }
            Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let standings = store.receiver_standings().await?;
        concerned.retain(|id| standings.get(id).is_none_or(|standing| standing.gone_at.is_none()));
        Ok(concerned)
    }

    /// Where somebody is told; an error of the second kind says what is missing.
    pub(super) async fn address_of(&self, told: &Told) -> Result<Result<ReceiverAddress, String>, StoreError> {
        let receiver = match told {
            Told::Own(receiver) => return self.shared().ports.store.receiver_address(&receiver.id).await.map(Ok),
            Told::Environment(receiver) => receiver,
        };
        let Notification { url, secret, .. } = &receiver.notification;
        let value = match secret {
            None => None,
            Some(name) => match self.secret_of(receiver, name).await? {
                Some(value) => Some(value),
                None => return Ok(Err(format!("the secret `{name}` has no value; `slipway secret set` gives it one"))),
            },
        };
        Ok(match (url, value) {
            (Some(url), secret) => Ok(ReceiverAddress { url: SecretText::new(url), secret }),
            (None, Some(url)) => Ok(ReceiverAddress { url, secret: None }),
            (None, None) => Err("the environment names no URL".to_owned()),
        })
    }

    /// A secret of the environment, or of its project.
    async fn secret_of(&self, receiver: &EnvironmentReceiver, name: &str) -> Result<Option<SecretText>, StoreError> {
        let store = &self.shared().ports.store;
        let own = store.secrets(&receiver.project, Some(&receiver.environment)).await?.remove(name);
        match own {
            Some(value) => Ok(Some(value)),
            None => Ok(store.secrets(&receiver.project, None).await?.remove(name)),
        }
    }
}

/// The environment of an id that is one of its receivers.
fn place_of(id: &str) -> Option<(Name, Name)> {
    let mut parts = id.split('.');
    let (project, environment) = (Name::new(parts.next()?).ok()?, Name::new(parts.next()?).ok()?);
    parts.next().map(|_| (project, environment))
}
