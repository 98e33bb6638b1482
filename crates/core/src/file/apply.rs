//! Makes the wanted environment out of what is there and a file (C9, C10, C11).

use std::collections::HashMap;

use crate::model::{Environment, FromProject, Name, Pipeline, Service, ServiceKind, ServiceType, Stage, StageName};
use crate::variables::{earlier_jobs, output_prefix};

use super::changes;
use super::environment_file::{EnvironmentFile, FileService, FileStage, OutputReference};
use super::problem::Problem;

/// How a file is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Whether services that the file leaves out are removed.
    pub prune: bool,
}

/// What applying a file makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The environment as it is wanted now.
    pub environment: Environment,
    /// What is different from before, in words; empty when nothing is.
    pub changes: Vec<String>,
    /// The services that are there no more.
    pub removed: Vec<Name>,
}

/// Applies a file to an environment, or to nothing.
pub fn apply(existing: Option<&Environment>, file: &EnvironmentFile, options: ApplyOptions) -> Result<Applied, Vec<Problem>> {
    let stages = stages(existing, file);
    let mut problems = Vec::new();
    let old: HashMap<&Name, &Service> =
        existing.iter().flat_map(|environment| &environment.services).map(|service| (&service.name, service)).collect();
    let services: Vec<Service> = file
        .services
        .iter()
        .filter_map(|wanted| service(wanted, old.get(&wanted.name).copied(), &stages, &mut problems))
        .collect();
    let removed = left_out(existing, file);
    if !options.prune {
        problems.extend(removed.iter().map(|name| {
            let what =
                format!("the service `{name}` is in the environment and not in the file; add it, or remove it with `--prune`");
            file.services_location.problem(what)
        }));
    }
    let environment = environment(existing, file, stages, services);
    if problems.is_empty() {
        problems.extend(file.output_references.iter().filter_map(|output| not_written_before(&environment, output)));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let changes = changes::between(existing, &environment);
    Ok(Applied { environment, changes, removed })
}

/// The problem of an output that no job of an earlier stage can have written.
fn not_written_before(environment: &Environment, output: &OutputReference) -> Option<Problem> {
    let service = environment.service(&output.service)?;
    let is_of = |job: &Name| output.name.starts_with(&output_prefix(job));
    if earlier_jobs(environment, service).any(is_of) {
        return None;
    }
    let job = environment.services.iter().find(|other| is_of(&other.name))?;
    let (name, stage) = (&output.name, &job.stage);
    let what = format!(
        "`{name}` is written by the job `{}`, in the stage `{stage}`; expected the job in an earlier stage than `{}`, which is in `{}`",
        job.name, service.name, service.stage
    );
    Some(output.location.problem(what))
}

fn environment(
    existing: Option<&Environment>,
    file: &EnvironmentFile,
    stages: Vec<Stage>,
    services: Vec<Service>,
) -> Environment {
    Environment {
        project: file.project.clone(),
        name: file.name.clone(),
        mode: file.mode,
        target: file.target.clone(),
        pipeline: Pipeline {
            mode: file.pipeline_mode,
            on_failure: file.on_failure,
            max_parallel_builds: file.max_parallel_builds,
            max_parallel_deploys: file.max_parallel_deploys,
            stages,
        },
        variables: file.variables.clone(),
        secrets: file.secrets.clone(),
        from_project: FromProject::default(),
        services,
        previews: file.previews.clone(),
        // No file says it: what was made for a request stays so.
        preview: existing.and_then(|existing| existing.preview.clone()),
        schedules: file.schedules.clone(),
        notifications: file.notifications.clone(),
    }
}

/// The stages: the file's, else those that exist, else the default ones.
fn stages(existing: Option<&Environment>, file: &EnvironmentFile) -> Vec<Stage> {
    let Some(wanted) = &file.stages else {
        return existing.map_or_else(|| Pipeline::new_default().stages, |environment| environment.pipeline.stages.clone());
    };
    let given: Vec<ServiceType> = wanted.iter().filter_map(|stage| stage.default_for.flatten()).collect();
    let make = |stage: &FileStage| {
        // A role that the file gives to one stage is taken from the one that had it.
        let kept = || role_without_word(existing, &stage.name).filter(|role| !given.contains(role));
        Stage {
            name: stage.name.clone(),
            description: stage.description.clone(),
            default_for: stage.default_for.unwrap_or_else(kept),
            approval_required: stage.approval_required,
        }
    };
    wanted.iter().map(make).collect()
}

/// The role of a stage about whose role the file says nothing: in a new environment by its name; in one that exists what the stage
/// of this name has, and a stage that was not there has none, whatever its name (C10).
fn role_without_word(existing: Option<&Environment>, name: &StageName) -> Option<ServiceType> {
    match existing {
        Some(environment) => environment.stage(name).and_then(|stage| stage.default_for),
        None => ServiceType::of_default_stage(name),
    }
}

fn service(wanted: &FileService, old: Option<&Service>, stages: &[Stage], problems: &mut Vec<Problem>) -> Option<Service> {
    let exists = |name: &StageName| stages.iter().any(|stage| stage.name == *name);
    let stage = match (&wanted.stage, old) {
        (Some(stage), _) if exists(stage) => stage.clone(),
        (Some(stage), _) => {
            let known: Vec<_> = stages.iter().map(|stage| format!("`{}`", stage.name)).collect();
            let what = format!("there is no stage `{stage}`; expected one of {}", known.join(", "));
            problems.push(wanted.location.problem(what));
            return None;
        }
        (None, Some(old)) if exists(&old.stage) => old.stage.clone(),
        (None, Some(old)) => {
            let what = format!(
                "the service `{}` is in the stage `{}`, which `pipeline.stages` leaves out; say with `stage` where it goes",
                wanted.name, old.stage
            );
            problems.push(wanted.location.problem(what));
            return None;
        }
        (None, None) => stage_of_new(&wanted.kind, stages)?,
    };
    let skipped = wanted.skipped.unwrap_or_else(|| old.is_some_and(|old| old.skipped));
    Some(Service { name: wanted.name.clone(), stage, skipped, kind: wanted.kind.clone() })
}

/// The default stage of its type if there is one, else the last stage (C9, C10).
pub(crate) fn stage_of_new(kind: &ServiceKind, stages: &[Stage]) -> Option<StageName> {
    let service_type = kind.service_type();
    let default = stages.iter().find(|stage| stage.default_for == Some(service_type));
    default.or(stages.last()).map(|stage| stage.name.clone())
}

fn left_out(existing: Option<&Environment>, file: &EnvironmentFile) -> Vec<Name> {
    let services = existing.iter().flat_map(|environment| &environment.services);
    let in_file = |name: &Name| file.services.iter().any(|wanted| wanted.name == *name);
    services.map(|service| &service.name).filter(|name| !in_file(name)).cloned().collect()
}
