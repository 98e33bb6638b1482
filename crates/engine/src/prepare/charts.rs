//! The versions of charts: the chart and each of its files of values, resolved and pinned.

use slipway_core::failure::{Code, Failure};
use slipway_core::model::{ChartSource, GitRevision, GitSource, HelmService};
use slipway_core::plan::{PinnedChart, PinnedOrigin, Version};
use slipway_ports::Reader;

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
    let origin = match &helm.chart {
        ChartSource::Git(_) => PinnedOrigin::Commit(commits.remove(0)),
        ChartSource::Repository { .. } | ChartSource::Oci { .. } => {
            let message = format!("`{}` takes its chart from a registry, which is not supported yet", wanted.service.name);
            return Err(Failure::permanent(Code::NotSupported, message));
        }
    };
    Ok(Version::Chart(PinnedChart { origin, values_files: commits }))
}
