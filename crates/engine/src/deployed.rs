//! What of an environment is deployed, read off its stored deployments.

use std::collections::BTreeMap;

use slipway_core::deployed::{Deployed, DeployedService};
use slipway_core::deployment::Deployment;
use slipway_core::model::Name;
use slipway_ports::{Access, DeploymentSummary, Store};

use crate::error::EngineError;

/// So many deployments are listed at a time.
const PAGE: u32 = 50;

/// How often the deployments of an environment are read again because one was let go of meanwhile.
const MOST_READINGS: usize = 10;

/// The services that are deployed, by name.
pub(crate) async fn deployed(
    store: &dyn Store,
    access: &Access,
    project: &Name,
    environment: &Name,
) -> Result<BTreeMap<Name, DeployedService>, EngineError> {
    for _ in 1..MOST_READINGS {
        match read_all(store, access, project, environment).await {
            // Listed, and gone when it was to be read: retention let go of it, maybe for a newer one that was not listed yet.
            Err(EngineError::NotFound(_)) => {}
            deployed => return deployed,
        }
    }
    read_all(store, access, project, environment).await
}

async fn read_all(
    store: &dyn Store,
    access: &Access,
    project: &Name,
    environment: &Name,
) -> Result<BTreeMap<Name, DeployedService>, EngineError> {
    let mut deployed = Deployed::default();
    let mut before = None;
    loop {
        let page = store.deployments(access, project, environment, before, PAGE).await?;
        for summary in &page {
            deployed.read(summary.number, &read(store, access, summary).await?);
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => before = Some(last.number),
            _ => return Ok(deployed.services()),
        }
    }
}

/// A deployment, folded from its stored facts.
pub(crate) async fn read(store: &dyn Store, access: &Access, summary: &DeploymentSummary) -> Result<Deployment, EngineError> {
    let events = store.events(access, &summary.id, 0).await?;
    let deployment = Deployment::replay(events.into_iter().map(|recorded| recorded.event));
    deployment.map_err(|error| EngineError::Internal(format!("deployment {}: {error}", summary.id)))
}
