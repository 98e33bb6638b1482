//! A server on this machine that answers as a host does, and records what it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use slipway_host_api::HostApi;
use slipway_ports::{Addresses, HostPlace, SecretText};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::fake::FakeHost;
use crate::world::World;

/// The token that every call here has.
pub(crate) const TOKEN: &str = "tok-hunter2-3f9c1e";

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    /// As it came, with its parameters.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What is answered in the place of what the host would.
#[derive(Debug, Clone)]
pub(crate) enum Instead {
    /// This, to all.
    Reply(Reply),
    /// This, to requests by this method.
    ReplyTo(&'static str, Reply),
    /// Nothing, ever.
    Silence,
}

#[derive(Default)]
struct Records {
    sent: Mutex<Vec<Sent>>,
    instead: Mutex<Option<Instead>>,
    asked: Notify,
}

/// A host with one repository.
pub(crate) struct Server {
    pub(crate) host: FakeHost,
    /// What asks it.
    pub(crate) api: HostApi,
    root: String,
    records: Arc<Records>,
    pub(crate) world: Arc<Mutex<World>>,
}

impl Sent {
    /// The parts of the path as a server reads them, after the API's own.
    pub(crate) fn parts(&self, api: &str) -> Vec<String> {
        let path = self.path.split('?').next().unwrap();
        let below = path.strip_prefix(api).unwrap_or_else(|| panic!("{path} is not below {api}"));
        below.trim_matches('/').split('/').map(decoded).collect()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(given, _)| decoded(given) == name)
            .map(|(_, v)| decoded(v))
    }

    pub(crate) fn number(&self, name: &str) -> usize {
        self.parameter(name).unwrap_or_else(|| panic!("{} has no {name}", self.path)).parse().unwrap()
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type".into(), "application/json".into())], body: body.to_string().into_bytes() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Server {
    pub(crate) async fn start(host: FakeHost) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let server =
            Self { host, api: HostApi::new(Addresses::default()).unwrap(), root, records: Arc::default(), world: Arc::default() };
        let state = (host, server.records.clone(), server.world.clone());
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    /// The repository, with the token.
    pub(crate) fn at(&self) -> HostPlace {
        HostPlace {
            host: self.host.kind.into(),
            url: format!("{}{}", self.root, self.host.git_path),
            user: self.host.user.into(),
            token: SecretText::new(TOKEN),
        }
    }

    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    pub(crate) fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock().unwrap())
    }

    pub(crate) fn answer_instead(&self, instead: Instead) {
        *self.records.instead.lock().unwrap() = Some(instead);
    }

    /// What was asked since the last time that this was called.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.records.sent.lock().unwrap())
    }

    /// What was asked to be written since the last time.
    pub(crate) fn writes(&self) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.method != "GET").collect()
    }

    pub(crate) async fn asked(&self) {
        self.records.asked.notified().await;
    }
}

async fn answer(State((host, records, world)): State<(FakeHost, Arc<Records>, Arc<Mutex<World>>)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    let sent = Sent { method: parts.method.to_string(), path: parts.uri.to_string(), headers, body };
    records.sent.lock().unwrap().push(sent.clone());
    records.asked.notify_one();
    let instead = records.instead.lock().unwrap().clone();
    let reply = match instead {
        Some(Instead::Silence) => std::future::pending().await,
        Some(Instead::Reply(reply)) => reply,
        Some(Instead::ReplyTo(method, reply)) if method == sent.method => reply,
        Some(Instead::ReplyTo(..)) | None => host.answer_to(&mut world.lock().unwrap(), &sent),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
