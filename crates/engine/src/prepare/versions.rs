//! Versions: every branch and tag resolved and pinned.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::StreamExt;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{GitRevision, ImageReference, Name, Service, ServiceKind};
use slipway_core::plan::Version;
use slipway_ports::{CancellationToken, Silent};

use crate::engine::Shared;

/// How many repositories and registries are asked at a time.
const AT_A_TIME: usize = 7;

/// What asking for a version came to.
pub(super) type Resolution = Result<Version, Failure>;

/// A service, and the version that is wanted of it.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) service: &'a Service,
    pub(super) version: WantedVersion,
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

impl Wanted<'_> {
    /// What of its repository is wanted, if it is built.
    fn revisions(&self) -> Option<(&str, Vec<GitRevision>)> {
        let (git, _) = self.service.build()?;
        let revisions = match &self.version {
            WantedVersion::Configured => vec![git.revision.clone()],
            WantedVersion::Named(text) => named_revisions(text),
            WantedVersion::Pinned(Version::Commit(commit)) => vec![GitRevision::Commit(commit.clone())],
            WantedVersion::Pinned(Version::Image(_) | Version::Unresolved(_)) => return None,
        };
        Some((&git.url, revisions))
    }
}

/// What a version on the command line can mean, likeliest first.
fn named_revisions(text: &str) -> Vec<GitRevision> {
    let is_commit = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit { vec![GitRevision::Commit(text.to_ascii_lowercase())] } else { vec![GitRevision::Named(text.to_owned())] }
}

/// The version of each service. What several services want of one repository is asked for once, so that all of them get the same
/// even when a push arrives meanwhile.
pub(super) async fn resolve_all(shared: &Shared, wanted: &[Wanted<'_>]) -> HashMap<Name, Resolution> {
    let fetched = fetch_all(shared, wanted).await;
    let fetched = &fetched;
    let mut alike: Vec<Vec<&Wanted<'_>>> = Vec::new();
    let mut places: HashMap<(&str, Vec<GitRevision>), usize> = HashMap::new();
    for wanted in wanted {
        let place = wanted.revisions().map_or(alike.len(), |revisions| *places.entry(revisions).or_insert(alike.len()));
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

/// One fetch per repository. A commit that the mirror holds already needs none.
async fn fetch_all(shared: &Shared, services: &[Wanted<'_>]) -> HashMap<String, Result<(), Failure>> {
    let mut wanted: BTreeMap<&str, HashSet<GitRevision>> = BTreeMap::new();
    for (url, revisions) in services.iter().filter_map(Wanted::revisions) {
        wanted.entry(url).or_default().extend(revisions);
    }
    let fetches = wanted.into_iter().map(|(url, revisions)| async move {
        let repositories = &shared.ports.repositories;
        let mut needed = false;
        for revision in &revisions {
            needed |= !matches!(revision, GitRevision::Commit(_)) || repositories.resolve(url, revision).await.is_err();
        }
        let never = CancellationToken::new();
        let fetch = || repositories.fetch(url, &never);
        let done = if needed { shared.settings.retry.run(&Silent, &never, fetch).await } else { Ok(()) };
        (url.to_owned(), done)
    });
    // Collected first: a lazy iterator of borrowing closures makes the future of the caller not provably `Send`.
    futures::stream::iter(fetches.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await
}

async fn resolve(shared: &Shared, fetched: &HashMap<String, Result<(), Failure>>, wanted: &Wanted<'_>) -> Resolution {
    if let Some((url, revisions)) = wanted.revisions() {
        let mut failure = match fetched.get(url) {
            Some(Err(failure)) => Some(failure.clone()),
            Some(Ok(())) | None => None,
        };
        // A branch as it was once is not what was asked for. A commit that the mirror holds is, whatever became of the repository.
        let is_fetched = failure.is_none();
        let known = revisions.iter().filter(|revision| is_fetched || matches!(revision, GitRevision::Commit(_)));
        for revision in known {
            match shared.ports.repositories.resolve(url, revision).await {
                Ok(commit) => return Ok(Version::Commit(commit)),
                Err(_) if !is_fetched => {}
                Err(error) => failure = Some(error),
            }
        }
        return Err(failure.unwrap_or_else(|| Failure::permanent(Code::Internal, "no revision is wanted")));
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
    if reference.digest().is_some() {
        return Ok(Version::Image(reference));
    }
    let never = CancellationToken::new();
    let digest = shared.settings.retry.run(&Silent, &never, || shared.ports.registry.resolve(&reference)).await?;
    Ok(Version::Image(reference.with_digest(digest)))
}

/// The image that a service that is not built has by its configuration.
pub(super) fn configured_image(service: &Service) -> Result<ImageReference, Failure> {
    match (service.image(), &service.kind) {
        (Some(image), _) => Ok(image.reference.clone()),
        (None, ServiceKind::Database(database)) => {
            let official = format!("{}:{}", database.database_type.official_image(), database.version);
            ImageReference::parse(&official).map_err(|error| Failure::permanent(Code::ImageNotFound, error.to_string()))
        }
        (None, _) => Err(Failure::permanent(
            Code::NotSupported,
            format!("`{}` is a {} service, which is not supported yet", service.name, service.service_type()),
        )),
    }
}
