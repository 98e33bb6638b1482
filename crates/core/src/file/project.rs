//! The file of a project: the variables and secrets that all its environments share, and the rules by which they start and stop.

use crate::model::{EnvironmentMode, FromProject, Name, Project, ScheduleRule};

use super::changes::differing;
use super::form::MOST_PREVIEWS;
use super::keys::PROJECT;
use super::problem::Problem;
use super::reader::{Place, Reader};
use super::tree::{self, Node};
use super::write::{Notation, document, put_schedule, variables};
use super::written::{Mapping, list, texts};
use super::{ParseOptions, read, read_environment, read_schedules, read_variables, references};

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
    let schedules = read_schedules::rules(reader, &keys);
    let preview_limit = keys.get("previewLimit").and_then(|place| reader.number(&place, 0, MOST_PREVIEWS));
    references::check_project(reader, &keys);
    let gives = FromProject { variables, secrets };
    Some(Project { name: name?, gives, schedules, preview_limit: preview_limit.unwrap_or(Project::PREVIEW_LIMIT) })
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
    top.put_filled("schedules", list(&project.schedules, rule));
    top.put_unless(project.preview_limit == Project::PREVIEW_LIMIT, "previewLimit", project.preview_limit);
    document(top, notation)
}

fn rule(rule: &ScheduleRule) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("environments", rule.environments.as_str());
    keys.put_some("mode", rule.mode.map(EnvironmentMode::as_str));
    put_schedule(&mut keys, &rule.schedule);
    keys
}

/// What is different between a project as it was and as it is, each one line; empty when nothing is. No value is shown, for a text may
/// be confidential.
pub fn project_changes(old: &Project, new: &Project) -> Vec<String> {
    let mut changes = changes_of_what_it_gives(&old.gives, &new.gives);
    changes.extend(changes_of_rules(&old.schedules, &new.schedules));
    if old.preview_limit != new.preview_limit {
        changes.push(format!("`previewLimit` is {} instead of {}", new.preview_limit, old.preview_limit));
    }
    changes
}

fn changes_of_rules(old: &[ScheduleRule], new: &[ScheduleRule]) -> Vec<String> {
    let same = |one: &ScheduleRule, other: &ScheduleRule| one.environments == other.environments && one.mode == other.mode;
    let line = |rule: &ScheduleRule, what: &str| match rule.mode {
        Some(mode) => format!("schedule of `{}` in mode `{}` {what}", rule.environments, mode.as_str()),
        None => format!("schedule of `{}` {what}", rule.environments),
    };
    let mut changes = Vec::new();
    for rule in new {
        match old.iter().find(|old| same(old, rule)) {
            None => changes.push(line(rule, "is new")),
            Some(old) if old != rule => changes.push(line(rule, "is changed")),
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|old| new.iter().all(|rule| !same(rule, old)));
    changes.extend(gone.map(|old| line(old, "is removed")));
    let kept = |from: &[ScheduleRule], other: &[ScheduleRule]| -> Vec<ScheduleRule> {
        from.iter().filter(|rule| other.iter().any(|other| same(rule, other))).cloned().collect()
    };
    if kept(old, new).iter().zip(kept(new, old)).any(|(before, after)| !same(before, &after)) {
        changes.push("`schedules` are in another order".to_owned());
    }
    changes
}

fn changes_of_what_it_gives(old: &FromProject, new: &FromProject) -> Vec<String> {
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
