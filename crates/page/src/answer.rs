//! What is answered to a request for the page or one of its files.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::encoding::Encoding;
use crate::files::{File, Files, tag_of};

/// What every path shows that names no file.
const INDEX: &str = "index.html";
/// Files here have their hash in their names.
const HASHED: &str = "assets/";

const YEAR: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

const MISSING: &str = "This program was compiled without its web page.\n\n  make web   builds the page; then compile the program again\n\n\
     The API is below /api/v1, and every command of `slipway` works.\n";

/// The page, served below one path.
#[derive(Debug, Clone)]
pub struct Page {
    files: Files,
    base: String,
}

impl Page {
    /// A page whose paths begin with `base`, which begins and ends with `/`.
    pub fn new(files: Files, base: impl Into<String>) -> Self {
        Self { files, base: base.into() }
    }

    /// Answers a request; the path is the one below the base, and begins with `/`.
    pub fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if method != Method::GET && method != Method::HEAD {
            let allowed = [(header::ALLOW, "GET, HEAD")];
            return (StatusCode::METHOD_NOT_ALLOWED, allowed, "only GET and HEAD are answered here\n").into_response();
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let response = if let Some(file) = self.files.get(path).filter(|_| path != INDEX) {
            self.file(path, file, headers)
        } else if path.starts_with(HASHED) {
            // A script that is gone must not come as the text of the page.
            (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, ASK_AGAIN)], "there is no such file\n").into_response()
        } else {
            self.index(headers)
        };
        if method == Method::HEAD { without_body(response) } else { response }
    }

    fn file(&self, path: &str, file: File, headers: &HeaderMap) -> Response {
        let keep = if path.starts_with(HASHED) { YEAR } else { ASK_AGAIN };
        let compressed = Encoding::ALL
            .into_iter()
            .filter(|encoding| encoding.is_taken(headers))
            .find_map(|encoding| Some((encoding, self.files.get(&format!("{path}{}", encoding.suffix()))?)));
        let (encoding, file) = compressed.map_or((None, file), |(encoding, file)| (Some(encoding), file));
        let tag = encoding.map_or_else(|| file.tag.clone(), |encoding| format!("{}-{}", file.tag, encoding.as_str()));
        let mut response = tagged(&tag, headers, file.bytes);
        let answer = response.headers_mut();
        if let Some(encoding) = encoding {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.as_str()));
        }
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
        response
    }

    fn index(&self, headers: &HeaderMap) -> Response {
        let Some(file) = self.files.get(INDEX) else {
            return (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], MISSING).into_response();
        };
        let page = self.with_base(&String::from_utf8_lossy(&file.bytes)).into_bytes();
        let mut response = tagged(&tag_of(&page), headers, page.into());
        let answer = response.headers_mut();
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(ASK_AGAIN));
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(INDEX)));
        response
    }

    /// The page with our `<base>`: in the place of its own, which `npm run dev` needs, else before everything that refers to anything.
    fn with_base(&self, page: &str) -> String {
        let own = page.find("<base ").and_then(|start| Some((start, start + page[start..].find('>')? + 1)));
        let first = page.find("<head>").map_or(0, |at| at + "<head>".len());
        let (start, end) = own.unwrap_or((first, first));
        // The base is a path of unreserved characters: nothing of it is read as HTML.
        format!("{}<base href=\"{}\">{}", &page[..start], self.base, &page[end..])
    }
}

/// The bytes, or only that they have not changed.
fn tagged(tag: &str, headers: &HeaderMap, bytes: Cow<'static, [u8]>) -> Response {
    let tag = format!("\"{tag}\"");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    let mut response = if known.any(|known| known == tag || known == "*") {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(bytes.into_owned()))
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The answer to HEAD: what GET would say of its body, and no body.
fn without_body(response: Response) -> Response {
    use axum::body::HttpBody as _;
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|_| parts.status != StatusCode::NOT_MODIFIED) {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, Body::empty())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        Some(_) | None => "application/octet-stream",
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
