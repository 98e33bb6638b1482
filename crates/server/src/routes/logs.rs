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
use slipway_ports::api::{LogPage, LogSectionView, PodLineView, PodLogEvent};
use slipway_ports::{CancellationToken, LogFrom, LogPods, LogQuery, LogSearch, LogWindow, PlacedLine, PodLine, Target};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::placed::PlacedService;
use crate::app::App;
use crate::events::event;
use crate::line_positions::LinePositions;
use crate::places::{DeploymentPath, ServicePath};
use crate::problem::Problem;
use crate::request::{LastEventId, Parameters, Place};
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
    /// Only those before this number, the last ones of them: `previousCursor` of the page after.
    before: Option<u64>,
    /// From this position on, among the lines of `service` in `phase`, which both must be given.
    #[param(minimum = 1)]
    at: Option<u64>,
    /// So many at most, 1 to 1000; absent: 500.
    #[param(format = "uint32")]
    limit: Option<u32>,
}

impl DeploymentLogQuery {
    /// Where the page is.
    fn from(&self) -> Result<LogFrom, Problem> {
        match (self.cursor, self.before, self.at) {
            (cursor, None, None) => Ok(LogFrom::After(cursor.unwrap_or(0))),
            _ if self.search.is_some() => Err(Problem::bad_request("`search` goes forward, with `cursor` alone")),
            (None, Some(before), None) => Ok(LogFrom::Before(before)),
            (None, None, Some(at)) if self.service.is_some() && self.phase.is_some() => Ok(LogFrom::At(at)),
            (None, None, Some(_)) => Err(Problem::bad_request(
                "`at` is a position among the lines of one service and phase; expected `service` and `phase` too",
            )),
            _ => Err(Problem::bad_request("`cursor`, `before` and `at` exclude each other; expected one of them")),
        }
    }
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
    let from = query.from()?;
    if let Some(text) = &query.search {
        if text.is_empty() || text.len() > LONGEST_SEARCH {
            return Err(Problem::bad_request(format!("`search` has {} bytes; expected 1 to {LONGEST_SEARCH}", text.len())));
        }
        let after = query.cursor.unwrap_or(0);
        let search = LogSearch { text, service: query.service.as_ref(), phase: query.phase, after, limit };
        let found = store.search_log(&access, &id, &search).await?;
        let items = found.lines.iter().map(|(number, line)| views::log_line(*number, line)).collect();
        let next_cursor = found.next.map(|number| number.to_string());
        return Ok(Json(LogPage { items, next_cursor, previous_cursor: None }));
    }
    // One more than wanted tells whether there is another page.
    let window = LogWindow { service: query.service.as_ref(), phase: query.phase, from, limit: limit + 1 };
    Ok(Json(page(store.log_window(&access, &id, &window).await?, from, limit as usize)))
}

/// A page of so many lines, out of one more.
fn page(mut lines: Vec<PlacedLine>, from: LogFrom, limit: usize) -> LogPage {
    let is_full = lines.len() > limit;
    let (has_before, has_after) = match from {
        LogFrom::After(number) => (number > 0, is_full),
        LogFrom::At(position) => (position > 1, is_full),
        // The line that it was asked for with comes after.
        LogFrom::Before(_) => (is_full, true),
    };
    if is_full {
        lines.remove(if matches!(from, LogFrom::Before(_)) { 0 } else { limit });
    }
    let number = |line: Option<&PlacedLine>| line.map(|line| line.number.to_string());
    LogPage {
        next_cursor: number(lines.last()).filter(|_| has_after),
        previous_cursor: number(lines.first()).filter(|_| has_before),
        items: lines.iter().map(views::placed_line).collect(),
    }
}

/// Counts the lines of each service and phase in the log of a deployment.
#[utoipa::path(
    get,
    path = "/deployments/{id}/log-sections",
    operation_id = "listLogSections",
    tag = "deployments",
    params(DeploymentPath),
    responses((status = 200, description = "Each with the numbers of its first and last line, by the first", body = [LogSectionView])),
)]
pub(super) async fn sections(
    State(app): State<App>,
    Place(DeploymentPath { id }): Place<DeploymentPath>,
) -> Result<Json<Vec<LogSectionView>>, Problem> {
    let sections = app.inner.ports.store.log_sections(&app.access(), &id).await?;
    Ok(Json(sections.iter().map(views::log_section).collect()))
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
///
/// The id of a line says how far each container was read: a stream that resumes after it misses nothing and sends nothing twice, as long as
/// the target keeps the lines.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/services/{service}/logs",
    operation_id = "readPodLogs",
    tag = "running",
    params(ServicePath, PodLogQuery, LastEventId),
    responses((status = 200, description = "The lines, then `end`, or `problem`", body = PodLogEvent, content_type = "text/event-stream")),
)]
pub(super) async fn of_pods(
    State(app): State<App>,
    Place(place): Place<ServicePath>,
    Parameters(query): Parameters<PodLogQuery>,
    LastEventId(last): LastEventId,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    if query.follow && query.previous {
        return Err(Problem::bad_request("`follow` and `previous` exclude each other: an earlier run writes no new lines"));
    }
    let placed = PlacedService::find(&app, &place).await?;
    let seen = last.as_deref().and_then(LinePositions::parse).unwrap_or_default();
    let (tail, since) = match seen.oldest() {
        Some(since) => (None, Some(since)),
        None => (query.tail, query.since),
    };
    let query = LogQuery {
        of: placed.pods_of(),
        namespace: placed.namespace,
        release: placed.service.name.to_string(),
        pods: query.pod.map_or(LogPods::All, LogPods::Named),
        follow: query.follow,
        tail,
        since,
        previous: query.previous,
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(read_pods(app.clone(), placed.target, query, seen, sender));
    Ok(Sse::new(ReceiverStream::new(receiver).map(Ok)).keep_alive(KeepAlive::default()))
}

/// Reads until the pods end, the client is gone, or the server stops.
async fn read_pods(app: App, target: Target, query: LogQuery, mut seen: LinePositions, sender: mpsc::Sender<Event>) {
    let cancel: CancellationToken = app.inner.shutdown.child_token();
    let _stop_reading = cancel.clone().drop_guard();
    let (lines, mut read) = mpsc::channel::<PodLine>(WAITING);
    let reading = app.inner.ports.cluster.logs(&target, &query, lines, &cancel);
    let sending = async {
        while let Some(line) = read.recv().await {
            if !seen.take(&line) {
                continue;
            }
            let PodLine { pod, container, at, text } = line;
            let told = event("line", &PodLineView { pod, container, at, text });
            if sender.send(told.id(seen.to_string())).await.is_err() {
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
