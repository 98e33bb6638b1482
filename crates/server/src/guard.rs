//! Who may ask: only a program on this machine that can read the token, and no page of a foreign site.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::problem::Problem;

/// Lets a request through, or answers it.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(&app, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let listen = app.inner.listen;
    let forbidden = |code, detail: &str| Problem::new(StatusCode::FORBIDDEN, code, detail);
    // A name that an attacker's DNS points here (DNS rebinding) is no name of ours.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| is_own(host, listen)) {
        return Err(forbidden("host-refused", "the Host header names no loopback address of this server"));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let own = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://")).is_some_and(|host| is_own(host, listen));
        if !own {
            return Err(forbidden("origin-refused", "the request comes from a page of another site"));
        }
    }
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

fn is_own(host: &str, listen: SocketAddr) -> bool {
    let Some((name, port)) = host.rsplit_once(':') else { return false };
    let loopback = matches!(name, "127.0.0.1" | "localhost" | "[::1]") || host == listen.to_string();
    loopback && port.parse() == Ok(listen.port())
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_loopback_names_with_the_port_are_ours() {
        let listen = "127.0.0.2:7878".parse().unwrap();
        for host in ["127.0.0.1:7878", "localhost:7878", "[::1]:7878", "127.0.0.2:7878"] {
            assert!(is_own(host, listen), "{host}");
        }
        for host in ["localhost", "localhost:80", "evil.example:7878", "localhost.evil.example:7878", "127.0.0.3:7878", ""] {
            assert!(!is_own(host, listen), "{host}");
        }
    }
}
