//! From declared variables to values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::outputs::{OUTPUT_PREFIX, Outputs};
use super::resolved::Resolved;
use crate::model::{MountedFile, Variable, VariableName, VariableValue};

/// Most bytes of all values of a service: a Secret takes 1 MiB.
const LARGEST: usize = 1 << 20;

/// The built-in variables that every service sees: they do not change.
const SEEN: [&str; 2] = ["SLIPWAY_PROJECT_NAME", "SLIPWAY_ENVIRONMENT_NAME"];

/// Where the variables of a service come from.
#[derive(Debug, Clone)]
pub struct Scopes<'a> {
    /// What Slipway gives; seen only by what names it.
    pub builtins: &'a BTreeMap<VariableName, Resolved>,
    /// The project's.
    pub project: &'a [Variable],
    /// The environment's.
    pub environment: &'a [Variable],
    /// The service's own.
    pub service: &'a [Variable],
    /// The secrets that have a value, by name.
    pub secrets: BTreeMap<String, Resolved>,
    /// The secrets that the service sees as variables of the same name.
    pub visible_secrets: &'a [String],
    /// The texts that are mounted as files.
    pub files: &'a [MountedFile],
    /// What jobs of earlier stages wrote; the service sees all of it.
    pub outputs: Outputs<'a>,
}

/// What a service sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution<'a> {
    /// Its variables: of the project, of the environment, its own, its secrets, and where it is. Other built-in variables are seen only by what
    /// names them: the version of another service in everybody's environment would restart everybody.
    pub values: BTreeMap<VariableName, Resolved>,
    /// The built-in variables, most of which it does not see.
    builtins: &'a BTreeMap<VariableName, Resolved>,
    /// The files that variables stand for.
    pub files: Vec<FileContent>,
}

/// A variable that is mounted as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// The absolute path in the container.
    pub mount: String,
    /// The key of a Secret that can hold it; no variable has this name.
    pub key: String,
    /// What is in the file.
    pub content: Resolved,
}

/// Why a variable has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableProblem {
    /// A secret was declared and not set.
    #[error("the secret `{name}` has no value; `slipway secret set {name}` sets it")]
    SecretMissing {
        /// Its name.
        name: String,
    },
    /// Nothing defines it.
    #[error("`{name}` is not defined, and `{wanted_by}` wants it")]
    Undefined {
        /// The name.
        name: String,
        /// The variable that names it.
        wanted_by: String,
    },
    /// No job has written it.
    #[error("`{wanted_by}` takes from `{name}`, which no job of an earlier stage has written{}", known(.written))]
    OutputMissing {
        /// The name.
        name: String,
        /// The variable that names it.
        wanted_by: String,
        /// The outputs that are there.
        written: Vec<String>,
    },
    /// It needs itself.
    #[error("variables need each other in a circle: {}", .names.join(" -> "))]
    Cycle {
        /// The circle; first and last are the same.
        names: Vec<String>,
    },
    /// All values together are too large for a Secret.
    #[error("all variables together are larger than 1 MiB")]
    TooLarge,
    /// A build would see the output of a job.
    #[error("the Dockerfile declares `ARG {name}`, and `{name}` takes from an output of a job, which no build sees")]
    OutputArgument {
        /// Its name.
        name: String,
    },
    /// A build would see it.
    #[error("the Dockerfile declares `ARG {name}`, and `{name}` is secret; use `RUN --mount=type=secret` instead")]
    SecretArgument {
        /// Its name.
        name: String,
    },
}

/// The outputs that are there, as the end of a sentence.
fn known(written: &[String]) -> String {
    match written {
        [] => String::new(),
        some => format!("; written are {}", some.join(", ")),
    }
}

/// The names that a text refers to as `{{NAME}}`, in order. What is between braces and is no variable's name is just text.
pub fn references(text: &str) -> impl Iterator<Item = VariableName> + '_ {
    pieces(text).filter_map(|piece| match piece {
        Piece::Reference(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The names that the texts in a value refer to, however deep they are.
pub fn references_in(value: &Value) -> BTreeSet<VariableName> {
    let mut names = BTreeSet::new();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        match value {
            Value::String(text) => names.extend(references(text)),
            Value::Array(list) => pending.extend(list),
            Value::Object(mapping) => pending.extend(mapping.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    names
}

enum Piece<'a> {
    Text(&'a str),
    Reference(VariableName),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut pending = None;
    std::iter::from_fn(move || {
        if let Some(piece) = pending.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(open) = rest[from..].find("{{").map(|at| from + at) {
            let Some(close) = rest[open + 2..].find("}}").map(|at| open + 2 + at) else { break };
            // No name holds a brace, so of all that opens before the close only the last can begin a reference.
            let open = rest[open + 1..close].rfind("{{").map_or(open, |at| open + 1 + at);
            if let Ok(name) = VariableName::new(rest[open + 2..close].trim()) {
                let before = &rest[..open];
                rest = &rest[close + 2..];
                if before.is_empty() {
                    return Some(Piece::Reference(name));
                }
                pending = Some(Piece::Reference(name));
                return Some(Piece::Text(before));
            }
            from = close;
        }
        let text = rest;
        rest = "";
        Some(Piece::Text(text))
    })
}

/// The variables that a service sees, each with its value.
pub fn resolve<'a>(scopes: &Scopes<'a>) -> Result<Resolution<'a>, VariableProblem> {
    let mut resolver = Resolver { scopes, done: BTreeMap::new(), path: Vec::new(), size: 0 };
    let seen: Vec<VariableName> = SEEN.iter().filter_map(|name| VariableName::new(*name).ok()).collect();
    let mut names: BTreeSet<&VariableName> = seen.iter().filter(|name| scopes.builtins.contains_key(name)).collect();
    let declared = scopes.project.iter().chain(scopes.environment).chain(scopes.service);
    names.extend(declared.map(|variable| &variable.name));
    let visible: Vec<VariableName> =
        scopes.visible_secrets.iter().filter_map(|name| VariableName::new(name.as_str()).ok()).collect();
    names.extend(&visible);
    if let Outputs::Written(written) = scopes.outputs {
        names.extend(written.keys());
    }
    for name in &names {
        resolver.value(name, name.as_str())?;
    }
    let mut files = Vec::new();
    let declared: Vec<&Variable> = names.iter().filter_map(|name| resolver.declared(name)).collect();
    for variable in declared {
        if let VariableValue::File { content, mount } = &variable.value {
            let content = resolver.text(content, &variable.name)?;
            // A Secret's key may hold a dot; a variable's name does not.
            files.push(FileContent { mount: mount.clone(), key: format!("file.{}", variable.name), content });
        }
    }
    for (index, file) in scopes.files.iter().enumerate() {
        let content = resolver.interpolate(&file.content, &file.mount)?;
        files.push(FileContent { mount: file.mount.clone(), key: format!("file.{index}"), content });
    }
    let builtin = |name: &VariableName| resolver.declared(name).is_none() && scopes.builtins.contains_key(name);
    let seen = resolver.done.iter().filter(|(name, _)| !builtin(name) || SEEN.contains(&name.as_str()));
    let values = seen.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Resolution { values, builtins: scopes.builtins, files })
}

impl Resolution<'_> {
    /// A variable that the service sees or may name.
    pub fn get(&self, name: &VariableName) -> Option<&Resolved> {
        self.values.get(name).or_else(|| self.builtins.get(name))
    }
}

struct Resolver<'a> {
    scopes: &'a Scopes<'a>,
    done: BTreeMap<VariableName, Resolved>,
    path: Vec<VariableName>,
    size: usize,
}

impl<'a> Resolver<'a> {
    /// The innermost declaration of a name.
    fn declared(&self, name: &VariableName) -> Option<&'a Variable> {
        let find = |variables: &'a [Variable]| variables.iter().find(|variable| variable.name == *name);
        let of_environment = || find(self.scopes.environment).or_else(|| find(self.scopes.project));
        find(self.scopes.service).or_else(of_environment)
    }

    fn value(&mut self, name: &VariableName, wanted_by: &str) -> Result<Resolved, VariableProblem> {
        if let Some(done) = self.done.get(name) {
            return Ok(done.clone());
        }
        if let Some(start) = self.path.iter().position(|other| other == name) {
            let circle = self.path[start..].iter().chain([name]);
            return Err(VariableProblem::Cycle { names: circle.map(ToString::to_string).collect() });
        }
        self.path.push(name.clone());
        let value = self.evaluate(name, wanted_by)?;
        self.path.pop();
        self.size += name.as_str().len() + value.expose().len();
        if self.size > LARGEST {
            return Err(VariableProblem::TooLarge);
        }
        self.done.insert(name.clone(), value.clone());
        Ok(value)
    }

    fn evaluate(&mut self, name: &VariableName, wanted_by: &str) -> Result<Resolved, VariableProblem> {
        if let Some(variable) = self.declared(name) {
            return match &variable.value {
                VariableValue::Text(text) | VariableValue::Override(text) => self.text(text, name),
                VariableValue::Secret(secret) => self.secret(secret),
                VariableValue::Alias(other) => match VariableName::new(other.as_str()) {
                    Ok(other) => self.value(&other, name.as_str()),
                    Err(_) => Err(undefined(other, name.as_str())),
                },
                VariableValue::File { mount, .. } => Ok(Resolved::plain(mount.clone())),
            };
        }
        if self.scopes.visible_secrets.iter().any(|secret| secret == name.as_str()) {
            return self.secret(name.as_str());
        }
        if name.as_str().starts_with(OUTPUT_PREFIX) {
            return self.output(name, wanted_by);
        }
        self.scopes.builtins.get(name).cloned().ok_or_else(|| undefined(name.as_str(), wanted_by))
    }

    fn output(&self, name: &VariableName, wanted_by: &str) -> Result<Resolved, VariableProblem> {
        let Outputs::Written(written) = self.scopes.outputs else { return Ok(Resolved::unseen_output()) };
        written.get(name).cloned().ok_or_else(|| VariableProblem::OutputMissing {
            name: name.to_string(),
            wanted_by: wanted_by.to_owned(),
            written: written.keys().map(ToString::to_string).collect(),
        })
    }

    fn secret(&self, name: &str) -> Result<Resolved, VariableProblem> {
        let set = self.scopes.secrets.get(name);
        set.cloned().ok_or_else(|| VariableProblem::SecretMissing { name: name.to_owned() })
    }

    fn text(&mut self, text: &str, of: &VariableName) -> Result<Resolved, VariableProblem> {
        self.interpolate(text, of.as_str())
    }

    fn interpolate(&mut self, text: &str, wanted_by: &str) -> Result<Resolved, VariableProblem> {
        let mut value = Resolved::plain("");
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => value.append_text(text),
                Piece::Reference(name) => value.append(&self.value(&name, wanted_by)?),
            }
            if value.expose().len() > LARGEST {
                return Err(VariableProblem::TooLarge);
            }
        }
        Ok(value)
    }
}

fn undefined(name: &str, wanted_by: &str) -> VariableProblem {
    VariableProblem::Undefined { name: name.to_owned(), wanted_by: wanted_by.to_owned() }
}

/// The values of the build arguments that a Dockerfile declares (C14): `args` first, then variables of the same name. A secret is
/// refused.
pub fn build_args(
    declared: &BTreeSet<String>,
    args: &BTreeMap<VariableName, String>,
    variables: &Resolution<'_>,
) -> Result<BTreeMap<String, String>, VariableProblem> {
    let mut values = BTreeMap::new();
    for name in declared.iter().filter_map(|name| VariableName::new(name.as_str()).ok()) {
        let value = match args.get(&name) {
            Some(text) => interpolated(text, &name, variables)?,
            None => match variables.get(&name) {
                Some(value) => value.clone(),
                None => continue,
            },
        };
        if value.takes_from_output() {
            return Err(VariableProblem::OutputArgument { name: name.to_string() });
        }
        if value.is_secret() {
            return Err(VariableProblem::SecretArgument { name: name.to_string() });
        }
        values.insert(name.to_string(), value.expose().to_owned());
    }
    Ok(values)
}

fn interpolated(text: &str, of: &VariableName, variables: &Resolution<'_>) -> Result<Resolved, VariableProblem> {
    let mut value = Resolved::plain("");
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => value.append_text(text),
            Piece::Reference(name) if name.as_str().starts_with(OUTPUT_PREFIX) => value.append(&Resolved::unseen_output()),
            Piece::Reference(name) => {
                value.append(variables.get(&name).ok_or_else(|| undefined(name.as_str(), of.as_str()))?);
            }
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
