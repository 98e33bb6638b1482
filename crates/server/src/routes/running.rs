//! What runs of an environment, once and live.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use slipway_ports::api::{RunningEvent, RunningView};

use super::placed::PlacedEnvironment;
use crate::app::App;
use crate::live::{Subject, Wanted};
use crate::places::EnvironmentPath;
use crate::problem::Problem;
use crate::request::{LastEventId, Place};
use crate::running;
use crate::watches::Seen;

/// How long one who asks once waits for the target.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

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
/// again afterwards. A stream that resumes after `Last-Event-ID` misses nothing and sends nothing twice.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/running/events",
    operation_id = "followRunning",
    tag = "running",
    params(EnvironmentPath, LastEventId),
    responses((status = 200, description = "What runs, and what changes of it", body = RunningEvent, content_type = "text/event-stream")),
)]
pub(super) async fn events(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    LastEventId(last): LastEventId,
) -> Result<Response, Problem> {
    let placed = PlacedEnvironment::find(&app, &project, &environment).await?;
    let (live, place) = (&app.inner.live, (placed.environment.project, placed.environment.name));
    let watching = live.watch(&Subject::Environment(place.0, place.1), Wanted::Whole, app.access(), last.as_deref());
    Ok(watching.response(live.shutdown()))
}
