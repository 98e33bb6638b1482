//! What git hosts post, at `/hooks/{webhook}`. Who posts proves by the webhook's secret that he may; the API's token is not asked for.
//!
//! A delivery is kept and answered at once; what follows from it is the engine's, later.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::{Json, Router, routing};
use slipway_hosts::{LARGEST, Refusal, Sender};
use slipway_ports::api::TakenView;
use slipway_ports::{NewDelivery, StoreError};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::problem::Problem;
use crate::views;

/// How long a host may take to send the body.
const LONGEST_BODY: Duration = Duration::from_secs(30);
/// As many bodies are held at a time, since nobody knows yet who sends them.
const AT_A_TIME: usize = 8;

/// The routes of hosts.
pub(super) fn router() -> Router<App> {
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    let take = move |State(app): State<App>, Path(webhook): Path<String>, request: Request| {
        let room = room.clone();
        async move { take(&app, &webhook, request, &room).await }
    };
    Router::new().route("/hooks/{webhook}", routing::post(take))
}

async fn take(app: &App, id: &str, request: Request, room: &Semaphore) -> Result<impl IntoResponse + use<>, Problem> {
    let store = &app.inner.ports.store;
    let (webhook, secret) = store.webhook_to_check(id).await.map_err(|error| match error {
        StoreError::NotFound(_) => Problem::not_found("there is no such webhook"),
        other => other.into(),
    })?;
    let sender: Sender = webhook.host.parse().map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the webhook is of another program: {error}"))
    })?;
    let Ok(_place) = room.acquire().await else { return Err(Problem::not_found("the server stops")) };
    let (headers, body) = read(request).await?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let received = sender.receive(&secret, &header, &body, &uuid::Uuid::now_v7().to_string()).map_err(|refusal| {
        tracing::warn!(webhook = %webhook.id, sender = sender.as_str(), code = refusal.code(), reason = %refusal, "a delivery is refused");
        problem(&refusal)
    })?;
    let delivery = NewDelivery {
        webhook: webhook.id,
        id: received.delivery,
        event: received.event,
        notices: received.notices,
        at: views::now(),
    };
    let is_new = store.take_delivery(&delivery).await?;
    if is_new {
        app.inner.engine.tell_of_delivery();
    } else {
        tracing::info!(webhook = %delivery.webhook, delivery = %delivery.id, "a delivery came again, and nothing is done");
    }
    Ok((StatusCode::ACCEPTED, Json(TakenView { delivery: delivery.id, known: !is_new })))
}

async fn read(request: Request) -> Result<(HeaderMap, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(LONGEST_BODY, to_bytes(body, LARGEST)).await.map_err(|_| {
        let detail = format!("the body did not come within {} s", LONGEST_BODY.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail)
    })?;
    // What is not read to its end is too large, or its sender has gone and hears nothing.
    let body = read.map_err(|_| problem(&Refusal::TooLarge))?;
    Ok((parts.headers, body))
}

fn problem(refusal: &Refusal) -> Problem {
    let status = match refusal {
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::SignatureMissing { .. } | Refusal::SignatureWrong { .. } => StatusCode::UNAUTHORIZED,
        Refusal::ContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::DeliveryMissing { .. } | Refusal::NotJson | Refusal::Malformed { .. } => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, "delivery-refused", format!("{refusal} ({})", refusal.code()))
}
