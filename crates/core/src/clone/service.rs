//! From a service to one like it in another environment.

use std::collections::BTreeSet;

use crate::file::stage_of_new;
use crate::model::{Environment, FromProject, Name, Service, StageName, Variable, VariableName};

use super::checked::checked;
use super::environment::{not_found, of_no_fork, place};
use super::refusal::{Lack, Refusal};
use super::stripped::stripped;
use super::takes::{self, Take};

/// Variables that Slipway gives in every environment, and the one that names the Secret of a chart.
const ALWAYS: [&str; 3] = ["SLIPWAY_ENVIRONMENT_NAME", "SLIPWAY_PROJECT_NAME", "SLIPWAY_SECRET_NAME"];

/// Which service is cloned, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCloneRequest {
    /// The service.
    pub service: Name,
    /// Its name in the other environment; absent: the same.
    pub name: Option<Name>,
    /// Whether variables that it takes and that the other environment lacks are copied there.
    pub with_variables: bool,
}

/// A clone of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClonedService {
    /// The other environment, with the service.
    pub environment: Environment,
    /// The service.
    pub service: Service,
    /// The variables that went along into the other environment, in their order.
    pub variables: Vec<VariableName>,
    /// The secrets of the other environment that it takes, by itself or by a variable that went along.
    pub secrets: Vec<String>,
    /// In words, what does not go along.
    pub left_behind: Vec<String>,
}

/// Puts a service like one of `source` into another environment, whose project gives it `gives`; what the source's project gives is in
/// the source.
///
/// It goes to the stage of the same name, else where a new service of its type goes (C9, C10).
pub fn clone_service(
    source: &Environment,
    request: &ServiceCloneRequest,
    into: &Environment,
    gives: &FromProject,
) -> Result<ClonedService, Refusal> {
    of_no_fork(source)?;
    let original = source.service(&request.service).ok_or_else(|| not_found(source, &request.service))?;
    let name = request.name.as_ref().unwrap_or(&request.service);
    if into.service(name).is_some() {
        return Err(Refusal::ServiceExists { service: name.clone(), place: place(into) });
    }
    let (mut service, left_behind) = stripped(original);
    service.name = name.clone();
    service.stage = stage(&service, into);
    let mut environment = into.clone();
    environment.from_project = FromProject::default();
    environment.services.push(service.clone());
    let needs = Needs::of(source, &service, &environment, gives);
    if !needs.services.is_empty() {
        return Err(Refusal::LacksServices { lacks: needs.services });
    }
    if !needs.lacks.is_empty() && !request.with_variables {
        return Err(Refusal::LacksVariables { place: place(into), lacks: needs.lacks });
    }
    let variables: Vec<Variable> = declared(source).filter(|one| needs.variables.contains(&one.name)).cloned().collect();
    let secrets = own_secrets(&service, &variables, &mut environment, gives);
    let names = variables.iter().map(|variable| variable.name.clone()).collect();
    environment.variables.extend(variables);
    let environment = checked(environment, gives)?;
    Ok(ClonedService { environment, service, variables: names, secrets, left_behind })
}

fn stage(service: &Service, into: &Environment) -> StageName {
    let default = || stage_of_new(&service.kind, &into.pipeline.stages);
    match into.stage(&service.stage) {
        Some(stage) => stage.name.clone(),
        None => default().unwrap_or_else(|| service.stage.clone()),
    }
}

/// The variables of all services of an environment, the closest of each name once.
fn declared(environment: &Environment) -> impl Iterator<Item = &Variable> {
    let own = environment.variables.iter();
    let is_own = |variable: &&Variable| environment.variables.iter().any(|one| one.name == variable.name);
    own.chain(environment.from_project.variables.iter().filter(move |variable| !is_own(variable)))
}

/// Declares the secrets that are taken and that neither the environment nor its project has, and names those of the environment.
fn own_secrets(service: &Service, variables: &[Variable], into: &mut Environment, gives: &FromProject) -> Vec<String> {
    let mut taken = takes::secrets(service);
    for secret in takes::of_variables(variables) {
        if !taken.contains(secret) {
            taken.push(secret.clone());
        }
    }
    for secret in &taken {
        if !into.secrets.contains(secret) && !gives.secrets.contains(secret) {
            into.secrets.push(secret.clone());
        }
    }
    taken.retain(|secret| into.secrets.contains(secret));
    taken
}

/// What a service takes that the other environment lacks.
#[derive(Default)]
struct Needs {
    /// The variables of the source that would have to go along.
    variables: BTreeSet<VariableName>,
    /// The places that take them.
    lacks: Vec<Lack>,
    /// The places that take from services that are not there.
    services: Vec<Lack>,
}

impl Needs {
    /// `into` has the service already. A variable that goes along takes from others in turn.
    fn of(source: &Environment, service: &Service, into: &Environment, gives: &FromProject) -> Self {
        let mut needs = Self::default();
        let mut pending = takes::of_service(service);
        pending.reverse();
        while let Some(take) = pending.pop() {
            if is_there(&take, service, into, gives) || needs.variables.contains(&take.name) {
                continue;
            }
            if let Some(variable) = declared(source).find(|variable| variable.name == take.name) {
                pending.extend(takes::of_variable(variable, "the environment").into_iter().filter(|take| !take.is_override));
                needs.variables.insert(take.name.clone());
                needs.lacks.push(Lack { taker: take.taker, name: take.name, service: None });
            } else if let Some(other) = source.services.iter().find(|other| takes::defines(other, &take.name)) {
                needs.services.push(Lack { taker: take.taker, name: take.name, service: Some(other.name.clone()) });
            }
        }
        needs
    }
}

/// Whether the other environment has what is taken; of what nobody has, the check of the whole environment tells.
fn is_there(take: &Take, service: &Service, into: &Environment, gives: &FromProject) -> bool {
    let name = &take.name;
    let is_own = takes::own_variables(service).iter().any(|variable| variable.name == *name)
        || takes::visible_secrets(service).iter().any(|secret| secret == name.as_str());
    (is_own && !take.is_override)
        || ALWAYS.contains(&name.as_str())
        || into.variables.iter().chain(&gives.variables).any(|variable| variable.name == *name)
        || into.services.iter().any(|other| takes::defines(other, name))
}
