//! From a request to a sealed plan: who takes part, in which version, and what is built.
//!
//! What can not be resolved does not stop the others: it is sealed as the failure of that service.

mod build_key;
mod builds;
mod charts;
mod dependencies;
mod earlier;
mod versions;

use std::collections::{BTreeMap, HashMap};

use slipway_core::deployed::DeployedService;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{ChartSource, Environment, HelmService, JobRun, Name, Service, ServiceKind, StageName};
use slipway_core::plan::{Action, BuildPlan, Plan, PlannedService, Request, Version};
use slipway_ports::{Access, Presence, Reader, RepositoryTag, Target};

pub use self::build_key::{BuildKeyError, build_key};
use self::builds::builtins_of;
use self::versions::{Wanted, WantedVersion, resolve_all};
use crate::deployed::deployed;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::readers;
use crate::workload_variables::{Versions, facts};

/// What a plan is made from.
pub(crate) struct Asked<'a> {
    pub(crate) access: &'a Access,
    /// The environment as it is configured now.
    pub(crate) environment: &'a Environment,
    pub(crate) target: &'a Target,
    pub(crate) action: Action,
    pub(crate) request: &'a Request,
}

/// Seals what a deployment of an environment would do now.
pub(crate) async fn prepare(shared: &Shared, asked: &Asked<'_>) -> Result<Plan, EngineError> {
    let environment = asked.environment;
    let store = &*shared.ports.store;
    let deployed = deployed(store, asked.access, &environment.project, &environment.name).await?;
    let reader = readers::of_project(store, asked.access, &environment.project).await?;
    let mut plan = match asked.action {
        Action::Deploy => deploy(shared, asked, &reader, &deployed).await?,
        Action::Rollback => earlier::rollback(shared, asked).await?,
        Action::Stop | Action::Restart | Action::Delete => earlier::of_deployed(asked, &deployed)?,
    };
    let takes_part = |name: &Name| plan.services.iter().any(|service| service.name == *name);
    let others = deployed.iter().filter(|(name, _)| !takes_part(name) && plan.environment.service(name).is_some());
    plan.other_versions = others.map(|(name, service)| (name.clone(), service.planned.version.short())).collect();
    if asked.action == Action::Deploy {
        plan_builds(shared, asked, &reader, &mut plan).await;
    }
    Ok(plan)
}

/// The services of the environment that take part, by their stages in the order of execution.
fn taking_part<'a>(asked: &Asked<'a>, includes: impl Fn(&Service) -> bool) -> Result<Vec<(usize, &'a Service)>, EngineError> {
    let mut taking_part = Vec::new();
    for service in asked.environment.services.iter().filter(|service| includes(service)) {
        let stage = stage_of(asked, &service.stage).ok_or_else(|| {
            EngineError::Internal(format!("service `{}` is in the stage `{}`, which there is not", service.name, service.stage))
        })?;
        taking_part.push((stage, service));
    }
    taking_part.sort_by_key(|(stage, _)| *stage);
    Ok(taking_part)
}

/// The place of a stage in the order of execution.
fn stage_of(asked: &Asked<'_>, name: &StageName) -> Option<usize> {
    let stages = &asked.environment.pipeline.stages;
    let place = stages.iter().position(|stage| stage.name == *name)?;
    Some(if asked.action.is_reverse() { stages.len() - 1 - place } else { place })
}

/// Refuses a request that names what there is not.
fn check_names<'a>(request: &Request, known: impl Iterator<Item = &'a Name> + Clone) -> Result<(), EngineError> {
    let unknown = request.services.iter().filter(|selection| !known.clone().any(|name| *name == selection.name));
    let unknown: Vec<_> = unknown.map(|selection| format!("`{}`", selection.name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    Err(EngineError::NotFound(format!("there is no service {}; there are {}", unknown.join(", "), known.join(", "))))
}

async fn deploy(
    shared: &Shared,
    asked: &Asked<'_>,
    reader: &Reader,
    deployed: &BTreeMap<Name, DeployedService>,
) -> Result<Plan, EngineError> {
    let (environment, request) = (asked.environment, asked.request);
    check_names(request, environment.services.iter().map(|service| &service.name))?;
    let taking_part = taking_part(asked, |service| request.includes(service))?;
    let wanted: Vec<_> = taking_part
        .iter()
        .map(|(_, service)| {
            let deployed = deployed.get(&service.name);
            Wanted {
                service,
                version: wanted_version(request, service, deployed),
                reader: readers::for_service(reader, service),
                deployed: deployed.map(|deployed| &deployed.planned.version),
            }
        })
        .collect();
    let mut versions = resolve_all(shared, &wanted).await;
    let planned = taking_part.iter().map(|(stage, service)| PlannedService {
        name: service.name.clone(),
        stage: *stage,
        version: unwrap_version(&mut versions, &service.name),
        build: None,
        released: deployed.get(&service.name).filter(|before| may_be_unchanged(service, before)).map(|it| it.released.clone()),
        leaves: None,
    });
    let mut services: Vec<_> = planned.collect();
    if request.is_whole() {
        services.extend(leaving(asked, deployed));
        services.sort_by_key(|service| service.stage);
    }
    Ok(plan_of(asked, services))
}

fn plan_of(asked: &Asked<'_>, services: Vec<PlannedService>) -> Plan {
    Plan {
        action: asked.action,
        request: asked.request.clone(),
        environment: asked.environment.clone(),
        services,
        other_versions: BTreeMap::new(),
    }
}

fn unwrap_version(versions: &mut HashMap<Name, versions::Resolution>, name: &Name) -> Version {
    let missing = || Err(Failure::permanent(Code::Internal, format!("the version of `{name}` was not asked for")));
    versions.remove(name).unwrap_or_else(missing).unwrap_or_else(Version::Unresolved)
}

fn wanted_version(request: &Request, service: &Service, deployed: Option<&DeployedService>) -> WantedVersion {
    if let Some(named) = request.selection(&service.name).and_then(|selection| selection.version.clone()) {
        return WantedVersion::Named(named);
    }
    match deployed {
        Some(deployed) if request.current && same_source(service, &deployed.service) => {
            WantedVersion::Pinned(deployed.planned.version.clone())
        }
        _ => WantedVersion::Configured,
    }
}

/// Whether a deployed version means anything to the configuration of today: a commit is of its repository.
fn same_source(now: &Service, then: &Service) -> bool {
    match (now.build(), then.build()) {
        (Some((now, _)), Some((then, _))) => now.url == then.url,
        (None, None) => match (now.image(), then.image()) {
            (Some(now), Some(then)) => {
                (now.reference.host(), now.reference.path()) == (then.reference.host(), then.reference.path())
            }
            (None, None) => match (&now.kind, &then.kind) {
                (ServiceKind::Helm(now), ServiceKind::Helm(then)) => same_chart(now, then),
                _ => now.service_type() == then.service_type(),
            },
            _ => false,
        },
        _ => false,
    }
}

/// Whether a chart and its files of values come from where they came from.
fn same_chart(now: &HelmService, then: &HelmService) -> bool {
    let same_origin = match (&now.chart, &then.chart) {
        (ChartSource::Git(now), ChartSource::Git(then)) => now.url == then.url,
        (ChartSource::Repository { url, name, .. }, ChartSource::Repository { url: old_url, name: old_name, .. }) => {
            (url, name) == (old_url, old_name)
        }
        (ChartSource::Oci { reference, .. }, ChartSource::Oci { reference: old, .. }) => reference == old,
        _ => false,
    };
    let urls = |helm: &HelmService| helm.values_files.iter().map(|file| file.git.url.clone()).collect::<Vec<_>>();
    same_origin && urls(now) == urls(then)
}

/// Whether a service is a job that runs on a change alone, and its configuration has not changed.
fn may_be_unchanged(service: &Service, deployed: &DeployedService) -> bool {
    let on_change = matches!(&service.kind, ServiceKind::Job(job) if job.run == JobRun::OnChange);
    on_change && !deployed.has_failed && deployed.service.kind == service.kind
}

/// What is deployed and not in the environment any more: it is removed in the stage that it was in, or the last one.
fn leaving(asked: &Asked<'_>, deployed: &BTreeMap<Name, DeployedService>) -> Vec<PlannedService> {
    let last = if asked.action.is_reverse() { 0 } else { asked.environment.pipeline.stages.len().saturating_sub(1) };
    let gone = deployed.values().filter(|deployed| asked.environment.service(&deployed.service.name).is_none());
    let leaving = gone.map(|deployed| PlannedService {
        name: deployed.service.name.clone(),
        stage: stage_of(asked, &deployed.service.stage).unwrap_or(last),
        version: deployed.planned.version.clone(),
        build: None,
        released: Some(deployed.released.clone()),
        leaves: Some(deployed.service.service_type()),
    });
    leaving.collect()
}

/// Plans the builds, which may take the versions of all services as arguments.
async fn plan_builds(shared: &Shared, asked: &Asked<'_>, reader: &Reader, plan: &mut Plan) {
    let sealed = plan.services.clone();
    let versions = Versions { services: &sealed, others: &plan.other_versions };
    let builtins = builtins_of(asked.environment, facts(asked.environment, versions, asked.target, BTreeMap::new()));
    for planned in plan.services.iter_mut().filter(|planned| planned.leaves.is_none()) {
        let Some(service) = asked.environment.service(&planned.name) else { continue };
        let Some(source) = service.build() else { continue };
        let build = builds::plan_build(shared, reader, asked.environment, &builtins, service, source, &planned.version);
        let mut build = build.await.map_or_else(BuildPlan::Impossible, BuildPlan::Image);
        if asked.request.rebuild {
            build = rebuilt(shared, build).await;
        }
        planned.build = Some(build);
    }
}

/// The build done again, whatever the registry holds.
async fn rebuilt(shared: &Shared, build: BuildPlan) -> BuildPlan {
    let BuildPlan::Image(mut build) = build else { return build };
    let image = RepositoryTag { repository: build.repository.clone(), tag: build.key.to_string() };
    match shared.ports.registry.presence(&image).await {
        Ok(Presence::Present(digest)) => build.replaces = Some(digest),
        Ok(Presence::Absent) => {}
        Err(failure) => return BuildPlan::Impossible(failure),
    }
    BuildPlan::Image(build)
}
