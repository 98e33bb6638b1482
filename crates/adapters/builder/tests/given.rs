//! Builders that are not ours: a real `buildkitd` that somebody else started (as root), over a socket, TCP and TLS; and the one in the
//! Docker Engine of this machine (`dev/tools/dockerd up`). They push to a registry of Debian's, on loopback.
#![cfg(feature = "builder-tests")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod support;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use slipway_builder::{BuildKit, BuildKitPrograms, Transport};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_ports::{BuildRequest, Builder, BuiltImage, CancellationToken, SecretText};
use support::{BASE, Registry, Seen, builder_settings, request};
use tempfile::TempDir;

/// Programs that end with the test.
struct Running(Vec<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // A daemon ends what it runs, when it is asked to.
            Command::new("kill").arg(child.id().to_string()).status().unwrap();
            child.wait().unwrap();
        }
    }
}

struct Scene {
    folder: TempDir,
    registry: Registry,
    running: Running,
}

impl Scene {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("slipway-g").tempdir_in("/tmp").unwrap();
        let registry = Registry::start(folder.path());
        Self { folder, registry, running: Running(Vec::new()) }
    }

    /// A daemon as somebody would start it, who knows nothing of our registry.
    fn daemon(&mut self, arguments: &[&str]) {
        let root = self.folder.path().join("state");
        let mut command = quiet(&BuildKitPrograms::find().unwrap().buildkitd.display().to_string());
        command.arg("--root").arg(root).args(["--oci-worker-net", "host", "--cdi-disabled"]).args(arguments);
        self.running.0.push(command.spawn().unwrap());
    }

    fn builder(&self, address: &str, transport: Transport) -> BuildKit {
        BuildKit::at(client(), address, transport, builder_settings(self.folder.path(), &self.registry.address)).unwrap()
    }

    fn request(&self, dockerfile: &str) -> BuildRequest {
        let secrets = [("TOKEN".to_owned(), SecretText::new("abcdefgh"))].into();
        let annotations = [("org.opencontainers.image.revision".to_owned(), "abc".to_owned())].into();
        BuildRequest { secrets, annotations, ..request(self.folder.path(), dockerfile) }
    }

    /// What a build leaves in the registry.
    fn manifest(&self, image: &BuiltImage) -> serde_json::Value {
        let hex = image.digest.strip_prefix("sha256:").unwrap();
        let blobs = self.folder.path().join("registry/docker/registry/v2/blobs/sha256");
        serde_json::from_slice(&std::fs::read(blobs.join(&hex[..2]).join(hex).join("data")).unwrap()).unwrap()
    }

    /// A build with all that a build may have, by a builder that is not ours.
    async fn builds(&self, builder: &BuildKit) {
        let lines = Seen::default();
        let dockerfile = format!(
            "{BASE}ARG GREETING\nRUN --mount=type=secret,id=TOKEN,required=true echo \"$GREETING\" && /bin/busybox rev /run/secrets/TOKEN\n"
        );
        let request = BuildRequest {
            // Another step each time: what is cached says nothing.
            args: [("GREETING".to_owned(), format!("hello, {}", self.folder.path().join(free()).display()))].into(),
            ..self.request(&dockerfile)
        };
        let built = build(builder, &request, &lines).await.unwrap_or_else(|failure| {
            panic!("{failure} {:#?} {:#?}", failure.last_lines, lines.lines);
        });
        assert!(lines.has(&request.args["GREETING"]) && lines.has("hgfedcba"), "{:#?}", lines.lines);
        assert!(lines.has("the limits hold for each step by itself"), "{:#?}", lines.lines);
        let index = self.manifest(&built);
        assert_eq!(index["manifests"].as_array().unwrap().len(), 2, "an image and its provenance: {index}");
        assert_eq!(index["annotations"]["org.opencontainers.image.revision"], "abc");
    }

    /// The limits of the whole build are not there, those of each step are.
    async fn c06_limits_each_step(&self, builder: &BuildKit) {
        let hungry = format!("{BASE}RUN /bin/busybox awk 'BEGIN{{s=\"x\"; while(1) s=s s}}'\n");
        let failure = build(builder, &self.request(&hungry), &Seen::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::BuildOutOfMemory, "{failure}");
    }
}

fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn until(ready: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert!(Instant::now() < end, "it did not come within 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn client() -> PathBuf {
    BuildKitPrograms::find_client().unwrap()
}

async fn build(builder: &BuildKit, request: &BuildRequest, lines: &Seen) -> Result<BuiltImage, Failure> {
    builder.build(request, lines, &CancellationToken::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buildkit_of_others_builds_over_a_socket_and_over_tcp() {
    let mut scene = Scene::start();
    let (socket, tcp) = (scene.folder.path().join("d.sock"), free());
    let addresses = [format!("unix://{}", socket.display()), format!("tcp://{tcp}")];
    scene.daemon(&["--addr", &addresses[0], "--addr", &addresses[1]]);
    until(|| socket.exists() && std::net::TcpStream::connect(&tcp).is_ok());
    for address in &addresses {
        let builder = scene.builder(address, Transport::Plain);
        let told = builder.version().await.unwrap();
        assert!(told.contains(&format!(" at {address}; limits hold for each step by itself")), "{told}");
        assert!(builder.local().is_none());
        scene.builds(&builder).await;
    }
    scene.c06_limits_each_step(&scene.builder(&addresses[0], Transport::Plain)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buildkit_of_others_that_is_away_may_come_back() {
    let mut scene = Scene::start();
    let socket = scene.folder.path().join("d.sock");
    let address = format!("unix://{}", socket.display());
    let builder = scene.builder(&address, Transport::Plain);
    let request = scene.request(&format!("{BASE}RUN echo again\n"));
    let failure = build(&builder, &request, &Seen::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::BuilderUnavailable, FailureKind::Retry), "{failure}");
    scene.daemon(&["--addr", &address]);
    until(|| std::os::unix::net::UnixStream::connect(&socket).is_ok());
    build(&builder, &request, &Seen::default()).await.unwrap();
}

/// Certificates for a server at 127.0.0.1 and its client, by an authority of their own.
fn certificates(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let run = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    run(&format!("req -x509 {new} -keyout authority.key -out ca.pem -subj /CN=authority -days 2"));
    for (key, certificate) in [("server.key", "server.pem"), ("key.pem", "cert.pem")] {
        run(&format!("req {new} -keyout {key} -out request -subj /CN=127.0.0.1"));
        run(&format!(
            "x509 -req -in request -CA ca.pem -CAkey authority.key -CAcreateserial -out {certificate} -days 2 -extfile names"
        ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buildkit_of_others_is_spoken_to_by_tls() {
    let mut scene = Scene::start();
    let folder = scene.folder.path().join("certificates");
    certificates(&folder);
    let (tcp, file) = (free(), |name: &str| folder.join(name).display().to_string());
    let address = format!("tcp://{tcp}");
    let (authority, certificate, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
    scene.daemon(&["--addr", &address, "--tlscacert", &authority, "--tlscert", &certificate, "--tlskey", &key]);
    until(|| std::net::TcpStream::connect(&tcp).is_ok());
    scene.builds(&scene.builder(&address, Transport::Tls(folder))).await;
    let plain = scene.builder(&address, Transport::Plain);
    let failure = build(&plain, &scene.request(BASE), &Seen::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::BuilderUnavailable, "{failure}");
}

/// `SLIPWAY_TEST_DOCKER` names the socket of another engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_docker_engine_builds_or_is_refused_with_the_reason() {
    let scene = Scene::start();
    let socket = std::env::var("SLIPWAY_TEST_DOCKER").unwrap_or_else(|_| "/var/run/docker.sock".to_owned());
    let builder =
        BuildKit::of_docker(client(), socket.into(), builder_settings(scene.folder.path(), &scene.registry.address)).unwrap();
    match builder.version().await {
        Ok(told) => {
            assert!(told.contains("of Docker Engine "), "{told}");
            scene.builds(&builder).await;
            scene.c06_limits_each_step(&builder).await;
        }
        Err(failure) => {
            assert_eq!((failure.code, failure.kind), (Code::BuilderUnavailable, FailureKind::Permanent), "{failure}");
            let reasons = ["from which its BuildKit pushes none", "is too old"];
            assert!(reasons.iter().any(|reason| failure.message.contains(reason)), "{failure}");
            let refused = build(&builder, &scene.request(BASE), &Seen::default()).await.unwrap_err();
            assert_eq!(refused.message, failure.message, "a build is refused as the doctor tells");
        }
    }
}
