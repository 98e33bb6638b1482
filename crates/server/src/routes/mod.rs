//! The paths of the API, below `/api/v1`.

mod clones;
mod credentials;
mod deployments;
mod doctor;
mod environments;
mod exec;
mod explanations;
mod forward;
mod hooks;
mod jobs;
mod keys;
mod live;
mod logs;
mod notifications;
mod pipeline;
mod placed;
mod projects;
mod running;
mod server;
mod sessions;
mod targets;
mod webhooks;

use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::Problem;
use crate::request::MOST_BYTES;
use crate::{guard, idempotency, site};

/// Where the API begins.
const BASE: &str = "/api/v1";

/// The routes of the API with what they say of themselves: whatever is served is in its document.
pub(crate) fn documented() -> OpenApiRouter<App> {
    let api = OpenApiRouter::default()
        .routes(routes!(server::version))
        .routes(routes!(server::document))
        .routes(routes!(server::schema))
        .routes(routes!(server::shutdown))
        .routes(routes!(sessions::show))
        .routes(routes!(sessions::sign_in))
        .routes(routes!(sessions::give_code))
        .routes(routes!(doctor::doctor))
        .routes(routes!(keys::rotate))
        .routes(routes!(targets::list, targets::add))
        .routes(routes!(environments::list))
        .routes(routes!(environments::apply))
        .routes(routes!(environments::validate))
        .routes(routes!(projects::list))
        .routes(routes!(projects::apply))
        .routes(routes!(projects::validate))
        .routes(routes!(projects::show))
        .routes(routes!(projects::export))
        .routes(routes!(projects::list_secrets))
        .routes(routes!(projects::set_secret))
        .routes(routes!(credentials::list))
        .routes(routes!(credentials::set, credentials::remove))
        .merge(told())
        .routes(routes!(live::all))
        .routes(routes!(environments::show))
        .routes(routes!(live::environment))
        .routes(routes!(live::board))
        .routes(routes!(environments::export))
        .routes(routes!(environments::plan))
        .routes(routes!(clones::environment))
        .routes(routes!(clones::service))
        .routes(routes!(environments::list_secrets))
        .routes(routes!(environments::set_secret))
        .routes(routes!(pipeline::list, pipeline::add, pipeline::change_by_query, pipeline::delete_by_query))
        .routes(routes!(pipeline::order))
        .routes(routes!(pipeline::change, pipeline::delete))
        .routes(routes!(pipeline::change_service))
        .routes(routes!(logs::of_pods))
        .routes(routes!(exec::exec))
        .routes(routes!(forward::forward))
        .routes(routes!(jobs::run))
        .routes(routes!(jobs::events))
        .routes(routes!(running::show))
        .routes(routes!(running::events))
        .routes(routes!(deployments::history, deployments::deploy))
        .routes(routes!(deployments::show))
        .routes(routes!(explanations::show))
        .routes(routes!(deployments::events))
        .routes(routes!(deployments::cancel))
        .routes(routes!(deployments::approve))
        .routes(routes!(logs::of_deployment))
        .routes(routes!(logs::sections));
    OpenApiRouter::default().nest(BASE, api.fallback(site::nothing))
}

/// By what others tell the server of something, and are told.
fn told() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(webhooks::list, webhooks::make))
        .routes(routes!(webhooks::delete))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(notifications::list, notifications::make))
        .routes(routes!(notifications::delete))
        .routes(routes!(notifications::deliveries))
        .routes(routes!(notifications::ping))
}

/// The HTTP API of a server, and its page everywhere else.
pub fn router(app: App) -> Router {
    let (api, _) = documented().split_for_parts();
    let all = api
        .fallback(site::show)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), idempotency::once))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .merge(hooks::router())
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app.clone());
    // A layer sees a request after the routing: what changes its path is around all routes.
    Router::new()
        .fallback_service(all)
        .layer(middleware::map_response(slipway_page::secured))
        .layer(middleware::from_fn_with_state(app, site::without_prefix))
}

async fn wrong_method(uri: Uri) -> Problem {
    let detail = format!("{} does not take this method", uri.path());
    Problem::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
