//! Who may ask: a program on this machine that can read the token, a browser in which its user signed in, and no page of a foreign site.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::sessions::Known;
use crate::site::{Site, is_api};

/// Where a code or the token becomes a session.
const SIGN_IN: &str = "/api/v1/sessions";

/// Lets a request through, or answers it.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let checked = check_place(&app.inner.site, request.headers());
    let checked = checked.and_then(|()| if is_open(&request) { Ok(None) } else { caller(&app, request.headers()).map(Some) });
    match checked {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whether anybody on this machine may ask: for the page, which holds no secret, and to sign in.
fn is_open(request: &Request) -> bool {
    let path = request.uri().path();
    !is_api(path) || (path == SIGN_IN && request.method() == Method::POST)
}

/// Refuses a request that was sent to somebody else, or by a page of somebody else.
fn check_place(site: &Site, headers: &HeaderMap) -> Result<(), Problem> {
    let forbidden = |code, detail: &str| Problem::new(StatusCode::FORBIDDEN, code, detail);
    // A name that an attacker's DNS points here (DNS rebinding) is no name of ours.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| site.is_host(host)) {
        return Err(forbidden("host-refused", "the Host header names no address of this server")
            .with_hint("behind a proxy the server wants `--public-url`"));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let own = origin.to_str().is_ok_and(|origin| site.is_origin(origin));
        if !own {
            return Err(forbidden("origin-refused", "the request comes from a page of another site"));
        }
    }
    Ok(())
}

/// Who carries the token of the server, or a session.
fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let unauthorized = |code, detail: &str| {
        Problem::new(StatusCode::UNAUTHORIZED, code, detail)
            .with_hint("send `Authorization: Bearer` with what the file `token` holds")
    };
    let Some((_, token)) = sent else {
        return Err(unauthorized("token-missing", "the request carries no bearer token"));
    };
    if bool::from(token.trim().as_bytes().ct_eq(app.inner.token.expose().as_bytes())) {
        return Ok(Caller::Owner);
    }
    match app.inner.sessions.know(token.trim(), Timestamp::now()) {
        Known::Until(expires_at) => Ok(Caller::Session(expires_at)),
        Known::Expired => {
            let ended = Problem::new(StatusCode::UNAUTHORIZED, "session-expired", "the session has ended");
            Err(ended.with_hint("sign in again: slipway open"))
        }
        Known::Foreign => Err(unauthorized("token-wrong", "the token is not that of this server, and no session of it")),
    }
}
