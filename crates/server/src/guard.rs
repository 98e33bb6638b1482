//! Who may ask: only a program on this machine that can read the token, and no page of a foreign site.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::problem::Problem;
use crate::site::{Site, is_api};

/// Lets a request through, or answers it.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let checked = check_place(&app.inner.site, request.headers()).and_then(|()| {
        // The page itself holds no secret: whoever opens it signs in.
        if is_api(request.uri().path()) { check_token(&app, request.headers()) } else { Ok(()) }
    });
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
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

/// Refuses a request without the token.
fn check_token(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
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
        Ok(())
    } else {
        Err(unauthorized("token-wrong", "the token is not that of this server"))
    }
}
