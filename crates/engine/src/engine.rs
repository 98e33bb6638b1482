//! The face of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_core::clone::{CloneRequest, Cloned, ClonedService, ServiceCloneRequest};
use slipway_core::deployment::{Actor, CancelScope, Deployment, Event, Fact, Input, RunState, StepId, Trigger};
use slipway_core::failure::Code;
use slipway_core::model::{Environment, Name, Project, Service, ServiceKind};
use slipway_core::plan::{Action, Request};
use slipway_ports::{
    Access, Activity, Builder, CancellationToken, Charts, Cluster, DeploymentSummary, Freed, ImageCollector, NewDeployment,
    Platform, Registry, Releases, Repositories, RequestHosts, Store, StoreError, StoredEnvironment, StoredProject, Target,
};
use tokio::sync::{Mutex, Notify, broadcast};

use crate::changes::{Change, Changes};
use crate::cloning::{self, Cloning, Made};
use crate::error::EngineError;
use crate::feed::{Feeds, Update};
use crate::prepare::Asked;
use crate::queue::Queue;
use crate::secrets;
use crate::settings::Settings;
use crate::single_flight::Flights;
use crate::{DryRun, deployed, dry_run, images, prepare, retention};

/// As many of the newest deployments may be the one that a repeated request was joined to.
const LOOK_BACK: u32 = 5;

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
    /// Packed charts of users.
    pub charts: Arc<dyn Charts>,
    /// Releases.
    pub releases: Arc<dyn Releases>,
    /// What runs.
    pub cluster: Arc<dyn Cluster>,
    /// Pull requests, and what is told on their pages.
    pub requests: Arc<dyn RequestHosts>,
}

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The deployment.
    pub summary: DeploymentSummary,
    /// Whether it is an earlier request's, to which this one was joined.
    pub joined: bool,
}

/// What every part of the engine shares.
pub(crate) struct Shared {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) feeds: Feeds,
    pub(crate) flights: Flights,
    pub(crate) changes: Changes,
    /// Wakes who works on deliveries.
    pub(crate) told: Notify,
    /// Held while a preview is made.
    pub(crate) making_previews: Mutex<()>,
}

impl Shared {
    /// An environment as it is stored, with what its project gives it.
    pub(crate) async fn environment(
        &self,
        access: &Access,
        project: &Name,
        name: &Name,
    ) -> Result<StoredEnvironment, StoreError> {
        let mut stored = self.ports.store.environment(access, project, name).await?;
        stored.environment.from_project = self.ports.store.project(access, project).await?.project.gives;
        Ok(stored)
    }

    /// A target by its name, or the default one.
    pub(crate) async fn target(&self, access: &Access, wanted: Option<&str>) -> Result<Target, EngineError> {
        let targets = self.ports.store.targets(access).await?;
        let found = match wanted {
            Some(name) => targets.into_iter().find(|target| target.name == name),
            None => targets.into_iter().find(|target| target.is_default),
        };
        found.ok_or_else(|| match wanted {
            Some(name) => EngineError::Refused(format!(
                "the environment wants the target `{name}`, which the server does not know; `slipway target add` adds one"
            )),
            None => EngineError::Refused(
                "the server has no default target; `slipway target add` adds a cluster from a kubeconfig".to_owned(),
            ),
        })
    }

    /// Tells those who show it that an environment is another one now.
    pub(crate) fn tell_environment(&self, environment: &Environment) {
        let (project, name) = (environment.project.clone(), environment.name.clone());
        self.changes.tell(Change::Environment { project, name });
    }
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
        let feeds = Feeds::new(ports.store.clone(), settings.most_log_bytes);
        let shared = Arc::new(Shared {
            ports,
            settings,
            feeds,
            flights: Flights::default(),
            changes: Changes::default(),
            told: Notify::new(),
            making_previews: Mutex::new(()),
        });
        Self { queue: Queue::new(shared.clone()), shared }
    }

    /// Takes over what an earlier server left unfinished, and returns how many deployments go on. Call it once, before
    /// serving.
    pub async fn recover(&self) -> Result<usize, EngineError> {
        let unfinished = self.shared.ports.store.unfinished().await?;
        for deployment in &unfinished {
            self.queue.advance(&deployment.project, &deployment.environment).await;
        }
        retention::trim_all_soon(&self.shared).await?;
        Ok(unfinished.len())
    }

    /// Removes the images that no deployment needs and that nobody has used for a while, once. When it can not be found out what is
    /// needed, nothing is removed.
    pub async fn collect_images(&self, collector: &dyn ImageCollector, stop: &CancellationToken) -> Result<Freed, EngineError> {
        images::collect(&self.shared, collector, stop).await
    }

    /// The same every hour, until it is told to stop.
    pub async fn keep_collecting_images(&self, collector: &dyn ImageCollector, stop: &CancellationToken) {
        images::keep_collecting(&self.shared, collector, stop).await;
    }

    /// What a deployment would do now, and why; nothing is begun (B7).
    pub async fn plan(
        &self,
        access: &Access,
        project: &Name,
        environment: &Name,
        action: Action,
        request: &Request,
    ) -> Result<DryRun, EngineError> {
        let (stored, target) = self.environment_and_target(access, project, environment).await?;
        let asked = Asked { access, environment: &stored.environment, target: &target, action, request };
        let plan = prepare::prepare(&self.shared, &asked).await?;
        dry_run::dry_run(&self.shared, access, &target, plan).await
    }

    /// Accepts a deployment: versions are resolved and pinned, the plan is sealed and stored. It starts when its turn comes. A request
    /// that can be joined to the last queued one is, and that one is returned (product.md, *Queue*).
    pub async fn deploy(
        &self,
        access: &Access,
        project: &Name,
        environment: &Name,
        action: Action,
        request: Request,
        trigger: Trigger,
    ) -> Result<Accepted, EngineError> {
        // A caller that leaves now must not leave an accepted deployment that nobody starts.
        let this = self.clone();
        let (access, project, environment) = (access.clone(), project.clone(), environment.clone());
        let accepting = tokio::spawn(async move {
            let (stored, target) = this.environment_and_target(&access, &project, &environment).await?;
            if action.releases() {
                refuse_charts(&stored.environment, &target, &request)?;
                this.require_secrets(&stored).await?;
            }
            // One request of an environment at a time, so that each sees the one before.
            let _turn = this.queue.accepting(&project, &environment).await;
            let asked = Asked { access: &access, environment: &stored.environment, target: &target, action, request: &request };
            if let Some(accepted) = this.accepted_before(&access, &stored.environment, &trigger).await? {
                return Ok(accepted);
            }
            if let Some(joined) = this.join_queued(&asked, &trigger).await? {
                return Ok(Accepted { summary: joined, joined: true });
            }
            let plan = prepare::prepare(&this.shared, &asked).await?;
            let trigger_id = trigger.request.clone();
            let fact = Fact::Accepted { plan: Box::new(plan), trigger };
            let new = NewDeployment {
                id: trigger_id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
                project: project.clone(),
                environment: environment.clone(),
                target: target.name.clone(),
                events: vec![Event { at: this.shared.settings.clock.now(), fact }],
            };
            let summary = this.shared.ports.store.create_deployment(&access, &new).await?;
            this.shared.changes.tell_facts(&summary, &new.events);
            this.queue.advance(&project, &environment).await;
            Ok(Accepted { summary, joined: false })
        });
        accepting.await.map_err(|error| EngineError::Internal(format!("accepting a deployment broke off: {error}")))?
    }

    /// The deployment that a request was accepted as, or joined to, when it was made before.
    async fn accepted_before(
        &self,
        access: &Access,
        environment: &Environment,
        trigger: &Trigger,
    ) -> Result<Option<Accepted>, EngineError> {
        let Some(request) = &trigger.request else { return Ok(None) };
        let store = &self.shared.ports.store;
        match store.deployment(access, request).await {
            Ok(summary) => return Ok(Some(Accepted { summary, joined: false })),
            Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        for summary in store.deployments(access, &environment.project, &environment.name, None, LOOK_BACK).await? {
            let deployment = deployed::read(&**store, access, &summary).await?;
            if deployment.merged().iter().any(|merged| merged.trigger.request.as_ref() == Some(request)) {
                return Ok(Some(Accepted { summary, joined: true }));
            }
        }
        Ok(None)
    }

    /// Joins a request to the last queued deployment of its environment, if that is of the same actor, action and target.
    async fn join_queued(&self, asked: &Asked<'_>, trigger: &Trigger) -> Result<Option<DeploymentSummary>, EngineError> {
        let store = &self.shared.ports.store;
        let (project, name) = (&asked.environment.project, &asked.environment.name);
        let newest = store.deployments(asked.access, project, name, None, 1).await?;
        let is_queued = |summary: &DeploymentSummary| {
            summary.finished_at.is_none() && summary.action == asked.action.as_str() && summary.target == asked.target.name
        };
        let Some(queued) = newest.into_iter().find(is_queued) else { return Ok(None) };
        let (_, deployment) = self.deployment(asked.access, &queued.id).await?;
        if deployment.state() != RunState::Queued || deployment.trigger().actor != trigger.actor {
            return Ok(None);
        }
        let request = deployment.plan().request.joined_by(asked.request);
        let plan = prepare::prepare(&self.shared, &Asked { request: &request, ..*asked }).await?;
        let input = Input::Merge { plan: Box::new(plan), trigger: trigger.clone() };
        match self.queue.tell_queued(&queued, input).await {
            Ok(()) => Ok(Some(store.deployment(asked.access, &queued.id).await?)),
            // Its turn came meanwhile: the request stands for itself.
            Err(EngineError::Refused(_) | EngineError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks a deployment, or one service of it, to end; with `force` a running lifecycle job too. Returns when that is on record.
    pub async fn cancel(&self, access: &Access, id: &str, scope: CancelScope, force: bool) -> Result<(), EngineError> {
        let actor = Actor(access.actor.0.clone());
        self.tell(access, id, Input::Cancel { actor, scope, force }).await
    }

    /// Says whether a deployment may go on into a stage that wants approval: the one that it waits for, or the named one. Returns the
    /// stage's name when that is on record.
    pub async fn approve(&self, access: &Access, id: &str, stage: Option<&str>, approved: bool) -> Result<String, EngineError> {
        let (_, deployment) = self.deployment(access, id).await?;
        let stages = deployment.plan().stages();
        let order = match stage {
            Some(name) => stages
                .iter()
                .position(|stage| stage.name.as_str() == name)
                .ok_or_else(|| EngineError::NotFound(format!("the deployment has no stage `{name}`")))?,
            None => deployment.awaited_approval().ok_or_else(|| {
                EngineError::Refused("the deployment waits for no approval; name a stage to approve it ahead".to_owned())
            })?,
        };
        let name = stages[order].name.to_string();
        let actor = Actor(access.actor.0.clone());
        self.tell(access, id, Input::Approve { actor, stage: order, approved }).await?;
        Ok(name)
    }

    async fn tell(&self, access: &Access, id: &str, input: Input) -> Result<(), EngineError> {
        let summary = self.shared.ports.store.deployment(access, id).await?;
        let queue = self.queue.clone();
        // What is on record is also told to whoever follows, whether or not the caller still waits.
        let telling = tokio::spawn(async move { queue.tell(&summary, input).await });
        telling.await.map_err(|error| EngineError::Internal(format!("the request broke off: {error}")))?
    }

    /// A deployment, folded from its stored facts.
    pub async fn deployment(&self, access: &Access, id: &str) -> Result<(DeploymentSummary, Deployment), EngineError> {
        let store = &self.shared.ports.store;
        let summary = store.deployment(access, id).await?;
        let deployment = deployed::read(&**store, access, &summary).await?;
        Ok((summary, deployment))
    }

    /// Makes or replaces an environment as [`Store::put_environment`] does, and tells those who show it. Every face writes by this.
    pub async fn put_environment(
        &self,
        access: &Access,
        environment: &Environment,
        expected_version: u64,
    ) -> Result<StoredEnvironment, StoreError> {
        let stored = self.shared.ports.store.put_environment(access, environment, expected_version).await?;
        self.shared.tell_environment(environment);
        Ok(stored)
    }

    /// Makes or replaces what a project gives its environments as [`Store::put_project`] does, and tells those who go by it.
    pub async fn put_project(
        &self,
        access: &Access,
        project: &Project,
        expected_version: u64,
    ) -> Result<StoredProject, StoreError> {
        let stored = self.shared.ports.store.put_project(access, project, expected_version).await?;
        self.shared.changes.tell(Change::Project(project.name.clone()));
        Ok(stored)
    }

    /// Makes an environment after another one. It is there with all that it has, or not at all.
    pub async fn clone_environment(
        &self,
        access: &Access,
        (project, environment): (&Name, &Name),
        request: &CloneRequest,
        how: &Cloning,
    ) -> Result<Made<Cloned>, EngineError> {
        cloning::environment(&self.shared, access, (project, environment), request, how).await
    }

    /// Puts a service like one of an environment into another environment, with all that it needs, or not at all.
    pub async fn clone_service(
        &self,
        access: &Access,
        from: (&Name, &Name),
        request: &ServiceCloneRequest,
        into: (&Name, &Name),
        how: &Cloning,
    ) -> Result<Made<ClonedService>, EngineError> {
        cloning::service(&self.shared, access, from, request, into, how).await
    }

    /// Makes or replaces a target, and tells those who show where environments run.
    pub async fn put_target(&self, access: &Access, target: &Target) -> Result<(), StoreError> {
        self.shared.ports.store.put_target(access, target).await?;
        self.shared.changes.tell(Change::Targets);
        Ok(())
    }

    /// What changes from now on. Listen first, then read the store.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.shared.changes.listen()
    }

    /// What happens in a deployment from now on. Subscribe first, then read the store, and leave out what was read.
    pub fn watch(&self, id: &str) -> broadcast::Receiver<Update> {
        self.shared.feeds.of(id).watch()
    }

    /// What the running steps of a deployment do right now.
    pub fn activities(&self, id: &str) -> BTreeMap<StepId, Activity> {
        self.shared.feeds.activities(id)
    }

    /// What every part of the engine shares.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    async fn environment_and_target(
        &self,
        access: &Access,
        project: &Name,
        environment: &Name,
    ) -> Result<(StoredEnvironment, Target), EngineError> {
        let stored = self.shared.environment(access, project, environment).await?;
        let target = self.shared.target(access, stored.environment.target.as_deref()).await?;
        Ok((stored, target))
    }

    async fn require_secrets(&self, stored: &StoredEnvironment) -> Result<(), EngineError> {
        let environment = &stored.environment;
        let set = secrets::seen_by(&*self.shared.ports.store, environment).await?;
        let missing: Vec<_> = environment.all_secrets().filter(|name| !set.contains_key(*name)).cloned().collect();
        let Some(first) = missing.first() else { return Ok(()) };
        let way = if environment.secrets.contains(first) {
            format!("slipway secret set {first}")
        } else {
            format!("slipway secret set {first} --project {}", environment.project)
        };
        Err(EngineError::Refused(format!("these secrets have no value: {}; `{way}` sets one", missing.join(", "))))
    }
}

/// A Docker Engine runs no charts: nobody shall wait for the stage of a Helm service to hear that.
fn refuse_charts(environment: &Environment, target: &Target, request: &Request) -> Result<(), EngineError> {
    let all_are_meant = request.services.is_empty() || request.and_all_others;
    let is_meant = |service: &Service| {
        (all_are_meant && !service.skipped) || request.services.iter().any(|named| named.name == service.name)
    };
    let charts: Vec<_> = match target.platform {
        Platform::Kubernetes(_) => Vec::new(),
        Platform::Docker { .. } => environment.services.iter().filter(|service| is_helm(service) && is_meant(service)).collect(),
    };
    if charts.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = charts.iter().map(|service| format!("`{}`", service.name)).collect();
    Err(EngineError::Refused(format!(
        "{}: Helm services, which the target `{}`, a Docker Engine, does not run ({}); deploy to a cluster, or name the other services by \
         `--service`",
        names.join(", "),
        target.name,
        Code::NotSupported
    )))
}

fn is_helm(service: &Service) -> bool {
    matches!(service.kind, ServiceKind::Helm(_))
}
