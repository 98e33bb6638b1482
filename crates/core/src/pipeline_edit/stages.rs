//! Edits of stages.

use std::collections::HashSet;

use crate::model::{Environment, Pipeline, ServiceType, Stage, StageName};

use super::apply::place_of;
use super::edit::Position;
use super::refusal::Refusal;

pub(super) fn add(
    environment: &mut Environment,
    name: &StageName,
    description: &str,
    approval_required: bool,
    position: &Position,
) -> Result<Vec<String>, Refusal> {
    require_free(environment, name)?;
    require_short(description)?;
    if environment.pipeline.stages.len() >= Pipeline::MOST_STAGES {
        return Err(Refusal::TooManyStages { stage: name.clone() });
    }
    let place = place_for(environment, name, position)?;
    let stage = Stage { name: name.clone(), description: description.to_owned(), default_for: None, approval_required };
    environment.pipeline.stages.insert(place, stage);
    let approval = if approval_required { ", and waits for approval" } else { "" };
    Ok(vec![format!("stage `{name}` is new, {}{approval}", place_in_words(environment, place))])
}

pub(super) fn rename(environment: &mut Environment, stage: &StageName, name: &StageName) -> Result<Vec<String>, Refusal> {
    let place = place_of(environment, stage)?;
    if stage == name {
        return Ok(Vec::new());
    }
    require_free(environment, name)?;
    let renamed = &mut environment.pipeline.stages[place];
    renamed.name = name.clone();
    let role = renamed.default_for.take();
    move_services(environment, stage, name);
    let mut changes = vec![format!("stage `{stage}` is called `{name}` now")];
    changes.extend(role.and_then(|role| lost_role(environment, role)));
    Ok(changes)
}

pub(super) fn describe(environment: &mut Environment, stage: &StageName, description: &str) -> Result<Vec<String>, Refusal> {
    let place = place_of(environment, stage)?;
    require_short(description)?;
    let described = &mut environment.pipeline.stages[place];
    if described.description == description {
        return Ok(Vec::new());
    }
    description.clone_into(&mut described.description);
    let what = if description.is_empty() { "has no description any more" } else { "has another description" };
    Ok(vec![format!("stage `{stage}` {what}")])
}

pub(super) fn set_approval(environment: &mut Environment, stage: &StageName, required: bool) -> Result<Vec<String>, Refusal> {
    let place = place_of(environment, stage)?;
    let found = &mut environment.pipeline.stages[place];
    if found.approval_required == required {
        return Ok(Vec::new());
    }
    found.approval_required = required;
    let what = if required { "waits for approval now" } else { "waits for no approval any more" };
    Ok(vec![format!("stage `{stage}` {what}")])
}

pub(super) fn move_to(environment: &mut Environment, stage: &StageName, position: &Position) -> Result<Vec<String>, Refusal> {
    let from = place_of(environment, stage)?;
    let to = place_for(environment, stage, position)?;
    // Taken out, it shifts those behind it.
    let to = if to > from { to - 1 } else { to };
    if to == from {
        return Ok(Vec::new());
    }
    let moved = environment.pipeline.stages.remove(from);
    environment.pipeline.stages.insert(to, moved);
    Ok(vec![format!("stage `{stage}` is {} now", place_in_words(environment, to))])
}

pub(super) fn delete(
    environment: &mut Environment,
    stage: &StageName,
    move_services_to: Option<&StageName>,
) -> Result<Vec<String>, Refusal> {
    let place = place_of(environment, stage)?;
    if environment.pipeline.stages.len() == 1 {
        return Err(Refusal::LastStage { stage: stage.clone() });
    }
    if let Some(to) = move_services_to {
        place_of(environment, to)?;
        if to == stage {
            return Err(Refusal::MoveIntoDeleted { stage: stage.clone() });
        }
    }
    let services: Vec<_> = environment.services_of(stage).map(|service| service.name.clone()).collect();
    let mut changes = vec![format!("stage `{stage}` is deleted")];
    match move_services_to {
        _ if services.is_empty() => {}
        None => return Err(Refusal::StageNotEmpty { stage: stage.clone(), services }),
        Some(to) => {
            move_services(environment, stage, to);
            let names: Vec<_> = services.iter().map(|name| format!("`{name}`")).collect();
            let verb = if names.len() == 1 { "moves" } else { "move" };
            changes.push(format!("{} {verb} to stage `{to}`", names.join(", ")));
        }
    }
    let role = environment.pipeline.stages.remove(place).default_for;
    changes.extend(role.and_then(|role| lost_role(environment, role)));
    Ok(changes)
}

pub(super) fn order(environment: &mut Environment, wanted: &[StageName]) -> Result<Vec<String>, Refusal> {
    let present = &environment.pipeline.stages;
    let mut seen = HashSet::new();
    let mut doubled: Vec<StageName> = Vec::new();
    for name in wanted {
        if !seen.insert(name) && !doubled.contains(name) {
            doubled.push(name.clone());
        }
    }
    let unknown: Vec<_> = wanted.iter().filter(|name| present.iter().all(|stage| stage.name != **name)).cloned().collect();
    let missing: Vec<_> = present.iter().map(|stage| &stage.name).filter(|name| !seen.contains(name)).cloned().collect();
    if !(missing.is_empty() && unknown.is_empty() && doubled.is_empty()) {
        return Err(Refusal::OrderInvalid { missing, unknown, doubled });
    }
    if present.iter().map(|stage| &stage.name).eq(wanted) {
        return Ok(Vec::new());
    }
    let place = |stage: &Stage| wanted.iter().position(|name| *name == stage.name);
    environment.pipeline.stages.sort_by_key(place);
    Ok(vec!["the stages are in another order".to_owned()])
}

/// Where a stage of this name is put in, before it is taken out of where it stands.
fn place_for(environment: &Environment, name: &StageName, position: &Position) -> Result<usize, Refusal> {
    match position {
        Position::First => Ok(0),
        Position::Last => Ok(environment.pipeline.stages.len()),
        Position::Before(other) | Position::After(other) if other == name => Err(Refusal::BesideItself { stage: name.clone() }),
        Position::Before(other) => place_of(environment, other),
        Position::After(other) => place_of(environment, other).map(|place| place + 1),
    }
}

fn place_in_words(environment: &Environment, place: usize) -> String {
    let stages = &environment.pipeline.stages;
    match place.checked_sub(1).and_then(|before| stages.get(before)) {
        Some(before) => format!("after `{}`", before.name),
        None => "the first".to_owned(),
    }
}

fn require_free(environment: &Environment, name: &StageName) -> Result<(), Refusal> {
    match environment.stage(name) {
        Some(_) => Err(Refusal::NameTaken { stage: name.clone() }),
        None => Ok(()),
    }
}

fn require_short(description: &str) -> Result<(), Refusal> {
    let characters = description.chars().count();
    if characters > Stage::LONGEST_DESCRIPTION { Err(Refusal::DescriptionTooLong { characters }) } else { Ok(()) }
}

fn move_services(environment: &mut Environment, from: &StageName, to: &StageName) {
    for service in environment.services.iter_mut().filter(|service| service.stage == *from) {
        service.stage = to.clone();
    }
}

/// What it means that a type has no default stage any more.
fn lost_role(environment: &Environment, role: ServiceType) -> Option<String> {
    let last = environment.pipeline.stages.last()?;
    Some(format!("a new {role} goes to the last stage, `{}`, from now on", last.name))
}
