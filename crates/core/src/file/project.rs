//! The file of a project: the variables and secrets that all its environments share.

use crate::model::{FromProject, Name, Project};

use super::changes::differing;
use super::keys::PROJECT;
use super::problem::Problem;
use super::reader::{Place, Reader};
use super::tree::{self, Node};
use super::write::{Notation, document, variables};
use super::written::{Mapping, texts};
use super::{ParseOptions, read, read_environment, read_variables, references};

/// Reads the file of a project; on failure all of its problems, by place.
pub fn parse_project(text: &str) -> Result<Project, Vec<Problem>> {
    read(text, ParseOptions::default(), project)
}

fn project(reader: &mut Reader, root: &Node) -> Option<Project> {
    let keys = reader.keys(Place { node: root, path: String::new() }, &PROJECT)?;
    read_environment::constant(reader, &keys, "apiVersion", "slipway.dev/v1");
    read_environment::constant(reader, &keys, "kind", "Project");
    let name = reader.require(&keys, "name").and_then(|place| read_environment::name(reader, &place));
    let secrets = read_environment::secret_names(reader, &keys);
    let variables = read_variables::variables(reader, &keys, &secrets);
    references::check_project(reader, &keys);
    Some(Project { name: name?, gives: FromProject { variables, secrets } })
}

/// The project as a file; secrets are in it by their names alone.
///
/// # Errors
///
/// When the project can not be written so, which is a defect of ours.
pub fn write_project(project: &Project, notation: Notation) -> Result<String, String> {
    let mut top = Mapping::default();
    top.put("apiVersion", "slipway.dev/v1");
    top.put("kind", "Project");
    top.put("name", project.name.as_str());
    top.put_filled("variables", variables(&project.gives.variables));
    top.put_filled("secrets", texts(&project.gives.secrets));
    document(top, notation)
}

/// What is different between what a project gave and what it gives, each one line; empty when nothing is. No value is shown, for a
/// text may be confidential.
pub fn project_changes(old: &FromProject, new: &FromProject) -> Vec<String> {
    let mut changes = Vec::new();
    for variable in &new.variables {
        match old.variables.iter().find(|old| old.name == variable.name) {
            None => changes.push(format!("variable `{}` is new", variable.name)),
            Some(old) if old != variable => changes.push(format!("variable `{}` is changed", variable.name)),
            Some(_) => {}
        }
    }
    let is_gone = |name: &_| new.variables.iter().all(|variable| variable.name != *name);
    let gone = old.variables.iter().filter(|old| is_gone(&old.name));
    changes.extend(gone.map(|old| format!("variable `{}` is removed", old.name)));
    let added = new.secrets.iter().filter(|name| !old.secrets.contains(name));
    changes.extend(added.map(|name| format!("secret `{name}` is new")));
    let removed = old.secrets.iter().filter(|name| !new.secrets.contains(name));
    changes.extend(removed.map(|name| format!("secret `{name}` is removed")));
    if changes.is_empty() && old != new {
        changes.extend(differing(old, new).into_iter().map(|field| format!("`{field}` are in another order")));
    }
    changes
}

/// The project that an environment file names, if that much of it can be read: what it gives is to be known before the file is read.
pub fn project_of(text: &str) -> Option<Name> {
    let root = tree::read(text, &mut Vec::new())?;
    let tree::Value::Mapping(entries) = &root.value else { return None };
    match entries.iter().find(|entry| entry.key == "project") {
        Some(entry) => references::text(&entry.node).and_then(|text| Name::new(text).ok()),
        None => Name::new("default").ok(),
    }
}
