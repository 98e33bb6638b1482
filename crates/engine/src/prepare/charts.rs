//! The versions of charts: the chart and each of its files of values, resolved and pinned.

use slipway_core::failure::Failure;
use slipway_core::model::{ChartSource, GitRevision, GitSource, HelmService};
use slipway_core::plan::{PinnedChart, PinnedOrigin, Version};
use slipway_ports::{CancellationToken, ChartPlace, ChartVersion, Reader, Silent};

use super::dependencies;
use super::versions::{Asked, Fetches, Resolution, Wanted, WantedVersion, commit, named_revisions};
use crate::engine::Shared;
use crate::readers;

/// What is wanted of repositories: of the chart's own if it is in git, then of that of each file of values.
pub(super) fn asked<'a>(wanted: &'a Wanted<'a>, helm: &'a HelmService) -> Vec<Result<Asked<'a>, Failure>> {
    let pinned = match &wanted.version {
        WantedVersion::Pinned(Version::Chart(pinned)) => Some(pinned),
        WantedVersion::Pinned(_) | WantedVersion::Configured | WantedVersion::Named(_) => None,
    };
    let mut asked = Vec::new();
    if let ChartSource::Git(git) = &helm.chart {
        let revisions = match (&wanted.version, pinned.map(|pinned| &pinned.origin)) {
            (_, Some(PinnedOrigin::Commit(commit))) => vec![GitRevision::Commit(commit.clone())],
            (WantedVersion::Named(text), _) => named_revisions(text),
            _ => vec![git.revision.clone()],
        };
        asked.push(ask(wanted, git, revisions));
    }
    for (index, file) in helm.values_files.iter().enumerate() {
        let kept = pinned.and_then(|pinned| pinned.values_files.get(index));
        let revision = kept.map_or_else(|| file.git.revision.clone(), |commit| GitRevision::Commit(commit.clone()));
        asked.push(ask(wanted, &file.git, vec![revision]));
    }
    asked
}

fn ask<'a>(wanted: &Wanted<'_>, git: &'a GitSource, revisions: Vec<GitRevision>) -> Result<Asked<'a>, Failure> {
    let project: &Reader = wanted.reader.as_ref().map_err(Clone::clone)?;
    Ok(Asked { url: &git.url, reader: readers::for_repository(project, &wanted.service.name, git)?, revisions })
}

/// The chart and its files of values, pinned.
pub(super) async fn resolve(shared: &Shared, fetched: &Fetches, wanted: &Wanted<'_>, helm: &HelmService) -> Resolution {
    if let WantedVersion::Pinned(Version::Unresolved(failure)) = &wanted.version {
        return Err(failure.clone());
    }
    let mut commits = Vec::new();
    for asked in asked(wanted, helm) {
        commits.push(commit(shared, fetched, &asked?).await?);
    }
    let origin = match ChartPlace::of(&helm.chart) {
        Some((place, configured)) => archive(shared, wanted, &helm.chart, (&place, configured)).await?,
        None => PinnedOrigin::Commit(commits.remove(0)),
    };
    let dependencies = match &wanted.version {
        WantedVersion::Pinned(Version::Chart(pinned)) => pinned.dependencies.clone(),
        WantedVersion::Pinned(_) | WantedVersion::Configured | WantedVersion::Named(_) => {
            dependencies::resolve(shared, wanted, &helm.chart, &origin).await?
        }
    };
    Ok(Version::Chart(PinnedChart { origin, values_files: commits, dependencies }))
}

/// A packed chart, pinned to its digest.
async fn archive(
    shared: &Shared,
    wanted: &Wanted<'_>,
    source: &ChartSource,
    (place, configured): (&ChartPlace, &str),
) -> Result<PinnedOrigin, Failure> {
    let version = match &wanted.version {
        WantedVersion::Pinned(Version::Chart(PinnedChart { origin: origin @ PinnedOrigin::Archive { .. }, .. })) => {
            return Ok(origin.clone());
        }
        WantedVersion::Named(version) => version,
        WantedVersion::Pinned(_) | WantedVersion::Configured => configured,
    };
    let project: &Reader = wanted.reader.as_ref().map_err(Clone::clone)?;
    let reader = readers::for_chart(project, &wanted.service.name, source)?;
    let ask = || shared.ports.charts.resolve(place, version, &reader);
    let ChartVersion { version, digest } = shared.settings.retry.run(&Silent, &CancellationToken::new(), ask).await?;
    Ok(PinnedOrigin::Archive { version, digest })
}
