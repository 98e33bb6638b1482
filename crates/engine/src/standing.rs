//! How it stands with the services of an environment, read off its deployments: what somebody wants up, and what not.

use std::collections::BTreeMap;

use slipway_core::auto_deploy::{Standing, Standings};
use slipway_core::model::Name;
use slipway_core::plan::{Action, PinnedOrigin, Version};
use slipway_ports::{Access, Store};

use crate::deployed;
use crate::error::EngineError;

/// So many deployments are listed at a time.
const PAGE: u32 = 20;

/// How it stands with services, and the commits that they were last deployed at.
#[derive(Default)]
pub(crate) struct Past {
    pub(crate) standings: Standings,
    pub(crate) commits: BTreeMap<Name, String>,
}

impl Past {
    /// Why a delivery leaves a service alone, if its standing says so.
    pub(crate) fn keeps_out(&self, service: &Name) -> Option<String> {
        match self.standings.of(service) {
            Standing::Asked => None,
            Standing::NeverAsked => Some(format!("`{service}` was never deployed; deploy it once")),
            Standing::Stopped => Some(format!("`{service}` is stopped; deploy it to have it follow again")),
            Standing::Paused => Some(format!("`{service}` was rolled back; deploy it to have it follow again")),
        }
    }
}

/// Reads the deployments of an environment, the newest first, as far as they tell of the services.
pub(crate) async fn past(
    store: &dyn Store,
    access: &Access,
    (project, name): (&Name, &Name),
    services: &[&Name],
) -> Result<Past, EngineError> {
    let mut past = Past::default();
    let mut before = None;
    loop {
        let page = store.deployments(access, project, name, before, PAGE).await?;
        for summary in &page {
            let deployment = deployed::read(store, access, summary).await?;
            for planned in deployment.plan().services.iter().filter(|_| deployment.plan().action == Action::Deploy) {
                if let Some(commit) = commit_of(&planned.version).filter(|_| !past.standings.is_certain(&planned.name)) {
                    past.commits.insert(planned.name.clone(), commit.to_owned());
                }
            }
            past.standings.read(&deployment);
        }
        let is_certain = services.iter().all(|service| past.standings.is_certain(service));
        match page.last() {
            Some(last) if page.len() == PAGE as usize && !is_certain => before = Some(last.number),
            _ => return Ok(past),
        }
    }
}

fn commit_of(version: &Version) -> Option<&str> {
    match version {
        Version::Commit(commit) => Some(commit),
        Version::Chart(chart) => match &chart.origin {
            PinnedOrigin::Commit(commit) => Some(commit),
            PinnedOrigin::Archive { .. } => None,
        },
        Version::Image(_) | Version::Unresolved(_) => None,
    }
}
