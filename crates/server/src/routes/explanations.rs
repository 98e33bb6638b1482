//! What happened in a deployment, and why.

use axum::Json;
use axum::extract::State;
use slipway_core::explanation::{Ahead, explain};
use slipway_engine::EngineError;
use slipway_ports::api::ExplanationView;
use slipway_ports::{Access, DeploymentSummary, Store, StoreError};

use crate::app::App;
use crate::explanation;
use crate::places::DeploymentPath;
use crate::problem::Problem;
use crate::request::Place;
use crate::views;

/// How many deployments before one are looked at for those that it stood behind.
const LOOK_BACK: u32 = 100;

/// Explains a deployment: what each step waited for, and what determined the end.
#[utoipa::path(
    get,
    path = "/deployments/{id}/explanation",
    operation_id = "explainDeployment",
    tag = "deployments",
    params(DeploymentPath),
    responses((status = 200, description = "The explanation", body = ExplanationView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Place(DeploymentPath { id }): Place<DeploymentPath>,
) -> Result<Json<ExplanationView>, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let summary = store.deployment(&access, &id).await?;
    let events = store.events(&access, &id, 0).await?;
    let events: Vec<_> = events.into_iter().map(|recorded| recorded.event).collect();
    let ahead = ahead(store.as_ref(), &access, &summary).await?;
    let now = views::now();
    let explanation = explain(&events, &ahead, now).map_err(|error| EngineError::Internal(error.to_string()))?;
    Ok(Json(explanation::view(&summary, &explanation)))
}

/// The deployments that had not finished when this one was accepted.
async fn ahead(store: &dyn Store, access: &Access, summary: &DeploymentSummary) -> Result<Vec<Ahead>, StoreError> {
    let (project, environment) = (&summary.project, &summary.environment);
    let before = store.deployments(access, project, environment, Some(summary.number), LOOK_BACK).await?;
    let open = before.into_iter().filter(|other| other.finished_at.is_none_or(|at| at > summary.accepted_at));
    Ok(open.map(|other| Ahead { number: other.number, finished_at: other.finished_at }).collect())
}
