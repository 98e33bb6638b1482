//! The key that seals secrets at rest.

use axum::Json;
use axum::extract::State;
use slipway_ports::api::KeyRotationView;

use crate::app::App;
use crate::caller::OwnerOnly;
use crate::problem::Problem;

pub(super) async fn rotate(State(app): State<App>, _: OwnerOnly) -> Result<Json<KeyRotationView>, Problem> {
    Ok(Json(app.inner.keys.rotate().await?))
}
