//! Who wants to know is told of deployments.
//!
//! What is to be told is in the store since its fact is: an occasion. It becomes a message for each receiver that it concerns, under an id
//! that is the same whoever makes it, and then it is forgotten. A message is tried until it arrives, is given up, or its receiver wants no
//! more; each attempt is in the store before the next. So a kill at any instant repeats something, and loses nothing. The pauses run on the
//! runtime's clock: a clock that people set neither hurries them nor holds them up.

mod attempt;
mod occasion;
mod receivers;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use slipway_core::notification::longest_pause_after;
use slipway_ports::{Answer, CancellationToken, MessageDelivery, MessageState, Notifier, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::changes::Change;
use crate::engine::Engine;
pub use receivers::{EnvironmentReceiver, Told};

/// As many messages are on their way at a time, each to another receiver.
const AT_A_TIME: usize = 32;
/// The pause before what the store did not take is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// The longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest that a receiver may wish not to be told.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// How messages leave.
#[derive(Clone)]
pub struct Messenger {
    /// Posts them.
    pub notifier: Arc<dyn Notifier>,
    /// Where the page is shown that they lead to, with a slash at the end.
    pub page: String,
}

/// When messages are tried next: by their ids, with the number of attempts that this is for.
#[derive(Default)]
struct Times(HashMap<String, (u32, Instant)>);

impl Times {
    /// When a message is due. What the store says counts when it is seen first.
    fn of(&mut self, delivery: &MessageDelivery, now: slipway_core::deployment::Timestamp) -> Instant {
        let MessageState::Open { next } = delivery.state else { return Instant::now() };
        let fresh = || {
            let left = Duration::from_millis(u64::try_from(next.0.saturating_sub(now.0)).unwrap_or(0));
            (delivery.attempts, Instant::now() + left.min(longest_wait(delivery)))
        };
        let time = self.0.entry(delivery.id.clone()).or_insert_with(fresh);
        if time.0 != delivery.attempts {
            *time = fresh();
        }
        time.1
    }

    fn retain(&mut self, open: &[MessageDelivery]) {
        let open: HashSet<&str> = open.iter().map(|delivery| delivery.id.as_str()).collect();
        self.0.retain(|id, _| open.contains(id.as_str()));
    }
}

/// The longest that a message may wait, whatever time the store has for it: a clock was set meanwhile.
fn longest_wait(delivery: &MessageDelivery) -> Duration {
    longest_pause_after(delivery.attempts).max(wish(delivery.last.as_ref()))
}

/// How long the receiver wants not to be told.
fn wish(answer: Option<&Answer>) -> Duration {
    answer.and_then(|answer| answer.retry_after).unwrap_or_default().min(LONGEST_WISH)
}

impl Engine {
    /// Tells of deployments as they start and end, until it is told to stop.
    pub async fn keep_notifying(&self, messenger: &Messenger, stop: &CancellationToken) {
        let mut changes = self.changes();
        let mut times = Times::default();
        // Tasks of their own: what is under way goes on while the store is read and written here.
        let mut flying = JoinSet::new();
        let mut busy: HashMap<tokio::task::Id, String> = HashMap::new();
        let is_free = |busy: &HashMap<_, String>, receiver: &str| busy.values().all(|told| told != receiver);
        loop {
            let pause = match self.due_messages(messenger, &mut times).await {
                Err(error) => {
                    tracing::warn!(%error, "notifications can not be read; trying again");
                    STORE_PAUSE
                }
                Ok(mut open) => {
                    // One at a time to each receiver, so that one that hangs holds up nobody else.
                    open.retain(|(delivery, _)| is_free(&busy, &delivery.receiver));
                    let now = Instant::now();
                    for (delivery, _) in open.iter().filter(|(_, due)| *due <= now) {
                        if flying.len() < AT_A_TIME && is_free(&busy, &delivery.receiver) {
                            let (engine, messenger, delivery) = (self.clone(), messenger.clone(), delivery.clone());
                            let receiver = delivery.receiver.clone();
                            let task = flying.spawn(async move { engine.tell_receiver(&messenger, delivery).await });
                            busy.insert(task.id(), receiver);
                        }
                    }
                    let later = open.iter().map(|(_, due)| *due).filter(|due| *due > now).min();
                    later.map_or(LONGEST_PAUSE, |due| due.duration_since(now)).min(LONGEST_PAUSE)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = a_deployment_changes(&mut changes) => {}
                Some(landed) = flying.join_next_with_id() => match landed {
                    Ok((id, (delivery, ended))) => {
                        busy.remove(&id);
                        if let Err(error) = ended {
                            tracing::warn!(message = %delivery.id, %error, "what came of a notification can not be kept; trying again");
                            times.0.insert(delivery.id, (delivery.attempts, Instant::now() + STORE_PAUSE));
                        }
                    }
                    Err(error) => {
                        busy.remove(&error.id());
                        tracing::error!(%error, "telling somebody broke off; trying again");
                    }
                },
            }
        }
    }

    /// Makes messages of what is to be told, and says of all that are open when they are due.
    async fn due_messages(
        &self,
        messenger: &Messenger,
        times: &mut Times,
    ) -> Result<Vec<(MessageDelivery, Instant)>, StoreError> {
        self.take_occasions(&messenger.page).await?;
        let open = self.shared().ports.store.open_messages().await?;
        times.retain(&open);
        let now = self.shared().settings.clock.now();
        Ok(open.into_iter().map(|delivery| (times.of(&delivery, now), delivery)).map(|(due, delivery)| (delivery, due)).collect())
    }
}

/// Returns when something may have happened that is told; what was missed counts as one.
async fn a_deployment_changes(changes: &mut tokio::sync::broadcast::Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Deployment { .. }) | Err(RecvError::Lagged(_)) => return,
            Ok(Change::Targets | Change::Environment { .. } | Change::Project(_)) => {}
            // The engine goes, and whoever waits is told to stop.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
