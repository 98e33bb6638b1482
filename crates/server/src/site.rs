//! Where the server is reached, and the page that it shows there.
//!
//! A proxy may hand a path on as the browser sent it, or without the prefix of the public URL: both are served. So every request
//! loses the prefix first, and no route knows of it.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use slipway_page::{Files, Page};

use crate::app::App;
use crate::problem::Problem;
use crate::public_url::PublicUrl;

/// The addresses of a server, and its page.
#[derive(Debug, Clone)]
pub struct Site {
    listen: SocketAddr,
    public_url: Option<PublicUrl>,
    page: Page,
}

impl Site {
    /// A server that listens on `listen`, and that a proxy may show elsewhere.
    pub fn new(listen: SocketAddr, public_url: Option<PublicUrl>, files: Files) -> Self {
        let prefix = public_url.as_ref().map_or("", PublicUrl::prefix);
        let page = Page::new(files, format!("{prefix}/"));
        Self { listen, public_url, page }
    }

    /// Whether a `Host` header names this server.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        is_loopback(host, self.listen) || self.public_url.as_ref().is_some_and(|url| url.is_host(host))
    }

    /// Whether an `Origin` header is that of its own page.
    pub(crate) fn is_origin(&self, origin: &str) -> bool {
        origin.strip_prefix("http://").is_some_and(|host| is_loopback(host, self.listen))
            || self.public_url.as_ref().is_some_and(|url| url.is_origin(origin))
    }

    /// The address of the page, for a person on this machine.
    pub(crate) fn page_url(&self) -> String {
        self.public_url.as_ref().map_or_else(|| format!("http://{}/", self.listen), |url| format!("{url}/"))
    }

    /// The same address without the prefix; `None` when it has none.
    fn below(&self, uri: &Uri) -> Option<Uri> {
        let prefix = self.public_url.as_ref().map(PublicUrl::prefix).filter(|prefix| !prefix.is_empty())?;
        let rest = uri.path().strip_prefix(prefix)?;
        let rest = if rest.is_empty() { "/" } else { rest };
        if !rest.starts_with('/') {
            return None;
        }
        let text = uri.query().map_or_else(|| rest.to_owned(), |query| format!("{rest}?{query}"));
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// Takes the prefix off, wherever a proxy has left it.
pub(crate) async fn without_prefix(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(below) = app.inner.site.below(request.uri()) {
        *request.uri_mut() = below;
    }
    next.run(request).await
}

/// What is no route: the page or a file of it; below `/api` nothing.
pub(crate) async fn show(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if is_api(uri.path()) {
        return nothing(uri).await.into_response();
    }
    app.inner.site.page.answer(&method, uri.path(), &headers)
}

/// There is no such route of the API.
pub(crate) async fn nothing(uri: Uri) -> Problem {
    Problem::not_found(format!("there is no {}", uri.path()))
}

/// Whether a path is one of the API, which wants a token; the page itself holds no secret.
pub(crate) fn is_api(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_loopback(host: &str, listen: SocketAddr) -> bool {
    let Some((name, port)) = host.rsplit_once(':') else { return false };
    let loopback = matches!(name, "127.0.0.1" | "localhost" | "[::1]") || host == listen.to_string();
    loopback && port.parse() == Ok(listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(public_url: Option<&str>) -> Site {
        let public_url = public_url.map(|url| url.parse().unwrap());
        Site::new("127.0.0.2:7878".parse().unwrap(), public_url, Files::Given([].into()))
    }

    #[test]
    fn only_loopback_names_with_the_port_are_ours() {
        for host in ["127.0.0.1:7878", "localhost:7878", "[::1]:7878", "127.0.0.2:7878"] {
            assert!(site(None).is_host(host), "{host}");
        }
        for host in ["localhost", "localhost:80", "evil.example:7878", "localhost.evil.example:7878", "127.0.0.3:7878", ""] {
            assert!(!site(None).is_host(host), "{host}");
        }
    }

    #[test]
    fn a_public_url_is_ours_besides() {
        let site = site(Some("https://ci.example/slipway"));
        assert!(site.is_host("ci.example") && site.is_host("127.0.0.1:7878") && !site.is_host("other.example"));
        assert!(site.is_origin("https://ci.example") && site.is_origin("http://localhost:7878"));
        for origin in ["http://ci.example", "https://127.0.0.1:7878", "https://other.example", "null"] {
            assert!(!site.is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn the_prefix_is_taken_off_once_and_only_where_it_is_one() {
        let site = site(Some("https://ci.example/slipway"));
        let below = |path: &str| site.below(&path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(below("/slipway").as_deref(), Some("/"));
        assert_eq!(below("/slipway/").as_deref(), Some("/"));
        assert_eq!(below("/slipway/api/v1/version?a=b").as_deref(), Some("/api/v1/version?a=b"));
        assert_eq!(below("/slipway/slipway/x").as_deref(), Some("/slipway/x"));
        for path in ["/slipways", "/api/v1/slipway", "/"] {
            assert_eq!(below(path), None, "{path}");
        }
        assert!(is_api("/api") && is_api("/api/v2") && !is_api("/apis") && !is_api("/"));
    }
}
