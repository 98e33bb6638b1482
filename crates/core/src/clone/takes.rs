//! What takes from variables by their names: other variables, mounted files, build arguments, the values of charts.

use std::collections::BTreeSet;

use crate::model::{Environment, Service, ServiceKind, Variable, VariableName, VariableValue};
use crate::variables::{builtin_names, output_prefix, references, references_in};

/// A place that takes a variable.
pub(super) struct Take {
    /// The place, in words.
    pub(super) taker: String,
    /// The variable.
    pub(super) name: VariableName,
    /// Whether it takes the one of a wider scope, since it stands in its place.
    pub(super) is_override: bool,
}

/// What the variables of an environment take.
pub(super) fn of_environment(environment: &Environment) -> Vec<Take> {
    environment.variables.iter().flat_map(|variable| of_variable(variable, "the environment")).collect()
}

/// What a service takes.
pub(super) fn of_service(service: &Service) -> Vec<Take> {
    let owner = format!("the service `{}`", service.name);
    let mut takes: Vec<Take> = own_variables(service).iter().flat_map(|variable| of_variable(variable, &owner)).collect();
    let mut add = |taker: String, names: Vec<VariableName>| {
        takes.extend(names.into_iter().map(|name| Take { taker: taker.clone(), name, is_override: false }));
    };
    for file in service.workload().iter().flat_map(|workload| &workload.files) {
        add(format!("the file `{}` of {owner}", file.mount), references(&file.content).collect());
    }
    if let Some((_, build)) = service.build() {
        for (argument, text) in &build.args {
            add(format!("the build argument `{argument}` of {owner}"), references(text).collect());
        }
    }
    if let ServiceKind::Helm(helm) = &service.kind {
        let names: BTreeSet<VariableName> = helm.set.values().chain([&helm.values]).flat_map(references_in).collect();
        add(format!("a value of {owner}"), names.into_iter().collect());
    }
    takes
}

/// What a variable takes.
pub(super) fn of_variable(variable: &Variable, owner: &str) -> Vec<Take> {
    let taker = || format!("the variable `{}` of {owner}", variable.name);
    let take = |name: VariableName| Take { taker: taker(), name, is_override: false };
    match &variable.value {
        VariableValue::Text(text) | VariableValue::File { content: text, .. } => references(text).map(take).collect(),
        VariableValue::Alias(other) => VariableName::new(other.as_str()).ok().map(take).into_iter().collect(),
        VariableValue::Override(text) => {
            let wider = Take { taker: taker(), name: variable.name.clone(), is_override: true };
            std::iter::once(wider).chain(references(text).map(take)).collect()
        }
        VariableValue::Secret(_) => Vec::new(),
    }
}

/// The variables of a service alone.
pub(super) fn own_variables(service: &Service) -> &[Variable] {
    match (&service.kind, service.workload()) {
        (ServiceKind::Helm(helm), _) => &helm.variables,
        (_, Some(workload)) => &workload.variables,
        (_, None) => &[],
    }
}

/// The secrets that a service sees as variables of the same name.
pub(super) fn visible_secrets(service: &Service) -> &[String] {
    match (&service.kind, service.workload()) {
        (ServiceKind::Helm(helm), _) => &helm.secrets,
        (_, Some(workload)) => &workload.secrets,
        (_, None) => &[],
    }
}

/// Every secret that a service takes, once, in its order.
pub(super) fn secrets(service: &Service) -> Vec<String> {
    let of_build = service.build().map_or(&[][..], |(_, build)| &build.secrets);
    let mut all: Vec<String> = Vec::new();
    for name in visible_secrets(service).iter().chain(of_build).chain(of_variables(own_variables(service))) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// The secrets that variables stand for.
pub(super) fn of_variables(variables: &[Variable]) -> impl Iterator<Item = &String> {
    variables.iter().filter_map(|variable| match &variable.value {
        VariableValue::Secret(secret) => Some(secret),
        VariableValue::Text(_) | VariableValue::Alias(_) | VariableValue::Override(_) | VariableValue::File { .. } => None,
    })
}

/// Whether an environment has a variable by a service: a built-in one, or an output of a job.
pub(super) fn defines(service: &Service, name: &VariableName) -> bool {
    let is_output = || {
        let output = name.as_str().strip_prefix(&output_prefix(&service.name));
        service.kind.lifecycle().is_some() && output.is_some_and(|output| !output.is_empty())
    };
    let may_be = name.as_str().contains(&service.name.as_variable_part());
    may_be && (builtin_names(service).contains(name) || is_output())
}
