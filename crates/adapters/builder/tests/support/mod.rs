//! A `buildkitd` of our own (as root) and Debian's `docker-registry`, both on loopback, for the tests of real builds.
#![allow(dead_code, reason = "no test uses all of it")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use slipway_builder::{BuildKit, BuildKitPrograms, BuildKitSettings, DaemonSettings, LocalBuildkitd};
use slipway_core::failure::Failure;
use slipway_core::model::{Bytes, Millicores};
use slipway_ports::{Activity, BuildRequest, Builder, BuiltImage, CancellationToken, Progress, Reader, RepositoryTag};
use tempfile::TempDir;
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) lines: Mutex<Vec<String>>,
    pub(crate) activities: Mutex<Vec<Activity>>,
    said: Notify,
}

impl Progress for Seen {
    fn activity(&self, activity: Activity) {
        self.activities.lock().unwrap().push(activity);
    }

    fn line(&self, text: &str) {
        self.lines.lock().unwrap().push(text.to_owned());
        self.said.notify_one();
    }
}

impl Seen {
    pub(crate) fn has(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }

    pub(crate) async fn until(&self, text: &str) {
        let found = async {
            while !self.has(text) {
                self.said.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("the line comes within a minute");
    }
}

/// A registry that ends with the test.
pub(crate) struct Registry {
    child: Child,
    pub(crate) address: String,
}

impl Registry {
    pub(crate) fn start(folder: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let configuration = folder.join("registry.yml");
        let storage = folder.join("registry");
        Self::serve(&configuration, &storage, address, "")
    }

    /// A registry over the files of the one in a folder, which only the user `reader` with the password `canary-one` may read.
    pub(crate) fn locked(folder: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let users = folder.join("htpasswd");
        std::fs::write(&users, "reader:$2b$05$abcdefghijklmnopqrstuuyoPL3fagUSR007wit568EhDMy/5waLK\n").unwrap();
        let auth = format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", users.display());
        Self::serve(&folder.join("locked.yml"), &folder.join("registry"), address, &auth)
    }

    fn serve(configuration: &Path, storage: &Path, address: String, auth: &str) -> Self {
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}'}}\n{auth}",
            storage.display()
        );
        std::fs::write(configuration, text).unwrap();
        let child =
            Command::new("docker-registry").arg("serve").arg(configuration).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("Debian's docker-registry is installed");
        let end = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < end, "the registry did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, address }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub(crate) struct Fixture {
    pub(crate) registry: Registry,
    pub(crate) builder: BuildKit,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("slipway-b").tempdir_in("/tmp").unwrap();
        let registry = Registry::start(folder.path());
        let programs = BuildKitPrograms::find().unwrap();
        let daemon = LocalBuildkitd::start(&folder.path().join("k"), &settings(&registry), programs).await.unwrap();
        let builder = BuildKit::new(daemon, builder_settings(folder.path(), &registry.address)).unwrap();
        Self { registry, builder, folder }
    }

    pub(crate) async fn build(&self, request: &BuildRequest, seen: &Seen) -> Result<BuiltImage, Failure> {
        self.builder.build(request, seen, &CancellationToken::new()).await
    }

    /// A context with busybox and this Dockerfile.
    pub(crate) fn request(&self, dockerfile: &str) -> BuildRequest {
        request(self.folder.path(), dockerfile)
    }

    /// The image of each platform in an index, with the platform.
    pub(crate) fn images(&self, index: &BuiltImage) -> Vec<(String, String)> {
        let index = self.stored(&index.digest);
        assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let platform = |of: &serde_json::Value| format!("{}/{}", text(&of["os"]), text(&of["architecture"]));
        let images = index["manifests"].as_array().unwrap().iter().filter(|entry| entry["annotations"].is_null());
        images.map(|entry| (platform(&entry["platform"]), text(&entry["digest"]))).collect()
    }

    /// How each image in an index was built, as its provenance says.
    pub(crate) fn provenance(&self, index: &BuiltImage) -> Vec<serde_json::Value> {
        let index = self.stored(&index.digest);
        let entries = index["manifests"].as_array().unwrap().iter();
        let attestations = entries.filter(|entry| entry["annotations"]["vnd.docker.reference.type"] == "attestation-manifest");
        attestations
            .map(|entry| self.stored(self.stored(entry["digest"].as_str().unwrap())["layers"][0]["digest"].as_str().unwrap()))
            .collect()
    }

    /// A manifest as the registry stored it.
    pub(crate) fn stored(&self, digest: &str) -> serde_json::Value {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.folder.path().join("registry/docker/registry/v2/blobs/sha256");
        serde_json::from_slice(&std::fs::read(blobs.join(&hex[..2]).join(hex).join("data")).unwrap()).unwrap()
    }

    pub(crate) async fn end(self) {
        self.builder.local().unwrap().stop().await.unwrap();
    }
}

/// A test that failed leaves no daemon either, and none leaves its bridge.
impl Drop for Fixture {
    fn drop(&mut self) {
        let configuration = std::fs::read_to_string(self.folder.path().join("k/buildkitd.toml")).unwrap_or_default();
        let bridge = configuration
            .lines()
            .find_map(|line| line.strip_prefix("bridgeName = "))
            .map(|name| name.trim_matches('"').to_owned());
        for process in running(&self.folder.path().join("k/buildkitd.toml").display().to_string()) {
            let id = process.file_name().unwrap().to_owned();
            Command::new("kill").args(["-KILL", "--"]).arg(id).status().unwrap();
        }
        if let Some(bridge) = bridge {
            let _there_is_none_without_a_step =
                Command::new("ip").args(["link", "delete", "dev", &bridge]).stderr(Stdio::null()).status();
        }
    }
}

pub(crate) fn settings(registry: &Registry) -> DaemonSettings {
    DaemonSettings::new(&registry.address, true)
}

pub(crate) fn builder_settings(folder: &Path, address: &str) -> BuildKitSettings {
    BuildKitSettings {
        registry: address.to_owned(),
        registry_is_plain: true,
        credentials: Vec::new(),
        folder: folder.join("builder"),
        frontends: Vec::new(),
    }
}

pub(crate) const BASE: &str = "FROM scratch\nCOPY busybox /bin/busybox\nSHELL [\"/bin/busybox\", \"sh\", \"-c\"]\n";

/// The processes whose command line holds this.
pub(crate) fn running(words: &str) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes
        .filter(|path| std::fs::read(path.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(words)))
        .collect()
}

/// A build of busybox by this Dockerfile, below the folder of a test.
pub(crate) fn request(folder: &Path, dockerfile: &str) -> BuildRequest {
    let context = tempfile::tempdir_in(folder).unwrap().keep();
    std::fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    std::fs::copy("/bin/busybox", context.join("busybox")).expect("Debian's busybox-static is installed");
    BuildRequest {
        cache_scope: None,
        dockerfile_folder: context.clone(),
        context,
        target: None,
        args: [].into(),
        secrets: [].into(),
        reader: Reader::nobody(),
        platforms: Vec::new(),
        // Two builds of one line at once, of whatever server, would have two names for what is cached.
        line: folder.display().to_string(),
        cpu: Millicores(1000),
        memory: Bytes::mebi(128),
        timeout: Duration::from_secs(120),
        destination: RepositoryTag { repository: "builds/git.example.com/shop".to_owned(), tag: "k1-0".to_owned() },
        annotations: [("org.opencontainers.image.revision".to_owned(), "a, \"b\"".to_owned())].into(),
    }
}
