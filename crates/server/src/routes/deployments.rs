//! Deployments: asked for, listed, followed, canceled.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use slipway_core::deployment::{CancelScope, Trigger};
use slipway_core::model::Name;
use slipway_engine::EngineError;
use slipway_ports::api::{DeploymentView, HistoryPage};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::events::{Cursor, Follower};
use crate::problem::Problem;
use crate::request::{Body, Parameters, Place, name};
use crate::{history, views};

/// Events that wait for a slow client; then it reads the store.
const WAITING: usize = 64;

/// Accepted, 202: the deployment starts when its turn comes.
pub(super) async fn deploy(
    State(app): State<App>,
    Place((project, environment)): Place<(String, String)>,
    headers: HeaderMap,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<DeploymentView>), Problem> {
    let access = app.access();
    let from_cli = headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"slipway/"));
    let trigger = Trigger { source: if from_cli { "cli" } else { "api" }.to_owned(), actor: access.actor.clone() };
    let engine = &app.inner.engine;
    let summary = engine.deploy(&access, &name(&project)?, &name(&environment)?, trigger).await?;
    let view = view(&app, &summary.id).await?;
    let location = format!("/api/v1/deployments/{}", summary.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(view)))
}

/// Which part of a history is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    cursor: Option<u64>,
    limit: Option<u32>,
}

pub(super) async fn history(
    State(app): State<App>,
    Place((project, environment)): Place<(String, String)>,
    Parameters(query): Parameters<HistoryQuery>,
) -> Result<Json<HistoryPage>, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let (project, environment) = (name(&project)?, name(&environment)?);
    let limit = query.limit.unwrap_or(20).clamp(1, 100);
    // One that does not exist is not found, rather than never deployed.
    store.environment(&access, &project, &environment).await?;
    // One more than wanted tells whether there is a next page, and what the last one of this page changed.
    let found = store.deployments(&access, &project, &environment, query.cursor, limit + 1).await?;
    let before = found.len().saturating_sub(limit as usize);
    let mut deployments = Vec::with_capacity(found.len());
    for summary in found {
        match app.inner.engine.deployment(&access, &summary.id).await {
            Ok(deployment) => deployments.push(deployment),
            // It was let go of meanwhile.
            Err(EngineError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let items = history::compared(&deployments, before);
    let next_cursor = items.last().filter(|_| before > 0).map(|last| last.head.number.to_string());
    Ok(Json(HistoryPage { items, next_cursor }))
}

pub(super) async fn show(State(app): State<App>, Place(id): Place<String>) -> Result<Json<DeploymentView>, Problem> {
    view(&app, &id).await.map(Json)
}

/// What is canceled.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelBody {
    service: Option<Name>,
}

pub(super) async fn cancel(State(app): State<App>, Place(id): Place<String>, body: Body) -> Result<StatusCode, Problem> {
    let CancelBody { service } = body.json()?;
    let scope = service.map_or(CancelScope::Deployment, CancelScope::Service);
    app.inner.engine.cancel(&app.access(), &id, scope).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The deployment as it changes, as server-sent events that resume with `Last-Event-ID`.
pub(super) async fn events(
    State(app): State<App>,
    Place(id): Place<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(Cursor::parse);
    let (sender, receiver) = mpsc::channel(WAITING);
    let inner = &app.inner;
    let face = (inner.engine.clone(), inner.ports.clone());
    let follower = Follower::open(face, app.access(), &id, seen, sender).await?;
    tokio::spawn(follower.run(inner.shutdown.clone()));
    Ok(Sse::new(ReceiverStream::new(receiver).map(Ok)).keep_alive(KeepAlive::default()))
}

async fn view(app: &App, id: &str) -> Result<DeploymentView, Problem> {
    let (summary, deployment) = app.inner.engine.deployment(&app.access(), id).await?;
    Ok(views::deployment(&summary, &deployment, &app.inner.engine.activities(id)))
}
