//! The embedded registry: OCI Distribution specification 1.1 over files on disk.
//!
//! [`router`] makes the service; whoever mounts it binds the port. A request is authenticated, its raw path is read by
//! [`route`], its endpoint is one function of [`handlers`], and [`storage`] keeps the content. [`EmbeddedCollector`] removes what
//! nobody needs any more.

mod auth;
mod collector;
mod durable;
mod error;
mod handlers;
mod layout;
mod query;
mod range;
mod route;
mod storage;
mod upload;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

pub use auth::{Auth, User};
pub use collector::EmbeddedCollector;
pub use storage::{Ages, Kept, OpenError, Storage};

use error::{ErrorCode, Refusal};
use handlers::{blobs, manifests, referrers, tags, uploads};
use query::Query;
use route::Route;

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Registry {
    storage: Storage,
    uploads: upload::Uploads,
    auth: Auth,
}

/// The registry's endpoints, all below `/v2/`.
pub fn router(storage: Storage, auth: Auth) -> Router {
    let registry = Registry { storage, uploads: upload::Uploads::default(), auth };
    let endpoints = axum::routing::any(answer);
    Router::new()
        .route("/v2", endpoints.clone())
        .route("/v2/", endpoints.clone())
        .route("/v2/{*path}", endpoints)
        .with_state(registry)
}

async fn answer(State(registry): State<Registry>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = dispatch(&registry, request).await.unwrap_or_else(Refusal::into_response);
    tracing::debug!(%method, path, status = response.status().as_u16(), "registry request");
    let version = HeaderName::from_static("docker-distribution-api-version");
    response.headers_mut().insert(version, HeaderValue::from_static("registry/2.0"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn dispatch(registry: &Registry, request: Request) -> Result<Response, Refusal> {
    registry.auth.check(request.headers(), request.method())?;
    let (parts, body) = request.into_parts();
    let (method, headers, storage) = (parts.method, parts.headers, &registry.storage);
    let query = Query::parse(parts.uri.query());
    let read = method == Method::GET || method == Method::HEAD;
    match Route::parse(parts.uri.path())? {
        Route::Version if read => Ok(version()),
        Route::Manifest(name, reference) if read => manifests::read(storage, name, reference, &headers).await,
        Route::Manifest(name, reference) if method == Method::PUT => {
            manifests::push(storage, (name, reference), &query, &headers, body).await
        }
        Route::Manifest(name, reference) if method == Method::DELETE => manifests::delete(storage, name, reference).await,
        Route::Blob(name, digest) if read => blobs::read(storage, name, digest, &method, &headers).await,
        Route::Blob(name, digest) if method == Method::DELETE => blobs::delete(storage, name, digest).await,
        Route::StartUpload(name) if method == Method::POST => uploads::start(registry, name, &query, &headers, body).await,
        Route::Upload(name, id) if method == Method::PATCH => uploads::append(registry, name, id, &headers, body).await,
        Route::Upload(name, id) if method == Method::PUT => uploads::finish(registry, (name, id), &query, &headers, body).await,
        Route::Upload(name, id) if read => uploads::status(registry, &name, id).await,
        Route::Upload(name, id) if method == Method::DELETE => uploads::cancel(registry, &name, id).await,
        Route::Tags(name) if read => tags::list(storage, name, &query).await,
        Route::Referrers(name, digest) if read => referrers::list(storage, name, digest, &query).await,
        route => Err(method_not_allowed(&route)),
    }
}

fn version() -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (StatusCode::OK, headers, "{}").into_response()
}

fn method_not_allowed(route: &Route) -> Refusal {
    let allowed = match route {
        Route::Version | Route::Tags(_) | Route::Referrers(..) => "GET, HEAD",
        Route::Manifest(..) => "GET, HEAD, PUT, DELETE",
        Route::Blob(..) => "GET, HEAD, DELETE",
        Route::StartUpload(_) => "POST",
        Route::Upload(..) => "GET, HEAD, PATCH, PUT, DELETE",
    };
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, format!("this path takes {allowed}"))
        .with_header(header::ALLOW, allowed)
}
