//! The server itself.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use slipway_ports::api::VersionView;

use crate::app::App;
use crate::caller::OwnerOnly;
use crate::document;
use crate::problem::Problem;

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

/// Gives the JSON Schema of the environment file.
#[utoipa::path(
    get,
    path = "/schema",
    operation_id = "showSchema",
    tag = "server",
    responses((status = 200, description = "JSON Schema 2020-12", body = serde_json::Value, content_type = "application/schema+json")),
)]
pub(super) async fn schema() -> Result<Response, Problem> {
    let schema = slipway_core::file::schema().map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the schema can't be written: {error}"))
    })?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], schema).into_response())
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
