//! The queue of each environment: one deployment runs at a time, in the order of their numbers.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use slipway_core::deployment::{Actor, CancelScope, Deployment, Fact, Input, decide};
use slipway_core::model::Name;
use slipway_ports::{Access, DeploymentSummary, RecordedEvent, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::dispatcher::{Dispatcher, Message};
use crate::engine::Shared;
use crate::error::EngineError;

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
    this: Weak<Self>,
}

struct Running {
    deployment: String,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Queue {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self { shared, running: Mutex::default(), this: this.clone() })
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
                Ok(()) => queue.advance_after(lane, Duration::ZERO),
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

    /// Cancels a running deployment through its dispatcher, a queued one in its log.
    pub(crate) async fn cancel(&self, summary: &DeploymentSummary, actor: Actor, scope: CancelScope) -> Result<(), EngineError> {
        let lane = (summary.project.clone(), summary.environment.clone());
        let running = self.running.lock().await;
        let inbox = running.get(&lane).filter(|running| running.deployment == summary.id).map(|running| running.inbox.clone());
        let Some(inbox) = inbox else {
            // The lanes are held meanwhile, so that the deployment does not start under the hand.
            return self.cancel_queued(summary, actor, scope).await;
        };
        drop(running);
        let finished = || EngineError::Refused("the deployment has just finished".to_owned());
        let (answer, answered) = oneshot::channel();
        inbox.send(Message::Cancel { actor, scope, answer }).map_err(|_| finished())?;
        answered.await.unwrap_or_else(|_| Err(finished()))
    }

    async fn cancel_queued(&self, summary: &DeploymentSummary, actor: Actor, scope: CancelScope) -> Result<(), EngineError> {
        let store = &self.shared.ports.store;
        let events = store.events(&Access::owner(actor.0.clone()), &summary.id, 0).await?;
        let deployment = Deployment::replay(events.into_iter().map(|recorded| recorded.event))
            .map_err(|error| EngineError::Internal(error.to_string()))?;
        let facts = decide(&deployment, Input::Cancel { actor, scope }, self.shared.settings.clock.now())?;
        match store.append(&summary.id, deployment.version(), &facts).await {
            Err(StoreError::Conflict { .. }) => {
                return Err(EngineError::Conflict("the deployment went on meanwhile; try again".to_owned()));
            }
            other => other?,
        }
        // No dispatcher tells it: whoever follows a queued deployment would wait for ever.
        let feed = self.shared.feeds.of(&summary.id);
        let finished = facts.iter().any(|event| matches!(event.fact, Fact::Finished { .. }));
        for (version, event) in (deployment.version() + 1..).zip(facts) {
            feed.event(RecordedEvent { version, event });
        }
        if finished {
            self.shared.feeds.forget(&summary.id);
        }
        Ok(())
    }
}
