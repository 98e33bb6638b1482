//! An environment sealed as a deployment of all of it would be, without asking git or a registry.

use std::collections::{BTreeMap, HashMap};

use crate::image_key::{ImageKey, KeyInputs};
use crate::model::{BuildSettings, Environment, FromProject, GitSource, JobEvent, Service};
use crate::plan::{Action, BuildPlan, Plan, PlannedBuild, PlannedService, Request, Version};

/// The services of a deployment of all that are not skipped, in execution order, each with the place of its stage.
pub(super) fn taking_part(environment: &Environment) -> Vec<(usize, &Service)> {
    let stages = environment.pipeline.stages.iter().enumerate();
    let order: HashMap<_, _> = stages.map(|(order, stage)| (&stage.name, order)).collect();
    let request = Request::default();
    let included = environment.services.iter().filter(|service| request.includes(service));
    let mut services: Vec<_> = included.filter_map(|service| Some((*order.get(&service.stage)?, service))).collect();
    services.sort_by_key(|(stage, _)| *stage);
    services
}

/// The plan of a deployment of these services.
pub(super) fn plan(environment: &Environment, services: Vec<PlannedService>) -> Plan {
    let (request, other_versions) = (Request::default(), BTreeMap::new());
    Plan { action: Action::Deploy, request, environment: frame(environment), services, other_versions }
}

/// Whether a deployment runs a service, and does not only keep it ready for another action.
pub(super) fn runs(service: &Service) -> bool {
    let runs = |events: &[JobEvent]| Action::Deploy.job_event().is_some_and(|event| events.contains(&event));
    service.kind.lifecycle().is_none_or(runs)
}

/// Of its environment a deployment reads the pipeline alone, so all that is large stays out. Nobody is there to approve.
fn frame(environment: &Environment) -> Environment {
    let mut pipeline = environment.pipeline.clone();
    for stage in &mut pipeline.stages {
        stage.approval_required = false;
    }
    Environment {
        project: environment.project.clone(),
        name: environment.name.clone(),
        mode: environment.mode,
        target: None,
        pipeline,
        variables: Vec::new(),
        secrets: Vec::new(),
        from_project: FromProject::default(),
        services: Vec::new(),
        previews: None,
        preview: None,
        schedules: Vec::new(),
        notifications: Vec::new(),
    }
}

/// A service of the plan.
pub(super) fn planned(service: &Service, stage: usize) -> PlannedService {
    let build = service.build().map(|(git, build)| BuildPlan::Image(stand_in(git, build)));
    // No decision of a pipeline looks at a version.
    let version = Version::Commit(String::new());
    PlannedService { name: service.name.clone(), stage, version, build, released: None, leaves: None }
}

/// A build under a key that stands in for the real one: equal for equal settings, and for no others.
fn stand_in(git: &GitSource, build: &BuildSettings) -> PlannedBuild {
    let settings = serde_json::to_string(&(git, build)).expect("texts, numbers, and maps with texts as keys become JSON");
    let args = BTreeMap::new();
    let inputs = KeyInputs { context_tree: &settings, dockerfile: "", target: None, platforms: &[], args: &args };
    PlannedBuild {
        key: ImageKey::of(&inputs),
        repository: String::new(),
        url: String::new(),
        commit: String::new(),
        root: String::new(),
        context_tree: String::new(),
        dockerfile: None,
        dockerfile_inline: None,
        target: None,
        args,
        secrets: Vec::new(),
        platforms: Vec::new(),
        cpu: build.cpu,
        memory: build.memory,
        timeout: build.timeout,
        replaces: None,
    }
}
