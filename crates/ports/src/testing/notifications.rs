//! The receivers and messages of the store in memory, and what every store must do with them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use slipway_core::deployment::{Actor, Event as Told, Timestamp};
use slipway_core::model::Name;
use slipway_core::notification::{Event, Filter, Message};
use slipway_core::pattern::Pattern;

use super::MemoryStore;
use crate::{
    Access, Answer, MessageDelivery, MessageState, Notifications, Occasion, Receiver, ReceiverAddress, ReceiverKind,
    ReceiverStanding, SecretText, Sign, Store, StoreError, receivers_of,
};

/// The rows of notifications in memory.
#[derive(Default)]
pub(super) struct NotificationTables {
    receivers: Vec<(Receiver, ReceiverAddress)>,
    /// The oldest first.
    occasions: Vec<Occasion>,
    /// The number of the last occasion, also of one that is gone.
    last: u64,
    /// The oldest first.
    messages: Vec<MessageDelivery>,
    standings: BTreeMap<String, ReceiverStanding>,
}

impl NotificationTables {
    /// Notes what is to be told of facts that come after a version.
    pub(super) fn note(&mut self, deployment: &str, after: u64, facts: &[Told]) {
        for (version, fact) in (after + 1..).zip(facts) {
            let Some(event) = Event::of(&fact.fact) else { continue };
            self.last += 1;
            self.occasions.push(Occasion { number: self.last, deployment: deployment.to_owned(), version, event });
        }
    }

    pub(super) fn forget(&mut self, deployments: &[String]) {
        self.occasions.retain(|occasion| !deployments.contains(&occasion.deployment));
    }

    pub(super) fn forget_environment(&mut self, project: &Name, environment: &Name) {
        let begins = receivers_of(project, environment);
        self.messages.retain(|message| !message.receiver.starts_with(&begins));
        self.standings.retain(|receiver, _| !receiver.starts_with(&begins));
    }

    fn trim(&mut self, receiver: &str) {
        let is_over = |message: &MessageDelivery| message.receiver == receiver && !is_open(message);
        let over = self.messages.iter().filter(|message| is_over(message)).count();
        let mut beyond = over.saturating_sub(MessageDelivery::MOST_KEPT as usize);
        self.messages.retain(|message| {
            let goes = beyond > 0 && is_over(message);
            beyond -= usize::from(goes);
            !goes
        });
    }
}

fn is_open(message: &MessageDelivery) -> bool {
    matches!(message.state, MessageState::Open { .. })
}

fn not_found(id: &str) -> StoreError {
    StoreError::NotFound(format!("notification `{id}`"))
}

#[async_trait]
impl Notifications for MemoryStore {
    async fn put_receiver(&self, access: &Access, receiver: &Receiver, address: &ReceiverAddress) -> Result<(), StoreError> {
        if !receiver.is_seen_by(access) {
            return Err(StoreError::NotFound("such project".to_owned()));
        }
        let receivers = &mut self.tables().of_notifications.receivers;
        if receivers.iter().any(|(other, _)| other.name == receiver.name) {
            return Err(StoreError::Conflict { what: format!("notification `{}`", receiver.name), expected: 0, found: 1 });
        }
        receivers.push((receiver.clone(), address.clone()));
        receivers.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        Ok(())
    }

    async fn receivers(&self, access: &Access) -> Result<Vec<Receiver>, StoreError> {
        let tables = self.tables();
        let all = tables.of_notifications.receivers.iter().map(|(receiver, _)| receiver);
        Ok(all.filter(|receiver| receiver.is_seen_by(access)).cloned().collect())
    }

    async fn receiver_address(&self, id: &str) -> Result<ReceiverAddress, StoreError> {
        let tables = self.tables();
        let found = tables.of_notifications.receivers.iter().find(|(receiver, _)| receiver.id == id);
        found.map(|(_, address)| address.clone()).ok_or_else(|| not_found(id))
    }

    async fn remove_receiver(&self, access: &Access, id: &str) -> Result<(), StoreError> {
        if !self.receivers(access).await?.iter().any(|receiver| receiver.id == id) {
            return Err(not_found(id));
        }
        let tables = &mut self.tables().of_notifications;
        tables.receivers.retain(|(receiver, _)| receiver.id != id);
        tables.messages.retain(|message| message.receiver != id);
        tables.standings.remove(id);
        Ok(())
    }

    async fn occasions(&self) -> Result<Vec<Occasion>, StoreError> {
        let tables = self.tables();
        Ok(tables.of_notifications.occasions.iter().take(Occasion::AT_ONCE as usize).cloned().collect())
    }

    async fn keep_messages(&self, occasion: Option<u64>, messages: &[MessageDelivery]) -> Result<(), StoreError> {
        self.pass().await;
        let tables = &mut self.tables().of_notifications;
        for message in messages {
            if !tables.messages.iter().any(|known| known.id == message.id) {
                tables.messages.push(message.clone());
            }
        }
        tables.occasions.retain(|known| Some(known.number) != occasion);
        Ok(())
    }

    async fn open_messages(&self) -> Result<Vec<MessageDelivery>, StoreError> {
        Ok(self.tables().of_notifications.messages.iter().filter(|message| is_open(message)).cloned().collect())
    }

    async fn record_attempt(&self, delivery: &MessageDelivery, sign: Sign, at: Timestamp) -> Result<(), StoreError> {
        self.pass().await;
        let tables = &mut self.tables().of_notifications;
        let Some(known) = tables.messages.iter_mut().find(|known| known.id == delivery.id) else { return Ok(()) };
        *known = delivery.clone();
        let standing = tables.standings.remove(&delivery.receiver).unwrap_or_default().after(sign, at);
        if standing != ReceiverStanding::default() {
            tables.standings.insert(delivery.receiver.clone(), standing);
        }
        tables.trim(&delivery.receiver);
        Ok(())
    }

    async fn message_deliveries(&self, receiver: &str, limit: u32) -> Result<Vec<MessageDelivery>, StoreError> {
        let tables = self.tables();
        let of_it = tables.of_notifications.messages.iter().rev().filter(|message| message.receiver == receiver);
        Ok(of_it.take(limit as usize).cloned().collect())
    }

    async fn receiver_standings(&self) -> Result<BTreeMap<String, ReceiverStanding>, StoreError> {
        Ok(self.tables().of_notifications.standings.clone())
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("the names of the suite are names")
}

fn receiver(id: &str, projects: &[&str]) -> Receiver {
    let projects = projects.iter().map(|text| Pattern::new(text).expect("the patterns of the suite are patterns"));
    Receiver {
        id: id.to_owned(),
        name: name(id),
        kind: ReceiverKind::Webhook,
        shown: "https://hooks.example".to_owned(),
        filter: Filter { projects: projects.collect(), modes: Vec::new(), events: vec![Event::Failed] },
        made_by: Actor("root".to_owned()),
        made_at: Timestamp(5),
    }
}

pub(super) fn message(id: &str, receiver: &str) -> MessageDelivery {
    MessageDelivery {
        id: id.to_owned(),
        receiver: receiver.to_owned(),
        message: Message::Ping { at: Timestamp(5), by: "root".to_owned() },
        at: Timestamp(6),
        attempts: 0,
        state: MessageState::Open { next: Timestamp(6) },
        last: None,
    }
}

pub(super) async fn receivers_are_kept_and_seen_by_whom_they_concern(store: &dyn Store, owner: &Access) {
    let address = ReceiverAddress { url: SecretText::new("https://hooks.example/hunter2"), secret: Some(SecretText::new("s")) };
    store.put_receiver(owner, &receiver("r-all", &[]), &address).await.expect("kept");
    store.put_receiver(owner, &receiver("a-shop", &["shop"]), &address).await.expect("kept");
    let taken = store.put_receiver(owner, &Receiver { id: "other".to_owned(), ..receiver("r-all", &[]) }, &address).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    assert_eq!(store.receivers(owner).await.expect("read"), [receiver("a-shop", &["shop"]), receiver("r-all", &[])], "by name");
    assert_eq!(store.receiver_address("a-shop").await.expect("read"), address);
    assert!(matches!(store.receiver_address("none").await, Err(StoreError::NotFound(_))));

    let other = Access { projects: Some(vec![name("shop")]), ..owner.clone() };
    assert_eq!(store.receivers(&other).await.expect("read"), [receiver("a-shop", &["shop"])]);
    for refused in [
        store.remove_receiver(&other, "r-all").await,
        store.put_receiver(&other, &receiver("new", &[]), &address).await,
        store.put_receiver(&other, &receiver("new", &["sho?"]), &address).await,
    ] {
        assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    }
    let (mut gone, stays) = (message("m-1", "a-shop"), message("m-2", "r-all"));
    store.keep_messages(None, &[gone.clone(), stays.clone()]).await.expect("kept");
    gone.attempts = 1;
    store.record_attempt(&gone, Sign::Failing, Timestamp(9)).await.expect("written");
    store.remove_receiver(&other, "a-shop").await.expect("it may");
    assert_eq!(store.open_messages().await.expect("read"), [stays], "deliveries go with their receiver");
    assert!(store.receiver_standings().await.expect("read").is_empty(), "and so does what is known of it");
    store.record_attempt(&gone, Sign::Failing, Timestamp(9)).await.expect("of one that is gone nothing is written");
    assert!(store.receiver_standings().await.expect("read").is_empty());
    store.remove_receiver(owner, "r-all").await.expect("it may");
}

pub(super) async fn messages_are_kept_once_and_go_when_they_are_old(store: &dyn Store, owner: &Access) {
    store
        .put_receiver(owner, &receiver("r", &[]), &ReceiverAddress { url: SecretText::new("u"), secret: None })
        .await
        .expect("kept");
    let mut first = message("m-1", "r");
    store.keep_messages(None, &[first.clone()]).await.expect("kept");
    let answer = Answer { status: Some(503), line: "busy".to_owned(), retry_after: Some(std::time::Duration::from_secs(7)) };
    (first.attempts, first.last, first.state) = (2, Some(answer), MessageState::Open { next: Timestamp(99) });
    store.record_attempt(&first, Sign::Failing, Timestamp(20)).await.expect("written");
    store.record_attempt(&first, Sign::Failing, Timestamp(30)).await.expect("written");
    store.keep_messages(None, &[message("m-1", "r")]).await.expect("it is there");
    assert_eq!(store.open_messages().await.expect("read"), [first.clone()], "the same is kept once, as it is");
    let standing = async || store.receiver_standings().await.expect("read").remove("r");
    assert_eq!(standing().await, Some(ReceiverStanding { failing_since: Some(Timestamp(20)), gone_at: None }));
    store.record_attempt(&first, Sign::Gone, Timestamp(40)).await.expect("written");
    let gone = ReceiverStanding { failing_since: Some(Timestamp(20)), gone_at: Some(Timestamp(40)) };
    assert_eq!(standing().await, Some(gone));
    store.record_attempt(&first, Sign::Nothing, Timestamp(45)).await.expect("written");
    assert_eq!(standing().await, Some(gone), "who was not asked is as before");

    for number in 0..=MessageDelivery::MOST_KEPT + 2 {
        let mut next = message(&format!("m-x{number}"), "r");
        store.keep_messages(None, &[next.clone()]).await.expect("kept");
        next.state = MessageState::Delivered { at: Timestamp(50) };
        store.record_attempt(&next, Sign::Well, Timestamp(50)).await.expect("written");
    }
    assert_eq!(standing().await, None, "it is well again");
    let kept = store.message_deliveries("r", u32::MAX).await.expect("read");
    assert_eq!(u32::try_from(kept.len()), Ok(MessageDelivery::MOST_KEPT + 1));
    assert_eq!(kept.last(), Some(&first), "what is open stays, however old");
    assert_eq!(kept[0].id, format!("m-x{}", MessageDelivery::MOST_KEPT + 2), "the newest first");
    assert_eq!(store.message_deliveries("r", 3).await.expect("read").len(), 3);
    store.remove_receiver(owner, "r").await.expect("it may");
}

/// After `d-1` was appended to, was refused an append, and ended.
pub(super) async fn what_is_told_is_written_with_its_facts(store: &dyn Store) {
    let occasions = store.occasions().await.expect("read");
    let seen: Vec<_> = occasions.iter().map(|each| (each.deployment.as_str(), each.version, each.event)).collect();
    assert_eq!(seen, [("d-1", 2, Event::Started), ("d-1", 3, Event::Succeeded)], "a refused append tells nothing");
    let delivery = message("m-0", "nobody");
    store.keep_messages(Some(occasions[0].number), std::slice::from_ref(&delivery)).await.expect("kept");
    assert_eq!(store.occasions().await.expect("read"), occasions[1..]);
    assert_eq!(store.open_messages().await.expect("read"), std::slice::from_ref(&delivery));
    let over = MessageDelivery { state: MessageState::Failed { at: Timestamp(7) }, ..delivery };
    store.record_attempt(&over, Sign::Nothing, Timestamp(7)).await.expect("written");
    assert!(store.open_messages().await.expect("read").is_empty());
    assert_eq!(store.message_deliveries("nobody", 9).await.expect("read"), [over]);
}

/// After deployments were removed.
pub(super) async fn of_removed_deployments_nothing_is_told(store: &dyn Store) {
    let of: Vec<String> = store.occasions().await.expect("read").into_iter().map(|occasion| occasion.deployment).collect();
    assert_eq!(of, ["d-newest"]);
}
