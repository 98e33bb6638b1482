//! `Idempotency-Key`: a request that is made again, since nobody knows whether it came through, is done once.
//!
//! The answer to a request with a key is kept for a day ([`KeptAnswer`]) and given again to the same request; another request with the key
//! is refused. What was refused was not done, and is not kept. A server that is killed after it has done what was asked and before it keeps
//! the answer finds the rest by the key: the id of a deployment and the token of a run are made from it ([`Once`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use sha2::{Digest as _, Sha256};
use slipway_ports::KeptAnswer;

use crate::app::App;
use crate::problem::Problem;
use crate::random;
use crate::request::Body;
use crate::views::now;

/// The header of a request that has a key.
pub(crate) const KEY: &str = "Idempotency-Key";
/// The header of an answer that was given before.
pub(crate) const REPLAYED: &str = "Idempotency-Replayed";
/// The longest key.
const LONGEST_KEY: usize = 255;
/// What of the headers is answered again.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];
/// What makes nothing that is kept, or must not be answered twice: it takes no key.
const WITHOUT: [&str; 9] = [
    "/api/v1/environments:validate",
    "/api/v1/environments/{project}/{environment}/plan",
    "/api/v1/key:rotate",
    "/api/v1/sessions",
    "/api/v1/sessions/codes",
    "/api/v1/shutdown",
    "/api/v1/notifications/{notification}/ping",
    // Their answers hold a secret.
    "/api/v1/notifications",
    "/api/v1/webhooks",
];

/// Whether an operation of the API takes a key.
pub(crate) fn takes_key(method: &str, path: &str) -> bool {
    method.eq_ignore_ascii_case("post") && !WITHOUT.contains(&path)
}

/// What tells a request with a key from all others, for what is made by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Once([u8; 32]);

impl Once {
    fn new(actor: &str, key: &str) -> Self {
        Self(digest(&[b"slipway once 1", actor.as_bytes(), key.as_bytes()]))
    }

    /// A UUID for something in a place.
    pub(crate) fn uuid(&self, place: &str) -> String {
        slipway_engine::request_id(&[&self.0, place.as_bytes()])
    }
}

/// A digest of parts; no two lists of parts have the same.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The requests with a key that are being done: actor and key, and what is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<Mutex<BTreeMap<(String, String), String>>>);

/// One of them; it is not running any more when this goes.
struct Turn {
    running: Running,
    who: (String, String),
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the turn of a key; else what the request that has it asks for.
    fn begin(&self, who: (String, String), fingerprint: &str) -> Result<Turn, String> {
        let mut running = self.lock();
        if let Some(other) = running.get(&who) {
            return Err(other.clone());
        }
        running.insert(who.clone(), fingerprint.to_owned());
        Ok(Turn { running: self.clone(), who })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.lock().remove(&self.who);
    }
}

/// Answers a request that was done before as it was answered then; does it otherwise.
pub(crate) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_post = request.method() == Method::POST;
    if !is_post || !request.headers().contains_key(KEY) || without(request.uri().path()) {
        return next.run(request).await;
    }
    match keyed(&app, request, next).await {
        Ok(response) => response,
        Err(problem) => {
            let is_in_use = problem.0.code == "idempotency-key-in-use";
            let mut response = problem.into_response();
            if is_in_use {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            response
        }
    }
}

/// Whether a path is one of [`WITHOUT`].
fn without(path: &str) -> bool {
    let is = |pattern: &str| {
        let (parts, given): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        parts.len() == given.len() && parts.iter().zip(given).all(|(part, given)| part.starts_with('{') || *part == given)
    };
    WITHOUT.into_iter().any(is)
}

async fn keyed(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    let key = key(&request)?;
    let (parts, body) = request.into_parts();
    let Body(bytes) = Body::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let target = parts.uri.path_and_query().map_or_else(|| parts.uri.path(), |target| target.as_str());
    let fingerprint = fingerprint(target, &parts.headers, &bytes);
    let access = app.access();
    let actor = access.actor.0.clone();
    let turn = app
        .inner
        .idempotent
        .begin((actor.clone(), key.clone()), &fingerprint)
        .map_err(|other| if other == fingerprint { in_use(&key) } else { reused(&key) })?;
    let store = app.inner.ports.store.clone();
    if let Some(kept) = store.kept_answer(&access, &key, KeptAnswer::ends_before(now())).await? {
        return if kept.fingerprint == fingerprint { Ok(replay(kept)) } else { Err(reused(&key)) };
    }
    let mut request = Request::from_parts(parts, HttpBody::from(bytes));
    request.extensions_mut().insert(Once::new(&actor, &key));
    // A client that leaves now must still find the answer when it comes back.
    let doing = tokio::spawn(async move {
        let _turn = turn;
        let response = next.run(request).await;
        if !response.status().is_success() {
            return response;
        }
        let (response, kept) = keep(response, fingerprint).await;
        if let Some(kept) = kept
            && let Err(error) = store.keep_answer(&access, &key, &kept).await
        {
            tracing::warn!(%error, "the answer to a request with an idempotency key is not kept");
        }
        response
    });
    doing.await.map_err(|error| {
        tracing::error!(%error, "a request broke off");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request broke off")
    })
}

/// What tells a request from others with its key: where it goes, to which version, and its body.
fn fingerprint(target: &str, headers: &HeaderMap, body: &[u8]) -> String {
    let condition = |name: HeaderName| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    random::hex(&digest(&[target.as_bytes(), condition(header::IF_MATCH), condition(header::IF_NONE_MATCH), body]))
}

fn key(request: &Request) -> Result<String, Problem> {
    let mut values = request.headers().get_all(KEY).iter();
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let fits = |key: &&str| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    value.filter(fits).map(str::to_owned).ok_or_else(|| {
        Problem::bad_request(format!(
            "`{KEY}` does not read: expected one, of 1 to {LONGEST_KEY} printable characters without spaces"
        ))
        .with_hint("a UUID is a good key")
    })
}

/// The answer, and what is kept of it; nothing of one that is too long, or has no end.
async fn keep(response: Response, fingerprint: String) -> (Response, Option<KeptAnswer>) {
    if response.body().size_hint().exact().is_none_or(|bytes| bytes > KeptAnswer::LARGEST_BODY as u64) {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "it was done, and its answer can not be told");
        return (problem.into_response(), None);
    };
    let bytes = collected.to_bytes();
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let headers = headers.collect();
    let kept = KeptAnswer { at: now(), fingerprint, status: parts.status.as_u16(), headers, body: bytes.to_vec() };
    (Response::from_parts(parts, HttpBody::from(bytes)), Some(kept))
}

fn replay(kept: KeptAnswer) -> Response {
    let mut response = Response::new(HttpBody::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn reused(key: &str) -> Problem {
    let detail = format!("the key {key:?} was sent with another request before, which asked for something else");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
        .with_hint("send a new key with each new request, and the same one only with the same request")
}

fn in_use(key: &str) -> Problem {
    let detail = format!("the request with the key {key:?} is still being done");
    Problem::new(StatusCode::CONFLICT, "idempotency-key-in-use", detail).with_hint("ask again in a second")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_makes_has_an_id_of_its_actor_key_and_place() {
        let id = |actor: &str, key: &str, place: &str| Once::new(actor, key).uuid(place);
        let first = id("root", "k", "shop/test");
        assert_eq!(first, id("root", "k", "shop/test"));
        for other in [id("roo", "tk", "shop/test"), id("root", "l", "shop/test"), id("root", "k", "shop/live")] {
            assert_ne!(first, other);
        }
        assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 8);
    }

    #[test]
    fn what_makes_nothing_takes_no_key() {
        assert!(without("/api/v1/environments/shop/test/plan"));
        assert!(!without("/api/v1/environments/shop/test/deployments"));
        assert!(takes_key("post", "/api/v1/targets"));
        assert!(!takes_key("get", "/api/v1/targets") && !takes_key("post", "/api/v1/shutdown"));
    }
}
