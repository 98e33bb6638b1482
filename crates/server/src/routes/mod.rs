//! The paths of the API, below `/api/v1`.

mod credentials;
mod deployments;
mod doctor;
mod environments;
mod exec;
mod explanations;
mod forward;
mod jobs;
mod keys;
mod logs;
mod pipeline;
mod placed;
mod running;
mod server;
mod sessions;
mod targets;

use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use axum::routing::{get, patch, post, put};
use axum::{Router, middleware};

use crate::app::App;
use crate::problem::Problem;
use crate::request::MOST_BYTES;
use crate::{guard, site};

/// The HTTP API of a server, and its page everywhere else.
pub fn router(app: App) -> Router {
    let environment = "/environments/{project}/{name}";
    let below = |path: &str| format!("{environment}{path}");
    let api = Router::new()
        .route("/version", get(server::version))
        .route("/shutdown", post(server::shutdown))
        .route("/session", get(sessions::show))
        .route("/sessions", post(sessions::sign_in))
        .route("/sessions/codes", post(sessions::give_code))
        .route("/doctor", get(doctor::doctor))
        .route("/key:rotate", post(keys::rotate))
        .route("/targets", get(targets::list).post(targets::add))
        .route("/environments", get(environments::list))
        .route("/environments:apply", post(environments::apply))
        .route("/environments:validate", post(environments::validate))
        .route("/projects/{project}/credentials", get(credentials::list))
        .route("/projects/{project}/credentials/{credential}", put(credentials::set).delete(credentials::remove))
        .route(environment, get(environments::show))
        .route(&below("/file"), get(environments::export))
        .route(&below("/plan"), post(environments::plan))
        .route(&below("/secrets/{secret}"), put(environments::set_secret))
        .route(
            &below("/stages"),
            get(pipeline::list).post(pipeline::add).patch(pipeline::change_by_query).delete(pipeline::delete_by_query),
        )
        .route(&below("/stages:order"), put(pipeline::order))
        .route(&below("/stages/{stage}"), patch(pipeline::change).delete(pipeline::delete))
        .route(&below("/services/{service}"), patch(pipeline::change_service))
        .route(&below("/services/{service}/logs"), get(logs::of_pods))
        .route(&below("/services/{service}/exec"), get(exec::exec))
        .route(&below("/services/{service}/ports/{port}"), get(forward::forward))
        .route(&below("/services/{service}/runs"), post(jobs::run))
        .route(&below("/services/{service}/runs/{run}/events"), get(jobs::events))
        .route(&below("/running"), get(running::show))
        .route(&below("/running/events"), get(running::events))
        .route(&below("/deployments"), get(deployments::history).post(deployments::deploy))
        .route("/deployments/{id}", get(deployments::show))
        .route("/deployments/{id}/explanation", get(explanations::show))
        .route("/deployments/{id}/events", get(deployments::events))
        .route("/deployments/{id}/cancel", post(deployments::cancel))
        .route("/deployments/{id}/approval", post(deployments::approve))
        .route("/deployments/{id}/logs", get(logs::of_deployment));
    let all = Router::new()
        .nest("/api/v1", api.fallback(site::nothing))
        .fallback(site::show)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
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
