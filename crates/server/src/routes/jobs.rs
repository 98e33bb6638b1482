//! Cron jobs, run now.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Extension, Json};
use futures::{Stream, StreamExt as _};
use slipway_core::failure::Failure;
use slipway_core::model::{Job, JobTrigger, ServiceKind};
use slipway_ports::api::{JobRunBody, JobStartedView, PodLineView, PodLogEvent};
use slipway_ports::{
    CancellationToken, JobRequest, LogPods, LogQuery, PodLine, PodsOf, RolloutKind, RolloutRequest, SeenLines, Silent,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::placed::PlacedService;
use crate::app::App;
use crate::events::event;
use crate::idempotency::Once;
use crate::places::{RunPath, ServicePath};
use crate::problem::Problem;
use crate::request::{Body, Place};

/// Lines that wait for a slow client.
const WAITING: usize = 256;
/// The longest token.
const LONGEST_TOKEN: usize = 12;
/// The longest name of a Job.
const LONGEST_NAME: usize = 63;
/// How much longer than the job itself its Job may take.
const MARGIN: Duration = Duration::from_secs(120);

/// Runs a cron job now; with a token that it was run with before, nothing is done.
#[utoipa::path(
    post,
    path = "/environments/{project}/{environment}/services/{service}/runs",
    operation_id = "runJob",
    tag = "running",
    params(ServicePath),
    request_body = Option<JobRunBody>,
    responses((status = 201, description = "The run has begun", body = JobStartedView)),
)]
pub(super) async fn run(
    State(app): State<App>,
    Place(place): Place<ServicePath>,
    once: Option<Extension<Once>>,
    body: Body,
) -> Result<(StatusCode, Json<JobStartedView>), Problem> {
    let JobRunBody { token } = body.json()?;
    let placed = PlacedService::find(&app, &place).await?;
    cron_job(&placed)?;
    let token = match token {
        Some(token) if is_word(&token, LONGEST_TOKEN, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) => token,
        Some(token) => {
            let detail = format!("`token` is {token:?}; expected 1 to {LONGEST_TOKEN} lower-case letters and digits");
            return Err(Problem::bad_request(detail));
        }
        None => {
            // Its last part is random.
            let id = once.map_or_else(|| uuid::Uuid::now_v7().to_string(), |Extension(once)| once.uuid(&placed.place()));
            id.rsplit('-').next().unwrap_or_default().chars().take(LONGEST_TOKEN).collect()
        }
    };
    let request = JobRequest { namespace: placed.namespace.clone(), release: placed.service.name.to_string(), token };
    let name = app.inner.workloads.run_job(&placed.target, &request).await?;
    Ok((StatusCode::CREATED, Json(JobStartedView { name })))
}

/// Follows a run of a cron job to its end, as server-sent events.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/services/{service}/runs/{run}/events",
    operation_id = "followJobRun",
    tag = "running",
    params(RunPath),
    responses((status = 200, description = "The lines of its pods, then how it ended", body = PodLogEvent, content_type = "text/event-stream")),
)]
pub(super) async fn events(
    State(app): State<App>,
    Place(RunPath { project, environment, service, run }): Place<RunPath>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let placed = PlacedService::find(&app, &ServicePath { project, environment, service }).await?;
    let longest = cron_job(&placed)?.max_duration + MARGIN;
    if !is_word(&run, LONGEST_NAME, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Err(Problem::not_found(format!("{} has no run {run:?}", placed.service.name)));
    }
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(follow(app, placed, run, longest, sender));
    Ok(Sse::new(ReceiverStream::new(receiver).map(Ok)).keep_alive(KeepAlive::default()))
}

/// The job, if it is run by the clock.
fn cron_job(placed: &PlacedService) -> Result<&Job, Problem> {
    let name = &placed.service.name;
    let refuse =
        |detail: String, hint: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail).with_hint(hint));
    match &placed.service.kind {
        ServiceKind::Job(job) if matches!(job.trigger, JobTrigger::Cron { .. }) => Ok(job),
        ServiceKind::Job(_) => refuse(
            format!("`{name}` is a lifecycle job: it runs with the deployments of its environment"),
            format!("`slipway deploy --service {name}` runs it, if it is one for `start`"),
        ),
        ServiceKind::Application(_) | ServiceKind::Container(_) | ServiceKind::Database(_) | ServiceKind::Helm(_) => {
            refuse(format!("`{name}` is no job"), "only a job with a `schedule` can be run now".to_owned())
        }
    }
}

fn is_word(text: &str, longest: usize, fits: fn(u8) -> bool) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(fits)
}

async fn follow(app: App, placed: PlacedService, run: String, longest: Duration, sender: mpsc::Sender<Event>) {
    let cancel: CancellationToken = app.inner.shutdown.child_token();
    let _stop_reading = cancel.clone().drop_guard();
    let last = tokio::select! {
        ended = lines_until_the_end(&app, &placed, &run, longest, &sender, &cancel) => match ended {
            Ok(()) => Event::default().event("end").data("{}"),
            Err(_) if app.inner.shutdown.is_cancelled() => return,
            Err(failure) => event("problem", &*Problem::from(failure).0),
        },
        () = sender.closed() => return,
    };
    // Nobody is left to tell of a client that left just now.
    let _ = sender.send(last).await;
}

/// Follows the lines until the verdict, then reads what was still on its way.
async fn lines_until_the_end(
    app: &App,
    placed: &PlacedService,
    run: &str,
    longest: Duration,
    sender: &mpsc::Sender<Event>,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let PlacedService { service, target, namespace } = placed;
    let cluster = &app.inner.ports.cluster;
    let mut query = LogQuery {
        namespace: namespace.clone(),
        release: service.name.to_string(),
        of: PodsOf::Release,
        pods: LogPods::OfJob(run.to_owned()),
        follow: true,
        tail: None,
        since: None,
        previous: false,
    };
    let request = RolloutRequest {
        namespace: namespace.clone(),
        release: service.name.to_string(),
        kind: RolloutKind::Job { name: run.to_owned() },
        pods: PodsOf::Release,
        timeout: longest,
    };
    let mut told = SeenLines::default();
    let ended = {
        let (lines, mut read) = mpsc::channel(WAITING);
        let reading = cluster.logs(target, &query, lines, cancel);
        let telling = async { while tell(&mut read, &mut told, sender).await {} };
        let reading = async {
            let (ended, ()) = tokio::join!(reading, telling);
            // The verdict says how it ended; lines that can not be read any more do not.
            if let Err(failure) = ended {
                tracing::debug!(%failure, "the lines of a run can not be followed");
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = cluster.await_rollout(target, &request, &Silent, cancel) => ended,
            () = reading => Ok(()),
        }
    };
    query.follow = false;
    told.read_again();
    let (lines, mut read) = mpsc::channel(WAITING);
    let reading = cluster.logs(target, &query, lines, cancel);
    let telling = async { while tell(&mut read, &mut told, sender).await {} };
    let (rest, ()) = tokio::join!(reading, telling);
    ended.and(rest)
}

/// Tells the next line, unless it was told before; whether there was one and somebody listens.
async fn tell(read: &mut mpsc::Receiver<PodLine>, told: &mut SeenLines, sender: &mpsc::Sender<Event>) -> bool {
    let Some(PodLine { pod, container, at, text }) = read.recv().await else { return false };
    if !told.is_new(&pod, &container, at) {
        return true;
    }
    sender.send(event("line", &PodLineView { pod, container, at, text })).await.is_ok()
}
