//! An engine over a world in memory, and environments to deploy.

pub(crate) mod charts;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use slipway_core::deployment::{Actor, Deployment, Fact, Outcome, Phase, RunState, StepId, StepState, Timestamp, Trigger};
use slipway_core::failure::Failure;
use slipway_core::model::{
    Application, BuildSettings, Bytes, Container, Database, DatabaseAccess, DatabaseType, Environment, EnvironmentMode,
    FromProject, GitRevision, GitSource, ImageReference, ImageSource, Millicores, Name, PathFilter, Pipeline, Service,
    ServiceKind, ServiceType, Stage, Workload,
};
use slipway_core::plan::{Action, Request, Selection};
use slipway_engine::{Accepted, Engine, EngineError, Ports, RetryPolicy, Settings, Update};
use slipway_ports::testing::{MemoryStore, World};
use slipway_ports::{Access, DeploymentSummary, LogLine, Platform, SecretText, Store, Target, Webhook, Webhooks as _};
use tokio::sync::broadcast::error::RecvError;

/// The repository of the applications.
pub(crate) const SHOP: &str = "https://git.test/shop.git";

/// Attempts at what may be tried again.
pub(crate) const ATTEMPTS: u32 = 3;

/// An engine, and what it works on.
pub(crate) struct Bench {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) engine: Engine,
}

impl Bench {
    /// A server with one target and one environment, which was never deployed.
    pub(crate) async fn with(environment: &Environment) -> Self {
        Self::over(Arc::default(), Arc::default()).and(environment).await
    }

    /// The same, where the operator has set something.
    pub(crate) async fn with_settings(environment: &Environment, settings: Settings) -> Self {
        Self::set(Arc::default(), Arc::default(), settings).and(environment).await
    }

    pub(crate) async fn and(self, environment: &Environment) -> Self {
        let bench = self;
        bench.world.commit(SHOP, &commit(1));
        let target = Target {
            name: "local".to_owned(),
            platform: Platform::kubernetes("/nowhere", "local"),
            domain: "{service}.{environment}.test".to_owned(),
            ingress_port: None,
            cluster_issuer: None,
            request_percent: 100,
            is_default: true,
        };
        bench.store.put_target(&access(), &target).await.expect("a target is stored");
        bench.store.put_environment(&access(), environment, 0).await.expect("an environment is stored");
        bench
    }

    /// Another server over what an earlier one left.
    pub(crate) fn over(world: Arc<World>, store: Arc<MemoryStore>) -> Self {
        Self::patient(world, store, Duration::from_millis(1))
    }

    /// A server that waits so long before it tries again.
    pub(crate) fn patient(world: Arc<World>, store: Arc<MemoryStore>, pause: Duration) -> Self {
        let retry = RetryPolicy { attempts: ATTEMPTS, first_pause: pause, longest_pause: pause };
        Self::set(world, store, Settings { retry, ..Settings::default() })
    }

    /// The same, where the operator has set something.
    pub(crate) fn set(world: Arc<World>, store: Arc<MemoryStore>, settings: Settings) -> Self {
        let ports = Ports {
            store: store.clone(),
            repositories: world.clone(),
            builder: world.clone(),
            registry: world.clone(),
            charts: world.clone(),
            releases: world.clone(),
            cluster: world.clone(),
            requests: world.clone(),
        };
        Self { world, store, engine: Engine::new(ports, settings) }
    }

    /// A webhook of Gitea's, `hook`.
    pub(crate) async fn with_webhook(&self) {
        let webhook = Webhook {
            id: "hook".to_owned(),
            host: "gitea".to_owned(),
            project: None,
            made_by: Actor("me".to_owned()),
            made_at: Timestamp(1),
        };
        self.store.put_webhook(&access(), &webhook, &SecretText::new("s")).await.expect("kept");
    }

    pub(crate) async fn try_deploy(&self, environment: &str) -> Result<DeploymentSummary, EngineError> {
        self.ask(environment, Action::Deploy, Request::default(), "tester").await.map(|accepted| accepted.summary)
    }

    /// A request of somebody.
    pub(crate) async fn ask(
        &self,
        environment: &str,
        action: Action,
        request: Request,
        actor: &str,
    ) -> Result<Accepted, EngineError> {
        let trigger = Trigger { source: "test".to_owned(), actor: Actor(actor.to_owned()), request: None, link: None };
        self.engine.deploy(&access(), &name("shop"), &name(environment), action, request, trigger).await
    }

    /// An action on the whole environment, to its end.
    pub(crate) async fn act(&self, action: Action) -> (String, Deployment) {
        self.act_on(action, Request::default()).await
    }

    pub(crate) async fn act_on(&self, action: Action, request: Request) -> (String, Deployment) {
        let id = self.ask("demo", action, request, "tester").await.expect("the request is accepted").summary.id;
        let deployment = self.end_of(&id).await;
        (id, deployment)
    }

    /// A deployment that was accepted.
    pub(crate) async fn deploy(&self) -> String {
        self.deploy_of("demo").await
    }

    /// A deployment that somebody else asked for, which is joined to none of ours.
    pub(crate) async fn deploy_as(&self, actor: &str) -> String {
        self.ask("demo", Action::Deploy, Request::default(), actor).await.expect("the deployment is accepted").summary.id
    }

    pub(crate) async fn deploy_of(&self, environment: &str) -> String {
        self.try_deploy(environment).await.expect("the deployment is accepted").id
    }

    /// A deployment and its end.
    pub(crate) async fn deploy_to_the_end(&self) -> (String, Deployment) {
        let id = self.deploy().await;
        let deployment = self.end_of(&id).await;
        (id, deployment)
    }

    pub(crate) async fn deployment(&self, id: &str) -> Deployment {
        self.engine.deployment(&access(), id).await.expect("the deployment is stored").1
    }

    /// Waits until a deployment has finished: subscribe, look, and only then wait.
    pub(crate) async fn end_of(&self, id: &str) -> Deployment {
        within(async {
            loop {
                let mut updates = self.engine.watch(id);
                let deployment = self.deployment(id).await;
                if matches!(deployment.state(), RunState::Finished { .. }) {
                    return deployment;
                }
                loop {
                    match updates.recv().await {
                        Ok(Update::Event(recorded)) if matches!(recorded.event.fact, Fact::Finished { .. }) => break,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_) | RecvError::Closed) => break,
                    }
                }
            }
        })
        .await
    }

    /// Waits until a fact is on record.
    pub(crate) async fn fact(&self, id: &str, wanted: impl Fn(&Fact) -> bool) {
        within(async {
            let mut updates = self.engine.watch(id);
            if self.facts(id).await.iter().any(&wanted) {
                return;
            }
            loop {
                match updates.recv().await {
                    Ok(Update::Event(recorded)) if wanted(&recorded.event.fact) => return,
                    Ok(_) => {}
                    Err(error) => panic!("the fact never came: {error}"),
                }
            }
        })
        .await;
    }

    /// Waits until a line of the log says something.
    pub(crate) async fn line(&self, id: &str, words: &str) {
        within(async {
            let mut updates = self.engine.watch(id);
            if self.log(id).await.iter().any(|(_, line)| line.text.contains(words)) {
                return;
            }
            loop {
                match updates.recv().await {
                    Ok(Update::Line { line, .. }) if line.text.contains(words) => return,
                    Ok(_) => {}
                    Err(error) => panic!("the line never came: {error}"),
                }
            }
        })
        .await;
    }

    pub(crate) async fn begun(&self, what: &str) {
        self.begun_times(what, 1).await;
    }

    pub(crate) async fn begun_times(&self, what: &str, times: usize) {
        within(self.world.begun_times(what, times)).await;
    }

    /// The facts of a deployment, in order.
    pub(crate) async fn facts(&self, id: &str) -> Vec<Fact> {
        let events = self.store.events(&access(), id, 0).await.expect("the facts are stored");
        events.into_iter().map(|recorded| recorded.event.fact).collect()
    }

    /// The log of a deployment.
    pub(crate) async fn log(&self, id: &str) -> Vec<(u64, LogLine)> {
        self.store.log(&access(), id, None, 0, 10_000).await.expect("the log is stored")
    }

    pub(crate) async fn secret(&self, secret: &str, value: &str) {
        let value = SecretText::new(value);
        self.store.put_secret(&access(), &name("shop"), Some(&name("demo")), secret, &value).await.expect("a secret is stored");
    }
}

/// These services, in the versions that are named with them.
pub(crate) fn only(services: &[(&str, Option<&str>)]) -> Request {
    let selection =
        |(service, version): &(&str, Option<&str>)| Selection { name: name(service), version: version.map(str::to_owned) };
    Request { services: services.iter().map(selection).collect(), ..Request::default() }
}

/// The state of a step, in the words of the API.
pub(crate) fn state_of(deployment: &Deployment, step: &StepId) -> &'static str {
    deployment.step(step).map_or("no such step", |state| state.as_str())
}

pub(crate) fn build(service: &str) -> StepId {
    StepId { service: name(service), phase: Phase::Build }
}

pub(crate) fn release(service: &str) -> StepId {
    StepId { service: name(service), phase: Phase::Release }
}

pub(crate) fn outcome(deployment: &Deployment) -> Outcome {
    match deployment.state() {
        RunState::Finished { outcome, .. } => outcome,
        other => panic!("the deployment is {}", other.as_str()),
    }
}

pub(crate) fn failure_of(state: Option<&StepState>) -> &Failure {
    match state {
        Some(StepState::Failed { failure, .. }) => failure,
        other => panic!("the step has not failed: {other:?}"),
    }
}

/// Nothing here takes long, so what does not come within this time never comes.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it comes within 20 s, or never")
}

pub(crate) fn access() -> Access {
    Access::owner("tester")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("the tests use good names")
}

/// A commit of one digit, forty times.
pub(crate) fn commit(digit: u8) -> String {
    digit.to_string().repeat(40)
}

/// `shop/demo` with these services, in the pipeline of a new environment.
pub(crate) fn environment(services: Vec<Service>) -> Environment {
    Environment {
        project: name("shop"),
        name: name("demo"),
        mode: EnvironmentMode::Development,
        target: None,
        pipeline: Pipeline::new_default(),
        variables: Vec::new(),
        secrets: Vec::new(),
        from_project: FromProject::default(),
        services,
        previews: None,
        preview: None,
        schedules: Vec::new(),
        notifications: Vec::new(),
    }
}

/// An application in the folder of its name in the shop's repository.
pub(crate) fn application(service: &str) -> Service {
    application_in(service, SHOP, service, Workload::default())
}

pub(crate) fn application_in(service: &str, url: &str, root: &str, workload: Workload) -> Service {
    let git = GitSource {
        url: url.to_owned(),
        revision: GitRevision::Branch("main".to_owned()),
        root: root.to_owned(),
        credential: None,
    };
    let kind = ServiceKind::Application(Application {
        git,
        build: BuildSettings::default(),
        auto_deploy: false,
        paths: PathFilter::default(),
        workload,
    });
    placed(service, ServiceType::Application, kind)
}

/// A service that brings its image.
pub(crate) fn container(service: &str) -> Service {
    let reference = ImageReference::parse("docker.io/library/redis:7").expect("this is a reference");
    let kind = ServiceKind::Container(Container {
        image: ImageSource { reference, credential: None },
        auto_deploy: false,
        workload: Workload::default(),
    });
    placed(service, ServiceType::Container, kind)
}

/// A database `db`.
pub(crate) fn database() -> Service {
    let kind = ServiceKind::Database(Database {
        database_type: DatabaseType::Postgresql,
        version: "15".to_owned(),
        image: None,
        storage: Bytes::gibi(1),
        access: DatabaseAccess::Private,
        cpu: Millicores(500),
        memory: Bytes::mebi(256),
    });
    placed("db", ServiceType::Database, kind)
}

/// A service in the default stage of a type.
pub(crate) fn placed(service: &str, service_type: ServiceType, kind: ServiceKind) -> Service {
    Service { name: name(service), stage: Stage::default_for(service_type).name, skipped: false, kind }
}
