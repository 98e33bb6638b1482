//! The pipeline of an environment: its stages listed and edited, and where its services are.
//!
//! An edit reads the environment, makes the next one and stores it under the version that it read. When somebody else was
//! first, it is made again to what there is now, unless `If-Match` says which version it is meant for.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use slipway_core::clone;
use slipway_core::model::{Name, StageName};
use slipway_core::pipeline_edit::{self, Edit, Position, Refusal, RefusalCode};
use slipway_ports::StoreError;
use slipway_ports::api::{
    Approval, EditedView, MoveQuery, NewStage, PipelineStageView, ServiceChange, StageChange, StageDeletion, StageOrder,
    StagePosition, StageQuery,
};

use crate::app::App;
use crate::places::{EnvironmentPath, ServicePath, StagePath};
use crate::precondition::{Precondition, Subject, Versioned};
use crate::problem::Problem;
use crate::request::{Body, Parameters, Place, name};
use crate::views;

/// How often an edit is made again because somebody else was first. Each time that somebody has made progress.
const MOST_ATTEMPTS: usize = 100;

type Answer = Result<Versioned<EditedView>, Problem>;

/// Lists the stages of an environment with their services, in execution order.
///
/// An environment has a bounded number of stages, so all of them are here.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/stages",
    operation_id = "listStages",
    tag = "pipeline",
    params(EnvironmentPath),
    responses((status = 200, description = "All stages", body = Vec<PipelineStageView>, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn list(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
) -> Result<Versioned<Vec<PipelineStageView>>, Problem> {
    let stored = app.inner.ports.store.environment(&app.access(), &name(&project)?, &name(&environment)?).await?;
    Ok(Versioned(stored.version, views::stages(&stored.environment)))
}

/// Adds a stage.
#[utoipa::path(
    post,
    path = "/environments/{project}/{environment}/stages",
    operation_id = "addStage",
    tag = "pipeline",
    params(EnvironmentPath, Precondition),
    request_body = NewStage,
    responses((status = 201, description = "What changed, and the pipeline as it is now", body = EditedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn add(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    precondition: Precondition,
    body: Body,
) -> Result<Response, Problem> {
    let NewStage { name, description, approval, position } = body.json()?;
    let (name, position) = (new_name(name)?, place(position)?);
    let edit = Edit::AddStage { name, description, approval_required: approval == Approval::Required, position };
    let added = edit_pipeline(&app, (&project, &environment), &precondition, &[edit]).await?;
    Ok((StatusCode::CREATED, added).into_response())
}

/// Changes a stage: its name, description, approval or place.
#[utoipa::path(
    patch,
    path = "/environments/{project}/{environment}/stages/{stage}",
    operation_id = "changeStage",
    tag = "pipeline",
    params(StagePath, Precondition),
    request_body = StageChange,
    responses((status = 200, description = "What changed, and the pipeline as it is now", body = EditedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn change(
    State(app): State<App>,
    Place(StagePath { project, environment, stage }): Place<StagePath>,
    precondition: Precondition,
    body: Body,
) -> Answer {
    let edits = changes(&known_name(stage)?, body.json()?)?;
    edit_pipeline(&app, (&project, &environment), &precondition, &edits).await
}

/// Changes a stage that the query names, since a path can not hold one called `.` or `..`.
#[utoipa::path(
    patch,
    path = "/environments/{project}/{environment}/stages",
    operation_id = "changeNamedStage",
    tag = "pipeline",
    params(EnvironmentPath, StageQuery, Precondition),
    request_body = StageChange,
    responses((status = 200, description = "What changed, and the pipeline as it is now", body = EditedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn change_by_query(
    app: State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    Parameters(StageQuery { stage }): Parameters<StageQuery>,
    precondition: Precondition,
    body: Body,
) -> Answer {
    change(app, Place(StagePath { project, environment, stage }), precondition, body).await
}

/// Deletes a stage.
#[utoipa::path(
    delete,
    path = "/environments/{project}/{environment}/stages/{stage}",
    operation_id = "deleteStage",
    tag = "pipeline",
    params(StagePath, MoveQuery, Precondition),
    responses((status = 200, description = "What changed, and the pipeline as it is now", body = EditedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Place(StagePath { project, environment, stage }): Place<StagePath>,
    Parameters(query): Parameters<MoveQuery>,
    precondition: Precondition,
) -> Answer {
    let edit =
        Edit::DeleteStage { stage: known_name(stage)?, move_services_to: query.move_services_to.map(known_name).transpose()? };
    edit_pipeline(&app, (&project, &environment), &precondition, &[edit]).await
}

/// Deletes a stage that the query names, since a path can not hold one called `.` or `..`.
#[utoipa::path(
    delete,
    path = "/environments/{project}/{environment}/stages",
    operation_id = "deleteNamedStage",
    tag = "pipeline",
    params(EnvironmentPath, StageDeletion, Precondition),
    responses((status = 200, description = "What changed, and the pipeline as it is now", body = EditedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn delete_by_query(
    app: State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    Parameters(StageDeletion { stage, move_services_to }): Parameters<StageDeletion>,
    precondition: Precondition,
) -> Answer {
    delete(app, Place(StagePath { project, environment, stage }), Parameters(MoveQuery { move_services_to }), precondition).await
}

/// Puts the stages into another order.
#[utoipa::path(
    put,
    path = "/environments/{project}/{environment}/stages:order",
    operation_id = "orderStages",
    tag = "pipeline",
    params(EnvironmentPath, Precondition),
    request_body = StageOrder,
    responses((status = 200, description = "What changed, and the pipeline as it is now", body = EditedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn order(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    precondition: Precondition,
    body: Body,
) -> Answer {
    let StageOrder { stages } = body.json()?;
    let stages = stages.into_iter().map(known_name).collect::<Result<Vec<_>, _>>()?;
    edit_pipeline(&app, (&project, &environment), &precondition, &[Edit::OrderStages { stages }]).await
}

/// Moves a service to another stage, or has it skipped or no longer skipped.
#[utoipa::path(
    patch,
    path = "/environments/{project}/{environment}/services/{service}",
    operation_id = "changeService",
    tag = "pipeline",
    params(ServicePath, Precondition),
    request_body = ServiceChange,
    responses((status = 200, description = "What changed, and the pipeline as it is now", body = EditedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn change_service(
    State(app): State<App>,
    Place(ServicePath { project, environment, service }): Place<ServicePath>,
    precondition: Precondition,
    body: Body,
) -> Answer {
    let ServiceChange { stage, skipped } = body.json()?;
    let service = service_name(&service)?;
    let stage = stage.map(known_name).transpose()?.map(|stage| Edit::MoveService { service: service.clone(), stage });
    let skipped = skipped
        .map(|skipped| if skipped { Edit::SkipService { service: service.clone() } } else { Edit::UnskipService { service } });
    let edits: Vec<Edit> = stage.into_iter().chain(skipped).collect();
    if edits.is_empty() {
        return Err(Problem::bad_request("the body changes nothing; expected `stage` or `skipped`"));
    }
    edit_pipeline(&app, (&project, &environment), &precondition, &edits).await
}

/// The new name comes last: until then the stage is called what the path calls it.
fn changes(stage: &StageName, change: StageChange) -> Result<Vec<Edit>, Problem> {
    let StageChange { name, description, approval, position } = change;
    let stage = || stage.clone();
    let described = description.map(|description| Edit::DescribeStage { stage: stage(), description });
    let approved = approval.map(|approval| Edit::SetApproval { stage: stage(), required: approval == Approval::Required });
    let moved = position.map(place).transpose()?.map(|position| Edit::MoveStage { stage: stage(), position });
    let renamed = name.map(new_name).transpose()?.map(|name| Edit::RenameStage { stage: stage(), name });
    let edits: Vec<Edit> = described.into_iter().chain(approved).chain(moved).chain(renamed).collect();
    if edits.is_empty() {
        return Err(Problem::bad_request(
            "the body changes nothing; expected one of `name`, `description`, `approval`, `position`",
        ));
    }
    Ok(edits)
}

async fn edit_pipeline(app: &App, (project, environment): (&str, &str), precondition: &Precondition, edits: &[Edit]) -> Answer {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let (project, environment) = (name(project)?, name(environment)?);
    let mut attempt = 1;
    loop {
        let stored = store.environment(&access, &project, &environment).await?;
        precondition.check(Subject::Environment, stored.version)?;
        let edited = pipeline_edit::edit(&stored.environment, edits)?;
        if edited.environment == stored.environment {
            return Ok(Versioned(stored.version, views::edited(&edited, stored.version)));
        }
        match app.inner.engine.put_environment(&access, &edited.environment, stored.version).await {
            Ok(now) => return Ok(Versioned(now.version, views::edited(&edited, now.version))),
            Err(StoreError::Conflict { .. }) if attempt < MOST_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn place(position: StagePosition) -> Result<Position, Problem> {
    Ok(match position {
        StagePosition::First => Position::First,
        StagePosition::Last => Position::Last,
        StagePosition::Before(stage) => Position::Before(known_name(stage)?),
        StagePosition::After(stage) => Position::After(known_name(stage)?),
    })
}

/// The name of a stage that is to be.
fn new_name(text: String) -> Result<StageName, Problem> {
    StageName::new(text)
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, RefusalCode::StageInvalid.as_str(), error.to_string()))
}

/// The name of a stage that is there: one that cannot exist is not found.
fn known_name(text: String) -> Result<StageName, Problem> {
    StageName::new(text)
        .map_err(|error| Problem::new(StatusCode::NOT_FOUND, RefusalCode::StageNotFound.as_str(), error.to_string()))
}

/// The name of a service that is there: one that cannot exist is not found.
pub(super) fn service_name(text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::new(StatusCode::NOT_FOUND, RefusalCode::ServiceNotFound.as_str(), error.to_string()))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        Self::new(status(code), code.as_str(), refusal.to_string()).with_hint(refusal.hint())
    }
}

impl From<clone::Refusal> for Problem {
    fn from(refusal: clone::Refusal) -> Self {
        let code = refusal.code();
        Self::new(status(code), code.as_str(), refusal.to_string()).with_hint(refusal.hint())
    }
}

fn status(code: RefusalCode) -> StatusCode {
    match code {
        RefusalCode::StageNotFound | RefusalCode::ServiceNotFound => StatusCode::NOT_FOUND,
        RefusalCode::StageInvalid
        | RefusalCode::StageOrderInvalid
        | RefusalCode::CloneIncomplete
        | RefusalCode::CloneInvalid
        | RefusalCode::CloneOfFork => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalCode::StageNameTaken
        | RefusalCode::StageNotEmpty
        | RefusalCode::StageLast
        | RefusalCode::StageLimit
        | RefusalCode::ServiceExists => StatusCode::CONFLICT,
        RefusalCode::VersionStale => StatusCode::PRECONDITION_FAILED,
    }
}
