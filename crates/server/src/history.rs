//! The past of an environment: each deployment with the versions that it changed.

use std::collections::HashMap;

use slipway_core::deployment::Deployment;
use slipway_core::model::Name;
use slipway_core::plan::{PlannedService, Version};
use slipway_ports::DeploymentSummary;
use slipway_ports::api::{HistoryView, VersionChangeView};

use crate::views;

/// Deployments, newest first, compared each with those before it; the last `before` only serve for that.
pub(crate) fn compared(newest_first: &[(DeploymentSummary, Deployment)], before: usize) -> Vec<HistoryView> {
    let mut known: HashMap<&Name, &Version> = HashMap::new();
    let mut oldest_first = Vec::with_capacity(newest_first.len());
    for (summary, deployment) in newest_first.iter().rev() {
        let services = &deployment.plan().services;
        let changes = services.iter().filter_map(|service| change(service, known.get(&service.name).copied())).collect();
        oldest_first.push(view(summary, deployment, changes));
        known.extend(services.iter().map(|service| (&service.name, &service.version)));
    }
    oldest_first.drain(..before.min(newest_first.len()));
    oldest_first.reverse();
    oldest_first
}

fn change(service: &PlannedService, before: Option<&Version>) -> Option<VersionChangeView> {
    // A service that has left the environment has no version any more.
    if before == Some(&service.version) || service.leaves.is_some() {
        return None;
    }
    Some(VersionChangeView { service: service.name.to_string(), from: before.map(Version::short), to: service.version.short() })
}

fn view(summary: &DeploymentSummary, deployment: &Deployment, changes: Vec<VersionChangeView>) -> HistoryView {
    let trigger = deployment.trigger();
    HistoryView {
        head: views::head(summary),
        trigger: views::trigger_view(trigger),
        started_at: deployment.started_at().map(views::time),
        changes,
    }
}
