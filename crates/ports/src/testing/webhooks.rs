//! The webhooks of the store in memory, and what every store must do with them.

use async_trait::async_trait;
use slipway_core::auto_deploy::{Notice, What};
use slipway_core::deployment::{Actor, Timestamp};
use slipway_core::model::Name;

use super::MemoryStore;
use crate::{Access, Delivery, Effect, EffectKind, NewDelivery, SecretText, Store, StoreError, Webhook, Webhooks};

/// The rows of webhooks in memory.
#[derive(Default)]
pub(super) struct WebhookTables {
    webhooks: Vec<(Webhook, SecretText)>,
    /// The oldest first.
    deliveries: Vec<Delivery>,
    /// The number of the last delivery, also of one that is gone.
    last: u64,
}

impl WebhookTables {
    fn seen(&self, access: &Access, id: &str) -> Result<(), StoreError> {
        let found = self.webhooks.iter().any(|(webhook, _)| webhook.id == id && webhook.is_seen_by(access));
        if found { Ok(()) } else { Err(StoreError::NotFound(format!("webhook `{id}`"))) }
    }

    fn trim(&mut self, webhook: &str) {
        let is_settled = |delivery: &Delivery| delivery.told.webhook == webhook && delivery.settled.is_some();
        let settled = self.deliveries.iter().filter(|delivery| is_settled(delivery)).count();
        let mut beyond = settled.saturating_sub(Delivery::MOST_KEPT as usize);
        self.deliveries.retain(|delivery| {
            let goes = beyond > 0 && is_settled(delivery);
            beyond -= usize::from(goes);
            !goes
        });
    }
}

impl MemoryStore {
    /// Forgets what came of a delivery, as when the server was killed before that was written.
    pub fn unsettle(&self, id: &str) {
        let deliveries = &mut self.tables().of_webhooks.deliveries;
        deliveries.iter_mut().filter(|delivery| delivery.told.id == id).for_each(|delivery| delivery.settled = None);
    }
}

#[async_trait]
impl Webhooks for MemoryStore {
    async fn put_webhook(&self, access: &Access, webhook: &Webhook, secret: &SecretText) -> Result<(), StoreError> {
        if !webhook.is_seen_by(access) {
            return Err(StoreError::NotFound("such project".to_owned()));
        }
        self.tables().of_webhooks.webhooks.push((webhook.clone(), secret.clone()));
        Ok(())
    }

    async fn webhooks(&self, access: &Access) -> Result<Vec<Webhook>, StoreError> {
        let tables = self.tables();
        let all = tables.of_webhooks.webhooks.iter().map(|(webhook, _)| webhook);
        Ok(all.filter(|webhook| webhook.is_seen_by(access)).cloned().collect())
    }

    async fn webhook_to_check(&self, id: &str) -> Result<(Webhook, SecretText), StoreError> {
        let tables = self.tables();
        let found = tables.of_webhooks.webhooks.iter().find(|(webhook, _)| webhook.id == id);
        found.cloned().ok_or_else(|| StoreError::NotFound("such webhook".to_owned()))
    }

    async fn remove_webhook(&self, access: &Access, id: &str) -> Result<(), StoreError> {
        let told = &mut self.tables().of_webhooks;
        told.seen(access, id)?;
        told.webhooks.retain(|(webhook, _)| webhook.id != id);
        told.deliveries.retain(|delivery| delivery.told.webhook != id);
        Ok(())
    }

    async fn take_delivery(&self, delivery: &NewDelivery) -> Result<bool, StoreError> {
        let told = &mut self.tables().of_webhooks;
        let Some((webhook, _)) = told.webhooks.iter().find(|(webhook, _)| webhook.id == delivery.webhook) else {
            return Ok(false);
        };
        let (host, project) = (webhook.host.clone(), webhook.project.clone());
        if told.deliveries.iter().any(|known| (&known.told.webhook, &known.told.id) == (&delivery.webhook, &delivery.id)) {
            return Ok(false);
        }
        told.last += 1;
        told.deliveries.push(Delivery { number: told.last, told: delivery.clone(), host, project, settled: None });
        told.trim(&delivery.webhook);
        Ok(true)
    }

    async fn open_deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.tables().of_webhooks.deliveries.iter().filter(|delivery| delivery.settled.is_none()).cloned().collect())
    }

    async fn settle_delivery(&self, number: u64, at: Timestamp, effects: &[Effect]) -> Result<(), StoreError> {
        let deliveries = &mut self.tables().of_webhooks.deliveries;
        if let Some(delivery) = deliveries.iter_mut().find(|delivery| delivery.number == number) {
            delivery.settled = Some((at, effects.to_vec()));
        }
        Ok(())
    }

    async fn deliveries(&self, access: &Access, webhook: &str, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let told = &self.tables().of_webhooks;
        told.seen(access, webhook)?;
        let of_it = told.deliveries.iter().rev().filter(|delivery| delivery.told.webhook == webhook);
        Ok(of_it.take(limit as usize).cloned().collect())
    }
}

pub(super) async fn deliveries_are_taken_once_and_settled(store: &dyn Store, owner: &Access) {
    let name = |text: &str| Name::new(text).expect("the names of the suite are names");
    let webhook = |id: &str, project: Option<&str>| Webhook {
        id: id.to_owned(),
        host: "github".to_owned(),
        project: project.map(name),
        made_by: Actor("root".to_owned()),
        made_at: Timestamp(5),
    };
    let secret = SecretText::new("hunter2".to_owned());
    store.put_webhook(owner, &webhook("w-1", None), &secret).await.expect("kept");
    store.put_webhook(owner, &webhook("w-2", Some("shop")), &secret).await.expect("kept");
    let (known, kept) = store.webhook_to_check("w-2").await.expect("it is there");
    assert_eq!((known, kept.expose()), (webhook("w-2", Some("shop")), "hunter2"));
    assert!(matches!(store.webhook_to_check("w-3").await, Err(StoreError::NotFound(_))));

    // Who sees one project sees its webhooks alone, and can make no other.
    let other = Access { projects: Some(vec![name("shop")]), ..owner.clone() };
    let seen = store.webhooks(&other).await.expect("read");
    assert_eq!(seen.iter().map(|webhook| webhook.id.as_str()).collect::<Vec<_>>(), ["w-2"]);
    for refused in [store.remove_webhook(&other, "w-1").await, store.put_webhook(&other, &webhook("w-4", None), &secret).await] {
        assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    }
    assert!(matches!(store.deliveries(&other, "w-1", 10).await, Err(StoreError::NotFound(_))));

    let notice = Notice {
        repository: vec!["https://git.example/a.git".to_owned()],
        repository_name: "a".to_owned(),
        sender: None,
        what: What::Ping,
    };
    let told = |webhook: &str, id: String| NewDelivery {
        webhook: webhook.to_owned(),
        id,
        event: "ping".to_owned(),
        notices: vec![notice.clone()],
        at: Timestamp(6),
    };
    let first = told("w-2", "d-1".to_owned());
    assert!(store.take_delivery(&first).await.expect("taken"));
    assert!(!store.take_delivery(&first).await.expect("known"), "the same is taken once");
    assert!(!store.take_delivery(&told("w-3", "d-1".to_owned())).await.expect("nothing"), "no webhook, no delivery");
    assert!(store.take_delivery(&told("w-1", "d-1".to_owned())).await.expect("taken"), "another webhook's is another");
    let open = store.open_deliveries().await.expect("read");
    assert_eq!(
        open.iter().map(|open| (&*open.told.webhook, &open.project)).collect::<Vec<_>>(),
        [("w-2", &Some(name("shop"))), ("w-1", &None)]
    );
    assert_eq!(open[0].told, first);

    let effects = vec![Effect {
        environment: Some((name("shop"), name("staging"))),
        services: vec![name("api")],
        kind: EffectKind::Deployed,
        why: "services/api/main.rs changed".to_owned(),
        deployment: Some(("d-9".to_owned(), 9)),
    }];
    store.settle_delivery(open[0].number, Timestamp(7), &effects).await.expect("settled");
    assert_eq!(store.open_deliveries().await.expect("read").len(), 1);
    let settled = store.deliveries(owner, "w-2", 10).await.expect("read");
    assert_eq!(settled[0].settled, Some((Timestamp(7), effects)));
    assert!(!store.take_delivery(&first).await.expect("known"), "also when it is settled");

    store.remove_webhook(&other, "w-2").await.expect("it may");
    assert!(matches!(store.deliveries(owner, "w-2", 10).await, Err(StoreError::NotFound(_))));
    store.remove_webhook(owner, "w-1").await.expect("it may");
    assert!(store.open_deliveries().await.expect("read").is_empty(), "deliveries go with their webhook");
}

pub(super) async fn old_deliveries_go(store: &dyn Store, owner: &Access) {
    let made = Webhook {
        id: "w-many".to_owned(),
        host: "gitea".to_owned(),
        project: None,
        made_by: Actor("root".to_owned()),
        made_at: Timestamp(5),
    };
    store.put_webhook(owner, &made, &SecretText::new("s".to_owned())).await.expect("kept");
    let take = async |id: u32| {
        let delivery = NewDelivery {
            webhook: made.id.clone(),
            id: id.to_string(),
            event: "e".to_owned(),
            notices: Vec::new(),
            at: Timestamp(6),
        };
        store.take_delivery(&delivery).await.expect("taken")
    };
    take(0).await;
    for id in 1..=Delivery::MOST_KEPT + 3 {
        take(id).await;
        let newest = &store.deliveries(owner, "w-many", 1).await.expect("read")[0];
        store.settle_delivery(newest.number, Timestamp(7), &[]).await.expect("settled");
    }
    take(9_999_999).await;
    let kept = store.deliveries(owner, "w-many", u32::MAX).await.expect("read");
    assert_eq!(u32::try_from(kept.len()), Ok(Delivery::MOST_KEPT + 2), "the settled ones that are kept, and two that are open");
    assert_eq!(kept.last().expect("some").told.id, "0", "what is open stays, however old");
    store.remove_webhook(owner, "w-many").await.expect("it may");
}
