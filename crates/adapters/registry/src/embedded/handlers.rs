//! One function per endpoint.

pub(super) mod blobs;
pub(super) mod manifests;
pub(super) mod referrers;
pub(super) mod tags;
pub(super) mod uploads;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::error::Refusal;
use crate::digest::Digest;

/// The header that names the digest of what is answered.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A response with headers whose values are made of checked names, digests and numbers.
pub(super) fn respond<const N: usize>(
    status: StatusCode,
    headers: [(HeaderName, String); N],
    body: Body,
) -> Result<Response, Refusal> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(std::io::Error::other)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// A header as text; one that is not text counts as absent.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The `ETag` of content is its digest.
pub(super) fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client says that it already has this content.
pub(super) fn not_modified(headers: &HeaderMap, digest: &Digest) -> bool {
    let entity = entity_tag(digest);
    text(headers, &header::IF_NONE_MATCH)
        .is_some_and(|list| list.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == entity || tag == "*"))
}
