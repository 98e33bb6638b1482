//! A host of repositories: `git http-backend` behind HTTP on loopback, which remembers what it was asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::failure::Failure;
use slipway_git::{GitMirrors, GitSettings};
use slipway_ports::{CancellationToken, Export, Reader, Repositories, TreeQuery};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use crate::support::git;

/// The `Authorization` that a repository wants, by its name.
type Locks = Arc<Mutex<BTreeMap<String, String>>>;

/// A file that says that a repository is not served by version 2 of the protocol.
const OF_OLD: &str = ".git/of-old";

/// The folder of the repositories, what was asked for, and what is locked.
type Served = (PathBuf, Arc<Mutex<Vec<String>>>, Locks);

/// A host of repositories, each with a work tree, and a folder of mirrors that may read no `file://`.
pub(crate) struct Host {
    pub(crate) folder: TempDir,
    pub(crate) mirrors: GitMirrors,
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    locks: Locks,
    serving: tokio::task::JoinHandle<()>,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with(Router::new()).await
    }

    /// One that also answers what is not git.
    pub(crate) async fn with(other: Router) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirrors = GitMirrors::open(GitSettings::new(folder.path().join("mirrors"))).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let locks = Locks::default();
        let backend = Router::new().fallback(backend).with_state((folder.path().to_owned(), asked.clone(), locks.clone()));
        let router = other.fallback_service(backend);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { folder, mirrors, address, asked, locks, serving }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// A new repository.
    pub(crate) fn repository(&self, name: &str) -> Repository {
        git(self.folder.path(), &["init", "--quiet", "--initial-branch=main", "--", name]);
        Repository { work: self.folder.path().join(name) }
    }

    /// Serves a repository as hosts without version 2 of git's protocol do: only what a branch or tag reaches, unless its
    /// configuration says otherwise.
    pub(crate) fn speaks_as_of_old(&self, name: &str) {
        std::fs::write(self.folder.path().join(name).join(OF_OLD), "").unwrap();
    }

    /// How often a repository was fetched.
    pub(crate) fn fetches(&self, name: &str) -> usize {
        let wanted = format!("/{name}/info/refs");
        self.asked.lock().unwrap().iter().filter(|path| **path == wanted).count()
    }

    /// Lets only this user read a repository from now on.
    pub(crate) fn lock(&self, name: &str, user: &str, password: &str) {
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        self.locks.lock().unwrap().insert(name.to_owned(), basic);
    }

    /// Nothing answers any more.
    pub(crate) async fn vanish(&mut self) {
        self.serving.abort();
        let _aborted = (&mut self.serving).await;
    }

    pub(crate) async fn fetch(&self, name: &str) {
        self.mirrors.fetch(&self.url(name), &Reader::nobody(), &CancellationToken::new()).await.unwrap();
    }

    pub(crate) fn query(&self, name: &str, commit: &str, root: &str) -> TreeQuery {
        TreeQuery { url: self.url(name), commit: commit.to_owned(), root: root.to_owned(), dockerfile: None }
    }

    /// Exports into a new folder.
    pub(crate) async fn try_export(&self, query: &TreeQuery) -> Result<Export, Failure> {
        self.export_as(&Reader::nobody(), query).await
    }

    /// The same for somebody who may have a credential.
    pub(crate) async fn export_as(&self, reader: &Reader, query: &TreeQuery) -> Result<Export, Failure> {
        let into = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        self.mirrors.export(query, reader, &into, &CancellationToken::new()).await
    }

    /// The files of an exported context, by their paths.
    pub(crate) async fn export(&self, query: &TreeQuery) -> BTreeMap<String, String> {
        let export = self.try_export(query).await.unwrap();
        let mut files = BTreeMap::new();
        let mut pending = vec![export.context.clone()];
        while let Some(folder) = pending.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    pending.push(entry.path());
                } else {
                    let path = entry.path().strip_prefix(&export.context).unwrap().display().to_string();
                    files.insert(path, String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned());
                }
            }
        }
        files
    }
}

/// A repository with a work tree.
pub(crate) struct Repository {
    pub(crate) work: PathBuf,
}

impl Repository {
    pub(crate) fn write(&self, path: &str, content: &str) -> &Self {
        let path = self.work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Puts a commit of another repository at a path.
    pub(crate) fn link(&self, path: &str, commit: &str) -> &Self {
        std::fs::create_dir_all(self.work.join(path)).unwrap();
        git(&self.work, &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
        self
    }

    /// A commit that no branch reaches any more: the one before it takes its place.
    pub(crate) fn rewritten(&self, path: &str, content: &str) -> String {
        let commit = self.write(path, content).commit();
        git(&self.work, &["reset", "--quiet", "--hard", "HEAD~1"]);
        commit
    }

    pub(crate) fn commit(&self) -> String {
        git(&self.work, &["add", "--all", "--force", "."]);
        git(&self.work, &["commit", "--quiet", "--allow-empty", "--message", "change"]);
        git(&self.work, &["rev-parse", "HEAD"])
    }
}

/// One request, as the Common Gateway Interface has it.
async fn backend(State((root, asked, locks)): State<Served>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let name = head.uri.path().split('/').nth(1).unwrap_or_default();
    let wanted = locks.lock().unwrap().get(name).cloned();
    if wanted.is_some_and(|wanted| head.headers.get("authorization").is_none_or(|sent| sent.to_str().unwrap() != wanted)) {
        let refusal = Response::builder().status(401).header("www-authenticate", "Basic realm=\"git\"");
        return refusal.body(Body::empty()).unwrap();
    }
    asked.lock().unwrap().push(head.uri.path().to_owned());
    let body = to_bytes(body, 64 << 20).await.unwrap();
    let header = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let mut command = tokio::process::Command::new("git");
    command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
        .env("GIT_PROJECT_ROOT", Path::new(&root))
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", head.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", if root.join(name).join(OF_OLD).exists() { String::new() } else { header("git-protocol") });
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&body).await.unwrap();
    let output = child.wait_with_output().await.unwrap().stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(value[..3].parse::<u16>().unwrap()),
            _ => response.header(name, value),
        };
    }
    response.body(Body::from(output[end + 4..].to_vec())).unwrap()
}
