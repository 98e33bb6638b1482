//! The server itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use slipway_ports::api::VersionView;

use crate::app::App;
use crate::caller::OwnerOnly;
use crate::document;

/// Tells the version of the server.
#[utoipa::path(
    get,
    path = "/version",
    operation_id = "showVersion",
    tag = "server",
    responses((status = 200, description = "The version", body = VersionView)),
)]
pub(super) async fn version() -> Json<VersionView> {
    Json(VersionView { version: env!("CARGO_PKG_VERSION").to_owned(), pid: std::process::id() })
}

/// Gives the document of this API, as OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "showDocument",
    tag = "server",
    responses((status = 200, description = "The document", body = serde_json::Value)),
)]
pub(super) async fn document() -> Json<&'static Value> {
    Json(&document::DOCUMENT)
}

/// Ends the server, once it has answered; what it deployed runs on.
#[utoipa::path(
    post,
    path = "/shutdown",
    operation_id = "shutDown",
    tag = "server",
    responses((status = 202, description = "It ends")),
)]
pub(super) async fn shutdown(State(app): State<App>, _: OwnerOnly) -> StatusCode {
    app.inner.shutdown.cancel();
    StatusCode::ACCEPTED
}
