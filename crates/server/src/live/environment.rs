//! Keeps the topic of an environment: its configuration, the heads of its deployments, and what runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_core::model::{Environment, Name};
use slipway_core::names;
use slipway_engine::{Change, EngineError};
use slipway_ports::api::{DeploymentHeadView, EnvironmentStateView, RemovedView};
use slipway_ports::{StoreError, Target};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::topic::{Key, Topic};
use super::{Live, PAUSE};
use crate::problem::Problem;
use crate::watches::Seen;
use crate::{running, views};

/// How many deployments are told; older ones are the history's.
const DEPLOYMENTS: u32 = 20;

pub(super) struct Keeper {
    live: Live,
    project: Name,
    name: Name,
    topic: Arc<Topic>,
    placed: Option<Placed>,
    /// The deployments that are told, and whether each has ended.
    deployments: BTreeMap<u64, bool>,
}

/// An environment, where it runs, and what is seen of it there.
struct Placed {
    environment: Environment,
    target: Target,
    seen: watch::Receiver<Seen>,
}

enum Next {
    Change(Result<Change, RecvError>),
    Running,
}

impl Keeper {
    pub(super) fn new(live: Live, (project, name): (Name, Name), topic: Arc<Topic>) -> Self {
        Self { live, project, name, topic, placed: None, deployments: BTreeMap::new() }
    }

    pub(super) async fn run(mut self) {
        // Listening comes before reading, so that nothing falls between the two.
        let mut changes = self.live.0.engine.changes();
        let mut done = self.read_all().await;
        loop {
            if let Err(error) = done {
                tracing::warn!(project = %self.project, environment = %self.name, %error, "an environment can not be read for its page");
                tokio::time::sleep(PAUSE).await;
                done = self.read_all().await;
                continue;
            }
            let next = tokio::select! {
                change = changes.recv() => Next::Change(change),
                () = seen_anew(self.placed.as_mut()) => Next::Running,
            };
            done = match next {
                Next::Change(Ok(change)) => self.take(change).await,
                Next::Change(Err(RecvError::Lagged(_))) => self.read_all().await,
                Next::Change(Err(RecvError::Closed)) => return,
                Next::Running => {
                    self.show_running();
                    Ok(())
                }
            };
        }
    }

    async fn take(&mut self, change: Change) -> Result<(), EngineError> {
        match change {
            Change::Environment { project, name } if project == self.project && name == self.name => {
                self.read_environment().await
            }
            Change::Project(project) if project == self.project => self.read_environment().await,
            Change::Targets => self.read_environment().await,
            Change::Deployment { project, environment, id } if project == self.project && environment == self.name => {
                self.read_deployment(&id).await
            }
            Change::Environment { .. } | Change::Project(_) | Change::Deployment { .. } => Ok(()),
        }
    }

    async fn read_all(&mut self) -> Result<(), EngineError> {
        self.read_environment().await?;
        let store = &self.live.0.ports.store;
        let found = match store.deployments(&Live::access(), &self.project, &self.name, None, DEPLOYMENTS).await {
            Ok(found) => found,
            Err(StoreError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // The oldest first: so the newest has the highest number.
        for summary in found.iter().rev() {
            self.read_deployment(&summary.id).await?;
        }
        Ok(())
    }

    async fn read_environment(&mut self) -> Result<(), EngineError> {
        let (store, access) = (&self.live.0.ports.store, Live::access());
        let key = Key::Environment(self.project.clone(), self.name.clone());
        let stored = match store.environment(&access, &self.project, &self.name).await {
            Ok(stored) => stored,
            Err(StoreError::NotFound(_)) => {
                self.placed = None;
                let gone = RemovedView { project: self.project.to_string(), name: self.name.to_string() };
                self.topic.remove(key, &gone);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let targets = store.targets(&access).await?;
        let rules = store.project(&access, &self.project).await?.project.schedules;
        let target = views::target_of(&stored, &targets).cloned();
        let environment = views::environment(&stored, &rules, target.as_ref(), None);
        let stages = views::stages(&stored.environment);
        self.topic.put(key, "environment", &EnvironmentStateView { environment, stages });
        self.placed = target.map(|target| {
            let before = self.placed.take().filter(|before| before.target == target);
            let look = || self.live.0.watches.look(&target, &names::namespace(&self.project, &self.name));
            let seen = before.map_or_else(look, |before| before.seen);
            Placed { environment: stored.environment, target, seen }
        });
        self.show_running();
        Ok(())
    }

    async fn read_deployment(&mut self, id: &str) -> Result<(), EngineError> {
        let (summary, deployment) = match self.live.0.engine.deployment(&Live::access(), id).await {
            Ok(found) => found,
            // It was let go of meanwhile.
            Err(EngineError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let view: DeploymentHeadView = views::deployment_head(&summary, &deployment);
        self.topic.put(Key::Deployment(summary.number), "deployment", &view);
        self.deployments.insert(summary.number, view.head.state.has_ended());
        while self.deployments.len() > DEPLOYMENTS as usize {
            let Some(oldest) = self.deployments.iter().find(|(_, has_ended)| **has_ended).map(|(number, _)| *number) else {
                break;
            };
            self.deployments.remove(&oldest);
            self.topic.forget(&Key::Deployment(oldest));
        }
        Ok(())
    }

    fn show_running(&mut self) {
        let Some(placed) = &mut self.placed else { return };
        let status = match placed.seen.borrow_and_update().clone() {
            Seen::Nothing => return,
            Seen::Away(failure) => {
                self.topic.away(&Problem::from(failure).0);
                None
            }
            Seen::Running(services) => {
                let view = running::view(&placed.environment, &placed.target, &services);
                let status = view.status;
                self.topic.running(view);
                Some(status)
            }
        };
        self.live.set_status((self.project.clone(), self.name.clone()), status);
    }
}

/// Returns when what is seen has changed; never, where nothing can be seen.
async fn seen_anew(placed: Option<&mut Placed>) {
    if let Some(placed) = placed
        && placed.seen.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
