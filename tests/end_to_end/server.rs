//! A server of a test's own.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::kubeconfig;
use crate::process::{Said, command, eventually, repository, run};

/// A home, its ports, and the program.
pub(crate) struct Server {
    home: TempDir,
    api: u16,
    registry: u16,
    more: Vec<String>,
    program: PathBuf,
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn program() -> PathBuf {
    match std::env::var_os("SLIPWAY_TEST_PROGRAM") {
        Some(path) => path.into(),
        None => repository().join("target/debug/slipway"),
    }
}

/// The program with crash points, which kills itself where it is told to.
fn killable_program() -> PathBuf {
    match std::env::var_os("SLIPWAY_TEST_CRASH_PROGRAM") {
        Some(path) => path.into(),
        None => repository().join("target/debug/slipway-crash-points"),
    }
}

/// The program without a server.
pub(crate) fn slipway_alone<'a>(home: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    command_of(&program(), home, arguments)
}

fn command_of<'a>(program: &Path, home: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = command(program, arguments);
    command.env("SLIPWAY_HOME", home).env_remove("KUBECONFIG").env_remove("SLIPWAY_ENVIRONMENT").stdin(Stdio::null());
    command
}

impl Server {
    /// A server that is up, with the base images in its registry.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with further options of `slipway up`.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        Self::start_program(program(), more)
    }

    /// A server that kills itself where it is told to.
    pub(crate) fn start_killable() -> Self {
        Self::start_program(killable_program(), &[])
    }

    /// A server that builds into the registry at a port, which is another program's; its user `slipway` may write.
    pub(crate) fn start_in(registry: u16, password_file: &str, more: &[&str]) -> Self {
        let server = Self::up_with(program(), registry, more);
        server.push(password_file, &[]);
        server
    }

    fn start_program(program: PathBuf, more: &[&str]) -> Self {
        let server = Self::up_with(program, free_port(), more);
        server.push_images(&[]);
        server
    }

    fn up_with(program: PathBuf, registry: u16, more: &[&str]) -> Self {
        let home = tempfile::Builder::new().prefix("slipway-").tempdir().expect("a temporary folder");
        let more = more.iter().map(|option| (*option).to_owned()).collect();
        let server = Self { home, api: free_port(), registry, more, program };
        server.up();
        server
    }

    /// Pushes images of `dev/images` into the registry's mirror; of none, those that it makes without being asked.
    pub(crate) fn push_images(&self, images: &[&str]) {
        self.push(&self.home.path().join("registry-password").display().to_string(), images);
    }

    fn push(&self, password_file: &str, images: &[&str]) {
        let push = repository().join("dev/images/push");
        let hub = format!("127.0.0.1:{}/hub", self.registry);
        let arguments = [hub.as_str(), "--user", "slipway", "--password-file", password_file];
        run(&mut command(push, arguments.iter().chain(images))).expect_code(0);
    }

    /// `slipway up`, also after a kill.
    pub(crate) fn up(&self) {
        self.try_up(&[]).expect_code(0);
    }

    /// The same with something more in the server's environment, where it may end at once.
    pub(crate) fn try_up(&self, environment: &[(&str, &str)]) -> Said {
        let listen = self.address();
        let registry = format!("127.0.0.1:{}", self.registry);
        let mirror = format!("docker.io=http://{registry}/hub");
        let kubeconfig = kubeconfig().display().to_string();
        let mut arguments = vec!["up", "--listen", &listen, "--registry-listen", &registry, "--registry-mirror", &mirror];
        arguments.extend(["--kubeconfig", &kubeconfig, "--request-percent", "5", "--allow-file-urls"]);
        arguments.extend(self.more.iter().map(String::as_str));
        run(self.command(arguments).envs(environment.iter().copied()))
    }

    pub(crate) fn slipway<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        run(&mut self.command(arguments))
    }

    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        command_of(&self.program, self.home.path(), arguments)
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// `host:port` of the API and of the page.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.api)
    }

    /// What a browser signs in with.
    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.home().join("token")).expect("the server has left its token").trim().to_owned()
    }

    /// `host:port` of the embedded registry.
    pub(crate) fn registry(&self) -> String {
        format!("127.0.0.1:{}", self.registry)
    }

    /// Writes an environment file into the home.
    pub(crate) fn file(&self, text: &str) -> String {
        let path = self.home.path().join("slipway.yaml");
        std::fs::write(&path, text).expect("the home can be written");
        path.display().to_string()
    }

    /// Sets a secret by standard input, as a person would.
    pub(crate) fn set_secret(&self, environment: &str, name: &str, value: &str) {
        self.feed(&["secret", "set", name, "--environment", environment], value);
    }

    /// Runs a command that reads something secret from its input, to its good end.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) {
        let mut command = self.command(arguments.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        child.stdin.take().expect("it reads").write_all(input.as_bytes()).expect("it reads all");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The newest deployment of an environment.
    pub(crate) fn deployment(&self, environment: &str) -> Value {
        let status = self.slipway(["status", environment, "--output", "json"]).expect_code(0).json();
        status["deployment"].clone()
    }

    /// The newest deployment of an environment, once it has this number and has ended well.
    pub(crate) fn succeeded(&self, environment: &str, number: u64) -> Value {
        eventually(&format!("#{number} of {environment} has ended"), Duration::from_secs(240), || {
            let deployment = self.deployment(environment);
            assert_ne!(deployment["state"], "failed", "{deployment:#}");
            (deployment["number"] == number && deployment["state"] == "succeeded").then_some(deployment)
        })
    }

    /// `kill -9` of the server, as it is recorded.
    pub(crate) fn kill(&self) {
        run(&mut command("kill", ["-9", &self.process()])).expect_code(0);
    }

    /// The id of the server's process, as it is recorded.
    fn process(&self) -> String {
        let record = std::fs::read_to_string(self.home.path().join("server.json")).expect("the server has left its record");
        let record: Value = serde_json::from_str(&record).expect("the record is JSON");
        record["pid"].as_u64().expect("the record has a pid").to_string()
    }

    /// The most memory that the server ever had, in MiB.
    pub(crate) fn most_memory(&self) -> usize {
        let path = format!("/proc/{}/status", self.process());
        let status = std::fs::read_to_string(path).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel counts memory");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number of kB") / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the server's last lines:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
        self.slipway(["down"]);
    }
}

/// One service of a deployment.
pub(crate) fn service<'a>(deployment: &'a Value, name: &str) -> &'a Value {
    let stages = deployment["stages"].as_array().expect("a deployment has stages");
    let mut services = stages.iter().flat_map(|stage| stage["services"].as_array().expect("a stage has services"));
    services.find(|service| service["name"] == name).unwrap_or_else(|| panic!("no service {name} in {deployment:#}"))
}

/// How the build of a service went, and why.
pub(crate) fn build<'a>(deployment: &'a Value, name: &str) -> (&'a str, &'a str) {
    let build = &service(deployment, name)["build"];
    (build["state"].as_str().unwrap_or_default(), build["reason"].as_str().unwrap_or_default())
}
