//! Plans that go by what earlier deployments did: rollback, stop, restart, delete.

use std::collections::BTreeMap;

use slipway_core::deployed::DeployedService;
use slipway_core::deployment::{Outcome, RunState, StepState};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Name, Service};
use slipway_core::plan::{Action, BuildPlan, Plan, PlannedService, Released, Version};
use slipway_ports::DeploymentSummary;

use super::{Asked, check_names, leaving, plan_of, taking_part};
use crate::deployed::read;
use crate::engine::Shared;
use crate::error::EngineError;

/// So many deployments are listed at a time.
const PAGE: u32 = 50;

/// What is deployed, with its configuration as it was released; in the stages of today.
pub(super) fn of_deployed(asked: &Asked<'_>, deployed: &BTreeMap<Name, DeployedService>) -> Result<Plan, EngineError> {
    let (environment, request) = (asked.environment, asked.request);
    let is_delete = asked.action == Action::Delete;
    let known = environment.services.iter().map(|service| &service.name);
    // What has left the environment and is still deployed can be deleted by its name.
    check_names(request, known.chain(deployed.keys().filter(|name| is_delete && environment.service(name).is_none())))?;
    // A delete spares no skipped service.
    let includes = |service: &Service| request.includes(service) || (is_delete && request.is_whole());
    let planned = taking_part(asked, includes)?.into_iter().map(|(stage, service)| {
        let deployed = deployed.get(&service.name);
        PlannedService {
            name: service.name.clone(),
            stage,
            version: deployed.map_or_else(|| not_deployed(&service.name), |deployed| deployed.planned.version.clone()),
            build: None,
            released: deployed.map(|deployed| deployed.released.clone()),
            leaves: None,
        }
    });
    let mut services: Vec<_> = planned.collect();
    if is_delete {
        let leaving = leaving(asked, deployed);
        services.extend(leaving.into_iter().filter(|service| request.is_whole() || request.selection(&service.name).is_some()));
        services.sort_by_key(|service| service.stage);
    }
    let mut plan = plan_of(asked, services);
    for service in &mut plan.environment.services {
        if let Some(deployed) = deployed.get(&service.name) {
            service.kind = deployed.service.kind.clone();
        }
    }
    Ok(plan)
}

fn not_deployed(name: &Name) -> Version {
    Version::Unresolved(Failure::permanent(Code::Internal, format!("`{name}` is not deployed")))
}

/// What an earlier deployment sealed: the same versions, images, configuration and stages.
pub(super) async fn rollback(shared: &Shared, asked: &Asked<'_>) -> Result<Plan, EngineError> {
    let summary = goal(shared, asked).await?;
    let earlier = read(&*shared.ports.store, asked.access, &summary).await?;
    let plan = earlier.plan();
    check_names(asked.request, plan.services.iter().map(|service| &service.name))?;
    let mut services = Vec::new();
    for (planned, run) in plan.services.iter().zip(earlier.services()) {
        let is_meant = asked.request.is_whole() || asked.request.selection(&planned.name).is_some();
        if !is_meant || planned.leaves.is_some() {
            continue;
        }
        let mut planned = planned.clone();
        if let Some(BuildPlan::Image(build)) = &mut planned.build {
            build.replaces = None;
        }
        planned.released = match &run.release {
            StepState::Succeeded { result, .. } => Some(Released { image: None, variables: result.variables.clone() }),
            _ => None,
        };
        services.push(planned);
    }
    let request = slipway_core::plan::Request { back_to: Some(summary.number), ..asked.request.clone() };
    Ok(Plan {
        action: Action::Rollback,
        request,
        environment: plan.environment.clone(),
        services,
        other_versions: BTreeMap::new(),
    })
}

/// The deployment to go back to: the one that was named, or the newest good one before the last that released anything.
async fn goal(shared: &Shared, asked: &Asked<'_>) -> Result<DeploymentSummary, EngineError> {
    let store = &*shared.ports.store;
    let (project, environment) = (&asked.environment.project, &asked.environment.name);
    let mut before = asked.request.back_to.map(|number| number + 1);
    let mut newest_is_passed = false;
    loop {
        let page = store.deployments(asked.access, project, environment, before, PAGE).await?;
        for summary in &page {
            if let Some(number) = asked.request.back_to {
                return named(summary, number);
            }
            let releases = Action::ALL.iter().any(|action| action.releases() && action.as_str() == summary.action);
            let succeeded = summary.state == RunState::Finished { outcome: Outcome::Succeeded, at: summary.accepted_at }.as_str();
            if !releases || summary.finished_at.is_none() {
                continue;
            }
            if newest_is_passed && succeeded {
                return Ok(summary.clone());
            }
            newest_is_passed = true;
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => before = Some(last.number),
            _ => break,
        }
    }
    Err(match asked.request.back_to {
        Some(number) => missing(number),
        None => EngineError::Refused(
            "there is no earlier deployment that succeeded; `slipway history` shows those that there are".to_owned(),
        ),
    })
}

/// The newest deployment up to a number, if it is that number and can be gone back to.
fn named(found: &DeploymentSummary, number: u64) -> Result<DeploymentSummary, EngineError> {
    if found.number != number {
        return Err(missing(number));
    }
    if !Action::ALL.iter().any(|action| action.releases() && action.as_str() == found.action) {
        let action = &found.action;
        return Err(EngineError::Refused(format!("deployment {number} is a {action}: it released nothing to go back to")));
    }
    Ok(found.clone())
}

fn missing(number: u64) -> EngineError {
    EngineError::NotFound(format!(
        "there is no deployment {number}, or not any more; `slipway history` shows those that there are"
    ))
}
