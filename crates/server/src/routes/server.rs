//! The server itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use slipway_ports::api::VersionView;

use crate::app::App;
use crate::caller::OwnerOnly;

pub(super) async fn version() -> Json<VersionView> {
    Json(VersionView { version: env!("CARGO_PKG_VERSION").to_owned(), pid: std::process::id() })
}

/// The server ends once it has answered; what it deployed runs on.
pub(super) async fn shutdown(State(app): State<App>, _: OwnerOnly) -> StatusCode {
    app.inner.shutdown.cancel();
    StatusCode::ACCEPTED
}
