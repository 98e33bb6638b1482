//! The HTTP API of the server, from its other side.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_ports::SecretText;
use slipway_ports::api::{Page, ProblemDetails};
use slipway_server::{Home, HomeError};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, tungstenite};

use crate::stop::{Exit, Stop};

/// How long a request whose connection broke is made again.
const LONGEST_BREAK: Duration = Duration::from_secs(30);
/// Before each time.
const PAUSE: Duration = Duration::from_millis(300);

/// A websocket to the server.
pub(crate) type WebSocket = WebSocketStream<TcpStream>;

/// A server that said where it is.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: String,
    token: SecretText,
}

impl From<HomeError> for Stop {
    fn from(error: HomeError) -> Self {
        let exit = match error {
            HomeError::Nowhere => Exit::Refused,
            HomeError::Owned(_) | HomeError::Disk { .. } => Exit::Internal,
        };
        Self::new(exit, error.to_string())
    }
}

impl Client {
    /// The server of a home. Whether it answers shows at the first request.
    pub(crate) fn of(home: &Home) -> Result<Self, Stop> {
        let Some(record) = home.record()? else {
            return Err(unreachable(format!("no server has ever run in {}", home.root().display())));
        };
        let token = home.token().map_err(|error| Stop { exit: Exit::Unreachable, ..Stop::from(error) })?;
        // The server is on this machine: a proxy from the environment must not see its token.
        let http = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(5));
        let http = http.user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION"))).build();
        let http = http.map_err(|error| Stop::new(Exit::Internal, format!("no HTTP client: {error}")))?;
        Ok(Self { http, address: record.address, token })
    }

    /// Where the server is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Reads.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Stop> {
        self.answer(self.request(Method::GET, path)).await
    }

    /// Reads a list, page after page.
    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Stop> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let query = cursor.map(|cursor| format!("?cursor={}", encoded(&cursor))).unwrap_or_default();
            let page: Page<T> = self.get(&format!("{path}{query}")).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// Reads a text of a media type.
    pub(crate) async fn get_text(&self, path: &str, media_type: &'static str) -> Result<String, Stop> {
        let response = self.checked(self.request(Method::GET, path).header(ACCEPT, media_type)).await?;
        response.text().await.map_err(|error| self.lost(&error))
    }

    /// Asks for something to be done, once: a request whose connection breaks is made again with its key, which tells the server that it is
    /// the same one. A server that can not be reached to begin with was asked nothing, and is not waited for.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Stop> {
        let key = uuid::Uuid::now_v7().to_string();
        let asked = || self.request(Method::POST, path).header("idempotency-key", &key).json(body);
        let response = match asked().send().await {
            Err(error) if error.is_connect() => return Err(self.lost(&error)),
            Err(error) => self.again(&error, asked).await?,
            Ok(response) => response,
        };
        self.answer_of(response).await
    }

    /// Asks for something that takes no key and must not be done twice: it is not asked again when the connection breaks.
    pub(crate) async fn post_once<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Stop> {
        self.answer(self.request(Method::POST, path).json(body)).await
    }

    /// Makes a request again whose connection broke, until it is answered, or [`LONGEST_BREAK`] has passed.
    async fn again(&self, broken: &reqwest::Error, asked: impl Fn() -> RequestBuilder) -> Result<Response, Stop> {
        let until = Instant::now() + LONGEST_BREAK;
        while Instant::now() < until {
            tokio::time::sleep(PAUSE).await;
            match asked().send().await {
                // The first one is still being done.
                Ok(response) if response.status() == StatusCode::CONFLICT && response.headers().contains_key(RETRY_AFTER) => {}
                Ok(response) => return Ok(response),
                Err(_) => {}
            }
        }
        Err(self.lost(broken))
    }

    /// Asks for something to be done that has no answer but that it is.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Result<(), Stop> {
        self.checked(self.request(method, path).json(body)).await.map(drop)
    }

    /// Changes something.
    pub(crate) async fn change<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> Result<T, Stop> {
        self.answer(self.request(method, path).json(body)).await
    }

    /// Takes something away, and says what is left.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Stop> {
        self.answer(self.request(Method::DELETE, path)).await
    }

    /// Sends an environment file.
    pub(crate) async fn post_yaml<T: DeserializeOwned>(&self, path: &str, text: String) -> Result<T, Stop> {
        self.answer(self.request(Method::POST, path).header("content-type", "application/yaml").body(text)).await
    }

    /// Opens a stream of server-sent events, after the last one that was seen.
    pub(crate) async fn stream(&self, path: &str, last_id: Option<&str>) -> Result<Response, Stop> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(id) = last_id.and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert("last-event-id", id);
        }
        self.checked(self.request(Method::GET, path).headers(headers)).await
    }

    /// Opens a websocket.
    pub(crate) async fn websocket(&self, path: &str) -> Result<WebSocket, Stop> {
        let lost =
            |error: &dyn std::fmt::Display| unreachable(format!("the server at {} does not answer: {error}", self.address));
        let stream = TcpStream::connect(&self.address).await.map_err(|error| lost(&error))?;
        // Keys are pressed one at a time. A socket that refuses is closing.
        let _ = stream.set_nodelay(true);
        let request = format!("ws://{}/api/v1{path}", self.address).into_client_request();
        let mut request = request.map_err(|error| Stop::new(Exit::Internal, format!("no request for {path}: {error}")))?;
        let mut token = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))
            .map_err(|_| Stop::new(Exit::Internal, "the token of the server is no text for a header"))?;
        token.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, token);
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(self.refusal(response.status(), body))
            }
            Err(error) => Err(lost(&error)),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}/api/v1{path}", self.address);
        self.http.request(method, url).bearer_auth(self.token.expose())
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Stop> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        self.answer_of(response).await
    }

    async fn answer_of<T: DeserializeOwned>(&self, response: Response) -> Result<T, Stop> {
        let response = self.successful(response).await?;
        let body = response.bytes().await.map_err(|error| self.lost(&error))?;
        serde_json::from_slice(&body).map_err(|error| {
            Stop::new(Exit::Internal, format!("the server's answer does not read back: {error}"))
                .with_hint("server and command may be of different versions: `slipway down`, then `slipway up`")
        })
    }

    async fn checked(&self, request: RequestBuilder) -> Result<Response, Stop> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        self.successful(response).await
    }

    async fn successful(&self, response: Response) -> Result<Response, Stop> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.lost(&error))?;
        Err(self.refusal(status, &body))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Stop {
        match serde_json::from_slice::<ProblemDetails>(body) {
            Ok(problem) => Stop::from(problem),
            Err(_) => Stop::new(Exit::Internal, format!("the server at {} answers {status} and no reason", self.address)),
        }
    }

    fn lost(&self, error: &reqwest::Error) -> Stop {
        let mut reason: &dyn std::error::Error = error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        unreachable(format!("the server at {} does not answer: {reason}", self.address))
    }
}

/// A text as one segment of a path, or one value of a query, holds it.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn unreachable(message: String) -> Stop {
    let mut stop = Stop::new(Exit::Unreachable, message).with_hint("start it with `slipway up`");
    stop.code = Some("server-unreachable".to_owned());
    stop
}
