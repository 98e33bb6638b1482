//! Lines of deployments and of pods.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use serde::Deserialize;
use slipway_core::deployment::Phase;
use slipway_core::model::Name;
use slipway_ports::api::schema::{NameSchema, PhaseSchema};
use slipway_ports::api::{LogPage, PodLineView, PodLogEvent};
use slipway_ports::{CancellationToken, LogPods, LogQuery, LogSearch, PodLine, Target};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::placed::PlacedService;
use crate::app::App;
use crate::events::event;
use crate::places::{DeploymentPath, ServicePath};
use crate::problem::Problem;
use crate::request::{Parameters, Place};
use crate::views;

/// Lines that wait for a slow client.
const WAITING: usize = 256;
/// Most bytes of a text that is searched for.
const LONGEST_SEARCH: usize = 1000;

/// Which lines of a deployment are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeploymentLogQuery {
    /// Only those of this service.
    #[param(value_type = Option<NameSchema>)]
    service: Option<Name>,
    /// Only those of this phase.
    #[param(value_type = Option<PhaseSchema>)]
    phase: Option<Phase>,
    /// Only lines that hold this text; the letters A to Z count as their small ones.
    search: Option<String>,
    /// `nextCursor` of the page before; absent: the first page.
    cursor: Option<u64>,
    /// So many at most, 1 to 1000; absent: 500.
    limit: Option<u32>,
}

/// Lists the lines of the log of a deployment, oldest first.
#[utoipa::path(
    get,
    path = "/deployments/{id}/logs",
    operation_id = "listLogLines",
    tag = "deployments",
    params(DeploymentPath, DeploymentLogQuery),
    responses((status = 200, description = "A page of them", body = LogPage)),
)]
pub(super) async fn of_deployment(
    State(app): State<App>,
    Place(DeploymentPath { id }): Place<DeploymentPath>,
    Parameters(query): Parameters<DeploymentLogQuery>,
) -> Result<Json<LogPage>, Problem> {
    let limit = query.limit.unwrap_or(500).clamp(1, 1000);
    let (access, store) = (app.access(), &app.inner.ports.store);
    store.deployment(&access, &id).await?;
    if let Some(text) = &query.search {
        if text.is_empty() || text.len() > LONGEST_SEARCH {
            return Err(Problem::bad_request(format!("`search` has {} bytes; expected 1 to {LONGEST_SEARCH}", text.len())));
        }
        let after = query.cursor.unwrap_or(0);
        let search = LogSearch { text, service: query.service.as_ref(), phase: query.phase, after, limit };
        let found = store.search_log(&access, &id, &search).await?;
        let items = found.lines.iter().map(|(number, line)| views::log_line(*number, line)).collect();
        return Ok(Json(LogPage { items, next_cursor: found.next.map(|number| number.to_string()) }));
    }
    let lines = store.log(&access, &id, query.service.as_ref(), query.cursor.unwrap_or(0), limit).await?;
    let next_cursor = lines.last().filter(|_| lines.len() == limit as usize).map(|(number, _)| number.to_string());
    let wanted = lines.iter().filter(|(_, line)| query.phase.is_none_or(|phase| line.phase == phase));
    Ok(Json(LogPage { items: wanted.map(|(number, line)| views::log_line(*number, line)).collect(), next_cursor }))
}

/// Which lines of pods are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PodLogQuery {
    /// Whether lines that are still to come are wanted too.
    #[serde(default)]
    follow: bool,
    /// Only so many of the last lines of each container.
    tail: Option<u32>,
    /// Only lines of this time or later.
    since: Option<Timestamp>,
    /// Only those of one pod.
    pod: Option<String>,
    /// Those of the run before of each container.
    #[serde(default)]
    previous: bool,
}

/// Reads the lines of the pods of a service, as server-sent events.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/services/{service}/logs",
    operation_id = "readPodLogs",
    tag = "running",
    params(ServicePath, PodLogQuery),
    responses((status = 200, description = "The lines, then `end`, or `problem`", body = PodLogEvent, content_type = "text/event-stream")),
)]
pub(super) async fn of_pods(
    State(app): State<App>,
    Place(place): Place<ServicePath>,
    Parameters(query): Parameters<PodLogQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    if query.follow && query.previous {
        return Err(Problem::bad_request("`follow` and `previous` exclude each other: an earlier run writes no new lines"));
    }
    let placed = PlacedService::find(&app, &place).await?;
    let query = LogQuery {
        of: placed.pods_of(),
        namespace: placed.namespace,
        release: placed.service.name.to_string(),
        pods: query.pod.map_or(LogPods::All, LogPods::Named),
        follow: query.follow,
        tail: query.tail,
        since: query.since,
        previous: query.previous,
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(read_pods(app.clone(), placed.target, query, sender));
    Ok(Sse::new(ReceiverStream::new(receiver).map(Ok)).keep_alive(KeepAlive::default()))
}

/// Reads until the pods end, the client is gone, or the server stops.
async fn read_pods(app: App, target: Target, query: LogQuery, sender: mpsc::Sender<Event>) {
    let cancel: CancellationToken = app.inner.shutdown.child_token();
    let _stop_reading = cancel.clone().drop_guard();
    let (lines, mut read) = mpsc::channel::<PodLine>(WAITING);
    let reading = app.inner.ports.cluster.logs(&target, &query, lines, &cancel);
    let sending = async {
        while let Some(PodLine { pod, container, at, text }) = read.recv().await {
            if sender.send(event("line", &PodLineView { pod, container, at, text })).await.is_err() {
                return false;
            }
        }
        true
    };
    // A client that leaves while no line comes must end the reading too.
    let ended = tokio::select! {
        (ended, listens) = async { tokio::join!(reading, sending) } => listens.then_some(ended),
        () = sender.closed() => None,
    };
    let last = match ended {
        None => return,
        Some(Ok(())) => Event::default().event("end").data("{}"),
        Some(Err(_)) if app.inner.shutdown.is_cancelled() => return,
        Some(Err(failure)) => event("problem", &*Problem::from(failure).0),
    };
    // Nobody is left to tell of a client that left just now.
    let _ = sender.send(last).await;
}
