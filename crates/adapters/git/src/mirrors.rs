//! One bare mirror per repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use slipway_core::auto_deploy::Changed;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::GitRevision;
use slipway_ports::{Addresses, CancellationToken, Credential, Export, Reader, Repositories, Tips, TreeFacts, TreeQuery};

use crate::changes;
use crate::context::{Context, hex};
use crate::export::{export, export_folder};
use crate::idle::IdleReaders;
use crate::known::{FactsOf, Known};
use crate::lfs::{Cache, Client, Pointer, Server};
use crate::login;
use crate::objects::Objects;
use crate::program::{Ended, Program};
use crate::readers;
use crate::refusal;
use crate::revision::{self, DEFAULT_BRANCH, is_commit_id};
use crate::source_url::SourceUrl;
use crate::stale;
use crate::tips;

/// Mirrors in the making have names that begin so.
const UNFINISHED: &str = ".unfinished-";

/// The keys of hosts that were reached over SSH, beside the mirrors.
const KNOWN_HOSTS: &str = "known_hosts";

/// Below this a commit has a ref that was asked for by its id.
const COMMITS: &str = "refs/slipway/commits/";

/// What a fetch brings beside the default branch; refs that are gone go here too.
const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
const PRUNE: [&str; 1] = ["--prune"];

/// Where mirrors lie, and what they may read.
#[derive(Debug, Clone)]
pub struct GitSettings {
    /// The folder of the mirrors.
    pub folder: PathBuf,
    /// Whether `file://` URLs are read: only where every user may see every repository on the server's disk.
    pub file_urls: bool,
    /// The longest that a fetch may take.
    pub fetch_timeout: Duration,
    /// Most bytes of one file in Git LFS.
    pub largest_lfs_object: u64,
    /// Where a URL may lead.
    pub addresses: Addresses,
}

impl GitSettings {
    /// Mirrors in this folder, no `file://`, ten minutes for a fetch, 4 GiB for a file in LFS, from anywhere but metadata addresses.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            file_urls: false,
            fetch_timeout: Duration::from_secs(600),
            largest_lfs_object: 4 << 30,
            addresses: Addresses::default(),
        }
    }
}

/// Git repositories as bare mirrors, read by the `git` program.
#[derive(Debug)]
pub struct GitMirrors {
    settings: GitSettings,
    program: Program,
    known_hosts: PathBuf,
    fetches: Mutex<HashMap<String, Arc<Fetches>>>,
    /// Made when the first large file is wanted.
    lfs: OnceLock<Client>,
    idle: IdleReaders,
    known: Known,
}

/// The fetches of one repository: one at a time, and whoever waited for one that began after they asked shares it.
#[derive(Debug, Default)]
struct Fetches {
    begun: AtomicU64,
    /// What came of them; held by the one that runs.
    done: tokio::sync::Mutex<Done>,
    /// Held by who looks for a commit or for large files, and fetches what is missing, so that the next one finds it.
    looking: tokio::sync::Mutex<()>,
}

/// What the fetches of one repository came to. Who asked is told by the id of the credential.
#[derive(Debug, Default)]
struct Done {
    /// The number of the last fetch that succeeded.
    succeeded: HashMap<Option<String>, u64>,
    /// What the host has said since then of commits that it was asked for by their ids.
    commits: HashMap<(Option<String>, String), Result<bool, Failure>>,
}

/// A repository, and what it is asked with.
struct Asked<'a> {
    source: SourceUrl,
    credential: Option<&'a Credential>,
}

impl Asked<'_> {
    fn who(&self) -> Option<String> {
        self.credential.map(|credential| credential.id.clone())
    }
}

impl GitMirrors {
    /// Opens the folder of mirrors, makes it if need be, and clears what an interrupted server left.
    pub fn open(settings: GitSettings) -> std::io::Result<Self> {
        std::fs::create_dir_all(&settings.folder)?;
        for entry in std::fs::read_dir(&settings.folder)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == "lfs") {
                // As below: it is in nobody's way.
                if let Err(error) = Cache::clear_unfinished(&entry.path()) {
                    tracing::warn!(folder = %entry.path().display(), %error, "unfinished large files are left for the next start");
                }
            }
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                // The git of a server that was killed may still be writing there; that must not keep this one from starting.
                if let Err(error) = std::fs::remove_dir_all(entry.path()) {
                    tracing::warn!(folder = %entry.path().display(), %error, "an unfinished mirror is left for the next start");
                }
            }
        }
        let program = Program { file_is_allowed: settings.file_urls };
        Ok(Self {
            known_hosts: settings.folder.join(KNOWN_HOSTS),
            settings,
            program,
            fetches: Mutex::default(),
            lfs: OnceLock::new(),
            idle: IdleReaders::default(),
            known: Known::default(),
        })
    }

    /// The version of git, for `doctor`.
    pub async fn version(&self) -> Result<String, Failure> {
        let ended = self.program.ask(&self.settings.folder, ["version"], "tell its version").await?;
        Ok(ended.stdout.trim().trim_start_matches("git version ").to_owned())
    }

    fn mirror(&self, url: &str) -> PathBuf {
        self.settings.folder.join(format!("{}.git", hex(&Sha256::digest(url.as_bytes()))))
    }

    /// The mirror of a repository that the reader has fetched before.
    fn existing_mirror(&self, url: &str, reader: &Reader) -> Result<PathBuf, Failure> {
        let shown = self.source(url, reader)?.shown;
        let mirror = self.mirror(url);
        match readers::has_read(&mirror, reader.for_repository(url)) {
            Ok(true) => Ok(mirror),
            Ok(false) => Err(Failure::retry(
                Code::RepositoryUnreachable,
                format!("{shown} was never fetched by this server for this project"),
            )
            .with_hint("it is fetched on the next attempt")),
            Err(error) => Err(Failure::retry(Code::Internal, format!("the mirror of {shown} cannot be read: {error}"))),
        }
    }

    /// A repository as a reader asks for it.
    pub(crate) fn source(&self, url: &str, reader: &Reader) -> Result<SourceUrl, Failure> {
        Ok(SourceUrl::parse(url, self.settings.file_urls)?.with(reader.for_repository(url)))
    }

    /// Refuses a repository that this server may not be sent to.
    async fn judge(&self, source: &SourceUrl) -> Result<(), Failure> {
        self.settings.addresses.judge(&source.shown, &source.shown).await
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The keys of hosts that were reached over SSH.
    pub(crate) fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }

    pub(crate) fn largest_lfs_object(&self) -> u64 {
        self.settings.largest_lfs_object
    }

    /// Brings the large files of a repository that are not on disk.
    pub(crate) async fn ensure_objects(
        &self,
        url: &str,
        cache: &Cache,
        server: &Server<'_>,
        wanted: &[(&Pointer, &str)],
    ) -> Result<(), Failure> {
        let fetches = self.fetches_of(url);
        let _looking = fetches.looking.lock().await;
        let client = if let Some(client) = self.lfs.get() {
            client.clone()
        } else {
            let made = Client::new(self.settings.addresses.clone())?;
            self.lfs.get_or_init(|| made).clone()
        };
        cache.ensure(&client, server, wanted).await
    }

    /// The mirror of a submodule's repository, which is fetched unless it holds the commit and the reader has read it. A commit that
    /// no branch or tag reaches is asked for by its id.
    pub(crate) async fn with_commit(
        &self,
        url: &str,
        reader: &Reader,
        commit: &str,
        path: &str,
        cancel: &CancellationToken,
    ) -> Result<PathBuf, Failure> {
        let about = |failure: Failure| Failure { message: format!("the submodule `{path}`: {}", failure.message), ..failure };
        SourceUrl::parse(url, self.settings.file_urls).map_err(about)?;
        let mirror = self.mirror(url);
        let fetches = self.fetches_of(url);
        let _looking = tokio::select! {
            looking = fetches.looking.lock() => looking,
            () = cancel.cancelled() => return Err(Failure::canceled(format!("canceled before the submodule `{path}` was fetched"))),
        };
        let has_read = readers::has_read(&mirror, reader.for_repository(url)).map_err(|error| not_kept(&mirror, &error))?;
        if !has_read || !self.holds(&mirror, commit).await? {
            self.fetch(url, reader, cancel).await.map_err(about)?;
            if !self.holds(&mirror, commit).await? {
                // Whoever wants the commit tells what it means that it is nowhere.
                self.fetch_commit(url, reader, commit, cancel).await.map_err(about)?;
            }
        }
        Ok(mirror)
    }

    async fn holds(&self, mirror: &Path, commit: &str) -> Result<bool, Failure> {
        Ok(Objects::open(&self.program, mirror)?.tree_of(commit).await?.is_some())
    }

    /// Asks the host for a commit by its id, and tells whether it gave it; hosts may refuse that. A fetch comes first, and until the
    /// next one the host is asked for a commit once.
    async fn fetch_commit(&self, url: &str, reader: &Reader, commit: &str, cancel: &CancellationToken) -> Result<bool, Failure> {
        let asked = Asked { source: self.source(url, reader)?, credential: reader.for_repository(url) };
        let fetches = self.fetches_of(url);
        let mut done = tokio::select! {
            done = fetches.done.lock() => done,
            () = cancel.cancelled() => return Err(Failure::canceled(format!("canceled before {commit} was fetched"))),
        };
        if !done.succeeded.contains_key(&asked.who()) {
            return Ok(false);
        }
        let question = (asked.who(), commit.to_owned());
        if let Some(said) = done.commits.get(&question) {
            return said.clone();
        }
        let mirror = self.mirror(url);
        let said = self.fetch_commit_now(&asked, &mirror, commit, cancel).await;
        let let_in = said.as_ref().map(|_| ()).map_err(Clone::clone);
        readers::remember(&mirror, asked.credential, &let_in).map_err(|error| not_kept(&mirror, &error))?;
        if !cancel.is_cancelled() {
            done.commits.insert(question, said.clone());
        }
        said
    }

    async fn fetch_commit_now(
        &self,
        asked: &Asked<'_>,
        mirror: &Path,
        commit: &str,
        cancel: &CancellationToken,
    ) -> Result<bool, Failure> {
        // A ref keeps it; it is below no name that a revision is looked up by.
        let kept = format!("+{commit}:{COMMITS}{commit}");
        let ended = self.run_fetch(asked, mirror, &[], &[&kept], cancel).await?;
        if ended.success {
            return Ok(true);
        }
        if refusal::is_of_commit(&ended.stderr) {
            return Ok(false);
        }
        Err(refusal::of_fetch(&asked.source.shown, asked.credential, &ended.stderr))
    }

    /// Reads the facts of a commit, with a reader that was left if there is one. One that fails may be at fault itself.
    async fn read_facts(&self, mirror: &Path, query: &TreeQuery) -> Result<TreeFacts, Failure> {
        if let Some(objects) = self.idle.take(mirror)
            && let Ok(facts) = self.facts_with(objects, mirror, query).await
        {
            return Ok(facts);
        }
        self.facts_with(Objects::open(&self.program, mirror)?, mirror, query).await
    }

    async fn facts_with(&self, objects: Objects, mirror: &Path, query: &TreeQuery) -> Result<TreeFacts, Failure> {
        let mut context = Context::open_with(objects, mirror, query).await?;
        let facts = context.facts(&self.known).await?;
        self.idle.give_back(mirror, context.objects);
        Ok(facts)
    }

    /// The mirror, for a reader who has read the repository; a credential may have been set anew since the version was resolved.
    async fn readable_mirror(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<PathBuf, Failure> {
        if self.existing_mirror(url, reader).is_err() {
            self.fetch(url, reader, cancel).await?;
        }
        self.existing_mirror(url, reader)
    }

    fn fetches_of(&self, url: &str) -> Arc<Fetches> {
        let mut fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(fetches.entry(url.to_owned()).or_default())
    }

    async fn fetch_now(&self, asked: &Asked<'_>, mirror: &Path, cancel: &CancellationToken) -> Result<(), Failure> {
        let exists = mirror.try_exists().map_err(|error| not_kept(mirror, &error))?;
        if exists {
            let (folder, shown) = (mirror.to_owned(), mirror.to_owned());
            let cleared = tokio::task::spawn_blocking(move || stale::remove_locks(&folder)).await;
            cleared.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| not_kept(&shown, &error))?;
            return self.fetch_into(asked, mirror, cancel).await;
        }
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.settings.folder)
            .map_err(|error| not_kept(&self.settings.folder, &error))?;
        let arguments = ["init", "--quiet", "--bare", "--template="];
        let ended = self.program.ask(unfinished.path(), arguments, "make a mirror").await?;
        if !ended.success {
            return Err(refusal::of_mirror("make a mirror", &ended.stderr));
        }
        self.fetch_into(asked, unfinished.path(), cancel).await?;
        std::fs::rename(unfinished.path(), mirror).map_err(|error| not_kept(mirror, &error))?;
        self.known.forget();
        // It has its name: what is left to forget is the guard that would delete it.
        let _moved = unfinished.keep();
        Ok(())
    }

    async fn fetch_into(&self, asked: &Asked<'_>, mirror: &Path, cancel: &CancellationToken) -> Result<(), Failure> {
        let default = format!("+HEAD:{DEFAULT_BRANCH}");
        let mut ended = self.run_fetch(asked, mirror, &PRUNE, &[&EVERYTHING[..], &[&default]].concat(), cancel).await?;
        if !ended.success && ended.stderr.contains("find remote ref HEAD") {
            // An empty repository, or one whose HEAD names a branch that is not there.
            ended = self.run_fetch(asked, mirror, &PRUNE, &EVERYTHING, cancel).await?;
            if ended.success {
                ended = self.program.ask(mirror, ["update-ref", "-d", DEFAULT_BRANCH], "forget the default branch").await?;
            }
        }
        if ended.success { Ok(()) } else { Err(refusal::of_fetch(&asked.source.shown, asked.credential, &ended.stderr)) }
    }

    async fn run_fetch(
        &self,
        asked: &Asked<'_>,
        mirror: &Path,
        options: &[&str],
        refspecs: &[&str],
        cancel: &CancellationToken,
    ) -> Result<Ended, Failure> {
        let Asked { source, credential } = asked;
        self.judge(source).await?;
        let mut command = self.program.command(mirror);
        let _shown = login::show(&mut command, source, *credential, &self.known_hosts)?;
        command.args(["fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        command.args(options).args(["--", &source.shown]).args(refspecs);
        self.program.run(command, &format!("fetch {}", source.shown), self.settings.fetch_timeout, cancel).await
    }
}

#[async_trait]
impl Repositories for GitMirrors {
    async fn fetch(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<(), Failure> {
        let asked = Asked { source: self.source(url, reader)?, credential: reader.for_repository(url) };
        let fetches = self.fetches_of(url);
        let before = fetches.begun.load(Ordering::SeqCst);
        let mut done = tokio::select! {
            done = fetches.done.lock() => done,
            () = cancel.cancelled() => return Err(Failure::canceled(format!("canceled before {} was fetched", asked.source.shown))),
        };
        let who = asked.who();
        if done.succeeded.get(&who).is_some_and(|number| *number > before) {
            tracing::debug!(url = asked.source.shown, "shared a fetch that began after this one was asked for");
            return Ok(());
        }
        let number = fetches.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let mirror = self.mirror(url);
        let fetched = self.fetch_now(&asked, &mirror, cancel).await;
        readers::remember(&mirror, asked.credential, &fetched).map_err(|error| not_kept(&mirror, &error))?;
        fetched?;
        done.succeeded.insert(who, number);
        done.commits.clear();
        Ok(())
    }

    async fn resolve(&self, url: &str, reader: &Reader, revision: &GitRevision) -> Result<String, Failure> {
        let mirror = self.existing_mirror(url, reader)?;
        let shown = self.source(url, reader)?.shown;
        let resolved = revision::resolve(&self.program, &mirror, &shown, revision).await;
        match (revision, &resolved) {
            (GitRevision::Commit(commit), Err(failure)) if failure.code == Code::RevisionNotFound && is_commit_id(commit) => {
                let found = self.fetch_commit(url, reader, commit, &CancellationToken::new()).await?;
                if found { revision::resolve(&self.program, &mirror, &shown, revision).await } else { resolved }
            }
            _ => resolved,
        }
    }

    async fn facts(&self, query: &TreeQuery, reader: &Reader) -> Result<TreeFacts, Failure> {
        let mirror = self.existing_mirror(&query.url, reader)?;
        let of = FactsOf {
            mirror: mirror.clone(),
            commit: query.commit.clone(),
            root: query.root.clone(),
            dockerfile: query.dockerfile.clone(),
        };
        if let Some(facts) = self.known.facts(&of) {
            return Ok(facts);
        }
        let facts = self.read_facts(&mirror, query).await?;
        self.known.remember_facts(of, &facts);
        Ok(facts)
    }

    async fn export(
        &self,
        query: &TreeQuery,
        reader: &Reader,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<Export, Failure> {
        let mirror = self.readable_mirror(&query.url, reader, cancel).await?;
        let context = Context::open(&self.program, &mirror, query).await?;
        export(self, context, reader, into, cancel).await
    }

    async fn export_folder(
        &self,
        query: &TreeQuery,
        reader: &Reader,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let mirror = self.readable_mirror(&query.url, reader, cancel).await?;
        let context = Context::open(&self.program, &mirror, query).await?;
        export_folder(self, context, reader, into, cancel).await
    }

    async fn text(&self, url: &str, commit: &str, path: &str, reader: &Reader) -> Result<String, Failure> {
        let mirror = self.readable_mirror(url, reader, &CancellationToken::new()).await?;
        let query = TreeQuery { url: url.to_owned(), commit: commit.to_owned(), root: String::new(), dockerfile: None };
        let mut context = Context::open(&self.program, &mirror, &query).await?;
        context.text(path).await
    }

    async fn tips(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<Tips, Failure> {
        let (source, credential) = (self.source(url, reader)?, reader.for_repository(url));
        self.judge(&source).await?;
        // No mirror has to be there, and what one holds has no say.
        let mut command = self.program.command(&self.settings.folder);
        let _shown = login::show(&mut command, &source, credential, &self.known_hosts)?;
        tips::ask(&self.program, command, &source.shown, credential, cancel).await
    }

    async fn changed_paths(&self, url: &str, reader: &Reader, from: &str, to: &str) -> Result<Changed, Failure> {
        let mirror = self.existing_mirror(url, reader)?;
        changes::between(&self.program, &mirror, from, to).await
    }
}

fn not_kept(path: &Path, error: &std::io::Error) -> Failure {
    Failure::retry(Code::Internal, format!("the mirror {} cannot be written: {error}", path.display()))
        .with_hint("free space in the server's data folder, and check its owner")
}
