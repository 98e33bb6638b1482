//! Real clients push to the embedded registry and pull from it; the client of this crate meets another registry.
//!
//! A program that is not there is a failure: `dev/tools/install` brings it, `dev/tools/dockerd up` starts the engine.
#![cfg(feature = "client-tests")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::contract::{assert_whole, holds_against};
use crate::support::{DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, TestRegistry, descriptor};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use slipway_registry::Digest;
use slipway_registry::embedded::{Auth, User, router};
use tempfile::TempDir;

const USER: &str = "slipway";
const SECRET: &str = "a secret with spaces: and a colon";

/// Runs a program to its end; returns what it printed. Its failure is the test's.
async fn run(program: &str, arguments: &[&str]) -> String {
    let output = tokio::process::Command::new(program).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_mins(2), output).await.unwrap_or_else(|_| panic!("{program} hangs"));
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; run dev/tools/install"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// A registry with an image that real clients can unpack, open to everybody at one port and to one user at another.
struct Scene {
    open: TestRegistry,
    locked: String,
}

impl Scene {
    async fn set() -> Self {
        let open = TestRegistry::start().await;
        let auth = Auth::Basic(vec![User::new(USER, SECRET)]);
        let (locked, _) = crate::support::serve(router(open.storage.clone(), auth)).await;
        Self { open, locked: locked.to_string() }
    }

    fn address(&self) -> String {
        self.open.address.to_string()
    }

    /// Pushes an image of one real layer for this machine's platform.
    async fn push(&self, repository: &str, tag: &str, text: &str) -> Digest {
        let manifest = self.image(repository, text).await;
        self.open.push_manifest(repository, tag, OCI_MANIFEST, &manifest).await
    }

    async fn image(&self, repository: &str, text: &str) -> Value {
        let archive = layer(text);
        let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
        compressed.write_all(&archive).unwrap();
        let compressed = compressed.finish().unwrap();
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let config = json!({
            "architecture": architecture, "os": "linux", "config": { "Cmd": ["/hello"] },
            "rootfs": { "type": "layers", "diff_ids": [Digest::sha256(&archive).to_string()] },
        })
        .to_string();
        let layer = self.open.push_blob(repository, &compressed).await;
        let config_digest = self.open.push_blob(repository, config.as_bytes()).await;
        json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config_digest, config.len()),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer, compressed.len())],
        })
    }

    /// Pushes an index of two images.
    async fn push_index(&self, repository: &str, tag: &str, text: &str) -> Digest {
        let mut entries = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let manifest = self.image(repository, &format!("{text} for {architecture}")).await;
            let digest = Digest::sha256(manifest.to_string().as_bytes());
            self.open.push_manifest(repository, &digest.to_string(), OCI_MANIFEST, &manifest).await;
            let mut entry = descriptor(OCI_MANIFEST, &digest, manifest.to_string().len());
            entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
            entries.push(entry);
        }
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
        self.open.push_manifest(repository, tag, OCI_INDEX, &index).await
    }

    async fn digest_of(&self, repository: &str, tag: &str) -> String {
        let response = self.open.get(&format!("{repository}/manifests/{tag}")).await;
        assert!(response.status().is_success(), "{repository}:{tag} is not there");
        crate::support::header(&response, "docker-content-digest")
    }

    async fn assert_whole(&self, repository: &str, tag: &str) {
        let digest = self.digest_of(repository, tag).await;
        assert_whole(&self.open.http, &self.address(), repository, &digest).await;
    }
}

/// A tar archive of a text and of two megabytes that do not compress.
fn layer(text: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut noise = Vec::new();
    let mut word = Digest::sha256(text.as_bytes());
    while noise.len() < 2_000_000 {
        noise.extend_from_slice(word.hexadecimal().as_bytes());
        word = Digest::sha256(&noise[noise.len() - 64..]);
    }
    for (path, content) in [("hello", text.as_bytes()), ("noise", &noise)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, path, content).unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn skopeo_copies_in_both_directions() {
    let scene = Scene::set().await;
    let image = scene.push("team/image", "v1", "skopeo").await;
    let index = scene.push_index("team/index", "v1", "skopeo").await;
    let (open, locked) = (scene.address(), &scene.locked);
    let credential = format!("{USER}:{SECRET}");
    let directory = TempDir::new().unwrap();
    let layout = format!("oci:{}:v1", directory.path().join("image").display());
    let layouts = format!("oci:{}:v1", directory.path().join("index").display());
    let copy = async |arguments: &[&str]| run("skopeo", &[&["--insecure-policy", "copy"], arguments].concat()).await;

    copy(&["--src-tls-verify=false", &format!("docker://{open}/team/image:v1"), &layout]).await;
    copy(&["--dest-tls-verify=false", &layout, &format!("docker://{open}/back/image:v1")]).await;
    assert_eq!(scene.digest_of("back/image", "v1").await, image.to_string());

    let user = ["--src-creds", &credential, "--src-tls-verify=false"];
    copy(&[&["--all"], &user[..], &[&format!("docker://{locked}/team/index:v1"), &layouts]].concat()).await;
    let user = ["--dest-creds", &credential, "--dest-tls-verify=false"];
    copy(&[&["--all"], &user[..], &[&layouts, &format!("docker://{locked}/back/index:v1")]].concat()).await;
    assert_eq!(scene.digest_of("back/index", "v1").await, index.to_string());
    scene.assert_whole("back/index", "v1").await;

    let docker = ["--format", "v2s2", "--src-tls-verify=false", "--dest-tls-verify=false"];
    let ends = [format!("docker://{open}/team/image:v1"), format!("docker://{open}/back/docker:v1")];
    copy(&[&docker[..], &[&ends[0], &ends[1]]].concat()).await;
    let converted = scene.open.get("back/docker/manifests/v1").await;
    assert_eq!(crate::support::header(&converted, "content-type"), DOCKER_MANIFEST);
    scene.assert_whole("back/docker", "v1").await;

    let tags = run("skopeo", &["list-tags", "--tls-verify=false", &format!("docker://{open}/back/image")]).await;
    assert_eq!(serde_json::from_str::<Value>(&tags).unwrap()["Tags"], json!(["v1"]));
    run("skopeo", &["delete", "--tls-verify=false", &format!("docker://{open}/back/image:v1")]).await;
    assert_eq!(scene.open.get("back/image/manifests/v1").await.status(), 404);
}

/// The client that fits the engine: Debian's own, where another one is on PATH too.
fn docker() -> &'static str {
    if Path::new("/usr/bin/docker").exists() { "/usr/bin/docker" } else { "docker" }
}

#[tokio::test]
async fn the_docker_engine_pushes_and_pulls() {
    let scene = Scene::set().await;
    let digest = scene.push("team/image", "v1", "docker").await;
    let configuration = TempDir::new().unwrap();
    let configuration = configuration.path().to_str().unwrap();
    let engine = async |arguments: &[&str]| run(docker(), &[&["--config", configuration], arguments].concat()).await;
    let (open, locked) = (scene.address(), &scene.locked);
    engine(&["version"]).await;

    let pulled = format!("{open}/team/image:v1");
    engine(&["pull", &pulled]).await;
    let known = engine(&["image", "inspect", "--format", "{{json .RepoDigests}}", &pulled]).await;
    assert!(known.contains(&digest.to_string()), "{known}");

    engine(&["login", "--username", USER, "--password", SECRET, locked]).await;
    let pushed = format!("{locked}/built/image:v2");
    engine(&["tag", &pulled, &pushed]).await;
    engine(&["push", &pushed]).await;
    scene.assert_whole("built/image", "v2").await;
    engine(&["image", "rm", &pulled, &pushed]).await;
    engine(&["pull", &pushed]).await;
    engine(&["image", "rm", &pushed]).await;
}

/// A program in the background, ended with the test.
struct Background(Child);

impl Background {
    fn start(program: &str, arguments: &[&str], log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; run dev/tools/install")))
    }

    /// Waits until a check succeeds; the program's end or half a minute is a failure.
    async fn until(&mut self, mut ready: impl AsyncFnMut() -> bool, log: &Path) {
        let begun = Instant::now();
        while !ready().await {
            let said = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(self.0.try_wait().unwrap().is_none(), "it ended at once:\n{}", said());
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not ready after 30 s:\n{}", said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn containerd_pulls_and_pushes() {
    let scene = Scene::set().await;
    scene.push_index("team/index", "v1", "containerd").await;
    let directory = tempfile::Builder::new().prefix("ctr").tempdir_in("/tmp").unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let (settings, socket, log) = (at("config.toml"), at("c.sock"), directory.path().join("log"));
    let quiet = format!(
        "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\nroot = \"{}\"\nstate = \"{}\"\n[grpc]\naddress = \"{socket}\"\n",
        at("root"),
        at("state")
    );
    std::fs::write(&settings, quiet).unwrap();
    let mut daemon = Background::start("containerd", &["--config", &settings], &log);
    let reachable = async || tokio::net::UnixStream::connect(&socket).await.is_ok();
    daemon.until(reachable, &log).await;

    let ctr = async |arguments: &[&str]| run("ctr", &[&["--address", &socket], arguments].concat()).await;
    let (open, locked) = (scene.address(), &scene.locked);
    let credential = format!("{USER}:{SECRET}");
    let source = format!("{open}/team/index:v1");
    ctr(&["images", "pull", "--plain-http", "--all-platforms", &source]).await;
    let listed = ctr(&["images", "list", "--quiet"]).await;
    assert!(listed.contains(&source), "{listed}");
    let target = format!("{locked}/pushed/index:v1");
    ctr(&["images", "tag", &source, &target]).await;
    ctr(&["images", "push", "--plain-http", "--user", &credential, &target]).await;
    scene.assert_whole("pushed/index", "v1").await;
    ctr(&["images", "remove", &source, &target]).await;
    ctr(&["images", "pull", "--plain-http", "--user", &credential, &target]).await;
}

#[tokio::test]
async fn the_contract_holds_against_debians_registry() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    // Found free, and taken at once: a port of another program makes the readiness check fail.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let settings = json!({
        "version": 0.1, "log": { "level": "warn" }, "http": { "addr": address },
        "storage": { "filesystem": { "rootdirectory": directory.path().join("content") } },
    });
    let path = directory.path().join("config.yml");
    std::fs::write(&path, settings.to_string()).unwrap();
    let mut registry = Background::start("docker-registry", &["serve", path.to_str().unwrap()], &log);
    let http = crate::support::http();
    let ready = async || http.get(format!("http://{address}/v2/")).send().await.is_ok_and(|answer| answer.status() == 200);
    registry.until(ready, &log).await;
    holds_against(&address).await;
}
