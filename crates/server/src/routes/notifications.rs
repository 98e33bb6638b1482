//! Notifications: made, listed with their messages, tried, and forgotten.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::model::Name;
use slipway_engine::Told;
use slipway_ports::api::{
    DeliveriesQuery, MadeNotificationView, MessageView, NewNotification, NotificationView, Page, PageQuery,
};
use slipway_ports::{Receiver, ReceiverAddress, ReceiverKind, UnknownReceiverKind};

use crate::app::App;
use crate::places::NotificationPath;
use crate::problem::Problem;
use crate::request::{Body, Parameters, Place};
use crate::routes::webhooks::listed;
use crate::{cursor, notification, random, views};

/// Lists who is told of deployments: by the server's own list, and by what environments say.
#[utoipa::path(
    get,
    path = "/notifications",
    operation_id = "listNotifications",
    tag = "notifications",
    params(PageQuery),
    responses((status = 200, description = "The notifications, by id", body = Page<NotificationView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Page<NotificationView>>, Problem> {
    let told = app.inner.engine.told(&app.access()).await?;
    let standings = app.inner.ports.store.receiver_standings().await?;
    let mut views: Vec<_> = told.iter().map(|told| notification::view(told, &standings)).collect();
    views.sort_by(|one, other| one.id.cmp(&other.id));
    // An environment may name a place twice, for other events.
    views.dedup_by(|one, other| one.id == other.id);
    cursor::page(&query, views, |view: &NotificationView| view.id.clone()).map(Json)
}

/// Makes a notification, and tells what signs its messages, this once.
#[utoipa::path(
    post,
    path = "/notifications",
    operation_id = "makeNotification",
    tag = "notifications",
    request_body = NewNotification,
    responses((status = 201, description = "The notification; a webhook's with its secret", body = MadeNotificationView)),
)]
pub(super) async fn make(State(app): State<App>, body: Body) -> Result<(StatusCode, Json<MadeNotificationView>), Problem> {
    let new: NewNotification = body.json()?;
    let kind: ReceiverKind = new.kind.parse().map_err(|error: UnknownReceiverKind| Problem::bad_request(error.to_string()))?;
    let called = Name::new(&new.name).map_err(|error| Problem::bad_request(error.to_string()))?;
    let filter = notification::filter(&new)?;
    let url = new.url.expose();
    app.inner.messenger.notifier.check(url).map_err(|why| Problem::bad_request(format!("the URL can not be told: {why}")))?;
    let access = app.access();
    let receiver = Receiver {
        id: uuid::Uuid::now_v7().to_string(),
        shown: kind.shown(url),
        name: called,
        kind,
        filter,
        made_by: access.actor.clone(),
        made_at: views::now(),
    };
    if app.inner.ports.store.receivers(&access).await?.iter().any(|other| other.name == receiver.name) {
        let detail = format!("there is a notification `{}` already", receiver.name);
        return Err(Problem::new(StatusCode::CONFLICT, "conflict", detail).with_hint("choose another name, or delete it first"));
    }
    let secret = match kind {
        ReceiverKind::Slack => None,
        ReceiverKind::Webhook => Some(
            random::signing_secret()
                .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?,
        ),
    };
    let address = ReceiverAddress { url: new.url.clone(), secret: secret.clone() };
    app.inner.ports.store.put_receiver(&access, &receiver, &address).await?;
    let view = notification::view(&Told::Own(receiver), &std::collections::BTreeMap::new());
    Ok((StatusCode::CREATED, Json(MadeNotificationView { notification: view, secret })))
}

/// Forgets a notification with its messages. One that an environment names is taken out of its configuration instead.
#[utoipa::path(
    delete,
    path = "/notifications/{notification}",
    operation_id = "deleteNotification",
    tag = "notifications",
    params(NotificationPath),
    responses((status = 204, description = "It is forgotten")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Place(NotificationPath { notification }): Place<NotificationPath>,
) -> Result<StatusCode, Problem> {
    if let Told::Environment(receiver) = known(&app, &notification).await? {
        let place = format!("{}/{}", receiver.project, receiver.environment);
        let detail = format!("the configuration of {place} names it; take it out there, under `notifications`");
        return Err(Problem::new(StatusCode::CONFLICT, "conflict", detail));
    }
    app.inner.ports.store.remove_receiver(&app.access(), &notification).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the last messages to a receiver, and what came of each.
#[utoipa::path(
    get,
    path = "/notifications/{notification}/deliveries",
    operation_id = "listMessages",
    tag = "notifications",
    params(NotificationPath, DeliveriesQuery),
    responses((status = 200, description = "The messages, the newest first", body = Vec<MessageView>)),
)]
pub(super) async fn deliveries(
    State(app): State<App>,
    Place(NotificationPath { notification }): Place<NotificationPath>,
    Parameters(query): Parameters<DeliveriesQuery>,
) -> Result<Json<Vec<MessageView>>, Problem> {
    let limit = listed(query)?;
    known(&app, &notification).await?;
    let deliveries = app.inner.ports.store.message_deliveries(&notification, limit).await?;
    Ok(Json(deliveries.iter().map(notification::message_view).collect()))
}

/// Sends a message of the event `ping`, once, and tells what came of it.
#[utoipa::path(
    post,
    path = "/notifications/{notification}/ping",
    operation_id = "pingNotification",
    tag = "notifications",
    params(NotificationPath),
    responses((status = 200, description = "What came of it", body = MessageView)),
)]
pub(super) async fn ping(
    State(app): State<App>,
    Place(NotificationPath { notification }): Place<NotificationPath>,
) -> Result<Json<MessageView>, Problem> {
    let delivery = app.inner.engine.ping(&app.inner.messenger, &app.access(), &notification).await?;
    Ok(Json(notification::message_view(&delivery)))
}

async fn known(app: &App, id: &str) -> Result<Told, Problem> {
    let told = app.inner.engine.told_by_id(&app.access(), id).await?;
    told.ok_or_else(|| Problem::not_found(format!("there is no notification `{}`", id.chars().take(200).collect::<String>())))
}
