//! Webhooks: made, listed with what they told, and forgotten. What hosts post comes to `hooks.rs`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use slipway_hosts::{Sender, UnknownSender};
use slipway_ports::Webhook;
use slipway_ports::api::{DeliveriesQuery, DeliveryView, MadeWebhookView, NewWebhook, Page, PageQuery, WebhookView};

use crate::app::App;
use crate::places::WebhookPath;
use crate::problem::Problem;
use crate::request::{Body, Parameters, Place, name};
use crate::{cursor, random, views, webhook};

/// Deliveries that are listed unless the caller wants more or fewer.
const LISTED: u32 = 20;

/// Lists the webhooks.
#[utoipa::path(
    get,
    path = "/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(PageQuery),
    responses((status = 200, description = "The webhooks, by id", body = Page<WebhookView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Page<WebhookView>>, Problem> {
    let webhooks = app.inner.ports.store.webhooks(&app.access()).await?;
    let mut views: Vec<_> = webhooks.iter().map(|webhook| webhook::view(&app.inner.site, webhook)).collect();
    views.sort_by(|one, other| one.id.cmp(&other.id));
    cursor::page(&query, views, |view: &WebhookView| view.id.clone()).map(Json)
}

/// Makes a webhook, and tells its secret, this once.
#[utoipa::path(
    post,
    path = "/webhooks",
    operation_id = "makeWebhook",
    tag = "webhooks",
    request_body = NewWebhook,
    responses((status = 201, description = "The webhook with its secret", body = MadeWebhookView)),
)]
pub(super) async fn make(State(app): State<App>, body: Body) -> Result<(StatusCode, Json<MadeWebhookView>), Problem> {
    let new: NewWebhook = body.json()?;
    let sender: Sender = new.host.parse().map_err(|error: UnknownSender| Problem::bad_request(error.to_string()))?;
    let project = new.project.as_deref().map(name).transpose()?;
    let access = app.access();
    let webhook = Webhook {
        id: uuid::Uuid::now_v7().to_string(),
        host: sender.as_str().to_owned(),
        project,
        made_by: access.actor.clone(),
        made_at: views::now(),
    };
    let secret =
        random::text::<32>().map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    app.inner.ports.store.put_webhook(&access, &webhook, &secret).await?;
    let view = webhook::view(&app.inner.site, &webhook);
    Ok((StatusCode::CREATED, Json(MadeWebhookView { webhook: view, secret })))
}

/// Forgets a webhook with what it told; what its host posts then is refused.
#[utoipa::path(
    delete,
    path = "/webhooks/{webhook}",
    operation_id = "deleteWebhook",
    tag = "webhooks",
    params(WebhookPath),
    responses((status = 204, description = "It is forgotten")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Place(WebhookPath { webhook }): Place<WebhookPath>,
) -> Result<StatusCode, Problem> {
    app.inner.ports.store.remove_webhook(&app.access(), &webhook).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the last deliveries of a webhook, and what came of each.
#[utoipa::path(
    get,
    path = "/webhooks/{webhook}/deliveries",
    operation_id = "listDeliveries",
    tag = "webhooks",
    params(WebhookPath, DeliveriesQuery),
    responses((status = 200, description = "The deliveries, the newest first", body = Vec<DeliveryView>)),
)]
pub(super) async fn deliveries(
    State(app): State<App>,
    Place(WebhookPath { webhook }): Place<WebhookPath>,
    Parameters(query): Parameters<DeliveriesQuery>,
) -> Result<Json<Vec<DeliveryView>>, Problem> {
    let limit = listed(query)?;
    let deliveries = app.inner.ports.store.deliveries(&app.access(), &webhook, limit).await?;
    Ok(Json(deliveries.iter().map(webhook::delivery_view).collect()))
}

/// How many deliveries are listed.
pub(super) fn listed(query: DeliveriesQuery) -> Result<u32, Problem> {
    let limit = query.limit.unwrap_or(LISTED);
    if (1..=250).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad_request(format!("`limit` is {limit}, and may be 1 to 250")))
    }
}
