//! Git, builder, registry, Helm and cluster in memory.

mod cluster;
mod pace;
mod releases;
mod requests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use slipway_core::auto_deploy::Changed;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{GitRevision, ImageReference};
use slipway_core::names::sha256_hex;
use slipway_core::plan::ObjectRef;
use tokio::sync::watch;

pub use pace::Pace;

use crate::{
    Activity, BuildClaim, BuildRequest, BuildTurn, Builder, BuiltImage, CancellationToken, ChartNeeds, CommitState, Credential,
    Export, Freed, HostedRequest, ImageCollector, NeededImage, Presence, Progress, Reader, Registry, Repositories, RepositoryTag,
    Revision, RunningServices, SecretObject, SecretText, Tips, TreeFacts, TreeQuery,
};

/// A world that does at once what it is asked, unless a test says otherwise, and remembers it in a journal.
pub struct World {
    told: Mutex<Told>,
    journal: Mutex<Vec<String>>,
    /// What is held waits until it is let go; every change wakes the waiting.
    pub(super) changes: watch::Sender<u64>,
    building: AtomicUsize,
    most_building: AtomicUsize,
    surveys: AtomicUsize,
}

#[derive(Default)]
pub(super) struct Told {
    commits: HashMap<String, String>,
    tips: HashMap<String, Tips>,
    /// What differs between two commits.
    changed: HashMap<(String, String), Changed>,
    dockerfiles: HashMap<String, String>,
    texts: HashMap<String, String>,
    failures: HashMap<String, Vec<Failure>>,
    held: HashSet<String>,
    images: HashMap<String, String>,
    bases: Vec<ImageReference>,
    /// The deployment that made each revision of a release, from revision 1.
    revisions: HashMap<String, Vec<String>>,
    secrets: BTreeMap<String, SecretObject>,
    /// What stands for the content of the one object of each release.
    objects: BTreeMap<String, String>,
    needed: BTreeSet<NeededImage>,
    /// What each job wrote, unless it is forgotten.
    outputs: HashMap<String, Option<SecretText>>,
    pub(super) running: RunningServices,
    /// What charts need, by what stands for their archive.
    needs: HashMap<String, ChartNeeds>,
    /// What was fetched for the chart of each release.
    fetched: HashMap<String, Vec<String>>,
    pace: Option<Pace>,
    pub(super) requests: BTreeMap<u64, HostedRequest>,
    pub(super) writers: HashSet<String>,
    /// By their marks.
    pub(super) comments: BTreeMap<String, String>,
    pub(super) statuses: HashMap<String, Vec<(CommitState, String)>>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            told: Mutex::default(),
            journal: Mutex::default(),
            changes: watch::channel(0).0,
            building: AtomicUsize::new(0),
            most_building: AtomicUsize::new(0),
            surveys: AtomicUsize::new(0),
        }
    }
}

impl World {
    /// While this is held another server has the turn to build.
    pub const OTHERS_BUILD: &str = "builds of others";

    /// Leaves an image in the registry, as another server would.
    pub fn leave_image(&self, image: &RepositoryTag) {
        self.told().images.insert(image.to_string(), digest(&image.to_string()));
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head of every branch of a repository.
    pub fn commit(&self, url: &str, commit: &str) {
        self.told().commits.insert(url.to_owned(), commit.to_owned());
    }

    /// The branches of a repository; `main` alone, at its commit, unless it is told.
    pub fn branches(&self, url: &str, tips: Tips) {
        self.told().tips.insert(url.to_owned(), tips);
    }

    /// What differs between two commits; nobody knows unless it is told.
    pub fn changed(&self, from: &str, to: &str, changed: Changed) {
        self.told().changed.insert((from.to_owned(), to.to_owned()), changed);
    }

    /// The Dockerfile of a folder; `FROM scratch` unless it is told.
    pub fn dockerfile(&self, root: &str, text: &str) {
        self.told().dockerfiles.insert(root.to_owned(), text.to_owned());
    }

    /// The text of a file; empty unless it is told.
    pub fn text(&self, path: &str, text: &str) {
        self.told().texts.insert(path.to_owned(), text.to_owned());
    }

    /// A packed chart, by what stands for it (`place version`, or the name of a folder), needs these charts.
    pub fn chart_needs(&self, archive: &str, needs: ChartNeeds) {
        self.told().needs.insert(archive.to_owned(), needs);
    }

    /// What stands for the charts that were fetched for that of a release.
    pub fn fetched_for(&self, release: &str) -> Vec<String> {
        self.told().fetched.get(release).cloned().unwrap_or_default()
    }

    /// The base images of every image that is built.
    pub fn built_on(&self, bases: Vec<ImageReference>) {
        self.told().bases = bases;
    }

    /// A job writes this as its output.
    pub fn output(&self, job: &str, text: &str) {
        self.told().outputs.insert(job.to_owned(), Some(SecretText::new(text)));
    }

    /// The next time that `what` is done it fails with this. `what` is as the journal writes it.
    pub fn fail(&self, what: &str, failure: Failure) {
        self.told().failures.entry(what.to_owned()).or_default().push(failure);
        self.changes.send_modify(|count| *count += 1);
    }

    /// `what` does not end before it is let go, or canceled.
    pub fn hold(&self, what: &str) {
        self.told().held.insert(what.to_owned());
    }

    /// `what` may end.
    pub fn let_go(&self, what: &str) {
        self.told().held.remove(what);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Everything that was done so far, in the order of its beginning.
    pub fn journal(&self) -> Vec<String> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often `what` was begun.
    pub fn count(&self, what: &str) -> usize {
        self.journal().iter().filter(|entry| *entry == what).count()
    }

    /// Returns once `what` has begun.
    pub async fn begun(&self, what: &str) {
        self.begun_times(what, 1).await;
    }

    /// Returns once `what` has begun so many times.
    pub async fn begun_times(&self, what: &str, times: usize) {
        let mut changes = self.changes.subscribe();
        while self.count(what) < times {
            // The sender lives in this value, so the channel is open.
            let _ = changes.changed().await;
        }
    }

    /// The most builds that ever ran at a time.
    pub fn most_building(&self) -> usize {
        self.most_building.load(Ordering::SeqCst)
    }

    /// Somebody deletes a Secret.
    pub fn lose_secret(&self, name: &str) {
        self.told().secrets.remove(name);
    }

    /// How often somebody looked at the objects of releases.
    pub fn surveys(&self) -> usize {
        self.surveys.load(Ordering::SeqCst)
    }

    /// The Secrets that the cluster holds, by name.
    pub fn secrets(&self) -> BTreeMap<String, SecretObject> {
        self.told().secrets.clone()
    }

    /// Somebody edits the object of a release.
    pub fn edit(&self, release: &str) {
        self.told().objects.insert(release.to_owned(), "edited".to_owned());
    }

    /// Somebody deletes the object of a release.
    pub fn delete(&self, release: &str) {
        self.told().objects.remove(release);
    }

    /// The images that the last collection was told to leave.
    pub fn needed(&self) -> BTreeSet<NeededImage> {
        self.told().needed.clone()
    }

    pub(super) async fn act(&self, what: &str, cancel: &CancellationToken) -> Result<(), Failure> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_owned());
        let mut changes = self.changes.subscribe();
        self.changes.send_modify(|count| *count += 1);
        while self.told().held.contains(what) {
            tokio::select! {
                () = cancel.cancelled() => return Err(Failure::canceled(format!("{what} was canceled"))),
                _ = changes.changed() => {}
            }
        }
        self.fail_if_told(what)
    }

    /// The next failure that a test told of `what`.
    pub(super) fn fail_if_told(&self, what: &str) -> Result<(), Failure> {
        let mut told = self.told();
        match told.failures.get_mut(what).filter(|failures| !failures.is_empty()) {
            Some(failures) => Err(failures.remove(0)),
            None => Ok(()),
        }
    }

    pub(super) async fn act_now(&self, what: &str) -> Result<(), Failure> {
        self.act(what, &CancellationToken::new()).await
    }
}

/// How the journal writes a credential.
pub(super) fn as_whom(credential: Option<&Credential>) -> String {
    credential.map(|credential| format!(" as {}", credential.name)).unwrap_or_default()
}

/// The one object of a release in memory.
fn deployment_object(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn newest(made: &[String]) -> Revision {
    Revision(u32::try_from(made.len()).unwrap_or(u32::MAX))
}

fn digest(text: &str) -> String {
    format!("sha256:{}", sha256_hex(text.as_bytes()))
}

#[async_trait]
impl Repositories for World {
    async fn fetch(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<(), Failure> {
        self.act(&format!("fetch {url}{}", as_whom(reader.for_repository(url))), cancel).await
    }

    async fn resolve(&self, url: &str, _reader: &Reader, revision: &GitRevision) -> Result<String, Failure> {
        match revision {
            GitRevision::Commit(commit) => Ok(commit.clone()),
            GitRevision::Branch(_) | GitRevision::DefaultBranch | GitRevision::Named(_) => {
                let found = self.told().commits.get(url).cloned();
                let found =
                    found.or_else(|| self.pace().map(|_| sha256_hex(format!("{url} {revision:?}").as_bytes())[..40].to_owned()));
                found.ok_or_else(|| Failure::permanent(Code::RevisionNotFound, format!("{url} has no such branch")))
            }
        }
    }

    async fn facts(&self, query: &TreeQuery, _reader: &Reader) -> Result<TreeFacts, Failure> {
        self.act_now(&format!("facts {}", query.root)).await?;
        let dockerfile = self.told().dockerfiles.get(&query.root).cloned();
        Ok(TreeFacts {
            context_tree: sha256_hex(format!("{}{}{}", query.url, query.commit, query.root).as_bytes())[..40].to_owned(),
            dockerfile: dockerfile.unwrap_or_else(|| "FROM scratch\n".to_owned()),
            submodules: BTreeMap::new(),
        })
    }

    async fn export(
        &self,
        query: &TreeQuery,
        _reader: &Reader,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<Export, Failure> {
        self.act(&format!("export {}", query.root), cancel).await?;
        Ok(Export { context: into.to_owned(), dockerfile_folder: into.join(query.root.replace('/', "-")) })
    }

    async fn export_folder(
        &self,
        query: &TreeQuery,
        _reader: &Reader,
        _into: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.act(&format!("export {}", query.root), cancel).await
    }

    async fn text(&self, _url: &str, _commit: &str, path: &str, _reader: &Reader) -> Result<String, Failure> {
        self.act_now(&format!("read {path}")).await?;
        // A chart says that it needs no other, unless it is told.
        let default = if path.ends_with("/Chart.yaml") { "apiVersion: v2" } else { "" };
        Ok(self.told().texts.get(path).cloned().unwrap_or_else(|| default.to_owned()))
    }

    async fn tips(&self, url: &str, reader: &Reader, cancel: &CancellationToken) -> Result<Tips, Failure> {
        self.act(&format!("tips {url}{}", as_whom(reader.for_repository(url))), cancel).await?;
        let told = self.told();
        let main = |commit: &String| Tips {
            default_branch: Some("main".to_owned()),
            branches: BTreeMap::from([("main".to_owned(), commit.clone())]),
        };
        Ok(told.tips.get(url).cloned().or_else(|| told.commits.get(url).map(main)).unwrap_or_default())
    }

    async fn changed_paths(&self, url: &str, _reader: &Reader, from: &str, to: &str) -> Result<Changed, Failure> {
        self.act_now(&format!("compare {url} {from} {to}")).await?;
        let changed = self.told().changed.get(&(from.to_owned(), to.to_owned())).cloned();
        Ok(changed.unwrap_or_else(|| Changed::Unknown(format!("the commit `{from}` is not there"))))
    }
}

#[async_trait]
impl Builder for World {
    async fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, Failure> {
        let running = self.building.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_building.fetch_max(running, Ordering::SeqCst);
        let name = request.dockerfile_folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        progress.line(&format!("building {name}"));
        // As a careless step does.
        request.secrets.iter().for_each(|(id, value)| progress.line(&format!("{id} is {}", value.expose())));
        let done = match self.act(&format!("build {name}"), cancel).await {
            Ok(()) => self.build_at_pace(&name, progress, cancel).await,
            Err(failure) => Err(failure),
        };
        self.building.fetch_sub(1, Ordering::SeqCst);
        done?;
        let digest = digest(&request.destination.to_string());
        self.told().images.insert(request.destination.to_string(), digest.clone());
        Ok(BuiltImage { digest })
    }

    async fn version(&self) -> Result<String, Failure> {
        Ok("in memory".to_owned())
    }
}

#[async_trait]
impl Registry for World {
    fn address(&self) -> &'static str {
        "registry.test:5000"
    }

    async fn presence(&self, image: &RepositoryTag) -> Result<Presence, Failure> {
        self.act_now("presence").await?;
        Ok(self.told().images.get(&image.to_string()).cloned().map_or(Presence::Absent, Presence::Present))
    }

    async fn resolve(&self, reference: &ImageReference, reader: &Reader) -> Result<String, Failure> {
        self.act_now(&format!("resolve {reference}{}", as_whom(reader.for_image(reference)))).await?;
        Ok(reference.digest().map_or_else(|| digest(&reference.to_string()), str::to_owned))
    }

    async fn bases(&self, image: &RepositoryTag) -> Result<Vec<ImageReference>, Failure> {
        self.act_now(&format!("bases {}", image.repository)).await?;
        Ok(self.told().bases.clone())
    }

    async fn claim_build(&self, _: &RepositoryTag) -> Result<BuildClaim, Failure> {
        if self.told().held.contains(Self::OTHERS_BUILD) {
            return Ok(BuildClaim::Theirs { told: "#7 compiling".to_owned() });
        }
        Ok(BuildClaim::Ours(BuildTurn::alone()))
    }

    async fn mirror(
        &self,
        source: &ImageReference,
        reader: &Reader,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<String, Failure> {
        progress.activity(Activity::Mirroring);
        self.act(&format!("mirror {}{}", source.path(), as_whom(reader.for_image(source))), cancel).await?;
        Ok(format!("mirror/{}/{}", source.host(), source.path()))
    }
}

#[async_trait]
impl ImageCollector for World {
    async fn collect(
        &self,
        needed: &BTreeSet<NeededImage>,
        unused: Duration,
        cancel: &CancellationToken,
    ) -> Result<Freed, Failure> {
        self.act(&format!("collect what is unused for {} s", unused.as_secs()), cancel).await?;
        let mut told = self.told();
        told.needed.clone_from(needed);
        let before = told.images.len();
        let is_needed = |image: &String| {
            needed.iter().any(|needed| matches!(needed, NeededImage::Tagged(tagged) if tagged.to_string() == *image))
        };
        told.images.retain(|image, _| is_needed(image));
        Ok(Freed { tags: before - told.images.len(), ..Freed::default() })
    }
}
