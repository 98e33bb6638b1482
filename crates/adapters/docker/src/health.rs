//! How the containers are, all the time: the engine's events are followed, probes asked, what fails its liveness probe started anew,
//! and the routes kept to those that are ready.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{EventsOptionsBuilder, RestartContainerOptionsBuilder};
use futures::StreamExt as _;
use jiff::Timestamp;
use slipway_core::failure::Failure;
use slipway_core::model::{PortProtocol, Probe};
use slipway_ports::CancellationToken;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::containers::{self, Container};
use crate::engine::{Engine, failure, words};
use crate::names::{MANAGED_BY, SLIPWAY};
use crate::probe;
use crate::record::{Record, Records};
use crate::routes::{Route, Routes, Speaks};
use crate::spec::GRACE_SECONDS;

/// How long a container without a readiness probe has to run.
const SETTLING: Duration = Duration::from_secs(3);
/// The same, for one that was started again.
const SETTLING_AFTER_RESTART: Duration = Duration::from_secs(12);
/// How often a container is asked until it is ready, unless its probe asks more often.
const EAGER: Duration = Duration::from_secs(1);
/// How long an engine that went away is left alone.
const AWAY: Duration = Duration::from_secs(2);

/// What is known of the containers of this home.
#[derive(Debug)]
pub(crate) struct Health {
    engine: Arc<Engine>,
    records: Arc<Records>,
    routes: Arc<Routes>,
    live: Mutex<HashMap<String, Live>>,
    /// Held from a question to the engine until its answer is taken in: an older answer never comes after a newer one.
    looking: tokio::sync::Mutex<()>,
    /// Why the engine can not be followed, if it can not.
    away: Mutex<Option<Failure>>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Live {
    seen: Seen,
    /// Asks the probes.
    attending: Option<AbortHandle>,
}

/// A container, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) container: Container,
    pub(crate) condition: Condition,
    /// How often a probe had it started anew.
    pub(crate) probe_restarts: u32,
    /// What the last probe that failed said.
    pub(crate) said: Option<String>,
    /// What the probe said that had it started anew last.
    pub(crate) given_up: Option<String>,
}

/// How a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It is not ready yet.
    Starting,
    Ready,
    /// It was ready, and is not any more.
    NotReady,
}

impl Seen {
    /// Nothing is known of it but this.
    pub(crate) fn new(container: Container, condition: Condition) -> Self {
        Self { container, condition, probe_restarts: 0, said: None, given_up: None }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(attending) = &self.attending {
            attending.abort();
        }
    }
}

impl Health {
    pub(crate) fn new(engine: Arc<Engine>, records: Arc<Records>, routes: Arc<Routes>) -> Arc<Self> {
        Arc::new(Self {
            engine,
            records,
            routes,
            live: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            away: Mutex::default(),
            changes: watch::Sender::new(()),
        })
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why what is known may not be so any more: the engine is away.
    pub(crate) fn away(&self) -> Option<Failure> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_away(&self, away: Option<Failure>) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away;
        self.tell();
    }

    /// Tells of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The long-running containers of a service, by ordinal.
    pub(crate) fn of_service(&self, namespace: &str, service: &str) -> Vec<Seen> {
        let mut all = self.all_of_service(namespace, service);
        all.retain(|seen| seen.container.run.is_none());
        all
    }

    /// All containers of a service, also those of the runs of a job.
    pub(crate) fn all_of_service(&self, namespace: &str, service: &str) -> Vec<Seen> {
        let live = self.live();
        let is_of = |seen: &&Seen| {
            let container = &seen.container;
            container.namespace == namespace && container.service == service
        };
        let mut all: Vec<Seen> = live.values().map(|live| &live.seen).filter(is_of).cloned().collect();
        all.sort_by_key(|seen| (seen.container.generation.clone(), seen.container.ordinal));
        all
    }

    /// Follows the engine until it is told to stop. An engine that is away is asked again, as long as there is a release.
    pub(crate) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let mut records = self.records.changes();
        let following = async {
            loop {
                while self.records.all().is_empty() {
                    // The sender lives as long as this does.
                    let _ = records.changed().await;
                }
                if let Err(failure) = self.follow().await {
                    tracing::warn!(%failure, "the containers can not be watched; trying again");
                    self.note_away(Some(failure));
                }
                tokio::time::sleep(AWAY).await;
            }
        };
        tokio::select! {
            () = following => {}
            () = stop.cancelled() => {}
        }
    }

    async fn follow(self: &Arc<Self>) -> Result<(), Failure> {
        let docker = self.engine.docker().await?;
        let ours = format!("{MANAGED_BY}={SLIPWAY}");
        let filters = HashMap::from([("type", vec!["container".to_owned()]), ("label", vec![ours])]);
        // What happens from here on comes as an event, also what happens before the engine is asked for them.
        let since = now_of(docker).await?;
        let options = EventsOptionsBuilder::new().filters(&filters).since(&since).build();
        let mut events = Box::pin(docker.events(Some(options)));
        let mut records = self.records.changes();
        let namespaces: BTreeSet<String> = self.records.all().into_iter().map(|((namespace, _), _)| namespace).collect();
        for namespace in namespaces {
            self.look(&namespace, None).await?;
        }
        self.note_away(None);
        loop {
            tokio::select! {
                event = events.next() => {
                    let event = event.ok_or_else(|| Failure::retry(slipway_core::failure::Code::ClusterUnreachable, "the Docker Engine has ended its events"))?;
                    let event = event.map_err(|error| failure("tell its events", &error))?;
                    if let Some(id) = event.actor.and_then(|actor| actor.id) {
                        self.refresh(&id).await?;
                    }
                }
                _ = records.changed() => self.route(),
            }
        }
    }

    /// Looks at all containers of a namespace, or of one service, now.
    pub(crate) async fn look(self: &Arc<Self>, namespace: &str, service: Option<&str>) -> Result<(), Failure> {
        let _looking = self.looking.lock().await;
        let found = containers::list(self.engine.docker().await?, namespace, service).await?;
        let is_gone = |seen: &Seen| {
            let container = &seen.container;
            container.namespace == namespace
                && service.is_none_or(|service| container.service == service)
                && !found.iter().any(|found| found.id == container.id)
        };
        self.live().retain(|_, live| !is_gone(&live.seen));
        for container in found {
            self.take(container);
        }
        self.tell();
        Ok(())
    }

    async fn refresh(self: &Arc<Self>, id: &str) -> Result<(), Failure> {
        let _looking = self.looking.lock().await;
        match containers::inspect(self.engine.docker().await?, id).await? {
            Some(container) if self.records.has_any(&container.namespace) => self.take(container),
            Some(_) => return Ok(()),
            None => {
                self.live().remove(id);
                self.routes.forget(id);
            }
        }
        self.tell();
        Ok(())
    }

    /// Takes in what the engine shows of a container.
    fn take(self: &Arc<Self>, container: Container) {
        let mut live = self.live();
        let before = live.remove(&container.id);
        let id = container.id.clone();
        let is_same_life = |before: &Live| {
            before.attending.is_some() && before.seen.container.started_at == container.started_at && container.is_running()
        };
        let mut now = match before {
            Some(mut before) if is_same_life(&before) => {
                before.seen.container = container;
                live.insert(id, before);
                return;
            }
            Some(before) => {
                let seen = Seen { container, condition: Condition::Starting, ..before.seen.clone() };
                Live { seen, attending: None }
            }
            None => Live { seen: Seen::new(container, Condition::Starting), attending: None },
        };
        if now.seen.container.is_running() && now.seen.container.run.is_none() {
            let (health, container) = (self.clone(), now.seen.container.clone());
            now.attending = Some(tokio::spawn(async move { health.attend(&container).await }).abort_handle());
        }
        live.insert(id, now);
    }

    /// Asks the probes of one life of a container until that ends.
    async fn attend(self: &Arc<Self>, container: &Container) {
        let age = age(container);
        if let Some(startup) = &container.probes.startup
            && !self.has_started(container, startup, age).await
        {
            return;
        }
        tokio::join!(self.attend_readiness(container, age), self.attend_liveness(container, age));
    }

    /// Waits until the startup probe has succeeded; `false` when it has failed too often, and the container is started anew.
    async fn has_started(self: &Arc<Self>, container: &Container, probe: &Probe, age: Duration) -> bool {
        tokio::time::sleep(probe.initial_delay.saturating_sub(age)).await;
        let mut failed = String::new();
        for _ in 0..probe.failures.max(1) {
            match self.ask(container, probe).await {
                Ok(()) => return true,
                Err(said) => failed = format!("Startup probe failed: {said}"),
            }
            self.note(container, None, Some(failed.clone()));
            tokio::time::sleep(probe.period.max(EAGER)).await;
        }
        self.start_anew(container, failed);
        false
    }

    async fn attend_readiness(self: &Arc<Self>, container: &Container, age: Duration) {
        let Some(probe) = &container.probes.readiness else {
            let settling = if container.restarts > 0 { SETTLING_AFTER_RESTART } else { SETTLING };
            tokio::time::sleep(settling.saturating_sub(age)).await;
            return self.note(container, Some(Condition::Ready), None);
        };
        tokio::time::sleep(probe.initial_delay.saturating_sub(age)).await;
        let (mut failures, mut is_ready) = (0, false);
        loop {
            match self.ask(container, probe).await {
                Ok(()) => {
                    (failures, is_ready) = (0, true);
                    self.note(container, Some(Condition::Ready), None);
                }
                Err(said) => {
                    failures += 1;
                    let over = is_ready && failures >= probe.failures.max(1);
                    is_ready &= !over;
                    self.note(container, over.then_some(Condition::NotReady), Some(format!("Readiness probe failed: {said}")));
                }
            }
            let period = if is_ready { probe.period.max(EAGER) } else { probe.period.clamp(EAGER / 2, EAGER) };
            tokio::time::sleep(period).await;
        }
    }

    async fn attend_liveness(self: &Arc<Self>, container: &Container, age: Duration) {
        let Some(probe) = &container.probes.liveness else { return };
        tokio::time::sleep(probe.initial_delay.saturating_sub(age)).await;
        let mut failures = 0;
        loop {
            match self.ask(container, probe).await {
                Ok(()) => failures = 0,
                Err(said) => {
                    failures += 1;
                    let failed = format!("Liveness probe failed: {said}");
                    self.note(container, None, Some(failed.clone()));
                    if failures >= probe.failures.max(1) {
                        return self.start_anew(container, failed);
                    }
                }
            }
            tokio::time::sleep(probe.period.max(EAGER)).await;
        }
    }

    async fn ask(&self, container: &Container, probe: &Probe) -> Result<(), String> {
        let docker = self.engine.docker().await.map_err(|failure| failure.message)?;
        probe::ask(docker, container, probe).await
    }

    /// A probe has given the container up. The restart goes on when this life of it, and who attends to that, has ended.
    fn start_anew(self: &Arc<Self>, container: &Container, failed: String) {
        tracing::warn!(container = container.name, "a probe fails; the container is started anew");
        if let Some(live) = self.live().get_mut(&container.id) {
            live.seen.probe_restarts += 1;
            live.seen.given_up = Some(failed);
        }
        let (engine, id) = (self.engine.clone(), container.id.clone());
        tokio::spawn(async move {
            let Ok(docker) = engine.docker().await else { return };
            let options = RestartContainerOptionsBuilder::new().t(GRACE_SECONDS).build();
            if let Err(error) = docker.restart_container(&id, Some(options)).await {
                tracing::warn!(id, error = words(&error), "a container can not be started anew");
            }
        });
    }

    /// Notes how a container is, if it still lives the same life.
    fn note(&self, container: &Container, condition: Option<Condition>, said: Option<String>) {
        {
            let mut live = self.live();
            let Some(found) = live.get_mut(&container.id) else { return };
            if found.seen.container.started_at != container.started_at {
                return;
            }
            let before = found.seen.clone();
            found.seen.condition = condition.unwrap_or(before.condition);
            found.seen.said = said.or_else(|| before.said.clone());
            if found.seen == before {
                return;
            }
            // Nobody sees it ready, and takes the version before away, while no request finds it.
            self.route_to(&live);
        }
        self.tell();
    }

    fn tell(&self) {
        self.route();
        self.changes.send_replace(());
    }

    /// Makes the routes anew: those of the newest revision of each release, to its ready containers.
    fn route(&self) {
        self.route_to(&self.live());
    }

    fn route_to(&self, live: &HashMap<String, Live>) {
        let ready: Vec<&Container> = live
            .values()
            .filter(|live| live.seen.condition == Condition::Ready && live.seen.container.is_running())
            .map(|live| &live.seen.container)
            .collect();
        let table = self.records.all().iter().flat_map(|((namespace, _), record)| routes_of(namespace, record, &ready)).collect();
        self.routes.replace(table);
    }
}

/// The routes of a release.
fn routes_of(namespace: &str, record: &Record, ready: &[&Container]) -> Vec<Route> {
    let Some(newest) = record.newest().filter(|newest| !newest.wanted.stopped) else { return Vec::new() };
    let Some(workload) = newest.wanted.service.workload() else { return Vec::new() };
    let service = newest.wanted.service.name.as_str();
    let mut routes = Vec::new();
    for port in &workload.ports {
        let of_port = ready.iter().filter(|container| container.namespace == namespace && container.service == service);
        let containers: Vec<_> =
            of_port.filter_map(|container| Some((container.id.clone(), *container.ports.get(&port.internal)?))).collect();
        let speaks = if port.protocol == PortProtocol::Grpc { Speaks::Http2 } else { Speaks::Http1 };
        for host in newest.wanted.hosts.get(&port.internal).into_iter().flatten() {
            routes.push(Route { host: host.clone(), path: port.path.clone(), speaks, containers: containers.clone() });
        }
    }
    routes
}

/// The engine's time, as its events are asked for by it.
async fn now_of(docker: &Docker) -> Result<String, Failure> {
    let told = docker.info().await.map_err(|error| failure("tell the time", &error))?;
    let now: Option<Timestamp> = told.system_time.and_then(|time| time.parse().ok());
    let now = now.unwrap_or_else(Timestamp::now);
    Ok(format!("{}.{:09}", now.as_second(), now.subsec_nanosecond()))
}

/// How long a container has run, by the engine's clock and ours; no time at all when they contradict each other.
fn age(container: &Container) -> Duration {
    let started: Option<Timestamp> = container.started_at.parse().ok();
    let age = started.and_then(|started| Duration::try_from(Timestamp::now().duration_since(started)).ok());
    age.unwrap_or_default()
}
