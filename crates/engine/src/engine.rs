//! The face of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_core::deployment::{Actor, CancelScope, Deployment, Event, Fact, StepId, Trigger};
use slipway_core::model::Name;
use slipway_core::plan::Action;
use slipway_ports::{
    Access, Activity, Builder, Cluster, DeploymentSummary, NewDeployment, Registry, Releases, Repositories, Store,
    StoredEnvironment, Target,
};
use tokio::sync::{broadcast, oneshot};

use crate::error::EngineError;
use crate::feed::{Feeds, Update};
use crate::queue::Queue;
use crate::settings::Settings;
use crate::single_flight::Flights;
use crate::{Preview, prepare, preview};

/// The world, as the engine sees it.
#[derive(Clone)]
pub struct Ports {
    /// What outlives the server.
    pub store: Arc<dyn Store>,
    /// Source code.
    pub repositories: Arc<dyn Repositories>,
    /// Images from source.
    pub builder: Arc<dyn Builder>,
    /// Images at rest.
    pub registry: Arc<dyn Registry>,
    /// Releases.
    pub releases: Arc<dyn Releases>,
    /// What runs.
    pub cluster: Arc<dyn Cluster>,
}

/// What every part of the engine shares.
pub(crate) struct Shared {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) feeds: Feeds,
    pub(crate) flights: Flights,
}

/// Takes requests, and sees every accepted one to its end. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
}

impl Engine {
    /// An engine over these ports. It does nothing before it is asked; see [`Self::recover`].
    pub fn new(ports: Ports, settings: Settings) -> Self {
        let feeds = Feeds::new(ports.store.clone());
        let shared = Arc::new(Shared { ports, settings, feeds, flights: Flights::default() });
        Self { queue: Queue::new(shared.clone()), shared }
    }

    /// Takes over what an earlier server left unfinished, and returns how many deployments go on. Call it once, before
    /// serving.
    pub async fn recover(&self) -> Result<usize, EngineError> {
        let unfinished = self.shared.ports.store.unfinished().await?;
        for deployment in &unfinished {
            self.queue.advance(&deployment.project, &deployment.environment).await;
        }
        Ok(unfinished.len())
    }

    /// What a deployment would do now, and why; nothing is begun (B7).
    pub async fn plan(
        &self,
        access: &Access,
        project: &Name,
        environment: &Name,
        action: Action,
    ) -> Result<Preview, EngineError> {
        let (stored, target) = self.environment_and_target(access, project, environment).await?;
        let plan = prepare::prepare(&self.shared, &stored.environment, &target, action).await?;
        preview::preview(&self.shared, access, plan).await
    }

    /// Accepts a deployment: versions are resolved and pinned, the plan is sealed and stored. It starts when its turn comes.
    pub async fn deploy(
        &self,
        access: &Access,
        project: &Name,
        environment: &Name,
        trigger: Trigger,
    ) -> Result<DeploymentSummary, EngineError> {
        let (stored, target) = self.environment_and_target(access, project, environment).await?;
        self.require_secrets(&stored).await?;
        let plan = prepare::prepare(&self.shared, &stored.environment, &target, Action::Deploy).await?;
        let accepted = Event { at: self.shared.settings.clock.now(), fact: Fact::Accepted { plan: Box::new(plan), trigger } };
        let new = NewDeployment {
            id: uuid::Uuid::now_v7().to_string(),
            project: project.clone(),
            environment: environment.clone(),
            target: target.name,
            events: vec![accepted],
        };
        // A caller that leaves now must not leave an accepted deployment that nobody starts.
        let (engine, access) = (self.clone(), access.clone());
        let (answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let created = engine.shared.ports.store.create_deployment(&access, &new).await;
            let is_created = created.is_ok();
            let _ = answer.send(created);
            if is_created {
                engine.queue.advance(&new.project, &new.environment).await;
            }
        });
        let created = answered.await.map_err(|_| EngineError::Internal("accepting a deployment broke off".to_owned()))?;
        Ok(created?)
    }

    /// Asks a deployment, or one service of it, to end. Returns when that is on record.
    pub async fn cancel(&self, access: &Access, id: &str, scope: CancelScope) -> Result<(), EngineError> {
        let summary = self.shared.ports.store.deployment(access, id).await?;
        let (queue, actor) = (self.queue.clone(), Actor(access.actor.0.clone()));
        // What is on record is also told, whether or not the caller still waits.
        let canceling = tokio::spawn(async move { queue.cancel(&summary, actor, scope).await });
        canceling.await.map_err(|error| EngineError::Internal(format!("the cancellation broke off: {error}")))?
    }

    /// A deployment, folded from its stored facts.
    pub async fn deployment(&self, access: &Access, id: &str) -> Result<(DeploymentSummary, Deployment), EngineError> {
        let store = &self.shared.ports.store;
        let summary = store.deployment(access, id).await?;
        let events = store.events(access, id, 0).await?;
        let deployment = Deployment::replay(events.into_iter().map(|recorded| recorded.event));
        Ok((summary, deployment.map_err(|error| EngineError::Internal(error.to_string()))?))
    }

    /// What happens in a deployment from now on. Subscribe first, then read the store, and leave out what was read.
    pub fn watch(&self, id: &str) -> broadcast::Receiver<Update> {
        self.shared.feeds.of(id).watch()
    }

    /// What the running steps of a deployment do right now.
    pub fn activities(&self, id: &str) -> BTreeMap<StepId, Activity> {
        self.shared.feeds.activities(id)
    }

    async fn environment_and_target(
        &self,
        access: &Access,
        project: &Name,
        environment: &Name,
    ) -> Result<(StoredEnvironment, Target), EngineError> {
        let stored = self.shared.ports.store.environment(access, project, environment).await?;
        let targets = self.shared.ports.store.targets(access).await?;
        let wanted = stored.environment.target.clone();
        let found = match &wanted {
            Some(name) => targets.into_iter().find(|target| target.name == *name),
            None => targets.into_iter().find(|target| target.is_default),
        };
        let target = found.ok_or_else(|| match wanted {
            Some(name) => EngineError::Refused(format!(
                "the environment wants the target `{name}`, which the server does not know; `slipway target add` adds one"
            )),
            None => EngineError::Refused(
                "the server has no default target; `slipway target add` adds a cluster from a kubeconfig".to_owned(),
            ),
        })?;
        Ok((stored, target))
    }

    async fn require_secrets(&self, stored: &StoredEnvironment) -> Result<(), EngineError> {
        let environment = &stored.environment;
        let set = self.shared.ports.store.secrets(&environment.project, &environment.name).await?;
        let missing: Vec<_> = environment.secrets.iter().filter(|name| !set.contains_key(*name)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(EngineError::Refused(format!(
            "these secrets have no value: {}; `slipway secret set {}` sets one",
            missing.join(", "),
            missing[0]
        )))
    }
}
