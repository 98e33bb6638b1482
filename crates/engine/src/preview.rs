//! What a deployment would do, and why (B7).

use std::collections::{BTreeSet, HashMap};

use futures::StreamExt;
use slipway_core::deployment::{Phase, SkipReason};
use slipway_core::failure::Failure;
use slipway_core::model::{Job, JobEvent, JobTrigger, Name, ServiceKind};
use slipway_core::plan::{Action, BuildPlan, Plan, PlannedBuild, PlannedService, Version};
use slipway_ports::{Access, Presence, RepositoryTag};

use crate::bases::{self, Base};
use crate::deployed::deployed;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::readers;

/// A plan, and what each of its steps would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The plan, as it would be sealed now.
    pub plan: Plan,
    /// Its steps, in execution order.
    pub steps: Vec<PreviewStep>,
}

/// One step of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewStep {
    /// The service.
    pub service: Name,
    /// Build or release.
    pub phase: Phase,
    /// What would be done.
    pub does: Does,
    /// The bases of the image that a skipped build leaves in place.
    pub bases: Vec<Base>,
}

/// What a step would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Build the image.
    Build {
        /// Why.
        reason: String,
    },
    /// Build nothing.
    SkipBuild {
        /// Why.
        reason: String,
    },
    /// Release.
    Release {
        /// Why.
        reason: String,
    },
    /// Scale to nothing.
    Stop {
        /// Why.
        reason: String,
    },
    /// Start the pods anew.
    Restart {
        /// Why.
        reason: String,
    },
    /// Remove the release.
    Remove {
        /// Why.
        reason: String,
    },
    /// Do nothing to what is released.
    SkipRelease {
        /// Why.
        reason: String,
    },
    /// End badly.
    Fail(Failure),
}

/// Looks up what the registry holds and what is deployed.
pub(crate) async fn preview(shared: &Shared, access: &Access, plan: Plan) -> Result<Preview, EngineError> {
    let environment = &plan.environment;
    let deployed = deployed(&*shared.ports.store, access, &environment.project, &environment.name).await?;
    let presences = presences(shared, &plan).await;
    let reader = readers::of_project(&*shared.ports.store, access, &environment.project).await?;
    let bases = bases::bases(shared, &reader, present(&plan, &presences)).await;
    let mut leaders = HashMap::new();
    let mut steps = Vec::new();
    for service in &plan.services {
        let before = deployed.get(&service.name).map(|deployed| &deployed.planned);
        let does = match &service.build {
            None => None,
            Some(BuildPlan::Impossible(failure)) => Some(Does::Fail(failure.clone())),
            Some(BuildPlan::Image(build)) => {
                let leader = leaders.entry(&build.key).or_insert(&service.name);
                Some(build_does(build, before, &presences[&service.name], leader, &service.name))
            }
        };
        let failed = matches!(does, Some(Does::Fail(_)));
        let bases = service.build.as_ref().and_then(tag).and_then(|image| bases.get(&image).cloned()).unwrap_or_default();
        steps.extend(does.map(|does| PreviewStep { service: service.name.clone(), phase: Phase::Build, does, bases }));
        if !failed {
            let does = act_does(&plan, service, before);
            steps.push(PreviewStep { service: service.name.clone(), phase: Phase::Release, does, bases: Vec::new() });
        }
    }
    Ok(Preview { plan, steps })
}

async fn presences(shared: &Shared, plan: &Plan) -> HashMap<Name, Result<Presence, Failure>> {
    let asks = plan.services.iter().filter_map(|service| {
        let image = service.build.as_ref().and_then(tag)?;
        Some(async move { (service.name.clone(), shared.ports.registry.presence(&image).await) })
    });
    futures::stream::iter(asks.collect::<Vec<_>>()).buffer_unordered(7).collect().await
}

/// The place of the image of a build that can be done.
fn tag(build: &BuildPlan) -> Option<RepositoryTag> {
    let (repository, key) = build.image()?;
    Some(RepositoryTag { repository: repository.to_owned(), tag: key.to_string() })
}

/// The images that are there and stay as they are.
fn present(plan: &Plan, presences: &HashMap<Name, Result<Presence, Failure>>) -> BTreeSet<RepositoryTag> {
    let stays = |service: &&PlannedService| match (&service.build, presences.get(&service.name)) {
        (Some(BuildPlan::Image(build)), Some(Ok(Presence::Present(digest)))) => build.replaces.as_ref() != Some(digest),
        _ => false,
    };
    plan.services.iter().filter(stays).filter_map(|service| tag(service.build.as_ref()?)).collect()
}

fn build_does(
    build: &PlannedBuild,
    before: Option<&PlannedService>,
    presence: &Result<Presence, Failure>,
    leader: &Name,
    service: &Name,
) -> Does {
    match presence {
        Err(failure) => Does::Fail(failure.clone()),
        Ok(Presence::Present(digest)) if build.replaces.as_ref() == Some(digest) => {
            Does::Build { reason: "a rebuild was asked for".to_owned() }
        }
        Ok(Presence::Present(_)) => Does::SkipBuild { reason: "image present".to_owned() },
        Ok(Presence::Absent) if leader != service => Does::SkipBuild { reason: format!("same image as {leader}") },
        Ok(Presence::Absent) => Does::Build { reason: build_reason(build, before) },
    }
}

/// What differs from the build that is deployed.
fn build_reason(build: &PlannedBuild, before: Option<&PlannedService>) -> String {
    let Some(BuildPlan::Image(last)) = before.and_then(|before| before.build.as_ref()) else {
        return "first build".to_owned();
    };
    if last.key == build.key {
        return "the registry does not hold the image any more".to_owned();
    }
    let mut changed = Vec::new();
    if last.context_tree != build.context_tree {
        changed.push("context changed".to_owned());
    }
    if last.target != build.target {
        changed.push("target changed".to_owned());
    }
    if last.platforms != build.platforms {
        changed.push("platforms changed".to_owned());
    }
    let names = last.args.keys().chain(build.args.keys()).collect::<std::collections::BTreeSet<_>>();
    changed.extend(
        names.into_iter().filter(|name| last.args.get(*name) != build.args.get(*name)).map(|name| format!("ARG {name} changed")),
    );
    if changed.is_empty() { "Dockerfile changed".to_owned() } else { changed.join(", ") }
}

fn act_does(plan: &Plan, service: &PlannedService, before: Option<&PlannedService>) -> Does {
    if service.leaves.is_some() {
        return Does::Remove { reason: "it is not in the environment any more".to_owned() };
    }
    let skip = |reason: SkipReason| Does::SkipRelease { reason: reason.to_string() };
    let kind = plan.environment.service(&service.name).map(|service| &service.kind);
    let lifecycle = match kind {
        Some(ServiceKind::Job(Job { trigger: JobTrigger::Lifecycle(events), .. })) => Some(events),
        _ => None,
    };
    let runs = |events: &Vec<JobEvent>| plan.action.job_event().is_some_and(|event| events.contains(&event));
    match plan.action {
        Action::Deploy | Action::Rollback => match lifecycle {
            Some(events) if !runs(events) || (plan.action == Action::Rollback && !plan.request.run_jobs) => {
                skip(SkipReason::NothingToRun)
            }
            _ => release_does(service, before),
        },
        Action::Delete => Does::Remove { reason: "its volumes too".to_owned() },
        Action::Stop | Action::Restart if service.released.is_none() => skip(SkipReason::NotDeployed),
        Action::Stop => match lifecycle {
            Some(events) if runs(events) => Does::Release { reason: "it runs on a stop".to_owned() },
            Some(_) => skip(SkipReason::NothingToRun),
            None => Does::Stop { reason: "its volumes stay".to_owned() },
        },
        Action::Restart if matches!(kind, Some(ServiceKind::Job(_))) => skip(SkipReason::NothingToRun),
        Action::Restart => Does::Restart { reason: "nothing is changed".to_owned() },
    }
}

fn release_does(service: &PlannedService, before: Option<&PlannedService>) -> Does {
    let reason = match (&service.version, before) {
        (Version::Unresolved(failure), _) => return Does::Fail(failure.clone()),
        (_, None) => "first release".to_owned(),
        (version, Some(before)) if *version == before.version => "same version; Helm compares the configuration".to_owned(),
        (version, Some(before)) => format!("version {} -> {}", before.version.short(), version.short()),
    };
    Does::Release { reason }
}
