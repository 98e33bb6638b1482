//! A home and a namespace of its own for each test, and what the tests ask of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder};
use futures::FutureExt as _;
use slipway_core::failure::Failure;
use slipway_core::model::{JobTrigger, Service, ServiceKind};
use slipway_docker::{LocalDocker, Seal};
pub use slipway_ports::testing::Told;
use slipway_ports::{
    CancellationToken, Cluster, DEPLOYMENT_LABEL, ExecOutput, ExecRequest, ExecStreams, LogPods, LogQuery, MadeFrom, Namespace,
    PodLine, PodsOf, ReleaseRequest, Releases, RolloutKind, RolloutRequest, RunningService, SecretObject, SecretText, Target,
    Workloads,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::images;

/// One test's part of the engine; it is removed when the test ends.
pub struct Scene {
    pub local: LocalDocker,
    pub target: Target,
    pub namespace: String,
    pub home: Arc<tempfile::TempDir>,
    keeping: JoinHandle<()>,
}

/// Seals nothing: what is sealed how is the server's.
struct Open;

impl Seal for Open {
    fn seal(&self, _: &str, text: &str) -> Result<Vec<u8>, String> {
        Ok(text.as_bytes().to_vec())
    }

    fn open(&self, _: &str, sealed: &[u8]) -> Result<String, String> {
        String::from_utf8(sealed.to_vec()).map_err(|error| error.to_string())
    }

    fn seal_anew(&self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
}

/// Asks until there is an answer.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.unwrap_or_else(|_| panic!("not within 30 s: {what}"))
}

/// The engine of this machine; without it the tests fail.
pub fn docker() -> Docker {
    Docker::connect_with_defaults().expect("a Docker Engine: run dev/tools/dockerd up")
}

/// A service of the environment file.
pub fn service(text: &str) -> Service {
    let text = format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: test\nname: test\nservices:\n{text}\n");
    let file = slipway_core::file::parse(&text, &slipway_core::file::ParseOptions { allow_file_urls: false, is_first: true });
    let file = file.unwrap_or_else(|problems| panic!("{problems:?}"));
    let applied = slipway_core::file::apply(None, &file, slipway_core::file::ApplyOptions { prune: false }).unwrap();
    applied.environment.services[0].clone()
}

/// A container of the test's image: lines of the environment file, as they are below it.
pub fn container(name: &str, keys: &str) -> Service {
    service(&format!(
        "  - name: {name}\n    container: {{image: {{name: registry.test/test, tag: '1'}}}}\n    memory: 64Mi\n{keys}"
    ))
}

/// A server of the test's image that is well at once, with a probe.
pub fn web(keys: &str) -> Service {
    container(
        "web",
        &format!(
            "    command: [perl, /server.pl, http, '8000']\n    ports: [{{internal: 8000, protocol: http, public: true}}]\n    probes: {{readiness: {{http: {{path: /, port: 8000}}, period: 1s, timeout: 2s, failures: 3}}}}\n{keys}"
        ),
    )
}

fn keep(local: &LocalDocker) -> JoinHandle<()> {
    let local = local.clone();
    tokio::spawn(async move { local.keep(CancellationToken::new()).await })
}

impl Scene {
    pub async fn new(name: &str) -> Self {
        let home = Arc::new(tempfile::tempdir().unwrap());
        let local = LocalDocker::open(home.path(), Arc::new(Open)).unwrap();
        let unique = uuid::Uuid::now_v7().simple().to_string();
        let namespace = format!("test-{name}-{}", &unique[20..]);
        let scene = Self { keeping: keep(&local), local, target: Target::local(8080, true), namespace, home };
        scene.local.ensure_namespace(&scene.target, &scene.namespace_object()).await.unwrap();
        scene
    }

    /// The server is killed, and another one starts with its home.
    pub fn killed(&mut self) {
        self.keeping.abort();
        self.local = LocalDocker::open(self.home.path(), Arc::new(Open)).unwrap();
        self.keeping = keep(&self.local);
    }

    pub fn namespace_object(&self) -> Namespace {
        let labels =
            [("slipway.dev/project", "test"), ("slipway.dev/environment", "test"), ("app.kubernetes.io/managed-by", "slipway")];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
        Namespace { name: self.namespace.clone(), labels }
    }

    /// A release of a service by a deployment, whose variable VERSION is that deployment.
    pub fn request(&self, service: &Service, deployment: &str) -> ReleaseRequest {
        self.request_with(service, deployment, &[("VERSION", deployment), ("READY", "1")])
    }

    /// The same with other variables.
    pub fn request_with(&self, service: &Service, deployment: &str, variables: &[(&str, &str)]) -> ReleaseRequest {
        let name = format!("{}-{deployment}", service.name);
        let data = variables.iter().map(|(name, value)| ((*name).to_owned(), SecretText::new(*value)));
        self.put_secret(&name, service, data.collect());
        ReleaseRequest {
            namespace: self.namespace.clone(),
            project: "test".to_owned(),
            environment: "test".to_owned(),
            service: service.clone(),
            stopped: false,
            made_from: MadeFrom::Image(images::image(&self.namespace)),
            variables_secret: Some(name),
            files: BTreeMap::new(),
            pull_secret: None,
            hosts: BTreeMap::from([(8000, vec![self.host()])]),
            request_percent: 100,
            cluster_issuer: None,
            run: deployment.to_owned(),
            labels: BTreeMap::from([(DEPLOYMENT_LABEL.to_owned(), deployment.to_owned())]),
        }
    }

    pub fn put_secret(&self, name: &str, service: &Service, data: BTreeMap<String, SecretText>) {
        let labels = BTreeMap::from([("slipway.dev/service".to_owned(), service.name.to_string())]);
        let secret = SecretObject { name: name.to_owned(), secret_type: "Opaque".to_owned(), data, labels, immutable: true };
        let put = self.local.put_secret(&self.target, &self.namespace, &secret);
        put.now_or_never().expect("a file is written at once").unwrap();
    }

    /// The host name of the service that is public.
    pub fn host(&self) -> String {
        format!("{}.localhost", self.namespace)
    }

    pub fn rollout(&self, request: &ReleaseRequest, seconds: u64) -> RolloutRequest {
        let kind = match &request.service.kind {
            ServiceKind::Job(job) => match job.trigger {
                JobTrigger::Lifecycle(_) => RolloutKind::Job { name: format!("{}-{}", request.service.name, request.run) },
                JobTrigger::Cron { .. } => RolloutKind::CronJob,
            },
            _ => RolloutKind::Deployment,
        };
        RolloutRequest {
            namespace: self.namespace.clone(),
            release: request.service.name.to_string(),
            kind,
            pods: PodsOf::Release,
            timeout: Duration::from_secs(seconds),
        }
    }

    pub async fn upgrade(&self, request: &ReleaseRequest) -> Result<(), Failure> {
        self.local.upgrade(&self.target, request, &CancellationToken::new()).await.map(|_| ())
    }

    pub async fn watch(&self, request: &ReleaseRequest, seconds: u64, told: &Told) -> Result<(), Failure> {
        let never = CancellationToken::new();
        let verdict = self.local.await_rollout(&self.target, &self.rollout(request, seconds), told, &never).await;
        eprintln!("{}: {verdict:#?}\n  {}", self.namespace, told.lines().join("\n  "));
        verdict
    }

    /// Releases, and waits for the verdict.
    pub async fn release(&self, request: &ReleaseRequest) -> Result<(), Failure> {
        self.upgrade(request).await?;
        self.watch(request, 30, &Told::default()).await
    }

    pub async fn rollback(&self, request: &ReleaseRequest, deployment: &str) {
        let release = request.service.name.as_str();
        let back = self.local.rollback(&self.target, &self.namespace, release, deployment).await.unwrap();
        assert!(back.is_some(), "there is a revision to go back to");
    }

    /// Removes the release and all that belongs to it, as a delete does.
    pub async fn delete(&self, request: &ReleaseRequest) {
        let release = request.service.name.as_str();
        self.local.uninstall(&self.target, &self.namespace, release).await.unwrap();
        let gone = RolloutRequest { kind: RolloutKind::Gone, ..self.rollout(request, 30) };
        let told = Told::default();
        self.local.await_rollout(&self.target, &gone, &told, &CancellationToken::new()).await.unwrap();
        self.local.remove_leftovers(&self.target, &self.namespace, release).await.unwrap();
    }

    /// Runs a program in a container of a service: its exit code, and what it said.
    pub async fn exec(&self, service: &str, pod: Option<&str>, command: &[&str]) -> (i32, String) {
        let request = ExecRequest {
            namespace: self.namespace.clone(),
            release: service.to_owned(),
            of: PodsOf::Release,
            pod: pod.map(str::to_owned),
            container: None,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            terminal: false,
            input: false,
        };
        let (_, input) = mpsc::channel(1);
        let (output, mut said) = mpsc::channel(16);
        let never = CancellationToken::new();
        let streams = ExecStreams { input, output };
        let reading = async {
            let mut all = Vec::new();
            while let Some(part) = said.recv().await {
                match part {
                    ExecOutput::Stdout(bytes) | ExecOutput::Stderr(bytes) => all.extend(bytes),
                }
            }
            String::from_utf8_lossy(&all).into_owned()
        };
        let (code, said) = tokio::join!(self.local.exec(&self.target, &request, streams, &never), reading);
        (code.unwrap(), said)
    }

    /// The lines of a service, or those of the lives of its containers before.
    pub async fn log(&self, service: &str, previous: bool) -> String {
        let query = LogQuery {
            namespace: self.namespace.clone(),
            release: service.to_owned(),
            of: PodsOf::Release,
            pods: LogPods::All,
            follow: false,
            tail: None,
            since: None,
            previous,
        };
        let (sender, mut lines) = mpsc::channel::<PodLine>(16);
        let never = CancellationToken::new();
        let reading = async {
            let mut all = String::new();
            while let Some(line) = lines.recv().await {
                all.push_str(&line.text);
                all.push('\n');
            }
            all
        };
        let (read, all) = tokio::join!(self.local.logs(&self.target, &query, sender, &never), reading);
        read.unwrap();
        all
    }

    /// What runs of a service, as soon as it is as it is wanted.
    pub async fn running(&self, service: &str, is_wanted: impl Fn(&RunningService) -> bool) -> RunningService {
        let (sender, mut seen) = watch::channel(None);
        let never = CancellationToken::new();
        let watching = self.local.watch(&self.target, &self.namespace, sender, &never);
        let waiting = async {
            loop {
                let now =
                    seen.borrow_and_update().as_ref().and_then(|all: &slipway_ports::RunningServices| all.get(service).cloned());
                if let Some(now) = now.filter(|now| is_wanted(now)) {
                    return now;
                }
                seen.changed().await.unwrap();
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(30), async {
            tokio::select! {
                ended = watching => panic!("the watch has ended: {ended:?}"),
                found = waiting => found,
            }
        });
        found.await.unwrap_or_else(|_| panic!("`{service}` never was as it is wanted"))
    }

    /// The containers of the namespace, running or not: name and state, in their order.
    pub async fn containers(&self) -> Vec<(String, String)> {
        let filters = std::collections::HashMap::from([("label", vec![format!("slipway.dev/namespace={}", self.namespace)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = docker().list_containers(Some(options)).await.unwrap();
        let of = |found: bollard::models::ContainerSummary| {
            let name = found.names.unwrap_or_default().concat();
            (name.trim_start_matches('/').to_owned(), found.state.map(|state| state.to_string()).unwrap_or_default())
        };
        let mut all: Vec<_> = found.into_iter().map(of).collect();
        all.sort();
        all
    }

    /// Those that run.
    pub async fn up(&self) -> Vec<String> {
        self.containers().await.into_iter().filter(|(_, state)| state == "running").map(|(name, _)| name).collect()
    }

    /// All that the engine and the home have of this scene: containers, networks, volumes, files.
    pub async fn objects(&self) -> Vec<String> {
        let mut all: Vec<String> = self.containers().await.into_iter().map(|(name, _)| format!("container {name}")).collect();
        let networks = docker().list_networks(Some(ListNetworksOptionsBuilder::new().build())).await.unwrap();
        all.extend(networks.into_iter().filter_map(|network| network.name).map(|name| format!("network {name}")));
        let volumes = docker().list_volumes(Some(ListVolumesOptionsBuilder::new().build())).await.unwrap();
        all.extend(volumes.volumes.unwrap_or_default().into_iter().map(|volume| format!("volume {}", volume.name)));
        let images = docker().list_images(None::<bollard::query_parameters::ListImagesOptions>).await.unwrap();
        all.extend(images.into_iter().flat_map(|image| image.repo_digests).map(|name| format!("image {name}")));
        all.retain(|name| name.contains(&self.namespace));
        all.extend(files(self.home.path()));
        all.sort();
        all
    }

    /// What the service that is public answers to the proxy, at each of its containers.
    pub async fn answers(&self) -> Vec<String> {
        let Ok(passages) = self.local.routes().passages(&self.host(), "/") else { return Vec::new() };
        let mut all = Vec::new();
        for passage in passages {
            all.push(ask(passage.address).await.unwrap_or_else(|error| error.to_string()));
        }
        all.sort();
        all
    }
}

/// The files below a folder.
fn files(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: std::path::PathBuf| if path.is_dir() { files(&path) } else { vec![format!("file {}", path.display())] };
    entries.flat_map(of).collect()
}

/// The body of what is answered at an address.
pub async fn ask(address: std::net::SocketAddr) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.keeping.abort();
        let namespace = self.namespace.clone();
        let removed = std::thread::spawn(move || {
            let program = if std::path::Path::new("/usr/bin/docker").exists() { "/usr/bin/docker" } else { "docker" };
            let docker = |arguments: &[&str]| {
                let said = std::process::Command::new(program).args(arguments).output().unwrap();
                String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
            };
            for id in docker(&["ps", "--all", "--quiet", "--filter", &format!("label=slipway.dev/namespace={namespace}")]) {
                docker(&["rm", "--force", "--volumes", &id]);
            }
            for name in docker(&["volume", "ls", "--quiet", "--filter", &format!("name={namespace}")]) {
                docker(&["volume", "rm", &name]);
            }
            for id in docker(&["network", "ls", "--quiet", "--filter", &format!("name={namespace}")]) {
                docker(&["network", "rm", &id]);
            }
        });
        let removed = removed.join().is_ok();
        assert!(removed || std::thread::panicking(), "namespace {} could not be removed", self.namespace);
    }
}
