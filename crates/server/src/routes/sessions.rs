//! Signing in with a browser: a code of the command line, or the token, becomes a session.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use slipway_ports::api::{CallerView, SessionView, SignInBody, SignInCodeView};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::caller::{Caller, OwnerOnly};
use crate::problem::Problem;
use crate::request::Body;
use crate::sign_in_codes::{self, TooMany};

/// Gives out a code that brings a browser in, once.
#[utoipa::path(
    post,
    path = "/sessions/codes",
    operation_id = "giveSignInCode",
    tag = "sessions",
    responses((status = 201, description = "The code", body = SignInCodeView)),
)]
pub(super) async fn give_code(State(app): State<App>, _: OwnerOnly) -> Result<(StatusCode, Json<SignInCodeView>), Problem> {
    let code = app.inner.codes.give().map_err(no_random)?;
    let expires_at = Timestamp::now().checked_add(sign_in_codes::LASTS).unwrap_or(Timestamp::MAX);
    Ok((StatusCode::CREATED, Json(SignInCodeView { code, page: app.inner.site.page_url(), expires_at })))
}

/// Makes a session of a code or of the token.
///
/// The one operation of the API that needs no token.
#[utoipa::path(
    post,
    path = "/sessions",
    operation_id = "signIn",
    tag = "sessions",
    request_body = SignInBody,
    security(()),
    responses((status = 201, description = "The session", body = SessionView)),
)]
pub(super) async fn sign_in(State(app): State<App>, body: Body) -> Response {
    let codes = &app.inner.codes;
    if let Err(TooMany { retry_after }) = codes.may_try() {
        let seconds = retry_after.as_secs() + 1;
        let detail = format!("there were too many wrong attempts to sign in; the next is heard in {seconds} s");
        let mut refused = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", detail).into_response();
        refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return refused;
    }
    session(&app, &body).map_or_else(Problem::into_response, |session| {
        (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(session)).into_response()
    })
}

fn session(app: &App, body: &Body) -> Result<SessionView, Problem> {
    let is_right = match body.json()? {
        SignInBody { code: Some(code), token: None } => app.inner.codes.take(&code),
        SignInBody { code: None, token: Some(token) } => {
            token.expose().trim().as_bytes().ct_eq(app.inner.token.expose().as_bytes()).into()
        }
        SignInBody { .. } => {
            return Err(Problem::bad_request("the body names neither or both; expected one of `code` and `token`"));
        }
    };
    if !is_right {
        app.inner.codes.was_wrong();
        let detail = "this brings nobody in: a code works once and for 60 s, and the token is what the file `token` holds";
        return Err(
            Problem::new(StatusCode::UNAUTHORIZED, "sign-in-refused", detail).with_hint("ask for a new code: slipway open")
        );
    }
    let session = app.inner.sessions.begin(Timestamp::now()).map_err(no_random)?;
    Ok(SessionView { token: session.token, actor: app.access().actor.0, expires_at: session.expires_at })
}

/// Tells who asks, and until when.
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "showCaller",
    tag = "sessions",
    responses((status = 200, description = "Who asks", body = CallerView)),
)]
pub(super) async fn show(State(app): State<App>, caller: Caller) -> Json<CallerView> {
    let expires_at = match caller {
        Caller::Owner => None,
        Caller::Session(until) => Some(until),
    };
    Json(CallerView { actor: app.access().actor.0, expires_at })
}

fn no_random(error: getrandom::Error) -> Problem {
    tracing::error!(%error, "the system has no random bytes");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the system has no random bytes")
}
