//! Deployments: asked for, listed, followed, canceled.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use futures::StreamExt as _;
use serde::Deserialize;
use slipway_core::deployment::{CancelScope, Trigger};
use slipway_core::plan::Action;
use slipway_engine::EngineError;
use slipway_ports::api::{AcceptedView, ApprovalBody, CancelBody, DeployBody, DeploymentEvent, DeploymentView, HistoryPage};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use crate::app::App;
use crate::events::{Cursor, Follower, Lines};
use crate::idempotency::Once;
use crate::live::{Subject, Wanted};
use crate::places::{DeploymentPath, EnvironmentPath};
use crate::problem::Problem;
use crate::request::{Body, LastEventId, Parameters, Place, name};
use crate::{cursor, history, views};

/// Events that wait for a slow client; then it reads the store.
const WAITING: usize = 64;

/// Asks for a deployment, which starts when its turn comes.
///
/// A request that follows one of the same actor and action which is still queued is joined to that one.
#[utoipa::path(
    post,
    path = "/environments/{project}/{environment}/deployments",
    operation_id = "deploy",
    tag = "deployments",
    params(EnvironmentPath),
    request_body = Option<DeployBody>,
    responses((status = 202, description = "It was accepted", body = AcceptedView, headers(("Location" = String, description = "The path of the deployment")))),
)]
pub(super) async fn deploy(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    headers: HeaderMap,
    once: Option<Extension<Once>>,
    body: Body,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<AcceptedView>), Problem> {
    let body: DeployBody = body.json()?;
    check(&body)?;
    let action = body.action.unwrap_or(Action::Deploy);
    let access = app.access();
    let from_cli = headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"slipway/"));
    let (project, environment) = (name(&project)?, name(&environment)?);
    let request = once.map(|Extension(once)| once.uuid(&format!("{project}/{environment}")));
    let source = if from_cli { "cli" } else { "api" };
    let trigger = Trigger { source: source.to_owned(), actor: access.actor.clone(), request, link: None };
    let engine = &app.inner.engine;
    let accepted = engine.deploy(&access, &project, &environment, action, views::request(&body), trigger).await?;
    let deployment = view(&app, &accepted.summary.id).await?;
    let location = format!("/api/v1/deployments/{}", accepted.summary.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(AcceptedView { joined: accepted.joined, deployment })))
}

/// Refuses options that mean nothing to the action: somebody expects something else.
pub(super) fn check(body: &DeployBody) -> Result<(), Problem> {
    let action = body.action.unwrap_or(Action::Deploy);
    let deploy_only = [
        (body.current, "current"),
        (body.rebuild, "rebuild"),
        (body.delete_volumes, "deleteVolumes"),
        (body.services.iter().any(|service| service.version.is_some()), "services[].version"),
    ];
    let rollback_only = [(body.run_jobs, "runJobs"), (body.back_to.is_some(), "backTo")];
    let means_nothing = |options: &[(bool, &'static str)], wanted: Action| {
        options.iter().find(|(given, _)| *given && action != wanted).map(|(_, name)| (*name, wanted))
    };
    let odd = means_nothing(&deploy_only, Action::Deploy).or_else(|| means_nothing(&rollback_only, Action::Rollback));
    if let Some((name, wanted)) = odd {
        let detail = format!("`{name}` means nothing to a {}; it belongs to a {}", action.as_str(), wanted.as_str());
        return Err(Problem::bad_request(detail));
    }
    let names = body.services.iter().map(|service| &service.name);
    let twice = names.clone().find(|name| names.clone().filter(|other| other == name).count() > 1);
    twice.map_or(Ok(()), |name| Err(Problem::bad_request(format!("the service `{name}` is named twice"))))
}

/// Which part of a history is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// `nextCursor` of the page before; absent: the first page.
    cursor: Option<String>,
    /// So many at most, 1 to 100; absent: 20.
    #[param(format = "uint32")]
    limit: Option<u32>,
}

/// Lists the deployments of an environment with what they changed, newest first.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/deployments",
    operation_id = "listDeployments",
    tag = "deployments",
    params(EnvironmentPath, HistoryQuery),
    responses((status = 200, description = "A page of them", body = HistoryPage)),
)]
pub(super) async fn history(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    Parameters(query): Parameters<HistoryQuery>,
) -> Result<Json<HistoryPage>, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let (project, environment) = (name(&project)?, name(&environment)?);
    let limit = query.limit.unwrap_or(20).clamp(1, 100);
    let before = query.cursor.as_deref().map(cursor::number).transpose()?;
    // One that does not exist is not found, rather than never deployed.
    store.environment(&access, &project, &environment).await?;
    // One more than wanted tells whether there is a next page, and what the last one of this page changed.
    let found = store.deployments(&access, &project, &environment, before, limit + 1).await?;
    let rest = found.len().saturating_sub(limit as usize);
    let mut deployments = Vec::with_capacity(found.len());
    for summary in found {
        match app.inner.engine.deployment(&access, &summary.id).await {
            Ok(deployment) => deployments.push(deployment),
            // It was let go of meanwhile.
            Err(EngineError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let items = history::compared(&deployments, rest);
    let next_cursor = items.last().filter(|_| rest > 0).map(|last| last.head.number.to_string());
    Ok(Json(HistoryPage { items, next_cursor }))
}

/// Shows a deployment with its stages and services.
#[utoipa::path(
    get,
    path = "/deployments/{id}",
    operation_id = "showDeployment",
    tag = "deployments",
    params(DeploymentPath),
    responses((status = 200, description = "The deployment", body = DeploymentView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Place(DeploymentPath { id }): Place<DeploymentPath>,
) -> Result<Json<DeploymentView>, Problem> {
    view(&app, &id).await.map(Json)
}

/// Cancels a deployment, or one service of it.
///
/// One that has ended already stays as it is.
#[utoipa::path(
    post,
    path = "/deployments/{id}/cancel",
    operation_id = "cancelDeployment",
    tag = "deployments",
    params(DeploymentPath),
    request_body = Option<CancelBody>,
    responses((status = 202, description = "It is being canceled")),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    Place(DeploymentPath { id }): Place<DeploymentPath>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let CancelBody { service, force } = body.json()?;
    let scope = service.map_or(CancelScope::Deployment, CancelScope::Service);
    app.inner.engine.cancel(&app.access(), &id, scope, force).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Says whether a deployment may go on into a stage that wants approval.
#[utoipa::path(
    post,
    path = "/deployments/{id}/approval",
    operation_id = "approveStage",
    tag = "deployments",
    params(DeploymentPath),
    request_body = ApprovalBody,
    responses((status = 200, description = "The deployment as it is then", body = DeploymentView)),
)]
pub(super) async fn approve(
    State(app): State<App>,
    Place(DeploymentPath { id }): Place<DeploymentPath>,
    body: Body,
) -> Result<Json<DeploymentView>, Problem> {
    let ApprovalBody { stage, approved } = body.json()?;
    app.inner.engine.approve(&app.access(), &id, stage.as_deref(), approved).await?;
    view(&app, &id).await.map(Json)
}

/// Which lines of the log come with the events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// `none`, a service, or a service and its phase as in `api/build`; absent: all.
    lines: Option<String>,
}

/// Follows a deployment as server-sent events.
///
/// The first event shows all of it. A stream that resumes after `Last-Event-ID` misses nothing and sends nothing twice; it ends with `end`. Without lines a
/// thing that has changed often is sent as it is now, once, and ids are of another kind.
#[utoipa::path(
    get,
    path = "/deployments/{id}/events",
    operation_id = "followDeployment",
    tag = "deployments",
    params(DeploymentPath, EventsQuery, LastEventId),
    responses((status = 200, description = "Its events, each with its name and data", body = DeploymentEvent, content_type = "text/event-stream")),
)]
pub(super) async fn events(
    State(app): State<App>,
    Place(DeploymentPath { id }): Place<DeploymentPath>,
    Parameters(query): Parameters<EventsQuery>,
    LastEventId(last): LastEventId,
) -> Result<Response, Problem> {
    let (inner, access) = (&app.inner, app.access());
    let lines = match query.lines.as_deref() {
        Some("none") => {
            inner.ports.store.deployment(&access, &id).await?;
            let watching = inner.live.watch(&Subject::Deployment(id), Wanted::All, access, last.as_deref());
            return Ok(watching.response(inner.shutdown.clone()));
        }
        Some(wanted) => Lines::parse(wanted).ok_or_else(|| {
            Problem::bad_request(format!(
                "`lines` is `{wanted}`; expected `none`, a service, or a service and its phase as in `api/build`"
            ))
        })?,
        None => Lines::default(),
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let face = (inner.engine.clone(), inner.ports.clone());
    let follower = Follower::open(face, access, &id, (last.as_deref().and_then(Cursor::parse), lines), sender).await?;
    tokio::spawn(follower.run(inner.shutdown.clone()));
    Ok(Sse::new(ReceiverStream::new(receiver).map(Ok::<_, Infallible>)).keep_alive(KeepAlive::default()).into_response())
}

async fn view(app: &App, id: &str) -> Result<DeploymentView, Problem> {
    let (summary, deployment) = app.inner.engine.deployment(&app.access(), id).await?;
    Ok(views::deployment(&summary, &deployment, &app.inner.engine.activities(id)))
}
