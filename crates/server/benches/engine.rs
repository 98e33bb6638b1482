//! The engine on a real SQLite store, with scripted adapters: how soon the next stage begins, and how much one server carries.
//!
//! ```console
//! $ cargo bench -p slipway-server --bench engine
//! ```
//!
//! *Hand-off*: from the return of the last rollout of a stage to the first call that the next stage makes to an adapter, over the
//! append of the end and of the begin. *Load*: 200 deployments of 20 services each at once, whose rollouts take 20 ms.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark tells what it measured, and ends when it can not"
)]
#![allow(dead_code, reason = "the fakes of the tests have more than this uses")]

#[path = "../tests/server/support/fakes.rs"]
mod fakes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fakes::{Fake, Said};
use slipway_core::deployment::{Actor, Fact, Trigger};
use slipway_core::failure::Failure;
use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_core::model::{Environment, ImageReference, Name};
use slipway_core::plan::{Action, Request};
use slipway_core::plan::{ObjectRef, Observed};
use slipway_engine::{Engine, Ports, Settings, Update};
use slipway_ports::{
    Access, CancellationToken, Cluster, ClusterIssuer, JobOutput, LogQuery, Namespace, Platform, PodLine, Presence, Progress,
    Reader, Registry, RepositoryTag, RolloutKind, RolloutRequest, SecretObject, SecretText, Store, Target, async_trait,
};
use slipway_store::SqliteStore;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;

const STAGES: usize = 20;
const DEPLOYMENTS_IN_A_ROW: usize = 10;
const ENVIRONMENTS: usize = 200;

/// When an adapter was called first and last in each stage, by the stage's number in the service's name.
#[derive(Default)]
struct Marks {
    first: Mutex<BTreeMap<usize, Instant>>,
    last: Mutex<BTreeMap<usize, Instant>>,
}

/// The fakes, with rollouts that take a while and moments that are noted.
struct Timed {
    fake: Fake,
    rollout: Duration,
    marks: Marks,
}

/// Services are named `s<stage>-<number>`, and their images too.
fn stage_of(name: &str) -> usize {
    name.trim_start_matches('s').split('-').next().and_then(|stage| stage.parse().ok()).unwrap_or_default()
}

#[async_trait]
impl Registry for Timed {
    fn address(&self) -> &str {
        self.fake.address()
    }

    async fn presence(&self, image: &RepositoryTag) -> Result<Presence, Failure> {
        self.fake.presence(image).await
    }

    async fn resolve(&self, reference: &ImageReference, reader: &Reader) -> Result<String, Failure> {
        self.fake.resolve(reference, reader).await
    }

    async fn bases(&self, image: &RepositoryTag) -> Result<Vec<ImageReference>, Failure> {
        self.fake.bases(image).await
    }

    async fn mirror(
        &self,
        source: &ImageReference,
        reader: &Reader,
        progress: &dyn Progress,
        stop: &CancellationToken,
    ) -> Result<String, Failure> {
        let stage = stage_of(source.path().rsplit('/').next().unwrap_or_default());
        self.marks.first.lock().expect("no test panics with it").entry(stage).or_insert_with(Instant::now);
        self.fake.mirror(source, reader, progress, stop).await
    }
}

#[async_trait]
impl Cluster for Timed {
    async fn version(&self, target: &Target) -> Result<String, Failure> {
        Cluster::version(&self.fake, target).await
    }

    async fn cluster_issuers(&self, target: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        self.fake.cluster_issuers(target).await
    }

    async fn ensure_namespace(&self, target: &Target, namespace: &Namespace) -> Result<(), Failure> {
        self.fake.ensure_namespace(target, namespace).await
    }

    async fn put_secret(&self, target: &Target, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
        self.fake.put_secret(target, namespace, secret).await
    }

    async fn secret(
        &self,
        target: &Target,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        self.fake.secret(target, namespace, name).await
    }

    async fn pause(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.fake.pause(target, objects).await
    }

    async fn resume(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.fake.resume(target, objects).await
    }

    async fn restart(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        kind: &RolloutKind,
        token: &str,
    ) -> Result<(), Failure> {
        self.fake.restart(target, namespace, release, kind, token).await
    }

    async fn remove_leftovers(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        self.fake.remove_leftovers(target, namespace, release).await
    }

    async fn remove_namespace(&self, target: &Target, namespace: &Namespace, stop: &CancellationToken) -> Result<bool, Failure> {
        self.fake.remove_namespace(target, namespace, stop).await
    }

    async fn survey(&self, target: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        self.fake.survey(target, objects).await
    }

    async fn take_back(&self, target: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        self.fake.take_back(target, objects).await
    }

    async fn await_rollout(
        &self,
        target: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        self.fake.await_rollout(target, request, progress, stop).await?;
        tokio::time::sleep(self.rollout).await;
        self.marks.last.lock().expect("no test panics with it").insert(stage_of(&request.release), Instant::now());
        Ok(())
    }

    async fn job_output(&self, _: &Target, _: &RolloutRequest) -> Result<JobOutput, Failure> {
        Ok(JobOutput::Nothing)
    }

    async fn forget_job_output(&self, _: &Target, _: &RolloutRequest) -> Result<(), Failure> {
        Ok(())
    }

    async fn logs(
        &self,
        target: &Target,
        query: &LogQuery,
        lines: tokio::sync::mpsc::Sender<PodLine>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        self.fake.logs(target, query, lines, stop).await
    }
}

struct Bench {
    engine: Engine,
    store: Arc<SqliteStore>,
    timed: Arc<Timed>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn with(rollout: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(&folder.path().join("db"), &folder.path().join("key")).await.expect("a store opens");
        let store = Arc::new(store);
        let fake =
            || Fake { gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)), built: Mutex::default(), said: Said::default() };
        let timed = Arc::new(Timed { fake: fake(), rollout, marks: Marks::default() });
        let plain = Arc::new(fake());
        let ports = Ports {
            store: store.clone(),
            repositories: plain.clone(),
            builder: plain.clone(),
            registry: timed.clone(),
            charts: Arc::new(slipway_ports::testing::World::default()),
            releases: plain,
            cluster: timed.clone(),
            requests: Arc::new(slipway_ports::testing::World::default()),
        };
        let target = Target {
            name: "dev".to_owned(),
            platform: Platform::kubernetes("/nowhere", "dev"),
            domain: "{service}.test".to_owned(),
            ingress_port: None,
            cluster_issuer: None,
            request_percent: 100,
            is_default: true,
        };
        store.put_target(&access(), &target).await.expect("a target is kept");
        Self { engine: Engine::new(ports, Settings::default()), store, timed, _folder: folder }
    }

    async fn put(&self, environment: &Environment) {
        self.store.put_environment(&access(), environment, 0).await.expect("an environment is kept");
    }

    async fn deploy(&self, name: &str) -> String {
        let trigger = Trigger { source: "bench".to_owned(), actor: Actor("bench".to_owned()), request: None, link: None };
        let request = Request::default();
        let accepted = self.engine.deploy(&access(), &text("bench"), &text(name), Action::Deploy, request, trigger).await;
        accepted.expect("the deployment is accepted").summary.id
    }

    async fn end_of(&self, id: &str) {
        loop {
            let mut updates = self.engine.watch(id);
            let summary = self.store.deployment(&access(), id).await.expect("the deployment is kept");
            if summary.finished_at.is_some() {
                assert_eq!(summary.state, "succeeded");
                return;
            }
            loop {
                match updates.recv().await {
                    Ok(Update::Event(recorded)) if matches!(recorded.event.fact, Fact::Finished { .. }) => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_) | RecvError::Closed) => break,
                }
            }
        }
    }
}

fn access() -> Access {
    Access::owner("bench")
}

fn text(name: &str) -> Name {
    Name::new(name).expect("the benchmark uses good names")
}

/// An environment of containers, so many in each of so many stages.
fn environment(name: &str, stages: usize, services: usize) -> Environment {
    let mut file = format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: bench\nname: {name}\npipeline: {{stages: [");
    file.extend((0..stages).map(|stage| format!("{{name: stage {stage}}},")));
    file.push_str("]}\nservices:\n");
    for (stage, service) in (0..stages).flat_map(|stage| (0..services).map(move |service| (stage, service))) {
        let name = format!("s{stage}-{service}");
        let image = format!("{{name: registry.test/{name}, tag: \"1\"}}");
        file.push_str(&format!("  - {{name: {name}, stage: stage {stage}, container: {{image: {image}}}}}\n"));
    }
    let options = ParseOptions { allow_file_urls: false, is_first: true };
    let parsed = file::parse(&file, &options).expect("the benchmark's file is good");
    file::apply(None, &parsed, ApplyOptions::default()).expect("it can be applied to nothing").environment
}

fn at(sorted: &[Duration], per_cent: usize) -> Duration {
    sorted[(sorted.len() * per_cent / 100).min(sorted.len() - 1)]
}

async fn hand_off() {
    let bench = Bench::with(Duration::from_millis(5)).await;
    bench.put(&environment("handoff", STAGES, 3)).await;
    let mut waits = Vec::new();
    for _ in 0..DEPLOYMENTS_IN_A_ROW {
        bench.timed.marks.first.lock().expect("nothing panicked").clear();
        let id = bench.deploy("handoff").await;
        bench.end_of(&id).await;
        let (first, last) = (
            &bench.timed.marks.first.lock().expect("nothing panicked"),
            &bench.timed.marks.last.lock().expect("nothing panicked"),
        );
        waits.extend((1..STAGES).map(|stage| first[&stage].saturating_duration_since(last[&(stage - 1)])));
    }
    waits.sort();
    println!(
        "hand-off from stage to stage, {} of them: p50 {:.2?}, p99 {:.2?}, longest {:.2?}",
        waits.len(),
        at(&waits, 50),
        at(&waits, 99),
        at(&waits, 100)
    );
}

async fn load() {
    const SERVICES: usize = 20;
    let bench = Bench::with(Duration::from_millis(20)).await;
    for number in 0..ENVIRONMENTS {
        bench.put(&environment(&format!("e{number}"), 4, SERVICES / 4)).await;
    }
    let before = memory();
    let began = Instant::now();
    let mut ids = Vec::new();
    for number in 0..ENVIRONMENTS {
        ids.push(bench.deploy(&format!("e{number}")).await);
    }
    let accepted = began.elapsed();
    for id in &ids {
        bench.end_of(id).await;
    }
    let took = began.elapsed();
    let releases = u32::try_from(ENVIRONMENTS * SERVICES).expect("some thousands");
    println!(
        "{ENVIRONMENTS} deployments of {SERVICES} services at once: accepted in {accepted:.2?}, ended in {took:.2?}; {:.0} releases/s; \
         peak memory {} MiB, {} MiB before",
        f64::from(releases) / took.as_secs_f64(),
        memory() >> 20,
        before >> 20
    );
}

/// The most memory that this process has had, in bytes; see `proc_pid_status(5)`.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default() << 10
}

#[tokio::main]
async fn main() {
    hand_off().await;
    load().await;
}
