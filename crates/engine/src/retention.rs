//! Lets go of old deployments. It runs beside everything else: nothing waits for it, and what it misses goes the next time.

use std::sync::Arc;

use slipway_core::deployment::Deployment;
use slipway_core::history::{self, Past};
use slipway_core::model::Name;
use slipway_ports::{Access, DeploymentSummary};

use crate::engine::Shared;
use crate::error::EngineError;

/// Summaries that are read at once.
const PAGE: u32 = 100;

/// Lets go of what an environment does not need any more, soon.
pub(crate) fn trim_soon(shared: &Arc<Shared>, project: Name, environment: Name) {
    let shared = shared.clone();
    tokio::spawn(async move {
        match trim(&shared, &project, &environment).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(%project, %environment, count, "old deployments are removed"),
            Err(error) => tracing::warn!(%project, %environment, %error, "old deployments are not removed; trying again later"),
        }
    });
}

/// The same for every environment, after a start: the setting may be another one now.
pub(crate) async fn trim_all_soon(shared: &Arc<Shared>) -> Result<(), EngineError> {
    for stored in shared.ports.store.environments(&Access::owner("engine")).await? {
        trim_soon(shared, stored.environment.project, stored.environment.name);
    }
    Ok(())
}

async fn trim(shared: &Shared, project: &Name, environment: &Name) -> Result<u64, EngineError> {
    let summaries = summaries(shared, project, environment).await?;
    let finished = summaries.iter().filter(|summary| summary.finished_at.is_some()).count();
    let most = shared.settings.keep_deployments.get();
    if finished <= most {
        return Ok(0);
    }
    let mut all = Vec::with_capacity(summaries.len());
    for summary in &summaries {
        all.push(past(shared, summary).await?);
    }
    let kept = history::kept(&all, most);
    let gone: Vec<String> =
        summaries.into_iter().filter(|summary| !kept.contains(&summary.number)).map(|summary| summary.id).collect();
    if gone.is_empty() {
        return Ok(0);
    }
    Ok(shared.ports.store.remove_deployments(&gone).await?)
}

/// Every deployment of an environment, newest first.
pub(crate) async fn summaries(
    shared: &Shared,
    project: &Name,
    environment: &Name,
) -> Result<Vec<DeploymentSummary>, EngineError> {
    let access = Access::owner("engine");
    let mut all = Vec::new();
    loop {
        let before = all.last().map(|last: &DeploymentSummary| last.number);
        let page = shared.ports.store.deployments(&access, project, environment, before, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn past(shared: &Shared, summary: &DeploymentSummary) -> Result<Past, EngineError> {
    let events = shared.ports.store.events(&Access::owner("engine"), &summary.id, 0).await?;
    let deployment = Deployment::replay(events.into_iter().map(|recorded| recorded.event));
    Ok(Past::of(summary.number, &deployment.map_err(|error| EngineError::Internal(error.to_string()))?))
}
