//! The key that seals secrets at rest.

use axum::Json;
use axum::extract::State;
use slipway_ports::api::KeyRotationView;

use crate::app::App;
use crate::caller::OwnerOnly;
use crate::problem::Problem;

/// Puts a new key in the place of the one that seals secrets at rest, and seals everything anew.
#[utoipa::path(
    post,
    path = "/key:rotate",
    operation_id = "rotateKey",
    tag = "server",
    responses((status = 200, description = "What was sealed anew", body = KeyRotationView)),
)]
pub(super) async fn rotate(State(app): State<App>, _: OwnerOnly) -> Result<Json<KeyRotationView>, Problem> {
    Ok(Json(app.inner.keys.rotate().await?))
}
