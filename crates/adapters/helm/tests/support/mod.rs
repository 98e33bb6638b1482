//! The real worker, the real `helm` and the real cluster, for tests. What is missing is a failure.
#![allow(dead_code, reason = "each test program uses a part of this")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use slipway_ports::{Platform, Target};

/// What the worker built from these sources is called.
pub(crate) fn worker_program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../helm-worker/build");
        let output = Command::new(&build).output().unwrap_or_else(|error| panic!("{}: {error}", build.display()));
        assert!(output.status.success(), "{}: {}", build.display(), String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// The folder where development tools are cached.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("SLIPWAY_DEV_CACHE")
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/slipway-dev"), PathBuf::from)
}

/// The `helm` program: the cached one, else the one on PATH.
pub(crate) fn helm_program() -> PathBuf {
    let cached = std::fs::read_dir(cache()).ok().into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = cached
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("helm-v"))
        .map(|entry| entry.path().join("bin/helm"))
        .filter(|program| program.is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from("helm"))
}

/// The kubeconfig of the cluster that tests may use.
pub(crate) fn kubeconfig() -> PathBuf {
    let path = std::env::var_os("SLIPWAY_TEST_KUBECONFIG").map_or_else(|| cache().join("cluster/kubeconfig"), PathBuf::from);
    assert!(path.is_file(), "{}: no such file; `dev/cluster/up` makes the cluster that this test needs", path.display());
    path
}

/// The cluster that tests may use, as a target.
pub(crate) fn target() -> Target {
    let context = kubectl(&["config", "current-context"]);
    target_with(&kubeconfig(), context.trim())
}

/// A target of any kubeconfig.
pub(crate) fn target_with(kubeconfig: &Path, context: &str) -> Target {
    Target {
        name: context.to_owned(),
        platform: Platform::kubernetes(kubeconfig.to_string_lossy().into_owned(), context),
        domain: "{service}.example".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 10,
        is_default: true,
    }
}

/// A kubeconfig for an address where nothing, or something silent, listens.
pub(crate) fn write_kubeconfig(folder: &Path, server: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    let content = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: \"{server}\"}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n\
         users: [{{name: test, user: {{}}}}]\n"
    );
    std::fs::write(&path, content).unwrap();
    path
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn kubectl_command(arguments: &[&str]) -> Command {
    let mut found: Vec<PathBuf> = std::fs::read_dir(cache())
        .ok()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/kubectl"))
        .filter(|program| program.is_file())
        .collect();
    found.sort();
    let mut command = Command::new(found.pop().unwrap_or_else(|| PathBuf::from("kubectl")));
    command.arg("--kubeconfig").arg(kubeconfig()).args(arguments);
    command
}

/// What `kubectl` says; it must succeed.
pub(crate) fn kubectl(arguments: &[&str]) -> String {
    succeed(&mut kubectl_command(arguments))
}

/// An object of the cluster, or nothing when there is none.
pub(crate) fn object(namespace: &str, kind: &str, name: &str) -> Option<Value> {
    let said = kubectl(&["--namespace", namespace, "get", kind, name, "--ignore-not-found", "--output", "json"]);
    (!said.trim().is_empty()).then(|| serde_json::from_str(&said).unwrap())
}

/// What `helm` says, as JSON; it must succeed.
pub(crate) fn helm_json(arguments: &[&str]) -> Value {
    let said =
        succeed(Command::new(helm_program()).arg("--kubeconfig").arg(kubeconfig()).args(arguments).args(["--output", "json"]));
    serde_json::from_str(&said).unwrap()
}

/// Runs `helm`, which must succeed.
pub(crate) fn helm(arguments: &[&str]) {
    succeed(Command::new(helm_program()).arg("--kubeconfig").arg(kubeconfig()).args(arguments));
}

/// A namespace of this test alone, gone when it is dropped.
pub(crate) struct TestNamespace(pub(crate) String);

impl TestNamespace {
    pub(crate) fn new(purpose: &str) -> Self {
        let unique = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("slipway-test-{purpose}-{}-{:08x}", std::process::id(), unique & 0xffff_ffff);
        kubectl(&["create", "namespace", &name]);
        Self(name)
    }
}

impl Drop for TestNamespace {
    fn drop(&mut self) {
        run(&mut kubectl_command(&["delete", "namespace", &self.0, "--wait=false"]));
    }
}

/// Rewrites the record of the newest revision of a release as a killed writer leaves it.
pub(crate) fn leave_pending(namespace: &str, release: &str, revision: u32, status: &str) {
    use base64::Engine as _;
    use std::io::{Read as _, Write as _};

    let base64 = base64::engine::general_purpose::STANDARD;
    let name = format!("sh.helm.release.v1.{release}.v{revision}");
    let secret = object(namespace, "secret", &name).expect("the release has this revision");
    let outer = base64.decode(secret["data"]["release"].as_str().unwrap()).unwrap();
    let mut plain = String::new();
    flate2::read::GzDecoder::new(base64.decode(outer).unwrap().as_slice()).read_to_string(&mut plain).unwrap();
    let mut record: Value = serde_json::from_str(&plain).unwrap();
    record["info"]["status"] = status.into();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(record.to_string().as_bytes()).unwrap();
    let data = base64.encode(base64.encode(packed.finish().unwrap()));
    let patch = serde_json::json!({"data": {"release": data}, "metadata": {"labels": {"status": status}}});
    kubectl(&["--namespace", namespace, "patch", "secret", &name, "--type=merge", "--patch", &patch.to_string()]);
}

/// Processes that run a program, by their id, with the id of their parent.
pub(crate) fn processes_of(program: &Path) -> BTreeMap<u32, u32> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(running) = std::fs::read_link(entry.path().join("exe")) else { continue };
        let Ok(status) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, after)) = status.rsplit_once(") ") else { continue };
        let mut fields = after.split(' ');
        let state = fields.next().unwrap_or_default();
        let parent = fields.next().and_then(|parent| parent.parse().ok()).unwrap_or_default();
        if running == program && state != "Z" {
            found.insert(id, parent);
        }
    }
    found
}

/// Sends SIGKILL.
pub(crate) fn kill(process: u32) {
    succeed(Command::new("kill").args(["-KILL", &process.to_string()]));
}
