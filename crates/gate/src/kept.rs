//! The parts of the store, each behind its gate.

use async_trait::async_trait;
use slipway_core::deployment::Timestamp;
use slipway_core::model::Name;
use slipway_ports::{
    Access, Delivery, Effect, NewDelivery, ScheduleMark, ScheduleMarks, SecretText, Store, StoreError, Webhook, Webhooks,
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
