//! What pages follow, and the board that they begin with.

use axum::extract::State;
use axum::response::Response;
use slipway_ports::api::{BoardView, EnvironmentEvent, OverviewEvent};

use crate::app::App;
use crate::board;
use crate::live::{Subject, Wanted};
use crate::places::EnvironmentPath;
use crate::precondition::Versioned;
use crate::problem::Problem;
use crate::request::{LastEventId, Place, name};
use crate::views;

/// Follows all environments as server-sent events.
///
/// `begin`, then `environment` for each, and again when it has changed; `removed` when it is gone. A stream that resumes after
/// `Last-Event-ID` tells what has changed since; where that can not be known it begins anew.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "followEnvironments",
    tag = "environments",
    params(LastEventId),
    responses((status = 200, description = "Each environment as it is now", body = OverviewEvent, content_type = "text/event-stream")),
)]
pub(super) async fn all(State(app): State<App>, LastEventId(last): LastEventId) -> Response {
    let live = &app.inner.live;
    live.watch(&Subject::Overview, Wanted::All, app.access(), last.as_deref()).response(live.shutdown())
}

/// Follows an environment as server-sent events.
///
/// `begin`, then `environment` with its stages, `deployment` for the head of each of its newest deployments, `running`, `change` and `away` of
/// what runs; each again when it has changed; `removed` when the environment is gone. A stream that resumes after `Last-Event-ID` tells what
/// has changed since; where that can not be known it begins anew.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/events",
    operation_id = "followEnvironment",
    tag = "environments",
    params(EnvironmentPath, LastEventId),
    responses((status = 200, description = "Each part of it as it is now", body = EnvironmentEvent, content_type = "text/event-stream")),
)]
pub(super) async fn environment(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    LastEventId(last): LastEventId,
) -> Result<Response, Problem> {
    let (access, live) = (app.access(), &app.inner.live);
    let (project, environment) = (name(&project)?, name(&environment)?);
    // One that does not exist is not found, rather than removed.
    app.inner.ports.store.environment(&access, &project, &environment).await?;
    let subject = Subject::Environment(project, environment);
    Ok(live.watch(&subject, Wanted::All, access, last.as_deref()).response(live.shutdown()))
}

/// Shows an environment as a board does.
///
/// What is deployed and what was last done is read off its kept deployments.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/board",
    operation_id = "showBoard",
    tag = "pipeline",
    params(EnvironmentPath),
    responses((status = 200, description = "Its stages and services", body = BoardView, headers(("ETag", description = "The version of the environment")))),
)]
pub(super) async fn board(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
) -> Result<Versioned<BoardView>, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let stored = store.environment(&access, &name(&project)?, &name(&environment)?).await?;
    let targets = store.targets(&access).await?;
    let board = board::read(&app, &access, &stored, views::target_of(&stored, &targets)).await?;
    Ok(Versioned(stored.version, board))
}
