//! Versions: every branch and tag resolved and pinned.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::StreamExt;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::{GitRevision, ImageReference, Name, Service, ServiceKind};
use slipway_core::plan::Version;
use slipway_ports::{CancellationToken, Reader, Silent};

use super::charts;
use crate::engine::Shared;
use crate::readers;

/// How many repositories and registries are asked at a time.
const AT_A_TIME: usize = 7;

/// What asking for a version came to.
pub(super) type Resolution = Result<Version, Failure>;

/// A service, and the version that is wanted of it.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) service: &'a Service,
    pub(super) version: WantedVersion,
    /// Who reads it.
    pub(super) reader: Result<Reader, Failure>,
    /// The version of it that is deployed, if there is one.
    pub(super) deployed: Option<&'a Version>,
}

/// Which version is wanted.
#[derive(Debug, Clone)]
pub(super) enum WantedVersion {
    /// What its configuration says.
    Configured,
    /// The one that somebody named.
    Named(String),
    /// Exactly this.
    Pinned(Version),
}

/// What is wanted of a repository, likeliest first, and who asks.
pub(super) struct Asked<'a> {
    pub(super) url: &'a str,
    pub(super) reader: Reader,
    pub(super) revisions: Vec<GitRevision>,
}

/// The same repository is fetched once for each who asks.
pub(super) type Fetches = HashMap<(String, Option<String>), Result<(), Failure>>;

impl Asked<'_> {
    fn key(&self) -> (String, Option<String>) {
        (self.url.to_owned(), readers::identity(&self.reader, self.url))
    }
}

impl Wanted<'_> {
    /// What of its repository is wanted, if it is built and can be read.
    fn revisions(&self) -> Option<Asked<'_>> {
        let (git, _) = self.service.build()?;
        let reader = self.reader.as_ref().ok()?.clone();
        let revisions = match &self.version {
            WantedVersion::Configured => vec![git.revision.clone()],
            WantedVersion::Named(text) => named_revisions(text),
            WantedVersion::Pinned(Version::Commit(commit)) => vec![GitRevision::Commit(commit.clone())],
            WantedVersion::Pinned(Version::Image(_) | Version::Chart(_) | Version::Unresolved(_)) => return None,
        };
        Some(Asked { url: &git.url, reader, revisions })
    }

    /// All that is wanted of repositories.
    fn asked(&self) -> Vec<Asked<'_>> {
        match &self.service.kind {
            // What can not be read is told when the chart is resolved.
            ServiceKind::Helm(helm) => charts::asked(self, helm).into_iter().flatten().collect(),
            _ => self.revisions().into_iter().collect(),
        }
    }
}

/// What a version on the command line can mean, likeliest first.
pub(super) fn named_revisions(text: &str) -> Vec<GitRevision> {
    let is_commit = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit { vec![GitRevision::Commit(text.to_ascii_lowercase())] } else { vec![GitRevision::Named(text.to_owned())] }
}

/// The version of each service. What several services want of one repository is asked for once for each reader, so that all
/// of them get the same even when a push arrives meanwhile.
pub(super) async fn resolve_all(shared: &Shared, wanted: &[Wanted<'_>]) -> HashMap<Name, Resolution> {
    let fetched = fetch_all(shared, wanted).await;
    let fetched = &fetched;
    let mut alike: Vec<Vec<&Wanted<'_>>> = Vec::new();
    let mut places = HashMap::new();
    for wanted in wanted {
        let place = match wanted.revisions() {
            Some(asked) => *places.entry((asked.key(), asked.revisions)).or_insert(alike.len()),
            None => alike.len(),
        };
        match alike.get_mut(place) {
            Some(others) => others.push(wanted),
            None => alike.push(vec![wanted]),
        }
    }
    let resolutions = alike.into_iter().map(|alike| async move {
        let resolution = resolve(shared, fetched, alike[0]).await;
        let each = alike.into_iter().map(|wanted| (wanted.service.name.clone(), resolution.clone()));
        each.collect::<Vec<_>>()
    });
    let resolved = futures::stream::iter(resolutions.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
    resolved.into_iter().flatten().collect()
}

/// One fetch per repository and reader. A commit that the mirror holds already, and the reader may read, needs none.
async fn fetch_all(shared: &Shared, services: &[Wanted<'_>]) -> Fetches {
    let mut wanted: BTreeMap<(String, Option<String>), (Asked<'_>, HashSet<GitRevision>)> = BTreeMap::new();
    for asked in services.iter().flat_map(Wanted::asked) {
        let revisions = asked.revisions.clone();
        wanted.entry(asked.key()).or_insert_with(|| (asked, HashSet::new())).1.extend(revisions);
    }
    let fetches = wanted.into_iter().map(|(key, (Asked { url, reader, .. }, revisions))| async move {
        let reader = &reader;
        let repositories = &shared.ports.repositories;
        let mut needed = false;
        for revision in &revisions {
            needed |= !matches!(revision, GitRevision::Commit(_)) || repositories.resolve(url, reader, revision).await.is_err();
        }
        let never = CancellationToken::new();
        let fetch = || repositories.fetch(url, reader, &never);
        let done = if needed { shared.settings.retry.run(&Silent, &never, fetch).await } else { Ok(()) };
        (key, done)
    });
    // Collected first: a lazy iterator of borrowing closures makes the future of the caller not provably `Send`.
    futures::stream::iter(fetches.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await
}

async fn resolve(shared: &Shared, fetched: &Fetches, wanted: &Wanted<'_>) -> Resolution {
    if let ServiceKind::Helm(helm) = &wanted.service.kind {
        return charts::resolve(shared, fetched, wanted, helm).await;
    }
    let reader = wanted.reader.as_ref().map_err(Clone::clone)?;
    if let Some(asked) = wanted.revisions() {
        return commit(shared, fetched, &asked).await.map(Version::Commit);
    }
    match &wanted.version {
        WantedVersion::Pinned(Version::Unresolved(failure)) => return Err(failure.clone()),
        WantedVersion::Pinned(version) => return Ok(version.clone()),
        WantedVersion::Configured | WantedVersion::Named(_) => {}
    }
    let mut reference = configured_image(wanted.service)?;
    if let WantedVersion::Named(version) = &wanted.version {
        reference = reference
            .with_version(version)
            .map_err(|error| Failure::permanent(Code::ImageNotFound, format!("`{}@{version}`: {error}", wanted.service.name)))?;
    }
    image(shared, reader, reference, wanted.deployed).await
}

/// The commit that is wanted of a repository.
pub(super) async fn commit(shared: &Shared, fetched: &Fetches, asked: &Asked<'_>) -> Result<String, Failure> {
    let mut failure = match fetched.get(&asked.key()) {
        Some(Err(failure)) => Some(failure.clone()),
        Some(Ok(())) | None => None,
    };
    // A branch as it was once is not what was asked for. A commit that the mirror holds is, whatever became of the repository.
    let is_fetched = failure.is_none();
    let known = asked.revisions.iter().filter(|revision| is_fetched || matches!(revision, GitRevision::Commit(_)));
    for revision in known {
        match shared.ports.repositories.resolve(asked.url, &asked.reader, revision).await {
            Ok(commit) => return Ok(commit),
            Err(_) if !is_fetched => {}
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| Failure::permanent(Code::Internal, "no revision is wanted")))
}

/// An image pinned to its digest. Its registry is asked for one that is pinned already, too: whether this reader may have it.
async fn image(shared: &Shared, reader: &Reader, reference: ImageReference, deployed: Option<&Version>) -> Resolution {
    let never = CancellationToken::new();
    match shared.settings.retry.run(&Silent, &never, || shared.ports.registry.resolve(&reference, reader)).await {
        Ok(digest) => Ok(Version::Image(reference.with_digest(digest))),
        // The registry is away. What this environment runs already it may run again, from the mirroring registry.
        Err(failure) if failure.kind == FailureKind::Retry => match deployed {
            Some(Version::Image(before)) if is_same_image(&reference, before) => Ok(Version::Image(before.clone())),
            Some(Version::Image(_) | Version::Commit(_) | Version::Chart(_) | Version::Unresolved(_)) | None => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

/// Whether a pinned reference is to the image that is deployed. A tag says nothing of that.
fn is_same_image(reference: &ImageReference, deployed: &ImageReference) -> bool {
    reference.digest().is_some()
        && (reference.host(), reference.path(), reference.digest()) == (deployed.host(), deployed.path(), deployed.digest())
}

/// The image that a service that is not built has by its configuration.
pub(super) fn configured_image(service: &Service) -> Result<ImageReference, Failure> {
    match (service.image(), &service.kind) {
        (Some(image), _) => Ok(image.reference.clone()),
        (None, ServiceKind::Database(database)) => {
            let official = format!("{}:{}", database.database_type.official_image(), database.version);
            ImageReference::parse(&official).map_err(|error| Failure::permanent(Code::ImageNotFound, error.to_string()))
        }
        (None, _) => Err(Failure::permanent(Code::Internal, format!("`{}` brings no image", service.name))),
    }
}
