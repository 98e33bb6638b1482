//! The image keys of 1,000 services in one repository, read by git, planned by the engine on a real SQLite store.
//!
//! `dev/bench-keys` makes the repository and runs this. *Keys*: the facts of each service from the mirror, one after the other as
//! a plan asks for them, and its image key. *Plan*: all of `slipway plan`: the fetch, the versions, the keys, and what each step
//! would do; the registry says at once that it holds nothing. Each *first time* is that of a server that has just started, with the
//! mirror on its disk.
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
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fakes::{Fake, Said};
use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_core::image_key::{ImageKey, KeyInputs, declared_args};
use slipway_core::model::{Environment, GitRevision, Name};
use slipway_core::plan::{Action, BuildPlan, Request};
use slipway_engine::{Engine, Ports, Settings};
use slipway_git::{GitMirrors, GitSettings};
use slipway_ports::{Access, CancellationToken, Platform, Reader, Repositories, Store, Target, TreeQuery};
use slipway_store::SqliteStore;
use tokio::sync::Semaphore;

const SERVICES: usize = 1000;

/// What the benchmark runs on.
struct Bench {
    url: String,
    folder: tempfile::TempDir,
}

/// The times of one round.
#[derive(Default)]
struct Times(BTreeMap<&'static str, Vec<Duration>>);

impl Times {
    fn note(&mut self, what: &'static str, began: Instant) {
        self.0.entry(what).or_default().push(began.elapsed());
    }

    fn row(&mut self, what: &str) -> Option<(Duration, Duration, Duration)> {
        let times = self.0.get_mut(what)?;
        times.sort();
        Some((times[times.len() / 2], *times.first()?, *times.last()?))
    }
}

impl Bench {
    /// The repositories of a server that has just started.
    fn mirrors(&self) -> Arc<GitMirrors> {
        let settings = GitSettings { file_urls: true, ..GitSettings::new(self.folder.path().join("mirrors")) };
        Arc::new(GitMirrors::open(settings).expect("the mirrors open"))
    }

    /// An engine that has just started.
    async fn engine(&self, store: &Path) -> (Engine, Arc<SqliteStore>) {
        let store = Arc::new(SqliteStore::open(&store.join("db"), &store.join("key")).await.expect("a store opens"));
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let fake = Arc::new(Fake { gate, built: Mutex::default(), said: Said::default() });
        let ports = Ports {
            store: store.clone(),
            repositories: self.mirrors(),
            builder: fake.clone(),
            registry: fake.clone(),
            charts: Arc::new(slipway_ports::testing::World::default()),
            releases: fake.clone(),
            cluster: fake,
            requests: Arc::new(slipway_ports::testing::World::default()),
        };
        (Engine::new(ports, Settings::default()), store)
    }

    /// The key of every service at a commit.
    async fn keys(&self, mirrors: &GitMirrors, commit: &str) -> Vec<String> {
        let args = BTreeMap::from([("SLIPWAY_ENVIRONMENT_NAME".to_owned(), "bench".to_owned())]);
        let mut keys = Vec::with_capacity(SERVICES);
        for service in 0..SERVICES {
            let query = TreeQuery {
                url: self.url.clone(),
                commit: commit.to_owned(),
                root: format!("services/s{service}"),
                dockerfile: Some("Dockerfile".to_owned()),
            };
            let facts = mirrors.facts(&query, &Reader::nobody()).await.expect("the facts can be read");
            declared_args(&facts.dockerfile).expect("the Dockerfile can be read");
            let inputs = KeyInputs {
                context_tree: &facts.context_tree,
                dockerfile: &facts.dockerfile,
                target: None,
                platforms: &[],
                args: &args,
            };
            keys.push(ImageKey::of(&inputs).to_string());
        }
        keys
    }

    async fn round(&self, times: &mut Times) {
        let mirrors = self.mirrors();
        let main = mirrors
            .resolve(&self.url, &Reader::nobody(), &GitRevision::Branch("main".to_owned()))
            .await
            .expect("there is the branch main");
        let next = mirrors
            .resolve(&self.url, &Reader::nobody(), &GitRevision::Branch("next".to_owned()))
            .await
            .expect("there is the branch next");
        let began = Instant::now();
        let first = self.keys(&mirrors, &main).await;
        times.note("keys, the first time", began);
        let began = Instant::now();
        assert_eq!(self.keys(&mirrors, &main).await, first);
        times.note("keys, a second time", began);
        let began = Instant::now();
        let after = self.keys(&mirrors, &next).await;
        times.note("keys, one commit later", began);
        assert_eq!(first.iter().zip(&after).filter(|(one, other)| one != other).count(), 1, "one service has changed");

        let store = tempfile::tempdir().expect("a temporary folder");
        let (engine, kept) = self.engine(store.path()).await;
        kept.put_target(&access(), &target()).await.expect("a target is kept");
        kept.put_environment(&access(), &environment(&self.url), 0).await.expect("an environment is kept");
        for what in ["plan, the first time", "plan, a second time"] {
            let began = Instant::now();
            let request = Request::default();
            let preview = engine.plan(&access(), &name("bench"), &name("bench"), Action::Deploy, &request).await;
            times.note(what, began);
            let services = preview.expect("there is a plan").plan.services;
            let builds = services.iter().filter(|service| matches!(service.build, Some(BuildPlan::Image(_)))).count();
            assert_eq!(builds, SERVICES);
        }
    }
}

fn access() -> Access {
    Access::owner("bench")
}

fn name(text: &str) -> Name {
    Name::new(text).expect("the benchmark uses good names")
}

fn target() -> Target {
    Target {
        name: "dev".to_owned(),
        platform: Platform::kubernetes("/nowhere", "dev"),
        domain: "{service}.test".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 100,
        is_default: true,
    }
}

/// Every service of the repository, at its branch `main`.
fn environment(url: &str) -> Environment {
    let mut file = "apiVersion: slipway.dev/v1\nkind: Environment\nproject: bench\nname: bench\nservices:\n".to_owned();
    file.extend((0..SERVICES).map(|service| {
        format!("  - {{name: s{service}, application: {{git: {{url: \"{url}\", branch: main, root: services/s{service}}}}}}}\n")
    }));
    let parsed = file::parse(&file, &ParseOptions { allow_file_urls: true, is_first: true });
    let parsed = parsed.expect("the benchmark's file is good");
    file::apply(None, &parsed, ApplyOptions::default()).expect("it can be applied to nothing").environment
}

#[tokio::main]
async fn main() {
    let repository = std::env::var("SLIPWAY_BENCH_REPOSITORY").expect("dev/bench-keys sets SLIPWAY_BENCH_REPOSITORY");
    let rounds = std::env::var("SLIPWAY_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let bench = Bench { url: format!("file://{repository}"), folder: tempfile::tempdir().expect("a temporary folder") };
    let began = Instant::now();
    bench.mirrors().fetch(&bench.url, &Reader::nobody(), &CancellationToken::new()).await.expect("the repository is fetched");
    println!("the mirror is made in {:.1} s", began.elapsed().as_secs_f64());
    let mut times = Times::default();
    for _ in 0..rounds {
        bench.round(&mut times).await;
    }
    println!("\n{:<42} {:>8} {:>8} {:>8}", "milliseconds", "median", "least", "most");
    for what in
        ["keys, the first time", "keys, a second time", "keys, one commit later", "plan, the first time", "plan, a second time"]
    {
        let (median, least, most) = times.row(what).expect("it was measured");
        println!("{what:<42} {:>8} {:>8} {:>8}", median.as_millis(), least.as_millis(), most.as_millis());
    }
}
