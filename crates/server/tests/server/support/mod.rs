//! A server in this process, on a real store and ports that succeed.
#![allow(dead_code, reason = "the test of load has a copy of its own, and uses a part of it")]

pub(crate) mod fakes;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use slipway_core::deployment::Timestamp;
use slipway_engine::{Engine, Ports, Settings};
use slipway_ports::testing::World;
use slipway_ports::{Access, Addresses, CancellationToken, KeptAnswer, Notifier, SecretText, Store, Workloads};
use slipway_server::{App, Files, HttpNotifier, KeyRotation, Site, router};
use slipway_store::SqliteStore;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use fakes::{Fake, Said};

pub(crate) const TOKEN: &str = "0123456789abcdef";
pub(crate) const HOST: &str = "127.0.0.1:7878";

pub(crate) const TARGET: &str =
    r#"{"kubeconfig": "/k", "context": "dev", "domain": "{service}.localhost", "requestPercent": 100}"#;

/// One application that is built and one container.
pub(crate) const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: test
secrets: []
services:
  - name: api
    application:
      git: {url: https://git.example/shop.git, branch: main}
    ports: [{internal: 8080, protocol: http, public: true}]
  - name: cache
    container:
      image: {name: docker.io/library/redis, tag: \"7.2\"}
";

pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::saying(Said::default()).await
    }

    /// A server whose builds say this.
    pub(crate) async fn saying(said: Said) -> Self {
        Self::begin(said, Site::new(HOST.parse().unwrap(), None, Files::Given([].into()))).await
    }

    /// A server that is reached there.
    pub(crate) async fn at(site: Site) -> Self {
        Self::begin(Said::default(), site).await
    }

    async fn begin(said: Said, site: Site) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("db"), &folder.path().join("key")).await.unwrap();
        let gate = Arc::new(Semaphore::new(0));
        let fake = Arc::new(Fake { said, gate: gate.clone(), built: Mutex::default() });
        let keys = KeyRotation::new(store.clone(), None);
        let ports = Ports {
            store: Arc::new(store),
            repositories: fake.clone(),
            builder: fake.clone(),
            registry: fake.clone(),
            charts: Arc::new(World::default()),
            releases: fake.clone(),
            cluster: fake,
            requests: Arc::new(World::default()),
        };
        let world = Arc::new(World::default());
        let kept: Arc<dyn Store> = ports.store.clone();
        let engine = Engine::new(ports.clone(), Settings::default());
        let shutdown = CancellationToken::new();
        let notifier: Arc<dyn Notifier> = Arc::new(HttpNotifier::new(Addresses::default()).unwrap());
        let parts: (_, _, Arc<dyn Workloads>, _) = (engine, ports, world.clone(), notifier);
        let app = App::new(parts, keys, SecretText::new(TOKEN), site, false, shutdown.clone());
        let telling = app.clone();
        tokio::spawn(async move { telling.keep_notifying().await });
        Self { router: router(app), gate, shutdown, world, store: kept, folder }
    }

    /// With a target, and the environment of [`FILE`] applied.
    pub(crate) async fn with_environment() -> Self {
        let server = Self::start().await;
        assert_eq!(server.ask("POST", "/targets", TARGET).await.0, StatusCode::CREATED);
        assert_eq!(server.ask("POST", "/environments:apply", FILE).await.0, StatusCode::OK);
        server
    }

    /// Asks for a deployment, and returns its id.
    pub(crate) async fn deploy(&self) -> String {
        let (status, view) = self.ask("POST", "/environments/shop/test/deployments", "").await;
        assert_eq!(status, StatusCode::ACCEPTED, "{view}");
        view["id"].as_str().unwrap().to_owned()
    }

    /// Lets go of the answers to requests with an idempotency key, as two days would.
    pub(crate) async fn forget_answers(&self) {
        let at = Timestamp(jiff::Timestamp::now().as_millisecond() + 2 * 24 * 60 * 60 * 1000);
        let answer = KeptAnswer { at, fingerprint: String::new(), status: 200, headers: Vec::new(), body: Vec::new() };
        self.store.keep_answer(&Access::owner("nobody"), "none", &answer).await.unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Status and JSON body; `null` when there is none.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        read(self.send(request(method, path).body(Body::from(body.to_owned())).unwrap()).await).await
    }

    /// The events of a stream until it ends.
    pub(crate) async fn events(&self, path: &str, last_id: Option<&str>) -> Events {
        let mut request = request("GET", path);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = self.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { body: response.into_body(), rest: String::new(), last: None }
    }
}

/// A request as the CLI sends it.
pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    request.header("host", HOST).header("authorization", format!("Bearer {TOKEN}"))
}

pub(crate) async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    (status, json)
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Event {
    /// Facts and line of its id.
    pub(crate) fn seen(&self) -> Option<(u64, u64)> {
        let (version, line) = self.id.as_ref()?.split_once('-')?;
        Some((version.parse().unwrap(), line.parse().unwrap()))
    }
}

pub(crate) struct Events {
    body: Body,
    rest: String,
    last: Option<Event>,
}

impl Events {
    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.rest.find("\n\n") {
                let block: String = self.rest.drain(..end + 2).collect();
                match parse(&block) {
                    Some(event) => {
                        self.last = Some(event.clone());
                        return Some(event);
                    }
                    None => continue,
                }
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await.expect("an event within 20 s");
            let bytes = frame?.unwrap().into_data().unwrap();
            // Keep-alive comments come while nothing happens: for a test that is too long.
            assert!(!bytes.starts_with(b":"), "nothing happened for the time of a keep-alive; seen last: {:?}", self.last);
            self.rest.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    pub(crate) async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let found = wanted(&event);
            events.push(event);
            if found {
                return events;
            }
        }
        panic!("the stream ended before: {events:#?}");
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    let data = field("data:")?;
    Some(Event { name: field("event:").unwrap_or_default(), id: field("id:"), data: serde_json::from_str(&data).unwrap() })
}
