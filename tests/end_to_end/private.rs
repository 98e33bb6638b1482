//! What is not for everybody: a private repository, and a registry of somebody else's that wants a password.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::cluster::{Cleared, kubectl, namespace};
use crate::git;
use crate::process::{command, eventually, run};
use crate::server::{Server, free_port, service};

/// Nothing that anybody reads may hold them.
const TOKEN: &str = "canary-token-5c1e";
pub(crate) const PASSWORD: &str = "canary-one";

/// Debian's registry, which only the user `slipway` may use. Its password is [`PASSWORD`].
pub(crate) struct Registry {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    process: Child,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, path) = (free_port(), |name: &str| folder.path().join(name));
        let write = |name: &str, text: &str| std::fs::write(path(name), text).expect("the folder can be written");
        write("htpasswd", "slipway:$2b$05$abcdefghijklmnopqrstuuyoPL3fagUSR007wit568EhDMy/5waLK\n");
        write("password", PASSWORD);
        std::fs::set_permissions(path("password"), std::fs::Permissions::from_mode(0o600)).expect("the file is ours");
        let configuration = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n\
             auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            path("storage").display(),
            path("htpasswd").display(),
        );
        write("configuration.yml", &configuration);
        let mut serve = command("docker-registry", ["serve".as_ref(), path("configuration.yml").as_os_str()]);
        let process = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("Debian's docker-registry is installed");
        eventually("the registry listens", Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { folder, port, process }
    }

    fn password_file(&self) -> String {
        self.folder.path().join("password").display().to_string()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A git host over HTTP that lets in who shows the token; behind it is `git http-backend`.
struct Host {
    port: u16,
}

impl Host {
    /// Serves the repositories in a folder until the test ends.
    fn serve(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let folder = folder.clone();
                std::thread::spawn(move || answer(stream, &folder));
            }
        });
        Self { port }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/shop", self.port)
    }
}

/// One request for each connection.
fn answer(mut stream: TcpStream, folder: &Path) -> Option<()> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let header = |name: &str| {
        let found = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
        found.map_or("", |line| &line[name.len() + 2..])
    };
    // `x-access-token:canary-token-5c1e`
    if header("authorization") != "Basic eC1hY2Nlc3MtdG9rZW46Y2FuYXJ5LXRva2VuLTVjMWU=" {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(refusal.as_bytes()).ok()?;
        return stream.shutdown(Shutdown::Write).ok();
    }
    let length: usize = header("content-length").parse().unwrap_or(0);
    while read.len() < end + 4 + length {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&buffer[..count]);
    }
    let mut line = head.lines().next()?.split(' ');
    let (method, target) = (line.next()?, line.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut backend = command("git", ["http-backend"]);
    backend
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", length.to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"));
    let mut backend = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    backend.stdin.take()?.write_all(&read[end + 4..]).ok()?;
    let said = backend.wait_with_output().ok()?.stdout;
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n").ok()?;
    stream.write_all(&said).ok()?;
    stream.shutdown(Shutdown::Write).ok()
}

fn file(project: &str, url: &str, revision: &str) -> String {
    format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: {project}\nname: test\nservices:\n  - name: api\n    application:\n      \
         git: {{url: \"{url}\", {revision}}}\n"
    )
}

/// Proves that a mirror and an image are shared only with a deployment whose own credential has read the repository.
#[test]
fn a_private_repository_is_deployed_with_a_credential_into_a_registry_of_somebody_else() {
    let (cleared, others) = (Cleared("private", "test"), Cleared("private-too", "test"));
    cleared.now();
    others.now();
    let repositories = tempfile::tempdir().expect("a temporary folder");
    git::git(repositories.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
    let work = repositories.path().join("shop");
    let dockerfile = "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\nCMD [\"sleep\", \"infinity\"]\n";
    git::commit(&work, &[("Dockerfile", dockerfile)]);
    let commit = run(command("git", ["rev-parse", "HEAD"]).current_dir(&work)).stdout.trim().to_owned();
    let (registry, host) = (Registry::start(), Host::serve(repositories.path()));
    let place = format!("http://127.0.0.1:{}/team/slipway", registry.port);
    let (user, password) = ("slipway", registry.password_file());
    let more = ["--registry", &place, "--registry-user", user, "--registry-password-file", &password];
    let server = Server::start_in(registry.port, &password, &more);

    let branch = server.file(&file("private", &host.url(), "branch: main"));
    server.slipway(["deploy", "--file", &branch]).expect_code(3);
    let refused = server.deployment("private/test");
    assert_eq!(service(&refused, "api")["build"]["failure"]["code"], "repository-unauthorized", "{refused:#}");

    let origin = format!("http://127.0.0.1:{}", host.port);
    let set = |project: &str, token: &str| {
        let mut set = server.command(["credential", "set", "robot", "--git", &origin, "--project", project]);
        let mut set = set.stdin(Stdio::piped()).spawn().expect("the program starts");
        let written = set.stdin.take().expect("it reads").write_all(token.as_bytes());
        assert!(written.is_ok() && set.wait().expect("it ends").success());
    };
    set("private", TOKEN);
    server.slipway(["deploy", "--file", &branch]).expect_code(0);
    let namespace = namespace("private", "test").expect("the environment has a namespace");
    let images = kubectl(["get", "pods", "--namespace", &namespace, "--output", "jsonpath={.items[*].spec.containers[*].image}"]);
    let expected = format!("127.0.0.1:{}/team/slipway/builds/", registry.port);
    assert!(images.stdout.starts_with(&expected), "{}", images.stdout);
    let again = server.slipway(["deploy", "--file", &branch, "--progress", "plain"]).expect_code(0);
    let built = server.deployment("private/test");
    assert_eq!(service(&built, "api")["build"]["state"], "skipped", "{built:#}");

    // Another project knows commit and URL, and the mirror and the image are there.
    let pinned = server.file(&file("private-too", &host.url(), &format!("commit: {commit}")));
    server.slipway(["deploy", "--file", &pinned]).expect_code(3);
    set("private-too", "canary-wrong");
    server.slipway(["deploy", "--file", &pinned]).expect_code(3);
    let refused = server.deployment("private-too/test");
    assert_eq!(service(&refused, "api")["build"]["failure"]["code"], "repository-unauthorized", "{refused:#}");
    set("private-too", TOKEN);
    server.slipway(["deploy", "--file", &pinned]).expect_code(0);

    let listed = server.slipway(["credential", "list", "--project", "private", "--output", "json"]).expect_code(0);
    let logs = server.slipway(["logs", "--environment", "private/test", "--build"]).expect_code(0);
    let log = std::fs::read_to_string(server.home().join("log")).expect("the server has a log");
    let database = std::fs::read(server.home().join("slipway.db")).expect("the server has a database");
    let database = String::from_utf8_lossy(&database);
    for text in [&listed.stdout, &logs.stdout, &again.stderr, &log, database.as_ref(), &refused.to_string()] {
        assert!(!text.contains("canary-"), "a password is shown: {}", &text[..text.len().min(2000)]);
    }
}
