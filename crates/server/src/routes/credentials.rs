//! Credentials of a project: set, listed without what is secret in them, and forgotten.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::model::Name;
use slipway_ports::api::{CredentialView, NewCredential};

use crate::app::App;
use crate::credential;
use crate::problem::Problem;
use crate::request::{Body, Place, name};

pub(super) async fn list(State(app): State<App>, Place(project): Place<String>) -> Result<Json<Vec<CredentialView>>, Problem> {
    let credentials = app.inner.ports.store.credentials(&app.access(), &name(&project)?).await?;
    Ok(Json(credentials.iter().map(credential::view).collect()))
}

pub(super) async fn set(
    State(app): State<App>,
    Place((project, credential)): Place<(String, String)>,
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

pub(super) async fn remove(
    State(app): State<App>,
    Place((project, credential)): Place<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.inner.ports.store.remove_credential(&app.access(), &name(&project)?, &name(&credential)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
