//! One attempt to tell somebody, and what follows from its answer.

use std::time::Duration;

use slipway_core::deployment::Timestamp;
use slipway_core::notification::{Message, pause_after};
use slipway_ports::{Access, Answer, MessageDelivery, MessageState, Post, Sign, StoreError};

use super::receivers::Told;
use super::{Messenger, wish};
use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// Tries whether somebody is heard, once. Who wanted no more and takes it is told again from then on.
    pub async fn ping(&self, messenger: &Messenger, access: &Access, receiver: &str) -> Result<MessageDelivery, EngineError> {
        let not_found = || EngineError::NotFound(format!("notification `{receiver}`"));
        let told = self.told_by_id(access, receiver).await?.ok_or_else(not_found)?;
        let now = self.shared().settings.clock.now();
        let mut delivery = MessageDelivery {
            id: format!("msg_{}", uuid::Uuid::now_v7().simple()),
            receiver: receiver.to_owned(),
            message: Message::Ping { at: now, by: access.actor.0.clone() },
            at: now,
            attempts: 1,
            state: MessageState::Failed { at: now },
            last: None,
        };
        let answer = self.post(messenger, &told, &delivery).await?;
        let at = self.shared().settings.clock.now();
        let sign = if answer.is_success() {
            delivery.state = MessageState::Delivered { at };
            Sign::Well
        } else {
            delivery.state = MessageState::Failed { at };
            // A try by hand proves no more than that it did not work now.
            Sign::Nothing
        };
        delivery.last = Some(answer);
        let store = &self.shared().ports.store;
        store.keep_messages(None, std::slice::from_ref(&delivery)).await?;
        store.record_attempt(&delivery, sign, at).await?;
        Ok(delivery)
    }

    /// Tries to tell somebody, and writes what came of it. An error says that nothing is written.
    pub(super) async fn tell_receiver(
        &self,
        messenger: &Messenger,
        delivery: MessageDelivery,
    ) -> (MessageDelivery, Result<(), StoreError>) {
        let ended = self.try_to_tell(messenger, delivery.clone()).await;
        (delivery, ended)
    }

    async fn try_to_tell(&self, messenger: &Messenger, mut delivery: MessageDelivery) -> Result<(), StoreError> {
        let store = &self.shared().ports.store;
        let told = self.told_by_id(&Access::owner("notifications"), &delivery.receiver).await?;
        let standing = store.receiver_standings().await?.remove(&delivery.receiver).unwrap_or_default();
        let given_up = match &told {
            None => Some("it is not to be told any more"),
            Some(_) if standing.gone_at.is_some() => Some("it wants to be told nothing any more"),
            Some(_) => None,
        };
        let (answer, is_asked) = match (&told, given_up) {
            (Some(told), None) => (self.post(messenger, told, &delivery).await?, true),
            (_, why) => (Answer::none(why.unwrap_or_default()), false),
        };
        let at = self.shared().settings.clock.now();
        let sign = if is_asked {
            delivery.attempts += 1;
            follow(&mut delivery, &answer, at)
        } else {
            delivery.state = MessageState::Failed { at };
            Sign::Nothing
        };
        if !answer.is_success() {
            let (status, line, state) = (answer.status, &answer.line, delivery.state.as_str());
            tracing::warn!(receiver = %delivery.receiver, message = %delivery.id, status, line, state, "a notification did not arrive");
        }
        delivery.last = Some(answer);
        store.record_attempt(&delivery, sign, at).await
    }

    async fn post(&self, messenger: &Messenger, told: &Told, delivery: &MessageDelivery) -> Result<Answer, StoreError> {
        let address = match self.address_of(told).await? {
            Ok(address) => address,
            Err(missing) => return Ok(Answer::none(missing)),
        };
        let body = told.kind().body(&delivery.message);
        let post = Post { address, id: delivery.id.clone(), at: self.shared().settings.clock.now(), body };
        Ok(messenger.notifier.post(&post).await)
    }
}

/// Puts a message on from what it was answered, and says what that tells of the receiver.
fn follow(delivery: &mut MessageDelivery, answer: &Answer, at: Timestamp) -> Sign {
    if answer.is_success() {
        delivery.state = MessageState::Delivered { at };
        return Sign::Well;
    }
    if answer.is_gone() {
        delivery.state = MessageState::Failed { at };
        return Sign::Gone;
    }
    delivery.state = match pause_after(delivery.attempts, &delivery.id) {
        Some(pause) => MessageState::Open { next: later(at, pause.max(wish(Some(answer)))) },
        None => MessageState::Failed { at },
    };
    Sign::Failing
}

fn later(at: Timestamp, pause: Duration) -> Timestamp {
    Timestamp(at.0.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
}
