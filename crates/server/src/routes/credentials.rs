//! Credentials of a project: set, listed without what is secret in them, and forgotten.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::model::Name;
use slipway_ports::api::{CredentialView, NewCredential, Page, PageQuery};

use crate::app::App;
use crate::places::{CredentialPath, ProjectPath};
use crate::problem::Problem;
use crate::request::{Body, Parameters, Place, name};
use crate::{credential, cursor};

/// Lists the credentials of a project, without what is secret in them.
#[utoipa::path(
    get,
    path = "/projects/{project}/credentials",
    operation_id = "listCredentials",
    tag = "credentials",
    params(ProjectPath, PageQuery),
    responses((status = 200, description = "The credentials, by name", body = Page<CredentialView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Place(ProjectPath { project }): Place<ProjectPath>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Page<CredentialView>>, Problem> {
    let credentials = app.inner.ports.store.credentials(&app.access(), &name(&project)?).await?;
    let views = credentials.iter().map(credential::view).collect();
    cursor::page(&query, views, |view: &CredentialView| view.name.clone()).map(Json)
}

/// Sets a credential: makes it, or puts another one in its place.
#[utoipa::path(
    put,
    path = "/projects/{project}/credentials/{credential}",
    operation_id = "setCredential",
    tag = "credentials",
    params(CredentialPath),
    request_body = NewCredential,
    responses((status = 200, description = "The credential, without what is secret in it", body = CredentialView)),
)]
pub(super) async fn set(
    State(app): State<App>,
    Place(CredentialPath { project, credential }): Place<CredentialPath>,
    body: Body,
) -> Result<Json<CredentialView>, Problem> {
    let refuse = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "credential-invalid", detail);
    let project = name(&project)?;
    let named = Name::new(credential).map_err(|error| refuse(error.to_string()))?;
    let new: NewCredential = body.json()?;
    let made = credential::credential(named, new).map_err(refuse)?;
    app.inner.ports.store.put_credential(&app.access(), &project, &made).await?;
    Ok(Json(credential::view(&made)))
}

/// Forgets a credential.
#[utoipa::path(
    delete,
    path = "/projects/{project}/credentials/{credential}",
    operation_id = "removeCredential",
    tag = "credentials",
    params(CredentialPath),
    responses((status = 204, description = "It is forgotten")),
)]
pub(super) async fn remove(
    State(app): State<App>,
    Place(CredentialPath { project, credential }): Place<CredentialPath>,
) -> Result<StatusCode, Problem> {
    app.inner.ports.store.remove_credential(&app.access(), &name(&project)?, &name(&credential)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
