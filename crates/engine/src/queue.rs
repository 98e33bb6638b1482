//! The queue of each environment: one deployment runs at a time, in the order of their numbers.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use slipway_core::deployment::{Fact, Input, decide};
use slipway_core::model::Name;
use slipway_ports::{Access, DeploymentSummary, RecordedEvent, StoreError};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};

use crate::deployed::read;
use crate::dispatcher::{Dispatcher, Message};
use crate::engine::Shared;
use crate::error::EngineError;
use crate::retention;

/// How long a store that is away is left alone.
const AWAY: Duration = Duration::from_secs(1);
/// How long a deployment that can not go on is left alone: time will hardly mend it, and the log shall not be flooded.
const BROKEN: Duration = Duration::from_secs(60);

/// Project and environment.
type Lane = (Name, Name);

/// Which deployment of which environment runs, and how to reach it.
pub(crate) struct Queue {
    shared: Arc<Shared>,
    running: Mutex<HashMap<Lane, Running>>,
    accepting: Mutex<HashMap<Lane, Arc<Mutex<()>>>>,
    this: Weak<Self>,
}

struct Running {
    deployment: String,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Queue {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self { shared, running: Mutex::default(), accepting: Mutex::default(), this: this.clone() })
    }

    /// Starts the first unfinished deployment of an environment unless one runs. A store that is away is asked again.
    pub(crate) async fn advance(&self, project: &Name, environment: &Name) {
        let lane = (project.clone(), environment.clone());
        let mut running = self.running.lock().await;
        if running.contains_key(&lane) {
            return;
        }
        let next = match self.shared.ports.store.unfinished().await {
            Ok(all) => all.into_iter().find(|found| found.project == *project && found.environment == *environment),
            Err(error) => {
                tracing::error!(%project, %environment, %error, "the queue can not be read; trying again");
                self.advance_after(lane, AWAY);
                return;
            }
        };
        let Some(next) = next else { return };
        let (inbox, messages) = mpsc::unbounded_channel();
        running.insert(lane.clone(), Running { deployment: next.id.clone(), inbox: inbox.clone() });
        let (shared, this) = (self.shared.clone(), self.this.clone());
        tokio::spawn(async move {
            // A dispatcher that panics must not keep its lane for ever.
            let ended = tokio::spawn(Dispatcher::run(shared, next, inbox, messages)).await;
            let ended = ended.unwrap_or_else(|error| Err(EngineError::Internal(format!("the dispatcher broke: {error}"))));
            let Some(queue) = this.upgrade() else { return };
            queue.running.lock().await.remove(&lane);
            match ended {
                Ok(()) => {
                    retention::trim_soon(&queue.shared, lane.0.clone(), lane.1.clone());
                    queue.advance_after(lane, Duration::ZERO);
                }
                Err(error) => {
                    tracing::error!(project = %lane.0, environment = %lane.1, %error, "a deployment stopped; taking it up again");
                    let pause = if matches!(error, EngineError::Internal(_)) { BROKEN } else { AWAY };
                    queue.advance_after(lane, pause);
                }
            }
        });
    }

    fn advance_after(&self, lane: Lane, pause: Duration) {
        let this = self.this.clone();
        // Boxed: the future of `advance` holds this one, and would hold itself.
        let later: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            tokio::time::sleep(pause).await;
            if let Some(queue) = this.upgrade() {
                queue.advance(&lane.0, &lane.1).await;
            }
        });
        tokio::spawn(later);
    }

    /// Waits for the requests of an environment that are being accepted; until the answer is dropped it is this one's turn.
    pub(crate) async fn accepting(&self, project: &Name, environment: &Name) -> OwnedMutexGuard<()> {
        let lane = (project.clone(), environment.clone());
        let turn = self.accepting.lock().await.entry(lane).or_default().clone();
        turn.lock_owned().await
    }

    /// Tells a running deployment through its dispatcher, a queued one in its log.
    pub(crate) async fn tell(&self, summary: &DeploymentSummary, input: Input) -> Result<(), EngineError> {
        let running = self.running.lock().await;
        let Some(inbox) = inbox_of(&running, summary) else {
            // The lanes are held meanwhile, so that the deployment does not start under the hand.
            return self.append_queued(summary, input).await;
        };
        drop(running);
        let finished = || EngineError::Refused("the deployment has just finished".to_owned());
        let (answer, answered) = oneshot::channel();
        inbox.send(Message::Told { input: Box::new(input), answer }).map_err(|_| finished())?;
        answered.await.unwrap_or_else(|_| Err(finished()))
    }

    /// The same for a deployment that must still be queued.
    pub(crate) async fn tell_queued(&self, summary: &DeploymentSummary, input: Input) -> Result<(), EngineError> {
        let running = self.running.lock().await;
        if inbox_of(&running, summary).is_some() {
            return Err(EngineError::Conflict("the deployment has just started".to_owned()));
        }
        self.append_queued(summary, input).await
    }

    async fn append_queued(&self, summary: &DeploymentSummary, input: Input) -> Result<(), EngineError> {
        let store = &self.shared.ports.store;
        let deployment = read(&**store, &Access::owner("engine"), summary).await?;
        let now = self.shared.settings.clock.now().max(deployment.latest());
        let facts = decide(&deployment, input, now)?;
        match store.append(&summary.id, deployment.version(), &facts).await {
            Err(StoreError::Conflict { .. }) => {
                return Err(EngineError::Conflict("the deployment went on meanwhile; try again".to_owned()));
            }
            other => other?,
        }
        self.shared.changes.tell_facts(summary, &facts);
        // No dispatcher tells it: whoever follows a queued deployment would wait for ever.
        let feed = self.shared.feeds.of(&summary.id);
        let finished = facts.iter().any(|event| matches!(event.fact, Fact::Finished { .. }));
        for (version, event) in (deployment.version() + 1..).zip(facts) {
            feed.event(RecordedEvent { version, event });
        }
        if finished {
            self.shared.feeds.forget(&summary.id);
            retention::trim_soon(&self.shared, summary.project.clone(), summary.environment.clone());
        }
        Ok(())
    }
}

fn inbox_of(running: &HashMap<Lane, Running>, summary: &DeploymentSummary) -> Option<mpsc::UnboundedSender<Message>> {
    let running = running.get(&(summary.project.clone(), summary.environment.clone()))?;
    (running.deployment == summary.id).then(|| running.inbox.clone())
}
