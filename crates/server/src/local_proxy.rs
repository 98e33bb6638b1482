//! The way from the outside to services of the local target: by host name and path to ready containers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request, response};
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo};
use slipway_docker::{NoPassage, Passage, Routes, Speaks};
use tokio::net::TcpStream;

/// How long a container may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Headers that are for one connection alone.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What was asked, and what it takes to ask a container the same.
struct Asked {
    host: String,
    parts: request::Parts,
    upgrade: Option<HeaderValue>,
}

/// Why there is no answer.
enum Unanswered {
    /// The request has not been taken: another container may be asked.
    NotTaken(String),
    /// It may have been.
    Broken(String),
}

/// Answers requests to public host names.
pub(crate) fn router(routes: Arc<Routes>) -> Router {
    Router::new().fallback(pass).with_state(routes)
}

async fn pass(State(routes): State<Arc<Routes>>, mut request: Request) -> Response {
    let host = host(&request);
    let passages = match routes.passages(&host, request.uri().path()) {
        Ok(passages) => passages,
        Err(none) => return nowhere(&host, none),
    };
    let from_client = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    // Without a body the same can be asked twice.
    let is_repeatable = body.is_end_stream() && parts.method.is_safe();
    let upgrade = parts.headers.get(header::UPGRADE).cloned();
    let asked = Asked { host: host.clone(), parts, upgrade };
    let mut body = Some(body);
    let mut reason = String::new();
    for passage in passages {
        let Some(sent) = (if is_repeatable { Some(Body::empty()) } else { body.take() }) else { break };
        match ask(&asked, sent, &passage).await {
            Ok(answer) => return passed_on(answer, passage, from_client),
            Err(Unanswered::NotTaken(why)) => reason = why,
            Err(Unanswered::Broken(why)) => {
                reason = why;
                if !is_repeatable {
                    break;
                }
            }
        }
    }
    tracing::debug!(host, reason, "a request of the outside has no answer");
    (StatusCode::BAD_GATEWAY, format!("{host}: the service does not answer: {reason}\n")).into_response()
}

/// The host name that is asked for: HTTP/2 has it in the address of the request.
fn host(request: &Request) -> String {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(axum::http::uri::Authority::as_str);
    authority.or(named).unwrap_or_default().to_owned()
}

fn nowhere(host: &str, none: NoPassage) -> Response {
    match none {
        NoPassage::Unknown => {
            (StatusCode::NOT_FOUND, format!("{host}: {none}; `slipway status` shows the URLs of services\n")).into_response()
        }
        NoPassage::NotReady => {
            let mut response = (StatusCode::SERVICE_UNAVAILABLE, format!("{host}: {none}\n")).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// Asks one container, on a connection of its own: one that was kept could be ending just now.
async fn ask(asked: &Asked, body: Body, passage: &Passage) -> Result<hyper::Response<Incoming>, Unanswered> {
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(passage.address)).await;
    let stream = connected.map_err(|_| Unanswered::NotTaken("no connection in time".to_owned()))?;
    let stream = stream.map_err(|error| Unanswered::NotTaken(error.to_string()))?;
    // Each part of an answer is wanted now. A socket that refuses is closing.
    let _ = stream.set_nodelay(true);
    let broken = |error: hyper::Error| Unanswered::Broken(error.to_string());
    let stream = TokioIo::new(stream);
    let request = asked.of_container(body, passage.speaks);
    match passage.speaks {
        Speaks::Http1 => {
            let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
            tokio::spawn(async move { ended(connection.with_upgrades().await) });
            sender.send_request(request).await.map_err(broken)
        }
        Speaks::Http2 => {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.map_err(broken)?;
            tokio::spawn(async move { ended(connection.await) });
            sender.send_request(request).await.map_err(broken)
        }
    }
}

fn ended(connection: Result<(), hyper::Error>) {
    if let Err(error) = connection {
        tracing::debug!(%error, "a connection to a container ended badly");
    }
}

impl Asked {
    /// The same request for the container.
    fn of_container(&self, body: Body, speaks: Speaks) -> hyper::Request<Body> {
        let mut request = hyper::Request::new(body);
        *request.method_mut() = self.parts.method.clone();
        *request.headers_mut() = self.headers(speaks);
        let path = self.parts.uri.path_and_query().cloned().map_or_else(|| Uri::from_static("/"), Uri::from);
        *request.uri_mut() = match speaks {
            Speaks::Http1 => path,
            // A host name that has found a route makes an address.
            Speaks::Http2 => format!("http://{}{path}", self.host).parse().unwrap_or(path),
        };
        request
    }

    /// The headers for the container: what was sent, and where it came from.
    fn headers(&self, speaks: Speaks) -> HeaderMap {
        let mut headers = self.parts.headers.clone();
        let takes_trailers = headers.get(header::TE).is_some_and(|accepted| accepted == "trailers");
        without_those_of_the_connection(&mut headers);
        let host = HeaderValue::from_str(&self.host).ok();
        match (speaks, &self.upgrade) {
            (Speaks::Http1, Some(protocol)) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(header::UPGRADE, protocol.clone());
            }
            (Speaks::Http1, None) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            (Speaks::Http2, _) if takes_trailers => {
                headers.insert(header::TE, HeaderValue::from_static("trailers"));
            }
            (Speaks::Http2, _) => {}
        }
        headers.remove(header::HOST);
        if let Some(host) = host {
            headers.insert("x-forwarded-host", host.clone());
            if speaks == Speaks::Http1 {
                headers.insert(header::HOST, host);
            }
        }
        with_one_cookie(&mut headers);
        headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
        headers.insert("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
        headers
    }
}

/// Clients of HTTP/2 send cookies one by one; servers of HTTP/1.1 read one header.
fn with_one_cookie(headers: &mut HeaderMap) {
    let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if all.len() > 1
        && let Ok(one) = HeaderValue::from_bytes(&all.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, one);
    }
}

fn without_those_of_the_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_THE_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

/// The answer for the client. The container keeps the request until its last byte is passed on.
fn passed_on(mut answer: hyper::Response<Incoming>, passage: Passage, from_client: OnUpgrade) -> Response {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let from_container = hyper::upgrade::on(&mut answer);
        tokio::spawn(async move {
            if let (Ok(client), Ok(container)) = tokio::join!(from_client, from_container) {
                let (mut client, mut container) = (TokioIo::new(client), TokioIo::new(container));
                // Either side may end it whenever it likes.
                let _ended = tokio::io::copy_bidirectional(&mut client, &mut container).await;
            }
            drop(passage);
        });
        let (parts, _) = answer.into_parts();
        return Response::from_parts(parts, Body::empty());
    }
    let (mut parts, body): (response::Parts, _) = answer.into_parts();
    without_those_of_the_connection(&mut parts.headers);
    // With its trailers, which is where gRPC tells how a call went.
    let body = body.map_frame(move |part| {
        let _kept_until_the_end = &passage;
        part
    });
    Response::from_parts(parts, Body::new(body))
}

#[cfg(test)]
mod tests;
