//! An API server that says what a test tells it to.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use slipway_core::failure::Failure;
use slipway_kubernetes::{KubeCluster, Settings};
use slipway_ports::{CancellationToken, Cluster, Platform, PodsOf, RolloutKind, RolloutRequest, Silent, Target};

/// What is answered to one request.
pub enum Reply {
    /// A status and an object.
    Object(u16, Value),
    /// A status, the header `Retry-After`, and words that are no JSON.
    Later(u16, u64),
    /// Events of a watch, and how it ends.
    Watch(Vec<Value>, End),
    /// Nothing at all, on an open connection.
    Silence,
}

/// How a watch ends.
pub enum End {
    /// It does not: the connection stays open.
    Open,
    /// The server ends it in order.
    Closed,
    /// The connection breaks in the middle of an event.
    Broken,
}

/// One request: the last part of its path, whether it watches, and how many like it came before.
pub struct Request<'a> {
    pub what: &'a str,
    pub watch: bool,
    pub before: usize,
}

type Script = dyn Fn(&Request<'_>) -> Option<Reply> + Send + Sync;

pub struct Server {
    pub target: Target,
    directory: tempfile::TempDir,
    asked: Arc<Mutex<HashMap<(String, bool), usize>>>,
}

impl Server {
    /// What the script has no answer for is an empty list, and a watch without events.
    pub fn start(script: impl Fn(&Request<'_>) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let script: Arc<Script> = Arc::new(script);
        let asked: Arc<Mutex<HashMap<(String, bool), usize>>> = Arc::default();
        let counts = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, counts) = (script.clone(), counts.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &*script, &counts));
            }
        });
        let directory = tempfile::tempdir().unwrap();
        let path = write_kubeconfig(&directory, &server, &json!({"token": "t"}));
        Self { target: target(path), directory, asked }
    }

    /// How often something was asked for.
    pub fn asked(&self, what: &str, watch: bool) -> usize {
        self.asked.lock().unwrap().get(&(what.to_owned(), watch)).copied().unwrap_or(0)
    }

    /// Writes another user into the kubeconfig.
    pub fn with_user(&self, user: &Value) {
        write_kubeconfig(&self.directory, "http://127.0.0.1:1", user);
    }

    /// The verdict about Deployment `api` with this patience and this time.
    pub async fn rollout(&self, patience: Duration, timeout: Duration) -> Result<(), Failure> {
        let request = RolloutRequest {
            namespace: "shop".to_owned(),
            release: "api".to_owned(),
            kind: RolloutKind::Deployment,
            pods: PodsOf::Release,
            timeout,
        };
        cluster(patience).await_rollout(&self.target, &request, &Silent, &CancellationToken::new()).await
    }
}

pub fn cluster(patience: Duration) -> KubeCluster {
    KubeCluster::new(Settings { patience, answer_timeout: Duration::from_secs(1), ..Settings::default() })
}

fn write_kubeconfig(directory: &tempfile::TempDir, server: &str, user: &Value) -> PathBuf {
    let path = directory.path().join("kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]
    });
    std::fs::write(&path, text.to_string()).unwrap();
    path
}

fn target(path: PathBuf) -> Target {
    Target {
        name: "test".to_owned(),
        platform: Platform::kubernetes(path.into_os_string().into_string().unwrap(), "test"),
        domain: "localhost".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 10,
        is_default: true,
    }
}

fn serve(stream: TcpStream, script: &Script, counts: &Mutex<HashMap<(String, bool), usize>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut header = String::new();
        while reader.read_line(&mut header).unwrap_or(0) > 2 {
            header.clear();
        }
        let address = line.split(' ').nth(1).unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let (what, watch) = (path.rsplit('/').next().unwrap_or_default(), query.contains("watch=true"));
        let before = {
            let mut counts = counts.lock().unwrap();
            let count = counts.entry((what.to_owned(), watch)).or_default();
            *count += 1;
            *count - 1
        };
        let reply = script(&Request { what, watch, before })
            .unwrap_or_else(|| if watch { Reply::Watch(Vec::new(), End::Open) } else { Reply::Object(200, list(Vec::new())) });
        if !write(&mut writer, reply) {
            return;
        }
    }
}

/// Whether the connection goes on.
fn write(writer: &mut TcpStream, reply: Reply) -> bool {
    let (head, body) = match reply {
        Reply::Object(status, object) => (format!("{status} X\r\nContent-Type: application/json"), object.to_string()),
        Reply::Later(status, seconds) => (format!("{status} X\r\nRetry-After: {seconds}"), "busy".to_owned()),
        Reply::Silence => {
            std::thread::park();
            return false;
        }
        Reply::Watch(events, end) => return write_watch(writer, &events, &end).is_ok(),
    };
    write!(writer, "HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).is_ok()
}

fn write_watch(writer: &mut TcpStream, events: &[Value], end: &End) -> std::io::Result<()> {
    write!(writer, "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    for event in events {
        let text = format!("{event}\n");
        write!(writer, "{:x}\r\n{text}\r\n", text.len())?;
    }
    match end {
        End::Open => loop {
            std::thread::park();
        },
        End::Closed => write!(writer, "0\r\n\r\n"),
        End::Broken => {
            write!(writer, "ff\r\n{{\"type\":\"MODI")?;
            writer.shutdown(std::net::Shutdown::Both)
        }
    }
}

pub fn list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "10"}, "items": items})
}

/// A Deployment of one replica at generation 2, whose controller has seen so much, with so many available.
pub fn deployment(observed: i64, available: i32) -> Value {
    json!({
        "metadata": {"name": "api", "uid": "d", "generation": 2, "resourceVersion": "11"},
        "spec": {"replicas": 1, "selector": {}, "template": {}},
        "status": {"observedGeneration": observed, "replicas": 1, "updatedReplicas": 1, "readyReplicas": available, "availableReplicas": available}
    })
}

pub fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}
