//! What is told of previews on the pages of their requests: a status of the commit, and one comment that is written anew.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use slipway_core::failure::{Failure, FailureKind};
use slipway_core::model::{Environment, Preview};
use slipway_core::preview::{Progress, Report, ReportState, ServiceLine, report};
use slipway_ports::{Access, CancellationToken, CommitState, CommitStatus, HostPlace, MarkedComment, StoredEnvironment};

use super::{Look, Place, place_of};
use crate::deployed;
use crate::engine::{Engine, Shared};
use crate::error::EngineError;
use crate::workload_variables::public_url;

/// As many previews are told of at a time.
const AT_A_TIME: usize = 4;
/// After so long what could not be told is told again.
const AGAIN: Duration = Duration::from_secs(60);
/// When nothing changes, nothing is told.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The longest that the end of a preview waits for its host.
const LONGEST_END: Duration = Duration::from_secs(10);

/// What was told last of each preview.
pub(super) type Told = HashMap<Place, Report>;

/// Why something was not told.
enum NotTold {
    /// It can not be read what there is to tell.
    Unread(EngineError),
    /// The host does not take it, now or at all.
    Refused(Failure),
}

impl From<EngineError> for NotTold {
    fn from(error: EngineError) -> Self {
        Self::Unread(error)
    }
}

impl From<Failure> for NotTold {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl Engine {
    /// Tells what is new of each preview, and says when to look at all of them again.
    pub(super) async fn tell_requests(&self, look: &Look, told: &mut Told, stop: &CancellationToken) -> Duration {
        let previews = match self.previews(look).await {
            Ok(previews) => previews,
            Err(error) => {
                tracing::warn!(%error, "previews can not be read; looking again");
                return AGAIN;
            }
        };
        if matches!(look, Look::All) {
            let is_there = |(project, name): &Place| {
                previews.iter().any(|stored| (&stored.environment.project, &stored.environment.name) == (project, name))
            };
            told.retain(|place, _| is_there(place));
        }
        let telling = previews.iter().map(|stored| {
            let place = (stored.environment.project.clone(), stored.environment.name.clone());
            let before = told.get(&place).cloned();
            async move { (place, self.tell_of(stored, before.as_ref(), stop).await) }
        });
        let mut telling = futures::stream::iter(telling.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME);
        let mut results = Vec::new();
        while let Some(result) = telling.next().await {
            results.push(result);
        }
        drop(telling);
        let mut pause = LONGEST_PAUSE;
        for ((project, name), result) in results {
            match result {
                Ok(Some(report)) => {
                    told.insert((project, name), report);
                }
                Ok(None) => {}
                Err(NotTold::Unread(error)) => {
                    tracing::warn!(%project, environment = %name, %error, "what there is to tell of a preview can not be read");
                    pause = AGAIN;
                }
                Err(NotTold::Refused(failure)) => {
                    tracing::warn!(%project, environment = %name, %failure, "the git host is not told of a preview; trying again");
                    pause = AGAIN;
                }
            }
        }
        pause
    }

    /// Tells what there is to tell of a preview, unless that is what was told before. Nothing when the project has no token for the host.
    async fn tell_of(
        &self,
        stored: &StoredEnvironment,
        before: Option<&Report>,
        stop: &CancellationToken,
    ) -> Result<Option<Report>, NotTold> {
        let environment = &stored.environment;
        let Some(preview) = &environment.preview else { return Ok(None) };
        let report = report_of(self.shared(), environment, preview, false).await?;
        if before == Some(&report) {
            return Ok(None);
        }
        let access = Access::owner("slipway");
        let place = place_of(self.shared(), &access, &environment.project, &preview.host, &preview.repository).await;
        let Some(place) = place.map_err(EngineError::from)? else { return Ok(None) };
        match self.send(&place, environment, preview, before, &report, stop).await {
            // Nothing that time alone would mend: who asks again and again is shut out. The next report is tried.
            Err(failure) if failure.kind == FailureKind::Permanent => {
                let (project, name) = (&environment.project, &environment.name);
                tracing::warn!(%project, environment = %name, %failure, "the git host is not told of a preview");
            }
            sent => sent?,
        }
        Ok(Some(report))
    }

    async fn send(
        &self,
        place: &HostPlace,
        environment: &Environment,
        preview: &Preview,
        before: Option<&Report>,
        report: &Report,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let requests = &self.shared().ports.requests;
        let status_before = before.and_then(|before| before.status.as_ref());
        if let Some(new) = report.status.as_ref().filter(|new| Some(*new) != status_before) {
            let state = match new.state {
                ReportState::Pending => CommitState::Pending,
                ReportState::Success => CommitState::Success,
                ReportState::Failure => CommitState::Failure,
            };
            let status = CommitStatus {
                state,
                context: format!("slipway/{}/{}", environment.project, preview.of),
                description: new.description.clone(),
                link: report.link.clone(),
            };
            requests.set_status(place, &new.commit, &status, stop).await?;
        }
        if before.map(|before| &before.comment) != Some(&report.comment) {
            let mark = format!("preview:{}/{}", environment.project, preview.of);
            let comment = MarkedComment { mark, text: report.comment.clone() };
            requests.put_comment(place, preview.number, &comment, stop).await?;
        }
        Ok(())
    }

    /// Tells that nothing is left of a preview. The host gets one chance: what is gone does not wait for it.
    pub(super) async fn tell_the_end(&self, stored: &StoredEnvironment) {
        let environment = &stored.environment;
        let Some(preview) = &environment.preview else { return };
        let stop = CancellationToken::new();
        let telling = async {
            let report = report_of(self.shared(), environment, preview, true).await?;
            let access = Access::owner("slipway");
            let place = place_of(self.shared(), &access, &environment.project, &preview.host, &preview.repository).await;
            if let Some(place) = place.map_err(EngineError::from)? {
                self.send(&place, environment, preview, None, &report, &stop).await?;
            }
            Ok::<_, NotTold>(())
        };
        match tokio::time::timeout(LONGEST_END, telling).await {
            Ok(Ok(())) => {}
            Ok(Err(NotTold::Unread(error))) => tracing::warn!(%error, "that a preview is gone is not told"),
            Ok(Err(NotTold::Refused(failure))) => tracing::warn!(%failure, "that a preview is gone is not told"),
            Err(_) => tracing::warn!("that a preview is gone is not told: the git host does not answer"),
        }
    }
}

/// What there is to tell.
async fn report_of(
    shared: &Shared,
    environment: &Environment,
    preview: &Preview,
    is_deleted: bool,
) -> Result<Report, EngineError> {
    let access = Access::owner("slipway");
    let (project, name) = (&environment.project, &environment.name);
    let store = &*shared.ports.store;
    let newest = store.deployments(&access, project, name, None, 1).await?.into_iter().next();
    let deployment = match &newest {
        Some(summary) => Some((deployed::read(store, &access, summary).await?, summary.number)),
        None => None,
    };
    let page = shared.settings.page.as_ref();
    let link = page.map(|page| match &newest {
        Some(summary) if !is_deleted => format!("{page}deployments/{}", summary.id),
        _ => page.clone(),
    });
    // Where the target is not known any more, nothing is reached.
    let urls = match shared.target(&access, environment.target.as_deref()).await {
        Ok(target) => {
            let services = environment.services.iter().filter(|service| !service.skipped);
            let lines = services.filter_map(|service| {
                Some(ServiceLine { service: service.name.clone(), url: public_url(environment, service, &target)? })
            });
            lines.collect()
        }
        Err(EngineError::Refused(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(report(&Progress {
        environment,
        preview,
        newest: deployment.as_ref().map(|(deployment, number)| (deployment, *number)),
        link: link.as_deref(),
        urls: &urls,
        is_deleted,
    }))
}
