//! Real builds: a `buildkitd` of our own (as root) and Debian's `docker-registry`, both on loopback.
#![cfg(feature = "builder-tests")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use slipway_builder::{BuildKit, BuildKitPrograms, BuildKitSettings, DaemonSettings, LocalBuildkitd, Transport};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::{Bytes, Millicores, Name};
use slipway_ports::{
    Activity, BuildRequest, Builder, BuiltImage, CancellationToken, Credential, Login, Progress, Reader, RepositoryTag,
    SecretText,
};
use tempfile::TempDir;
use tokio::sync::Notify;

#[derive(Default)]
struct Seen {
    lines: Mutex<Vec<String>>,
    activities: Mutex<Vec<Activity>>,
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
    fn has(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }

    async fn until(&self, text: &str) {
        let found = async {
            while !self.has(text) {
                self.said.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("the line comes within a minute");
    }
}

/// A registry that ends with the test.
struct Registry {
    child: Child,
    address: String,
}

impl Registry {
    fn start(folder: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let configuration = folder.join("registry.yml");
        let storage = folder.join("registry");
        Self::serve(&configuration, &storage, address, "")
    }

    /// A registry over the same files that only the user `reader` with the password `canary-one` may read.
    fn locked(folder: &Path) -> Self {
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

struct Fixture {
    registry: Registry,
    builder: BuildKit,
    folder: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("slipway-b").tempdir_in("/tmp").unwrap();
        let registry = Registry::start(folder.path());
        let programs = BuildKitPrograms::find().unwrap();
        let daemon = LocalBuildkitd::start(&folder.path().join("k"), &settings(&registry), programs).await.unwrap();
        let builder = BuildKit::new(daemon, builder_settings(folder.path(), &registry.address)).unwrap();
        Self { registry, builder, folder }
    }

    async fn build(&self, request: &BuildRequest, seen: &Seen) -> Result<BuiltImage, Failure> {
        self.builder.build(request, seen, &CancellationToken::new()).await
    }

    /// A context with busybox and this Dockerfile.
    fn request(&self, dockerfile: &str) -> BuildRequest {
        let context = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        std::fs::write(context.join("Dockerfile"), dockerfile).unwrap();
        std::fs::copy("/bin/busybox", context.join("busybox")).expect("Debian's busybox-static is installed");
        BuildRequest {
            dockerfile_folder: context.clone(),
            context,
            target: None,
            args: [].into(),
            secrets: [].into(),
            reader: Reader::nobody(),
            platforms: Vec::new(),
            // Two builds of one line at once, of whatever server, would have two names for what is cached.
            line: self.folder.path().display().to_string(),
            cpu: Millicores(1000),
            memory: Bytes::mebi(128),
            timeout: Duration::from_secs(120),
            destination: RepositoryTag { repository: "builds/git.example.com/shop".to_owned(), tag: "k1-0".to_owned() },
            annotations: [("org.opencontainers.image.revision".to_owned(), "a, \"b\"".to_owned())].into(),
        }
    }

    /// The image of each platform in an index, with the platform.
    fn images(&self, index: &BuiltImage) -> Vec<(String, String)> {
        let index = self.stored(&index.digest);
        assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let platform = |of: &serde_json::Value| format!("{}/{}", text(&of["os"]), text(&of["architecture"]));
        let images = index["manifests"].as_array().unwrap().iter().filter(|entry| entry["annotations"].is_null());
        images.map(|entry| (platform(&entry["platform"]), text(&entry["digest"]))).collect()
    }

    /// How each image in an index was built, as its provenance says.
    fn provenance(&self, index: &BuiltImage) -> Vec<serde_json::Value> {
        let index = self.stored(&index.digest);
        let entries = index["manifests"].as_array().unwrap().iter();
        let attestations = entries.filter(|entry| entry["annotations"]["vnd.docker.reference.type"] == "attestation-manifest");
        attestations
            .map(|entry| self.stored(self.stored(entry["digest"].as_str().unwrap())["layers"][0]["digest"].as_str().unwrap()))
            .collect()
    }

    /// A manifest as the registry stored it.
    fn stored(&self, digest: &str) -> serde_json::Value {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.folder.path().join("registry/docker/registry/v2/blobs/sha256");
        serde_json::from_slice(&std::fs::read(blobs.join(&hex[..2]).join(hex).join("data")).unwrap()).unwrap()
    }

    async fn end(self) {
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

fn settings(registry: &Registry) -> DaemonSettings {
    DaemonSettings::new(&registry.address, true)
}

fn builder_settings(folder: &Path, address: &str) -> BuildKitSettings {
    BuildKitSettings {
        registry: address.to_owned(),
        registry_is_plain: true,
        credentials: Vec::new(),
        folder: folder.join("builder"),
        frontends: Vec::new(),
    }
}

const BASE: &str = "FROM scratch\nCOPY busybox /bin/busybox\nSHELL [\"/bin/busybox\", \"sh\", \"-c\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_is_pushed_with_its_arguments_and_a_second_one_is_cached() {
    let fixture = Fixture::start().await;
    assert!(fixture.builder.version().await.unwrap().starts_with("0."));
    let mut request = fixture.request(&format!(
        "{}ARG GREETING\nRUN echo \"said: $GREETING\"\nFROM scratch AS last\nCOPY missing /\n",
        BASE.replace("scratch", "scratch AS wanted")
    ));
    request.args = [("GREETING".to_owned(), "a \"b\", $(c)=d".to_owned())].into();
    request.target = Some("wanted".to_owned());
    let seen = Seen::default();
    let image = fixture.build(&request, &seen).await.unwrap();
    assert!(seen.has("said: a \"b\", $(c)=d"), "{:#?}", seen.lines);
    assert_eq!(*seen.activities.lock().unwrap(), [Activity::Building, Activity::Pushing]);
    let images = fixture.images(&image);
    let [(_, digest)] = &images[..] else { panic!("one platform has one image: {images:?}") };
    for stored in [fixture.stored(&image.digest), fixture.stored(digest)] {
        assert_eq!(stored["annotations"]["org.opencontainers.image.revision"], "a, \"b\"");
    }
    let [provenance] = &fixture.provenance(&image)[..] else { panic!("it has one provenance") };
    assert_eq!(provenance["predicateType"], "https://slsa.dev/provenance/v1");
    assert!(!provenance.to_string().contains("$(c)=d"), "no value of an argument is in it: {provenance}");
    let again = Seen::default();
    assert_eq!(fixture.images(&fixture.build(&request, &again).await.unwrap()), images, "the same layers make the same image");
    assert!(again.has("CACHED"));
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bad_build_ends_with_its_own_failure() {
    let fixture = Fixture::start().await;
    let missing = fixture.request("FROM scratch\n");
    std::fs::remove_file(missing.dockerfile_folder.join("Dockerfile")).unwrap();
    let slow = BuildRequest { timeout: Duration::from_secs(3), ..fixture.request(&format!("{BASE}RUN /bin/busybox sleep 47\n")) };
    let hungry = format!("{BASE}RUN /bin/busybox awk 'BEGIN{{s=\"x\"; while(1) s=s s}}'\n");
    let nobase = format!("FROM {}/no/such:1\nRUN true\n", fixture.registry.address);
    for (request, code, words) in [
        (fixture.request(&format!("{BASE}RUN echo about to; exit 7\n")), Code::BuildFailed, "exit code 7"),
        (fixture.request("FROM scratch\nRUNN true\n"), Code::DockerfileInvalid, "line 2"),
        (missing, Code::DockerfileNotFound, "no Dockerfile"),
        (slow, Code::BuildTimeout, "3 s"),
        (fixture.request(&hungry), Code::BuildOutOfMemory, "128Mi"),
        (fixture.request(&nobase), Code::ImageNotFound, "no/such:1"),
        (fixture.request("# syntax=evil.invalid/frontend:1\nFROM scratch\n"), Code::DockerfileInvalid, "evil.invalid"),
    ] {
        let failure = fixture.build(&request, &Seen::default()).await.unwrap_err();
        assert_eq!((failure.code, failure.kind), (code, FailureKind::Permanent), "{failure} {:#?}", failure.last_lines);
        assert!(failure.message.contains(words), "{failure}");
        if code == Code::BuildFailed {
            assert_eq!(failure.last_lines, ["about to"]);
        }
    }
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_down_may_be_tried_again() {
    let fixture = Fixture::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let daemon = fixture.builder.local().unwrap();
    let settings = builder_settings(&fixture.folder.path().join("other"), &closed);
    let other = BuildKit::at(&daemon.programs().buildctl, daemon.address(), Transport::Plain, settings).unwrap();
    let failure = other.build(&fixture.request(BASE), &Seen::default(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RegistryUnavailable, FailureKind::Retry), "{failure}");
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canceled_build_leaves_no_step_running() {
    let fixture = Fixture::start().await;
    let request = fixture.request(&format!("{BASE}RUN echo begun; exec /bin/busybox sleep 4711\n"));
    let (seen, cancel) = (Seen::default(), CancellationToken::new());
    let (result, ()) = tokio::join!(fixture.builder.build(&request, &seen, &cancel), async {
        seen.until("begun").await;
        cancel.cancel();
    });
    assert_eq!(result.unwrap_err().kind, FailureKind::Canceled);
    let end = Instant::now() + Duration::from_secs(10);
    while !running("sleep\x004711").is_empty() {
        assert!(Instant::now() < end, "the step still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_base_that_was_built_on_is_recorded_with_its_digest_and_a_rebuild_takes_the_one_that_moved() {
    let fixture = Fixture::start().await;
    let base = |text: &str| BuildRequest {
        destination: RepositoryTag { repository: "base".to_owned(), tag: "1".to_owned() },
        ..fixture.request(&format!("{BASE}ENV WHICH={text}\n"))
    };
    let request = fixture.request(&format!("FROM {}/base:1\nCOPY Dockerfile /\n", fixture.registry.address));
    let mut digests = Vec::new();
    for which in ["first", "second"] {
        let base = fixture.build(&base(which), &Seen::default()).await.unwrap().digest;
        let built = fixture.build(&request, &Seen::default()).await.unwrap();
        let [provenance] = &fixture.provenance(&built)[..] else { panic!("it has one provenance") };
        let [dependency] = &provenance["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap()[..] else {
            panic!("it has one base: {provenance}")
        };
        let uri = dependency["uri"].as_str().unwrap();
        assert!(uri.starts_with(&format!("pkg:docker/{}/base@1?platform=linux", fixture.registry.address)), "{uri}");
        assert_eq!(format!("sha256:{}", dependency["digest"]["sha256"].as_str().unwrap()), base);
        digests.push(fixture.images(&built));
    }
    assert_ne!(digests[0], digests[1]);
    fixture.end().await;
}

/// Busybox for two machines: the one that is not ours says so, and is a program that our kernel does not run.
fn of_each_machine(context: &Path) {
    let program = std::fs::read(context.join("busybox")).unwrap();
    // The field of an ELF header that says for which machine it is.
    for (name, machine) in [("amd64", 62), ("arm64", 183)] {
        let mut program = program.clone();
        program[18] = machine;
        let path = context.join(format!("busybox-{name}"));
        std::fs::write(&path, program).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_platforms_make_one_index_and_a_program_without_emulation_says_what_to_install() {
    let fixture = Fixture::start().await;
    let (own, foreign) =
        if cfg!(target_arch = "aarch64") { ("linux/arm64", "linux/amd64") } else { ("linux/amd64", "linux/arm64") };
    let platforms = vec![own.to_owned(), foreign.to_owned()];
    let request = BuildRequest { platforms: platforms.clone(), ..fixture.request(BASE) };
    let image = fixture.build(&request, &Seen::default()).await.unwrap();
    let images = fixture.images(&image);
    assert_eq!(images.iter().map(|(platform, _)| platform).collect::<Vec<_>>(), [own, foreign]);
    for stored in images.iter().map(|(_, digest)| digest).chain([&image.digest]).map(|digest| fixture.stored(digest)) {
        assert_eq!(stored["annotations"]["org.opencontainers.image.revision"], "a, \"b\"");
    }
    assert_eq!(fixture.provenance(&image).len(), 2);

    let running =
        BASE.replace("COPY busybox", "ARG TARGETARCH\nCOPY busybox-$TARGETARCH") + "RUN echo \"it runs on $(uname -m)\"\n";
    for platforms in [platforms, vec![foreign.to_owned()]] {
        let request = BuildRequest { platforms, ..fixture.request(&running) };
        of_each_machine(&request.context);
        let failure = fixture.build(&request, &Seen::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::EmulationMissing, "{failure} {:?}", failure.last_lines);
        assert!(failure.message.contains(&format!("lacks emulation for {foreign}")), "{failure}");
        assert!(failure.hint.unwrap().contains("binfmt"));
    }
    fixture.end().await;
}

/// The files below a folder that hold a text, as they are or compressed.
fn files_with(text: &str, folder: &Path) -> Vec<PathBuf> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let Some(bytes) = std::fs::read(&path).ok().filter(|_| kind.is_file()) else { continue };
            let plain = || Command::new("gzip").arg("-dc").arg(&path).stderr(Stdio::null()).output().unwrap().stdout;
            if holds(&bytes) || (bytes.starts_with(&[0x1f, 0x8b]) && holds(&plain())) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_seen_by_the_step_that_mounts_it_and_left_nowhere() {
    const CANARY: &str = "canary-7d1c0a55e2";
    let fixture = Fixture::start().await;
    let mount = "RUN --mount=type=secret,id=TOKEN,required=true";
    let careful = format!("{BASE}{mount} /bin/busybox rev /run/secrets/TOKEN; /bin/busybox sleep 2\nRUN env\n");
    let given = |dockerfile: &str| BuildRequest {
        secrets: [("TOKEN".to_owned(), SecretText::new(CANARY)), ("PATH".to_owned(), SecretText::new("/nowhere"))].into(),
        ..fixture.request(dockerfile)
    };
    let seen = Seen::default();
    let reversed: String = CANARY.chars().rev().collect();
    let (request, looking) = (given(&careful), async {
        seen.until(&reversed).await;
        assert_eq!(running(CANARY), Vec::<PathBuf>::new(), "no list of processes shows it");
    });
    let (built, ()) = tokio::join!(fixture.build(&request, &seen), looking);
    let images = fixture.images(&built.unwrap());
    assert!(!seen.has(CANARY), "{:#?}", seen.lines);
    assert_eq!(files_with(CANARY, fixture.folder.path()), Vec::<PathBuf>::new(), "neither image nor cache nor daemon keep it");
    let changed = BuildRequest { secrets: [("TOKEN".to_owned(), SecretText::new("another"))].into(), ..request.clone() };
    let again = fixture.build(&changed, &Seen::default()).await.unwrap();
    assert_eq!(fixture.images(&again), images, "what is cached goes by no secret");

    let without = BuildRequest { secrets: [].into(), ..fixture.request(&careful.replace("sleep 2", "sleep 0")) };
    let failure = fixture.build(&without, &Seen::default()).await.unwrap_err();
    assert!(failure.code == Code::BuildFailed && failure.message.contains("TOKEN"), "{failure}");
    // What looks for it would have found it.
    fixture
        .build(&given(&format!("{BASE}{mount} /bin/busybox cp /run/secrets/TOKEN /leaked\n")), &Seen::default())
        .await
        .unwrap();
    assert!(!files_with(CANARY, &fixture.folder.path().join("registry")).is_empty());
    fixture.end().await;
}

/// The processes whose command line holds this.
fn running(words: &str) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes
        .filter(|path| std::fs::read(path.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(words)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_is_adopted_by_the_next_server_and_started_again_when_it_died() {
    let fixture = Fixture::start().await;
    let folder = fixture.folder.path().join("k");
    let configuration = folder.join("buildkitd.toml").display().to_string();
    let daemons = || running(&configuration);
    let first = daemons();
    assert_eq!(first.len(), 1);
    let adopted = LocalBuildkitd::start(&folder, &settings(&fixture.registry), BuildKitPrograms::find().unwrap()).await.unwrap();
    assert_eq!(daemons(), first, "the daemon that answers is taken over");
    let id = first[0].file_name().unwrap().to_str().unwrap();
    assert!(Command::new("kill").args(["-KILL", "--", id]).status().unwrap().success());
    let request = fixture.request(BASE);
    let image = fixture.build(&request, &Seen::default()).await.unwrap();
    assert!(image.digest.starts_with("sha256:"));
    assert_ne!(daemons(), first);
    let changed = DaemonSettings { most_parallel_steps: 2, ..settings(&fixture.registry) };
    let before = daemons();
    let restarted = LocalBuildkitd::start(&folder, &changed, BuildKitPrograms::find().unwrap()).await.unwrap();
    assert_ne!(daemons(), before, "a changed configuration takes effect");
    adopted.stop().await.unwrap();
    restarted.stop().await.unwrap();
    assert_eq!(daemons(), Vec::<PathBuf>::new());
}

/// Where the kernel keeps the cgroup of a build with this limit: no other test, and no server beside them, has it.
fn cgroup_of_the_build(file: &str, limit: &str) -> Option<PathBuf> {
    let trees = ["", "memory", "cpu"].map(|tree| Path::new("/sys/fs/cgroup").join(tree));
    let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut builds = trees.into_iter().flat_map(below).flat_map(below);
    builds.find(|build| std::fs::read_to_string(build.join(file)).is_ok_and(|text| text.trim() == limit))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c06_the_steps_of_a_build_together_stay_within_its_memory() {
    let fixture = Fixture::start().await;
    // Two steps run beside each other; each fits by itself, and waits for the other with what it holds.
    let step = |name: &str, other: &str| {
        format!(
            "FROM base AS {name}\nRUN --mount=type=tmpfs,target=/held --mount=type=cache,target=/met \
             /bin/busybox dd if=/dev/zero of=/held/x bs=1M count=80 && /bin/busybox touch /met/{name} && \
             until [ -e /met/{other} ]; do /bin/busybox sleep 0.1; done && /bin/busybox touch /done\n"
        )
    };
    let base = BASE.replace("scratch", "scratch AS base");
    let both = format!(
        "{base}{}{}FROM scratch\nCOPY --from=one /done /one\nCOPY --from=two /done /two\n",
        step("one", "two"),
        step("two", "one")
    );
    let enough = BuildRequest { memory: Bytes::mebi(256), ..fixture.request(&both) };
    fixture.build(&enough, &Seen::default()).await.expect("both fit into 256 MiB");
    let little = BuildRequest { memory: Bytes::mebi(128), ..fixture.request(&both.replace("/met", "/again")) };
    let failure = fixture.build(&little, &Seen::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::BuildOutOfMemory, "{failure:?}");
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c06_the_build_has_a_cgroup_with_its_limits_which_goes_with_it() {
    let fixture = Fixture::start().await;
    let (cpu, memory) = (Millicores(1230), Bytes(123 << 20));
    let request =
        BuildRequest { cpu, memory, ..fixture.request(&format!("{BASE}RUN echo it has begun; /bin/busybox sleep 1000\n")) };
    let (seen, cancel) = (Seen::default(), CancellationToken::new());
    let building = fixture.builder.build(&request, &seen, &cancel);
    let looking = async {
        seen.until("it has begun").await;
        let find = |one_tree: &str, limit: &str, tree_each: &str, the_same: &str| {
            cgroup_of_the_build(one_tree, limit).or_else(|| cgroup_of_the_build(tree_each, the_same))
        };
        let bytes = memory.0.to_string();
        let found = [
            find("memory.max", &bytes, "memory.limit_in_bytes", &bytes),
            find("cpu.max", "123000 100000", "cpu.cfs_quota_us", "123000"),
        ];
        cancel.cancel();
        found.map(|folder| folder.expect("the build has a cgroup with its limit"))
    };
    let (built, folders) = tokio::join!(building, looking);
    assert_eq!(built.unwrap_err().kind, FailureKind::Canceled);
    // Its processes have been killed; the kernel gives the folder back when they have ended.
    let seen = Seen::default();
    let next = fixture.request(&format!("{BASE}RUN echo next\n"));
    fixture.build(&next, &seen).await.unwrap();
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_builder_that_never_built_it_begins_with_the_cache_of_the_line_in_the_registry() {
    let fixture = Fixture::start().await;
    let stages = format!(
        "{}RUN echo made in an inner stage > /made\nFROM scratch\nCOPY --from=inner /made /\n",
        BASE.replace("scratch", "scratch AS inner")
    );
    let request = fixture.request(&stages);
    let images = fixture.images(&fixture.build(&request, &Seen::default()).await.unwrap());
    fixture.builder.local().unwrap().stop().await.unwrap();
    std::fs::remove_dir_all(fixture.folder.path().join("k/state")).unwrap();
    let seen = Seen::default();
    assert_eq!(fixture.images(&fixture.build(&request, &seen).await.unwrap()), images);
    assert!(seen.has("CACHED"), "{:#?}", seen.lines);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_a_killed_server_left_is_ended_by_one_that_never_needed_it() {
    let fixture = Fixture::start().await;
    let folder = fixture.folder.path().join("k");
    let configuration = folder.join("buildkitd.toml").display().to_string();
    assert_eq!(running(&configuration).len(), 1);
    LocalBuildkitd::stop_left_behind(&folder).await.unwrap();
    assert!(running(&configuration).is_empty());
    LocalBuildkitd::stop_left_behind(&folder).await.expect("there is none, and that is well");
}

#[tokio::test]
async fn a_private_base_image_is_read_with_the_credential_of_the_project_and_shared_with_nobody_else() {
    let fixture = Fixture::start().await;
    let base = fixture.request("FROM scratch\nCOPY busybox /busybox\n");
    let base = BuildRequest {
        destination: RepositoryTag { repository: "acme/base".to_owned(), tag: "1".to_owned() },
        line: format!("{}-base", fixture.folder.path().display()),
        ..base
    };
    fixture.build(&base, &Seen::default()).await.unwrap();
    let locked = Registry::locked(fixture.folder.path());
    let robot = |password: &str| {
        let login = Login::Password { user: "reader".to_owned(), password: SecretText::new(password) };
        let place = format!("registry {}", locked.address).parse().unwrap();
        Reader::new(vec![Credential { id: "1".to_owned(), name: Name::new("robot").unwrap(), place, login }])
    };
    let reference = format!("{}/acme/base:1", locked.address);
    let request = |marker: &str| fixture.request(&format!("FROM {reference}\nRUN [\"/busybox\", \"echo\", \"{marker}\"]\n"));
    let refused = async |reader: Reader, marker: &str| {
        let built = fixture.build(&BuildRequest { reader, ..request(marker) }, &Seen::default()).await;
        let failure = built.expect_err(marker);
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RegistryUnauthorized), "{failure:?}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    };
    refused(Reader::nobody(), "before").await;
    let seen = Seen::default();
    fixture.build(&BuildRequest { reader: robot("canary-one"), ..request("mine") }, &seen).await.unwrap();
    assert!(!seen.lines.lock().unwrap().iter().any(|line| line.contains("canary")));
    // The builder holds it now, and gives it to nobody who may not read it.
    refused(Reader::nobody(), "after").await;
    refused(robot("canary-wrong"), "wrong").await;
    // No file of the builder's client is left with the password.
    let mut pending = vec![fixture.folder.path().join("builder")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else {
                let content = std::fs::read_to_string(entry.path()).unwrap_or_default();
                assert!(!content.contains("cmVhZGVyOmNhbmFyeS"), "{}", entry.path().display());
            }
        }
    }
}
