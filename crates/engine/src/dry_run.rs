//! What a deployment would do, and why (B7).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::StreamExt;
use slipway_core::deployed::DeployedService;
use slipway_core::deployment::{Phase, SkipReason};
use slipway_core::failure::Failure;
use slipway_core::model::{JobEvent, Name, Service, ServiceKind};
use slipway_core::plan::{
    Action, BuildElsewhere, BuildPlan, Plan, PlannedBuild, PlannedService, ReleasedImage, Version, shared_with, why_built,
};
use slipway_ports::{Access, Presence, RepositoryTag, Target};

use crate::bases::{self, Base};
use crate::builds_elsewhere::{OtherEnvironment, builds_elsewhere};
use crate::deployed::deployed;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::last_releases::{self, Difference, LastReleases};
use crate::workload_variables::{self, Versions};
use crate::{executor, readers};

/// A plan, and what each of its steps would do.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// The plan, as it would be sealed now.
    pub plan: Plan,
    /// Its steps, in execution order.
    pub steps: Vec<DryRunStep>,
}

/// One step of a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRunStep {
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
pub(crate) async fn dry_run(shared: &Shared, access: &Access, target: &Target, plan: Plan) -> Result<DryRun, EngineError> {
    let environment = &plan.environment;
    let deployed = deployed(&*shared.ports.store, access, &environment.project, &environment.name).await?;
    let presences = presences(shared, &plan).await;
    let reader = readers::of_project(&*shared.ports.store, access, &environment.project).await?;
    let bases = bases::bases(shared, &reader, present(&plan, &presences)).await;
    let differences = differences(shared, &plan, target, &deployed, &presences).await;
    let elsewhere = builds_elsewhere(&*shared.ports.store, access, &plan, &in_question(&plan, &deployed, &presences)).await?;
    let elsewhere: Vec<_> = elsewhere.iter().flat_map(OtherEnvironment::builds).collect();
    let mut leaders = HashMap::new();
    let mut steps = Vec::new();
    for service in &plan.services {
        let before = deployed.get(&service.name).map(|deployed| &deployed.planned);
        let does = match &service.build {
            None => None,
            Some(BuildPlan::Impossible(failure)) => Some(Does::Fail(failure.clone())),
            Some(BuildPlan::Image(build)) => {
                let leader = leaders.entry(&build.key).or_insert(&service.name);
                let other = (*leader != &service.name).then_some(*leader);
                Some(build_does(build, before.and_then(last_build), &elsewhere, &presences[&service.name], other))
            }
        };
        let failed = matches!(does, Some(Does::Fail(_)));
        let bases = service.build.as_ref().and_then(tag).and_then(|image| bases.get(&image).cloned()).unwrap_or_default();
        steps.extend(does.map(|does| DryRunStep { service: service.name.clone(), phase: Phase::Build, does, bases }));
        if !failed {
            let does = act_does(&plan, service, before, differences.get(&service.name));
            steps.push(DryRunStep { service: service.name.clone(), phase: Phase::Release, does, bases: Vec::new() });
        }
    }
    Ok(DryRun { plan, steps })
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

/// What a build does. `leader`: the service of this plan that builds its image.
fn build_does(
    build: &PlannedBuild,
    last: Option<&PlannedBuild>,
    elsewhere: &[BuildElsewhere<'_>],
    presence: &Result<Presence, Failure>,
    leader: Option<&Name>,
) -> Does {
    match presence {
        Err(failure) => Does::Fail(failure.clone()),
        Ok(Presence::Present(digest)) if build.replaces.as_ref() == Some(digest) => {
            Does::Build { reason: "a rebuild was asked for".to_owned() }
        }
        Ok(Presence::Present(_)) => {
            let shared = shared_with(build, elsewhere).filter(|_| last.is_none_or(|last| last.key != build.key));
            let with = shared.map_or(String::new(), |environment| format!(", built for {environment}"));
            Does::SkipBuild { reason: format!("image present{with}") }
        }
        Ok(Presence::Absent) => match leader {
            Some(leader) => Does::SkipBuild { reason: format!("same image as {leader}") },
            None => Does::Build { reason: why_built(build, last, elsewhere) },
        },
    }
}

/// The repositories of the builds of which others may say why they are done, or why not: whose image is not the one that was last
/// built here.
fn in_question<'a>(
    plan: &'a Plan,
    deployed: &BTreeMap<Name, DeployedService>,
    presences: &HashMap<Name, Result<Presence, Failure>>,
) -> BTreeSet<&'a str> {
    let builds = plan.services.iter().filter_map(|service| {
        let Some(BuildPlan::Image(build)) = &service.build else { return None };
        let last = deployed.get(&service.name).and_then(|deployed| last_build(&deployed.planned));
        let is_known = matches!(presences.get(&service.name), Some(Ok(_)));
        (is_known && last.is_none_or(|last| last.key != build.key)).then_some(build.repository.as_str())
    });
    builds.collect()
}

/// The build that was sealed with a release.
fn last_build(before: &PlannedService) -> Option<&PlannedBuild> {
    match &before.build {
        Some(BuildPlan::Image(build)) => Some(build),
        Some(BuildPlan::Impossible(_)) | None => None,
    }
}

fn act_does(plan: &Plan, service: &PlannedService, before: Option<&PlannedService>, difference: Option<&Difference>) -> Does {
    if service.leaves.is_some() {
        return Does::Remove { reason: "it is not in the environment any more".to_owned() };
    }
    let skip = |reason: SkipReason| Does::SkipRelease { reason: reason.to_string() };
    let kind = plan.environment.service(&service.name).map(|service| &service.kind);
    let lifecycle = kind.and_then(ServiceKind::lifecycle);
    let runs = |events: &[JobEvent]| plan.action.job_event().is_some_and(|event| events.contains(&event));
    match plan.action {
        Action::Deploy | Action::Rollback => match lifecycle {
            Some(events) if !runs(events) || (plan.action == Action::Rollback && !plan.request.run_jobs) => {
                skip(SkipReason::NothingToRun)
            }
            _ => release_does(service, before, difference),
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

fn release_does(service: &PlannedService, before: Option<&PlannedService>, difference: Option<&Difference>) -> Does {
    let reason = match (&service.version, before, difference) {
        (Version::Unresolved(failure), _, _) => return Does::Fail(failure.clone()),
        (_, _, Some(Difference::None)) => return Does::SkipRelease { reason: SkipReason::Unchanged.to_string() },
        (_, None, _) => "first release".to_owned(),
        (_, Some(_), Some(difference @ (Difference::Drift(_) | Difference::Unknown(_)))) => difference.to_string(),
        (version, Some(before), _) if *version != before.version => {
            format!("version {} -> {}", before.version.short(), version.short())
        }
        (_, Some(_), Some(Difference::Inputs)) => "configuration changed".to_owned(),
        (_, Some(_), _) => "same version; Helm compares the configuration".to_owned(),
    };
    Does::Release { reason }
}

/// What each service that a deploy keeps up has to do, as far as it can be told before anything is built or fetched.
async fn differences(
    shared: &Shared,
    plan: &Plan,
    target: &Target,
    deployed: &BTreeMap<Name, DeployedService>,
    presences: &HashMap<Name, Result<Presence, Failure>>,
) -> HashMap<Name, Difference> {
    let last = LastReleases::default();
    let mut differences = HashMap::new();
    for planned in plan.services.iter().filter(|_| plan.action == Action::Deploy) {
        let Some((service, deployed)) = plan.environment.service(&planned.name).zip(deployed.get(&planned.name)) else {
            continue;
        };
        if service.kind.lifecycle().is_some() || deployed.settled.is_none() {
            continue;
        }
        let difference = match image(planned, deployed, presences.get(&planned.name)) {
            Some(image) => with_image(shared, plan, target, &last, service, &image).await,
            // What a chart of the user's own is made from is known once it is fetched; what was done to its objects is known now.
            None if matches!(service.kind, ServiceKind::Helm(_)) && planned.version == deployed.planned.version => {
                last.drift(shared, plan, target, &planned.name).await.map(Difference::Drift)
            }
            None => None,
        };
        differences.extend(difference.map(|difference| (planned.name.clone(), difference)));
    }
    differences
}

/// What a service of which the image is known has to do; absent when its release will say what is wrong with it.
async fn with_image(
    shared: &Shared,
    plan: &Plan,
    target: &Target,
    last: &LastReleases,
    service: &Service,
    image: &ReleasedImage,
) -> Option<Difference> {
    let variables = workload_variables::secret_of(shared, &plan.environment, Versions::of(plan), target, &service.name);
    let variables = variables.await.ok()?.map(|secret| secret.reference());
    let request = executor::of_plan(shared, plan, target, service, image, variables.as_ref());
    let inputs = last_releases::inputs(shared, plan, target, &request).await.ok()?;
    Some(last.compare(shared, plan, target, &service.name, &inputs).await.difference)
}

/// The image that a release would use, if that is known already.
fn image(
    planned: &PlannedService,
    deployed: &DeployedService,
    presence: Option<&Result<Presence, Failure>>,
) -> Option<ReleasedImage> {
    match (&planned.build, presence, &planned.version) {
        (Some(BuildPlan::Image(build)), Some(Ok(Presence::Present(digest))), _) => {
            Some(ReleasedImage { repository: build.repository.clone(), digest: digest.clone() })
        }
        // Where it is mirrored to goes by its name, which is that of the image that is deployed, or the version has changed.
        (None, _, Version::Image(source)) => {
            deployed.released.image.clone().filter(|image| Some(image.digest.as_str()) == source.digest())
        }
        _ => None,
    }
}
