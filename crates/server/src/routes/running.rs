//! What runs of an environment, once and live.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _};
use slipway_ports::api::{RunningEvent, RunningView};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::placed::PlacedEnvironment;
use crate::app::App;
use crate::events::event;
use crate::places::EnvironmentPath;
use crate::problem::Problem;
use crate::request::Place;
use crate::running;
use crate::watches::Seen;

/// How long one who asks once waits for the target.
const LONGEST_LOOK: Duration = Duration::from_secs(5);
/// Events that wait for a slow client; what comes beyond them is told as one.
const WAITING: usize = 8;

/// Tells what runs of an environment now.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/running",
    operation_id = "showRunning",
    tag = "running",
    params(EnvironmentPath),
    responses((status = 200, description = "What runs", body = RunningView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
) -> Result<Json<RunningView>, Problem> {
    let placed = PlacedEnvironment::find(&app, &project, &environment).await?;
    let mut seen = app.inner.watches.look(&placed.target, &placed.namespace);
    let looked = tokio::time::timeout(LONGEST_LOOK, seen.wait_for(|seen| *seen != Seen::Nothing)).await;
    let found = match looked {
        Ok(Ok(seen)) => seen.clone(),
        Ok(Err(_)) | Err(_) => Seen::Nothing,
    };
    match found {
        Seen::Running(running) => Ok(Json(running::view(&placed.environment, &placed.target, &running))),
        Seen::Away(failure) => Err(failure.into()),
        Seen::Nothing => {
            let detail = format!("target {} did not answer within {} s", placed.target.name, LONGEST_LOOK.as_secs());
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "cluster-unreachable", detail)
                .with_hint("check that the API server of the target runs and is reached from here: slipway doctor"))
        }
    }
}

/// Follows what runs of an environment, as server-sent events.
///
/// `running` has all of it, then `change` what is different; `away` has problem details while it can not be found out, and `running` comes
/// again afterwards.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/running/events",
    operation_id = "followRunning",
    tag = "running",
    params(EnvironmentPath),
    responses((status = 200, description = "What runs, and what changes of it", body = RunningEvent, content_type = "text/event-stream")),
)]
pub(super) async fn events(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let placed = PlacedEnvironment::find(&app, &project, &environment).await?;
    let seen = app.inner.watches.look(&placed.target, &placed.namespace);
    let (sender, receiver) = mpsc::channel(WAITING);
    let shutdown = app.inner.shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = sender.closed() => {}
            () = tell(&placed, seen, &sender) => {}
        }
    });
    Ok(Sse::new(ReceiverStream::new(receiver).map(Ok)).keep_alive(KeepAlive::default()))
}

async fn tell(placed: &PlacedEnvironment, mut seen: watch::Receiver<Seen>, sender: &mpsc::Sender<Event>) {
    let mut told: Option<RunningView> = None;
    loop {
        let now = seen.borrow_and_update().clone();
        let next = match now {
            Seen::Nothing => None,
            Seen::Away(failure) => {
                told = None;
                Some(event("away", &*Problem::from(failure).0))
            }
            Seen::Running(services) => {
                let view = running::view(&placed.environment, &placed.target, &services);
                let next = match &told {
                    None => Some(event("running", &view)),
                    Some(before) => running::change(before, &view).map(|change| event("change", &change)),
                };
                told = Some(view);
                next
            }
        };
        if let Some(next) = next
            && sender.send(next).await.is_err()
        {
            return;
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}
