//! What is to be told becomes a message for each who is told.

use sha2::{Digest as _, Sha256};
use slipway_core::deployment::Deployment;
use slipway_core::notification::{Event, Message};
use slipway_ports::{Access, MessageDelivery, MessageState, Occasion, StoreError};

use crate::engine::Engine;

impl Engine {
    /// Makes messages of all that is to be told.
    pub(super) async fn take_occasions(&self, page: &str) -> Result<(), StoreError> {
        let store = &self.shared().ports.store;
        loop {
            let occasions = store.occasions().await?;
            if occasions.is_empty() {
                return Ok(());
            }
            for occasion in occasions {
                let messages = match self.messages_of(&occasion, page).await {
                    // It was removed meanwhile, and the occasion with it.
                    Err(StoreError::NotFound(_)) => Vec::new(),
                    Err(StoreError::Damaged { what, reason }) => {
                        tracing::warn!(deployment = %occasion.deployment, %what, %reason, "nobody is told of a deployment that does not read back");
                        Vec::new()
                    }
                    Err(error) => return Err(error),
                    Ok(messages) => messages,
                };
                store.keep_messages(Some(occasion.number), &messages).await?;
            }
        }
    }

    async fn messages_of(&self, occasion: &Occasion, page: &str) -> Result<Vec<MessageDelivery>, StoreError> {
        let access = Access::owner("notifications");
        let store = &self.shared().ports.store;
        let summary = store.deployment(&access, &occasion.deployment).await?;
        let mut events = store.events(&access, &occasion.deployment, 0).await?;
        // As it was then, whatever has happened since.
        events.retain(|recorded| recorded.version <= occasion.version);
        let damaged = |reason: String| StoreError::Damaged { what: format!("deployment `{}`", summary.id), reason };
        let at = events.last().map(|recorded| recorded.event.at).ok_or_else(|| damaged("it has no facts".to_owned()))?;
        let deployment = Deployment::replay(events.into_iter().map(|recorded| recorded.event));
        let deployment = deployment.map_err(|error| damaged(error.to_string()))?;
        let place = (&summary.project, &summary.environment, deployment.plan().environment.mode);
        let concerned = self.concerned(&access, place, occasion.event).await?;
        let message = Message::of(occasion.event, at, &deployment, (&summary.id, summary.number), page);
        let now = self.shared().settings.clock.now();
        let delivery = |receiver: String| MessageDelivery {
            id: message_id(&summary.id, occasion.event, &receiver),
            receiver,
            message: message.clone(),
            at: now,
            attempts: 0,
            state: MessageState::Open { next: now },
            last: None,
        };
        Ok(concerned.into_iter().map(delivery).collect())
    }
}

/// The same for the same event of the same deployment to the same receiver, and for nothing else.
fn message_id(deployment: &str, event: Event, receiver: &str) -> String {
    let mut hash = Sha256::new();
    for part in [deployment, event.as_str(), receiver] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digits: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("msg_{digits}")
}
