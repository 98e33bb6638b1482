//! From an environment to another one like it.

use crate::model::{Environment, EnvironmentMode, FromProject, Name, Service};

use super::checked::checked;
use super::refusal::{Lack, Refusal};
use super::stripped::stripped;
use super::takes;

/// What is to be different in a clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneRequest {
    /// Its name.
    pub name: Name,
    /// Its project; absent: the same.
    pub project: Option<Name>,
    /// Where it runs; absent: the same.
    pub target: Option<String>,
    /// What it is for; absent: the same.
    pub mode: Option<EnvironmentMode>,
    /// The services that it has; absent: all.
    pub services: Option<Vec<Name>>,
}

/// A clone of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloned {
    /// The environment to make.
    pub environment: Environment,
    /// In words, what does not go along.
    pub left_behind: Vec<String>,
}

/// Makes an environment after another one, in a project that gives its environments this.
///
/// It has the same pipeline, variables and declared secrets, and the chosen services as they are, but for host names of their own. A
/// clone for a pull request starts at no time and tells nobody; no clone makes previews of its own.
pub fn clone_environment(source: &Environment, request: &CloneRequest, gives: &FromProject) -> Result<Cloned, Refusal> {
    of_no_fork(source)?;
    let (chosen, others) = chosen(source, request.services.as_deref())?;
    let mut left_behind = Vec::new();
    let mut services = Vec::with_capacity(chosen.len());
    for service in chosen {
        let (service, told) = stripped(service);
        services.push(service);
        left_behind.extend(told);
    }
    let mode = request.mode.unwrap_or(source.mode);
    let is_preview = mode == EnvironmentMode::Preview;
    let environment = Environment {
        project: request.project.as_ref().unwrap_or(&source.project).clone(),
        name: request.name.clone(),
        mode,
        target: request.target.as_ref().or(source.target.as_ref()).cloned(),
        pipeline: source.pipeline.clone(),
        variables: source.variables.clone(),
        secrets: source.secrets.clone(),
        from_project: FromProject::default(),
        services,
        previews: None,
        preview: None,
        schedules: if is_preview { Vec::new() } else { source.schedules.clone() },
        notifications: if is_preview { Vec::new() } else { source.notifications.clone() },
    };
    let lacks = lacks(&environment, &others);
    if !lacks.is_empty() {
        return Err(Refusal::LacksServices { lacks });
    }
    Ok(Cloned { environment: checked(environment, gives)?, left_behind })
}

/// The services that go along and those that do not, each in file order.
fn chosen<'a>(source: &'a Environment, names: Option<&[Name]>) -> Result<(Vec<&'a Service>, Vec<&'a Service>), Refusal> {
    let Some(names) = names else { return Ok((source.services.iter().collect(), Vec::new())) };
    if let Some(unknown) = names.iter().find(|name| source.service(name).is_none()) {
        return Err(not_found(source, unknown));
    }
    Ok(source.services.iter().partition(|service| names.contains(&service.name)))
}

pub(super) fn not_found(environment: &Environment, service: &Name) -> Refusal {
    Refusal::ServiceNotFound {
        service: service.clone(),
        place: place(environment),
        known: environment.services.iter().map(|service| service.name.clone()).collect(),
    }
}

/// What a fork brings stays in its preview, which sees no secrets.
pub(super) fn of_no_fork(source: &Environment) -> Result<(), Refusal> {
    match &source.preview {
        Some(preview) if preview.fork.is_some() => Err(Refusal::OfFork { place: place(source), of: preview.of.clone() }),
        _ => Ok(()),
    }
}

/// An environment as a person names it.
pub(super) fn place(environment: &Environment) -> String {
    format!("{}/{}", environment.project, environment.name)
}

/// What takes from services that do not go along.
fn lacks(clone: &Environment, others: &[&Service]) -> Vec<Lack> {
    if others.is_empty() {
        return Vec::new();
    }
    let takes = takes::of_environment(clone).into_iter().chain(clone.services.iter().flat_map(takes::of_service));
    let lack = |take: takes::Take| {
        if clone.services.iter().any(|service| takes::defines(service, &take.name)) {
            return None;
        }
        let other = others.iter().find(|other| takes::defines(other, &take.name))?;
        Some(Lack { taker: take.taker, name: take.name, service: Some(other.name.clone()) })
    };
    takes.filter_map(lack).collect()
}
