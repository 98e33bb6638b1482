//! `crash-server FOLDER STORY before|now`: owns the home in the folder, goes on with what an earlier one left, asks for what the story
//! asks for, and ends when every deployment has ended. Code 3: another server has taken over.
//!
//! With `CRASH_SERVER_IS_DEAF=1` it neither renews its lease nor looks whether it still owns the home: what stops it then is the
//! store alone.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use slipway_core::deployment::{CancelScope, Deployment, RunState, StepId, Trigger};
use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_core::model::Name;
use slipway_core::plan::{self, Action};
use slipway_crash::{Request, Story, World};
use slipway_engine::{Engine, EngineError, Ports, Settings};
use slipway_gate::{CrashPoints, Gate, Gated};
use slipway_ports::{Access, Platform, Store, StoreError, Target};
use slipway_server::{Home, Ownership};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The lease of the server: short, for the tests that wait for its end.
const LEASE: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match serve().await {
        Ok(code) => code,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the test reads why its server ended")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Outcome<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, story, part] = arguments.as_slice() else { return Err("usage: crash-server FOLDER STORY before|now".into()) };
    let story = Story::find(story).ok_or_else(|| format!("there is no story `{story}`"))?;
    let (done, requests) = if part == "before" { (&[][..], story.before) } else { (story.before, story.requests) };
    let folder = Path::new(folder);
    let home = Home::at(folder.join("home"));
    home.create()?;
    let ownership = Ownership::take(&home, LEASE).await?;
    let is_deaf = std::env::var_os("CRASH_SERVER_IS_DEAF").is_some();
    let teller = Teller::new(folder, &ownership, is_deaf)?;
    let lost = async {
        if is_deaf {
            ownership.store().fenced().cancelled().await;
        } else {
            tracing::error!("{}", ownership.keep().await);
        }
    };
    tokio::select! {
        told = teller.tell(done, requests) => told.map(|()| ExitCode::SUCCESS),
        () = lost => Ok(ExitCode::from(3)),
    }
}

/// Asks for what a story asks for.
struct Teller {
    store: Arc<dyn Store>,
    engine: Engine,
}

impl Teller {
    fn new(folder: &Path, ownership: &Ownership, is_deaf: bool) -> Outcome<Self> {
        let points = CrashPoints::from_environment()?;
        let world = Arc::new(World::open(folder.join("world"), points.clone())?);
        let work_folder = folder.join("work");
        std::fs::create_dir_all(&work_folder)?;
        let points: Arc<dyn Gate> = Arc::new(points);
        let store: Arc<dyn Store> = Arc::new(ownership.store());
        let world = Ports {
            store: Arc::new(Gated::new(store.clone(), points.clone())),
            repositories: world.clone(),
            builder: world.clone(),
            registry: world.clone(),
            charts: world.clone(),
            releases: world.clone(),
            cluster: world,
            requests: Arc::new(slipway_ports::testing::World::default()),
        };
        let ports = behind(world, &points);
        let ports = if is_deaf { ports } else { behind(ports, &ownership.gate()) };
        let settings = Settings { work_folder: Some(work_folder), ..Settings::default() };
        Ok(Self { store, engine: Engine::new(ports, settings) })
    }

    /// What was asked for before, and is done, and what is asked for now.
    async fn tell(&self, done: &[Request], requests: &[Request]) -> Outcome<()> {
        self.store.put_target(&access(), &target()).await?;
        self.engine.recover().await?;
        for (index, request) in requests.iter().enumerate() {
            match request {
                Request::Apply(file) => self.apply(file).await?,
                Request::Act { action, environment, actor, back_to } => {
                    let same = |other: &&Request| matches!(other, Request::Act { environment: of, .. } if of == environment);
                    let wanted = done.iter().chain(&requests[..=index]).filter(same).count();
                    let request = plan::Request { back_to: *back_to, ..plan::Request::default() };
                    self.act(environment, *action, request, actor, wanted).await?;
                }
                Request::CancelOnce { environment, service, phase } => {
                    let step = StepId { service: Name::new(*service)?, phase: *phase };
                    self.cancel_once(environment, &step).await?;
                }
                Request::End => {
                    for deployment in self.store.unfinished().await? {
                        self.wait(&deployment.id, |deployment| matches!(deployment.state(), RunState::Finished { .. })).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn apply(&self, text: &str) -> Outcome<()> {
        let said = |problems: Vec<file::Problem>| format!("{problems:?}");
        let file = file::parse(text, &ParseOptions::default()).map_err(said)?;
        let existing = match self.store.environment(&access(), &file.project, &file.name).await {
            Ok(stored) => Some(stored),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let version = existing.as_ref().map_or(0, |stored| stored.version);
        let existing = existing.as_ref().map(|stored| &stored.environment);
        let applied = file::apply(existing, &file, ApplyOptions::default()).map_err(said)?;
        if version == 0 || !applied.changes.is_empty() {
            self.store.put_environment(&access(), &applied.environment, version).await?;
        }
        Ok(())
    }

    /// As somebody who asks again after his server died: unless the deployment is there.
    async fn act(&self, environment: &str, action: Action, request: plan::Request, actor: &str, wanted: usize) -> Outcome<()> {
        let (project, environment) = (Name::new("shop")?, Name::new(environment)?);
        let there = self.store.deployments(&access(), &project, &environment, None, 100).await?.len();
        if there < wanted {
            let access = Access::owner(actor);
            let trigger = Trigger { source: "test".to_owned(), actor: access.actor.clone(), request: None, link: None };
            self.engine.deploy(&access, &project, &environment, action, request, trigger).await?;
        }
        Ok(())
    }

    async fn cancel_once(&self, environment: &str, step: &StepId) -> Outcome<()> {
        let newest = self.store.deployments(&access(), &Name::new("shop")?, &Name::new(environment)?, None, 1).await?;
        let id = newest.first().ok_or("there is nothing to cancel")?.id.clone();
        let hangs = |deployment: &Deployment| {
            let is_alone = deployment.running() == [step.clone()];
            let activity = self.engine.activities(&id).get(step).copied();
            let is_at_it = matches!(activity, Some(slipway_ports::Activity::Building | slipway_ports::Activity::Waiting));
            (is_alone && is_at_it) || !matches!(deployment.state(), RunState::Queued | RunState::Running)
        };
        self.wait(&id, hangs).await?;
        match self.engine.cancel(&access(), &id, CancelScope::Deployment, false).await {
            // It was canceled by the server before, and has ended since.
            Ok(()) | Err(EngineError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until a deployment has come so far: subscribe, look, and only then wait.
    async fn wait(&self, id: &str, is_so_far: impl Fn(&Deployment) -> bool) -> Outcome<()> {
        loop {
            let mut updates = self.engine.watch(id);
            if is_so_far(&self.engine.deployment(&access(), id).await?.1) {
                return Ok(());
            }
            // Whatever it is, it is a reason to look again.
            let _ = updates.recv().await;
        }
    }
}

fn behind(ports: Ports, gate: &Arc<dyn Gate>) -> Ports {
    Ports {
        store: ports.store,
        repositories: Arc::new(Gated::new(ports.repositories, gate.clone())),
        builder: Arc::new(Gated::new(ports.builder, gate.clone())),
        registry: Arc::new(Gated::new(ports.registry, gate.clone())),
        charts: Arc::new(Gated::new(ports.charts, gate.clone())),
        releases: Arc::new(Gated::new(ports.releases, gate.clone())),
        cluster: Arc::new(Gated::new(ports.cluster, gate.clone())),
        requests: Arc::new(Gated::new(ports.requests, gate.clone())),
    }
}

fn access() -> Access {
    Access::owner("tester")
}

fn target() -> Target {
    Target {
        name: "scripted".to_owned(),
        platform: Platform::kubernetes("/nowhere", "scripted"),
        domain: "{service}.{environment}.test".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 100,
        is_default: true,
    }
}
