//! Unused images go from the registry of a server that runs: a real store, engine, registry and collector; only git and the builder
//! are played, and the builder pushes real images. The ages of files are the clock, and the test sets it.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::fakes::{Fake, Said};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use slipway_core::deployment::{Actor, Trigger};
use slipway_core::failure::Failure;
use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_core::model::Name;
use slipway_core::plan::{Action, Request};
use slipway_engine::{Engine, EngineError, Ports, Settings};
use slipway_ports::testing::World;
use slipway_ports::{
    Access, BuildRequest, Builder, BuiltImage, CancellationToken, DeploymentSummary, Freed, Platform, Presence, Progress,
    Registry, RepositoryTag, Store, Target, async_trait,
};
use slipway_registry::embedded::{Auth, EmbeddedCollector, Storage, router};
use slipway_registry::{Digest, OciRegistry, RegistrySettings};
use slipway_store::SqliteStore;
use tokio::sync::Semaphore;

const KEEP: Duration = Duration::from_secs(60 * 60);
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A service that is built and not run.
const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: test
services:
  - {name: api, job: {on: [stop], source: {git: {url: \"https://git.example/shop.git\", branch: main}}}}
";

/// A builder that pushes an image of what it is given.
struct Pushing {
    builds: AtomicUsize,
    registry: String,
    http: Client,
}

#[async_trait]
impl Builder for Pushing {
    async fn build(&self, request: &BuildRequest, _: &dyn Progress, _: &CancellationToken) -> Result<BuiltImage, Failure> {
        self.builds.fetch_add(1, Ordering::SeqCst);
        let RepositoryTag { repository, tag } = &request.destination;
        // One layer is that of every image, one is this image's own.
        let mut parts = Vec::new();
        for content in ["{}".to_owned(), "a base ".repeat(50_000), tag.repeat(2_000)] {
            let digest = Digest::sha256(content.as_bytes());
            let url = format!("http://{}/v2/{repository}/blobs/uploads/?digest={digest}", self.registry);
            let pushed = self.http.post(url).body(content.clone()).send().await.unwrap();
            assert_eq!(pushed.status(), StatusCode::CREATED);
            let media_type = if parts.is_empty() { "config.v1+json" } else { "layer.v1.tar" };
            let media_type = format!("application/vnd.oci.image.{media_type}");
            parts.push(json!({ "mediaType": media_type, "digest": digest.to_string(), "size": content.len() }));
        }
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": parts[1..] }).to_string();
        let digest = Digest::sha256(manifest.as_bytes()).to_string();
        let url = format!("http://{}/v2/{repository}/manifests/{tag}", self.registry);
        let pushed = self.http.put(url).header("content-type", MANIFEST).body(manifest).send().await.unwrap();
        assert_eq!(pushed.status(), StatusCode::CREATED);
        Ok(BuiltImage { digest })
    }

    async fn version(&self) -> Result<String, Failure> {
        Ok("1.0".to_owned())
    }
}

struct Server {
    engine: Engine,
    store: Arc<SqliteStore>,
    registry: Arc<OciRegistry>,
    collector: EmbeddedCollector,
    builder: Arc<Pushing>,
    world: Arc<World>,
    folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(folder.path().join("registry")).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(serve(listener, storage.clone()));
        let settings = RegistrySettings { address: address.clone(), ..RegistrySettings::default() };
        let collector = EmbeddedCollector::new(storage, &settings);
        let registry = Arc::new(OciRegistry::new(settings).unwrap());
        let http = Client::builder().no_proxy().build().unwrap();
        let builder = Arc::new(Pushing { builds: AtomicUsize::new(0), registry: address.clone(), http });
        let world = Arc::new(World::default());
        let store = Arc::new(SqliteStore::open(&folder.path().join("db"), &folder.path().join("key")).await.unwrap());
        let fake = Fake { gate: Arc::new(Semaphore::new(0)), built: Mutex::default(), said: Said::default() };
        let fake = Arc::new(fake);
        let ports = Ports {
            store: store.clone(),
            repositories: world.clone(),
            builder: builder.clone(),
            registry: registry.clone(),
            charts: world.clone(),
            releases: fake.clone(),
            cluster: fake,
            requests: world.clone(),
        };
        let settings = Settings { keep_deployments: NonZeroUsize::new(1).unwrap(), keep_images: KEEP, ..Settings::default() };
        let target = Target {
            name: "dev".to_owned(),
            platform: Platform::kubernetes("/nowhere", "dev"),
            domain: "{service}.test".to_owned(),
            ingress_port: None,
            cluster_issuer: None,
            request_percent: 100,
            is_default: true,
        };
        store.put_target(&access(), &target).await.unwrap();
        let parsed = file::parse(FILE, &ParseOptions { allow_file_urls: false, is_first: true }).unwrap();
        let environment = file::apply(None, &parsed, ApplyOptions::default()).unwrap().environment;
        store.put_environment(&access(), &environment, 0).await.unwrap();
        Self { engine: Engine::new(ports, settings), store, registry, collector, builder, world, folder }
    }

    /// Deploys what is on the branch after so many commits; returns where its image lies.
    async fn deploy(&self, commit: usize) -> RepositoryTag {
        self.world.commit("https://git.example/shop.git", &format!("{commit:040x}"));
        let trigger = Trigger { source: "test".to_owned(), actor: Actor("test".to_owned()), request: None, link: None };
        let request = Request::default();
        let accepted = self.engine.deploy(&access(), &name("shop"), &name("test"), Action::Deploy, request, trigger).await;
        let id = accepted.unwrap().summary.id;
        let ended = async {
            while self.store.deployment(&access(), &id).await.unwrap().finished_at.is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the deployment ends");
        let (summary, deployment) = self.engine.deployment(&access(), &id).await.unwrap();
        assert_eq!(summary.state, "succeeded", "{deployment:#?}");
        match &deployment.plan().services[0].build {
            Some(slipway_core::plan::BuildPlan::Image(build)) => {
                RepositoryTag { repository: build.repository.clone(), tag: build.key.to_string() }
            }
            other => panic!("it is not built: {other:?}"),
        }
    }

    async fn deployments(&self) -> Vec<DeploymentSummary> {
        self.store.deployments(&access(), &name("shop"), &name("test"), None, 100).await.unwrap()
    }

    /// Waits until retention has let go of all but the newest deployment.
    async fn one_deployment(&self) {
        let one = async {
            while self.deployments().await.len() > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), one).await.expect("old deployments are let go of");
    }

    /// What the server does every hour; again where the machine was so slow that it seemed to stand still.
    async fn collect(&self) -> Freed {
        loop {
            match self.engine.collect_images(&self.collector, &CancellationToken::new()).await {
                Ok(freed) => return freed,
                Err(EngineError::Unavailable(why)) if why.contains("stood still") => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// So much time goes by for all that is in the registry.
    fn pass(&self, time: Duration) {
        let mut pending: Vec<PathBuf> = vec![self.folder.path().join("registry")];
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                pending.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let file = File::options().write(true).open(path).unwrap();
                let then = file.metadata().unwrap().modified().unwrap();
                file.set_modified(then - time).unwrap();
            }
        }
    }

    /// Pulls an image to its last byte, as a pod would; `false` when it is not there.
    async fn is_whole(&self, image: &RepositoryTag) -> bool {
        let at = format!("http://{}/v2/{}", self.builder.registry, image.repository);
        let found =
            self.builder.http.get(format!("{at}/manifests/{}", image.tag)).header("accept", MANIFEST).send().await.unwrap();
        if found.status() == StatusCode::NOT_FOUND {
            return false;
        }
        let manifest: Value = found.json().await.unwrap();
        for part in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
            let digest = part["digest"].as_str().unwrap();
            let blob = self.builder.http.get(format!("{at}/blobs/{digest}")).send().await.unwrap();
            assert_eq!(blob.status(), StatusCode::OK, "{digest} of {image:?}");
            assert_eq!(Digest::sha256(&blob.bytes().await.unwrap()).to_string(), digest);
        }
        true
    }
}

async fn serve(listener: tokio::net::TcpListener, storage: Storage) {
    axum::serve(listener, router(storage, Auth::Anonymous)).await.unwrap();
}

fn access() -> Access {
    Access::owner("test")
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn images_that_no_deployment_needs_go_after_their_time_and_what_runs_meanwhile_is_not_disturbed() {
    let server = Arc::new(Server::start().await);
    let first = server.deploy(1).await;
    let second = server.deploy(2).await;
    server.one_deployment().await;
    assert!(server.collect().await.is_nothing(), "both were used within the hour");
    assert!(server.is_whole(&first).await && server.is_whole(&second).await);

    // Somebody pulls what is deployed, while one collection follows the other, and then a third commit is deployed.
    server.pass(KEEP + Duration::from_secs(120));
    let over = Arc::new(AtomicBool::new(false));
    let pulling = tokio::spawn({
        let (server, over, second) = (server.clone(), over.clone(), second.clone());
        async move {
            while !over.load(Ordering::SeqCst) {
                assert!(server.is_whole(&second).await, "what the newest deployment needs is there at any time");
            }
        }
    });
    let freed = server.collect().await;
    assert_eq!((freed.tags, freed.manifests), (1, 1), "{freed}");
    let deploying = tokio::spawn({
        let server = server.clone();
        async move { server.deploy(3).await }
    });
    while !deploying.is_finished() {
        let freed = server.collect().await;
        assert!(freed.is_nothing(), "{freed}");
    }
    let third = deploying.await.unwrap();
    over.store(true, Ordering::SeqCst);
    pulling.await.unwrap();
    assert_eq!(server.registry.presence(&first).await, Ok(Presence::Absent));
    assert!(!server.is_whole(&first).await && server.is_whole(&second).await && server.is_whole(&third).await);

    // What was collected is built again when it is wanted, and nothing else is.
    assert_eq!(server.builder.builds.load(Ordering::SeqCst), 3);
    assert_eq!(server.deploy(1).await, first);
    assert!(server.is_whole(&first).await);
    assert_eq!(server.builder.builds.load(Ordering::SeqCst), 4);
    server.deploy(1).await;
    assert_eq!(server.builder.builds.load(Ordering::SeqCst), 4);
}
