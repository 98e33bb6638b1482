//! Charts that a chart needs and does not hold, resolved as `helm dependency build` does, and pinned.

use slipway_core::failure::{Code, Failure};
use slipway_core::file::{is_on_loopback, path_in_repository};
use slipway_core::model::{ChartSource, GitSource};
use slipway_core::plan::{DependencyOrigin, PinnedDependency, PinnedOrigin};
use slipway_core::version_range::{VersionRange, newest};
use slipway_ports::{CancellationToken, ChartPlace, ChartVersion, NeededChart, Reader, Silent};

use super::versions::Wanted;
use crate::chart_folder;
use crate::engine::Shared;
use crate::readers;

/// More than any chart has.
const MOST: usize = 100;

/// Where a dependency that is a folder is looked for.
struct Beside<'a> {
    git: &'a GitSource,
    commit: &'a str,
    reader: Reader,
}

/// What a chart needs and does not hold, each in the version of its lock file, else in the newest of its range.
pub(super) async fn resolve(
    shared: &Shared,
    wanted: &Wanted<'_>,
    chart: &ChartSource,
    origin: &PinnedOrigin,
) -> Result<Vec<PinnedDependency>, Failure> {
    let (retry, never) = (&shared.settings.retry, CancellationToken::new());
    let reader: &Reader = wanted.reader.as_ref().map_err(Clone::clone)?;
    let own = readers::for_chart(reader, &wanted.service.name, chart)?;
    let (archive, beside) = match (ChartPlace::of(chart), chart, origin) {
        (None, ChartSource::Git(git), PinnedOrigin::Commit(commit)) => {
            let beside = Beside { git, commit, reader: own };
            if has_none(shared, &beside).await? {
                return Ok(Vec::new());
            }
            (beside.packed(shared, &git.root).await?, Some(beside))
        }
        (Some((place, _)), _, PinnedOrigin::Archive { version, digest }) => {
            let pinned = ChartVersion { version: version.clone(), digest: digest.clone() };
            let fetch = || shared.ports.charts.archive(&place, &pinned, &own, &never);
            (retry.run(&Silent, &never, fetch).await?, None)
        }
        _ => return Err(Failure::permanent(Code::Internal, format!("{origin:?} is pinned for another source"))),
    };
    let ask = || shared.ports.releases.chart_needs(&archive, beside.is_some());
    let needs = retry.run(&Silent, &never, ask).await?;
    if needs.missing.len() > MOST {
        return Err(invalid(format!("the chart needs more than {MOST} charts that are not in its charts/")));
    }
    let mut pinned: Vec<PinnedDependency> = Vec::with_capacity(needs.missing.len());
    for needed in &needs.missing {
        let dependency = async {
            may_be_asked(chart, &needed.repository)?;
            one(shared, reader, beside.as_ref(), needed).await
        };
        let dependency = dependency.await.map_err(|failure| Failure {
            message: format!("dependency `{}` of the chart: {}", needed.name.escape_debug(), failure.message),
            ..failure
        })?;
        // The same chart under two aliases is one.
        if !pinned.contains(&dependency) {
            pinned.push(dependency);
        }
    }
    Ok(pinned)
}

/// Whether the text of a chart says already that it needs no other, so that nothing has to be looked into.
async fn has_none(shared: &Shared, beside: &Beside<'_>) -> Result<bool, Failure> {
    let path = format!("{}/Chart.yaml", beside.git.root);
    match shared.ports.repositories.text(&beside.git.url, beside.commit, &path, &beside.reader).await {
        // The first version of the format names them in a file of their own.
        Ok(text) => Ok(text.lines().any(|line| line.trim_end() == "apiVersion: v2") && !text.contains("dependencies")),
        // A submodule may hold it.
        Err(failure) if failure.code == Code::ContextNotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Refuses an address of this machine that a chart from elsewhere names: only who deploys may have something asked here.
fn may_be_asked(chart: &ChartSource, repository: &str) -> Result<(), Failure> {
    let is_ours = match chart {
        ChartSource::Git(git) => git.url.starts_with("file://") || is_on_loopback(&git.url),
        ChartSource::Repository { url, .. } => is_on_loopback(url),
        ChartSource::Oci { reference, .. } => is_on_loopback(reference),
    };
    if is_ours || !is_on_loopback(repository) {
        return Ok(());
    }
    Err(invalid(format!("`{}` is on the server's own machine, and the chart comes from elsewhere", repository.escape_debug()))
        .with_hint("put it into charts/ beside Chart.yaml, or name a repository that is reached from everywhere"))
}

async fn one(
    shared: &Shared,
    reader: &Reader,
    beside: Option<&Beside<'_>>,
    needed: &NeededChart,
) -> Result<PinnedDependency, Failure> {
    let NeededChart { name, version, repository } = needed;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_name) {
        return Err(invalid("its name is none of a chart".to_owned()).with_hint("correct `dependencies` in Chart.yaml"));
    }
    if VersionRange::parse(version).is_none() {
        return Err(invalid(format!("`{}` is neither a version nor a range of versions", version.escape_debug()))
            .with_hint("expected such as `1.2.3` or `^1.2` in Chart.yaml"));
    }
    let (scheme, _) = repository.split_once("://").unwrap_or((repository, ""));
    match scheme {
        "file" => folder(shared, beside, needed).await,
        "https" | "http" | "oci" => {
            let place = ChartPlace::within(repository, name);
            let (retry, never) = (&shared.settings.retry, CancellationToken::new());
            let found = retry.run(&Silent, &never, || shared.ports.charts.resolve(&place, version, reader)).await?;
            let origin = DependencyOrigin::Archive { repository: repository.clone(), digest: found.digest };
            Ok(PinnedDependency { name: name.clone(), version: found.version, origin })
        }
        "" => Err(invalid("it is not in charts/, and Chart.yaml names no repository of it".to_owned())
            .with_hint("put it into charts/ beside Chart.yaml, or name its repository there")),
        _ if repository.starts_with('@') || repository.starts_with("alias:") => {
            let shown = repository.escape_debug();
            let message = format!("`{shown}` is a name that one person's Helm knows, and this server does not");
            Err(invalid(message)
                .with_hint("write the URL of the repository into Chart.yaml, or vendor the chart: `helm dependency build`"))
        }
        _ => Err(invalid(format!("`{}` is no repository", repository.escape_debug()))
            .with_hint("expected `https://…`, `oci://…`, or `file://…` of a folder of the same git repository")),
    }
}

/// A folder of the chart's own repository.
async fn folder(shared: &Shared, beside: Option<&Beside<'_>>, needed: &NeededChart) -> Result<PinnedDependency, Failure> {
    let shown = needed.repository.escape_debug();
    let Some(beside) = beside else {
        return Err(invalid(format!("`{shown}` is a folder beside the chart, and the chart is a packed one"))
            .with_hint("pack the chart with what `helm dependency build` writes"));
    };
    let path = needed.repository.strip_prefix("file://").unwrap_or_default();
    let root = (!path.starts_with('/')).then(|| path_in_repository(&format!("{}/{path}", beside.git.root))).flatten();
    let root = root.ok_or_else(|| {
        invalid(format!("`{shown}` leads out of the repository"))
            .with_hint("expected a path seen from the chart, such as `file://../common`")
    })?;
    let archive = beside.packed(shared, &root).await?;
    let (retry, never) = (&shared.settings.retry, CancellationToken::new());
    let needs = retry.run(&Silent, &never, || shared.ports.releases.chart_needs(&archive, true)).await?;
    if newest(&needed.version, [needs.version.as_str()]).is_none() {
        let (there, wanted) = (needs.version.escape_debug(), needed.version.escape_debug());
        return Err(invalid(format!("{root} has the version {there}, and `{wanted}` is wanted"))
            .with_hint("change the one in the dependency's Chart.yaml, or the other in the chart's"));
    }
    if let [first, ..] = needs.missing.as_slice() {
        let first = first.name.escape_debug();
        return Err(invalid(format!("{root} itself needs `{first}`, which is not in its charts/"))
            .with_hint(format!("run `helm dependency build {root}` and commit what it writes")));
    }
    Ok(PinnedDependency { name: needed.name.clone(), version: needs.version, origin: DependencyOrigin::Folder(root) })
}

impl Beside<'_> {
    async fn packed(&self, shared: &Shared, root: &str) -> Result<Vec<u8>, Failure> {
        let (retry, never) = (&shared.settings.retry, CancellationToken::new());
        let query = chart_folder::query(&self.git.url, self.commit, root);
        retry.run(&Silent, &never, || chart_folder::pack(shared, &query, &self.reader, &never)).await
    }
}

fn invalid(message: String) -> Failure {
    Failure::permanent(Code::ChartInvalid, message)
}
