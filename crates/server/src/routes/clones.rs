//! Clones: an environment made after another one, and a service put into another environment.

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use slipway_core::clone::{CloneRequest, ServiceCloneRequest};
use slipway_core::model::{Service, VariableName};
use slipway_engine::Cloning;
use slipway_ports::StoredEnvironment;
use slipway_ports::api::{CloneBody, ClonedServiceView, ClonedView, SecretView, ServiceCloneBody};

use super::pipeline::service_name;
use crate::app::App;
use crate::idempotency::Once;
use crate::places::{EnvironmentPath, ServicePath};
use crate::precondition::Versioned;
use crate::problem::Problem;
use crate::request::{Body, Place, name};

/// Makes an environment after this one: its pipeline, variables, declared secrets and services; not its host names and data.
///
/// Built-in variables are named after services, so it needs no edit. What takes from a service that is left out is a refusal. Values of
/// secrets go along by choice; passwords of databases are made anew.
#[utoipa::path(
    post,
    path = "/environments/{project}/{environment}/clone",
    operation_id = "cloneEnvironment",
    tag = "environments",
    params(EnvironmentPath),
    request_body = CloneBody,
    responses((status = 201, description = "What was made", body = ClonedView, headers(
        ("ETag" = String, description = "The version of the environment, as `If-Match` takes it"),
        ("Location" = String, description = "The environment"),
    ))),
)]
pub(super) async fn environment(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    once: Option<Extension<Once>>,
    body: Body,
) -> Result<Response, Problem> {
    let CloneBody { name: copy, project: other, target, mode, services, with_secrets } = body.json()?;
    let request = CloneRequest { name: copy, project: other, target, mode, services };
    let from = (name(&project)?, name(&environment)?);
    let how = Cloning { with_secrets, request: mark(once) };
    let made = app.inner.engine.clone_environment(&app.access(), (&from.0, &from.1), &request, &how).await?;
    let cloned = &made.cloned.environment;
    let parts = Parts {
        services: cloned.services.iter().collect(),
        variables: cloned.variables.iter().map(|variable| &variable.name).collect(),
        secrets: &cloned.secrets,
        left_behind: made.cloned.left_behind.clone(),
    };
    answer(&app, &made.stored, parts).await
}

/// Puts a service like this one into another environment, with its variables: into the stage of the same name, else where a new one goes.
///
/// What it takes and the environment lacks is a refusal, but for variables with `withVariables`. Its secrets are declared there; their
/// values go along by choice, and take the place of none.
#[utoipa::path(
    post,
    path = "/environments/{project}/{environment}/services/{service}/clone",
    operation_id = "cloneService",
    tag = "environments",
    params(ServicePath),
    request_body = ServiceCloneBody,
    responses((status = 201, description = "What was made", body = ClonedView, headers(
        ("ETag" = String, description = "The version of the other environment, as `If-Match` takes it"),
        ("Location" = String, description = "The other environment"),
    ))),
)]
pub(super) async fn service(
    State(app): State<App>,
    Place(ServicePath { project, environment, service }): Place<ServicePath>,
    once: Option<Extension<Once>>,
    body: Body,
) -> Result<Response, Problem> {
    let ServiceCloneBody { environment: other, project: other_project, name: copy, with_variables, with_secrets } =
        body.json()?;
    let (project, environment) = (name(&project)?, name(&environment)?);
    let other_project = other_project.as_ref().unwrap_or(&project);
    let request = ServiceCloneRequest { service: service_name(&service)?, name: copy, with_variables };
    let how = Cloning { with_secrets, request: mark(once) };
    let into = (other_project, &other);
    let made = app.inner.engine.clone_service(&app.access(), (&project, &environment), &request, into, &how).await?;
    let parts = Parts {
        services: vec![&made.cloned.service],
        variables: made.cloned.variables.iter().collect(),
        secrets: &made.cloned.secrets,
        left_behind: made.cloned.left_behind.clone(),
    };
    answer(&app, &made.stored, parts).await
}

/// What a request with a key leaves behind, so that it finds what it did.
fn mark(once: Option<Extension<Once>>) -> Option<String> {
    once.map(|Extension(once)| once.uuid("clone"))
}

/// What an answer tells of a clone.
struct Parts<'a> {
    services: Vec<&'a Service>,
    variables: Vec<&'a VariableName>,
    secrets: &'a [String],
    left_behind: Vec<String>,
}

async fn answer(app: &App, stored: &StoredEnvironment, parts: Parts<'_>) -> Result<Response, Problem> {
    let (project, name) = (&stored.environment.project, &stored.environment.name);
    let set = app.inner.ports.store.secret_names(&app.access(), project, Some(name)).await?;
    let service = |service: &&Service| ClonedServiceView { name: service.name.to_string(), stage: service.stage.to_string() };
    let view = ClonedView {
        project: project.to_string(),
        name: name.to_string(),
        version: stored.version,
        services: parts.services.iter().map(service).collect(),
        variables: parts.variables.iter().map(ToString::to_string).collect(),
        secrets: parts.secrets.iter().map(|name| SecretView { name: name.clone(), set: set.contains(name) }).collect(),
        left_behind: parts.left_behind,
    };
    let location = format!("/api/v1/environments/{project}/{name}");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Versioned(stored.version, view)).into_response())
}
