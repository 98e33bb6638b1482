//! Keeps a deployment without its log: folded once for all who watch.

use std::sync::Arc;

use slipway_core::deployment::{Deployment, RunState, StepId};
use slipway_engine::{EngineError, Update};
use slipway_ports::{DeploymentSummary, RecordedEvent};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::topic::{Key, Topic, Whole, WholeChange};
use super::{Live, PAUSE};
use crate::views;

pub(super) struct Keeper {
    live: Live,
    id: String,
    topic: Arc<Topic>,
}

/// A deployment as it is folded so far.
struct Folded {
    summary: DeploymentSummary,
    deployment: Deployment,
}

impl Keeper {
    pub(super) fn new(live: Live, id: String, topic: Arc<Topic>) -> Self {
        Self { live, id, topic }
    }

    pub(super) async fn run(self) {
        loop {
            // Watching comes before reading, so that nothing falls between the two.
            let updates = self.live.0.engine.watch(&self.id);
            match self.live.0.engine.deployment(&Live::access(), &self.id).await {
                Ok((summary, deployment)) => {
                    let mut folded = Folded { summary, deployment };
                    self.show(&folded);
                    if self.follow(&mut folded, updates).await {
                        break;
                    }
                }
                // It was let go of: nothing more comes.
                Err(EngineError::NotFound(_)) => break,
                Err(error) => {
                    tracing::warn!(deployment = self.id, %error, "a deployment can not be read for its page");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        self.topic.put(Key::End, "end", &serde_json::json!({}));
    }

    /// Follows; whether it has come to the end. Otherwise it is to be read again.
    async fn follow(&self, folded: &mut Folded, mut updates: Receiver<Update>) -> bool {
        while !matches!(folded.deployment.state(), RunState::Finished { .. }) {
            match updates.recv().await {
                Ok(Update::Event(recorded)) if recorded.version <= folded.deployment.version() => {}
                Ok(Update::Event(recorded)) => {
                    let is_next = recorded.version == folded.deployment.version() + 1;
                    if !is_next || !self.take(folded, &recorded) {
                        return false;
                    }
                }
                Ok(Update::Activity { step, .. }) => self.show_service(folded, &step),
                Ok(Update::Line { .. }) => {}
                Err(RecvError::Lagged(_) | RecvError::Closed) => return false,
            }
        }
        true
    }

    /// Takes in a fact; whether it fits.
    fn take(&self, folded: &mut Folded, recorded: &RecordedEvent) -> bool {
        let waited = folded.deployment.awaited_approval();
        if let Err(error) = folded.deployment.evolve(&recorded.event) {
            tracing::error!(deployment = self.id, %error, "a fact does not fit the deployment");
            return false;
        }
        match recorded.event.fact.step() {
            Some(step) => self.show_service(folded, step),
            None => self.show(folded),
        }
        if folded.deployment.awaited_approval() != waited {
            // That it waits now is no fact of its own.
            self.show(folded);
        }
        true
    }

    fn show(&self, Folded { summary, deployment }: &Folded) {
        let view = views::deployment(summary, deployment, &self.live.0.engine.activities(&self.id));
        self.topic.begin_whole(Whole::Deployment(Box::new(view)));
    }

    fn show_service(&self, Folded { deployment, .. }: &Folded, step: &StepId) {
        let index = deployment.plan().services.iter().position(|service| service.name == step.service);
        if let Some(index) = index {
            let view = views::service(deployment, index, &self.live.0.engine.activities(&self.id));
            self.topic.change_whole(WholeChange::Service(Box::new(view)));
        }
    }
}
