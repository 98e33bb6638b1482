//! Keeps the list of all environments.

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_core::model::Name;
use slipway_core::running::RunningStatus;
use slipway_engine::{Change, EngineError};
use slipway_ports::api::{OverviewView, RemovedView};
use slipway_ports::{StoreError, StoredEnvironment};
use tokio::sync::broadcast::error::RecvError;

use super::topic::{Key, Topic};
use super::{Live, PAUSE};
use crate::views;

pub(super) struct Keeper {
    live: Live,
    topic: Arc<Topic>,
    told: BTreeMap<(Name, Name), OverviewView>,
}

enum Next {
    Change(Result<Change, RecvError>),
    Running,
}

impl Keeper {
    pub(super) fn new(live: Live, topic: Arc<Topic>) -> Self {
        Self { live, topic, told: BTreeMap::new() }
    }

    pub(super) async fn run(mut self) {
        let mut changes = self.live.0.engine.changes();
        let mut statuses = self.live.0.statuses.subscribe();
        let mut done = self.read_all().await;
        loop {
            if let Err(error) = done {
                tracing::warn!(%error, "the environments can not be read for their page");
                tokio::time::sleep(PAUSE).await;
                done = self.read_all().await;
                continue;
            }
            let next = tokio::select! {
                change = changes.recv() => Next::Change(change),
                Ok(()) = statuses.changed() => Next::Running,
            };
            done = match next {
                Next::Change(Ok(Change::Environment { project, name })) => self.read((project, name)).await,
                Next::Change(Ok(Change::Deployment { project, environment, .. })) => self.read((project, environment)).await,
                Next::Change(Ok(Change::Project(_) | Change::Targets)) => Ok(()),
                Next::Change(Err(RecvError::Lagged(_))) => self.read_all().await,
                Next::Change(Err(RecvError::Closed)) => return,
                Next::Running => {
                    self.show_running();
                    Ok(())
                }
            };
        }
    }

    async fn read_all(&mut self) -> Result<(), EngineError> {
        let all = self.live.0.ports.store.environments(&Live::access()).await?;
        let named: Vec<_> = all.iter().map(place).collect();
        let gone: Vec<_> = self.told.keys().filter(|known| !named.contains(known)).cloned().collect();
        for environment in gone {
            self.remove(environment);
        }
        for stored in all {
            self.show(&stored).await?;
        }
        Ok(())
    }

    async fn read(&mut self, environment: (Name, Name)) -> Result<(), EngineError> {
        match self.live.0.ports.store.environment(&Live::access(), &environment.0, &environment.1).await {
            Ok(stored) => self.show(&stored).await,
            Err(StoreError::NotFound(_)) => {
                self.remove(environment);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn show(&mut self, stored: &StoredEnvironment) -> Result<(), EngineError> {
        let (project, name) = place(stored);
        let last = self.live.0.ports.store.deployments(&Live::access(), &project, &name, None, 1).await?;
        let running = self.status(&(project.clone(), name.clone()));
        let view = views::overview(stored, last.first(), running);
        self.topic.put(Key::Environment(project.clone(), name.clone()), "environment", &view);
        self.told.insert((project, name), view);
        Ok(())
    }

    fn show_running(&mut self) {
        let statuses = self.live.0.statuses.borrow().clone();
        for ((project, name), view) in &mut self.told {
            let now = statuses.get(&(project.clone(), name.clone())).copied();
            if view.running != now {
                view.running = now;
                self.topic.put(Key::Environment(project.clone(), name.clone()), "environment", view);
            }
        }
    }

    fn status(&self, environment: &(Name, Name)) -> Option<RunningStatus> {
        self.live.0.statuses.borrow().get(environment).copied()
    }

    fn remove(&mut self, environment: (Name, Name)) {
        self.told.remove(&environment);
        let (project, name) = environment;
        let gone = RemovedView { project: project.to_string(), name: name.to_string() };
        self.topic.remove(Key::Environment(project, name), &gone);
    }
}

fn place(stored: &StoredEnvironment) -> (Name, Name) {
    (stored.environment.project.clone(), stored.environment.name.clone())
}
