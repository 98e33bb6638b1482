//! The parts of the store, each behind its gate.

use std::collections::BTreeMap;

use async_trait::async_trait;
use slipway_core::deployment::Timestamp;
use slipway_core::model::Name;
use slipway_ports::{
    Access, Answer, Delivery, Effect, MessageDelivery, NewDelivery, Notifications, Notifier, Occasion, Post, Receiver,
    ReceiverAddress, ReceiverStanding, ScheduleMark, ScheduleMarks, SecretText, Sign, Store, StoreError, Webhook, Webhooks,
};

use crate::Gated;

#[async_trait]
impl Webhooks for Gated<dyn Store> {
    async fn put_webhook(&self, access: &Access, webhook: &Webhook, secret: &SecretText) -> Result<(), StoreError> {
        self.pass("store.put-webhook", self.port.put_webhook(access, webhook, secret)).await
    }

    async fn webhooks(&self, access: &Access) -> Result<Vec<Webhook>, StoreError> {
        self.port.webhooks(access).await
    }

    async fn webhook_to_check(&self, id: &str) -> Result<(Webhook, SecretText), StoreError> {
        self.port.webhook_to_check(id).await
    }

    async fn remove_webhook(&self, access: &Access, id: &str) -> Result<(), StoreError> {
        self.pass("store.remove-webhook", self.port.remove_webhook(access, id)).await
    }

    async fn take_delivery(&self, delivery: &NewDelivery) -> Result<bool, StoreError> {
        self.pass("store.take-delivery", self.port.take_delivery(delivery)).await
    }

    async fn open_deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        self.port.open_deliveries().await
    }

    async fn settle_delivery(&self, number: u64, at: Timestamp, effects: &[Effect]) -> Result<(), StoreError> {
        self.pass("store.settle-delivery", self.port.settle_delivery(number, at, effects)).await
    }

    async fn deliveries(&self, access: &Access, webhook: &str, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        self.port.deliveries(access, webhook, limit).await
    }
}

#[async_trait]
impl ScheduleMarks for Gated<dyn Store> {
    async fn schedule_mark(&self, project: &Name, environment: &Name) -> Result<Option<ScheduleMark>, StoreError> {
        self.port.schedule_mark(project, environment).await
    }

    async fn put_schedule_mark(&self, project: &Name, environment: &Name, mark: &ScheduleMark) -> Result<(), StoreError> {
        self.pass("store.put-schedule-mark", self.port.put_schedule_mark(project, environment, mark)).await
    }
}

#[async_trait]
impl Notifications for Gated<dyn Store> {
    async fn put_receiver(&self, access: &Access, receiver: &Receiver, address: &ReceiverAddress) -> Result<(), StoreError> {
        self.pass("store.put-receiver", self.port.put_receiver(access, receiver, address)).await
    }

    async fn receivers(&self, access: &Access) -> Result<Vec<Receiver>, StoreError> {
        self.port.receivers(access).await
    }

    async fn receiver_address(&self, id: &str) -> Result<ReceiverAddress, StoreError> {
        self.port.receiver_address(id).await
    }

    async fn remove_receiver(&self, access: &Access, id: &str) -> Result<(), StoreError> {
        self.pass("store.remove-receiver", self.port.remove_receiver(access, id)).await
    }

    async fn occasions(&self) -> Result<Vec<Occasion>, StoreError> {
        self.port.occasions().await
    }

    async fn keep_messages(&self, occasion: Option<u64>, messages: &[MessageDelivery]) -> Result<(), StoreError> {
        self.pass("store.keep-messages", self.port.keep_messages(occasion, messages)).await
    }

    async fn open_messages(&self) -> Result<Vec<MessageDelivery>, StoreError> {
        self.port.open_messages().await
    }

    async fn record_attempt(&self, delivery: &MessageDelivery, sign: Sign, at: Timestamp) -> Result<(), StoreError> {
        self.pass("store.record-attempt", self.port.record_attempt(delivery, sign, at)).await
    }

    async fn message_deliveries(&self, receiver: &str, limit: u32) -> Result<Vec<MessageDelivery>, StoreError> {
        self.port.message_deliveries(receiver, limit).await
    }

    async fn receiver_standings(&self) -> Result<BTreeMap<String, ReceiverStanding>, StoreError> {
        self.port.receiver_standings().await
    }
}

#[async_trait]
impl Notifier for Gated<dyn Notifier> {
    async fn post(&self, post: &Post) -> Answer {
        self.pass("notifier.post", self.port.post(post)).await
    }

    fn check(&self, url: &str) -> Result<(), String> {
        self.port.check(url)
    }
}
