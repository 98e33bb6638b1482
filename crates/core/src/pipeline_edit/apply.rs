//! From an environment and edits to the next environment.

use crate::model::{Environment, Name, StageName};

use super::edit::Edit;
use super::refusal::Refusal;
use super::{services, stages};

/// What edits make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The environment as it is wanted now.
    pub environment: Environment,
    /// What is different from before, each a part of a sentence; empty when nothing is.
    pub changes: Vec<String>,
}

/// Makes the next environment: every edit, one after the other, or none of them.
pub fn edit(environment: &Environment, edits: &[Edit]) -> Result<Edited, Refusal> {
    let mut next = environment.clone();
    let mut changes = Vec::new();
    for edit in edits {
        changes.extend(one(&mut next, edit)?);
    }
    Ok(Edited { environment: next, changes })
}

fn one(environment: &mut Environment, edit: &Edit) -> Result<Vec<String>, Refusal> {
    match edit {
        Edit::AddStage { name, description, approval_required, position } => {
            stages::add(environment, name, description, *approval_required, position)
        }
        Edit::RenameStage { stage, name } => stages::rename(environment, stage, name),
        Edit::DescribeStage { stage, description } => stages::describe(environment, stage, description),
        Edit::SetApproval { stage, required } => stages::set_approval(environment, stage, *required),
        Edit::MoveStage { stage, position } => stages::move_to(environment, stage, position),
        Edit::DeleteStage { stage, move_services_to } => stages::delete(environment, stage, move_services_to.as_ref()),
        Edit::OrderStages { stages } => stages::order(environment, stages),
        Edit::MoveService { service, stage } => services::move_to(environment, service, stage),
        Edit::SkipService { service } => services::set_skipped(environment, service, true),
        Edit::UnskipService { service } => services::set_skipped(environment, service, false),
    }
}

/// The place of a stage in the order of execution.
pub(super) fn place_of(environment: &Environment, name: &StageName) -> Result<usize, Refusal> {
    let stages = &environment.pipeline.stages;
    stages.iter().position(|stage| stage.name == *name).ok_or_else(|| Refusal::StageNotFound {
        stage: name.clone(),
        known: stages.iter().map(|stage| stage.name.clone()).collect(),
    })
}

/// The place of a service in the file.
pub(super) fn place_of_service(environment: &Environment, name: &Name) -> Result<usize, Refusal> {
    let services = &environment.services;
    services.iter().position(|service| service.name == *name).ok_or_else(|| Refusal::ServiceNotFound {
        service: name.clone(),
        known: services.iter().map(|service| service.name.clone()).collect(),
    })
}
