//! `/v2/<name>/blobs/<digest>`: read a blob or a part of it, delete it.

use std::io::{Seek as _, SeekFrom};

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use super::{CONTENT_DIGEST, entity_tag, not_modified, respond, text};
use crate::digest::Digest;
use crate::embedded::error::{ErrorCode, Refusal};
use crate::embedded::range::{self, Selection};
use crate::embedded::storage::Storage;
use crate::embedded::upload::blocking;
use crate::name::RepositoryName;

/// How much of a blob is in memory at once while it is sent.
const READ_SIZE: usize = 256 * 1024;

/// GET and HEAD.
pub(crate) async fn read(
    storage: &Storage,
    name: RepositoryName,
    digest: Digest,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let (owner, wanted) = (storage.clone(), digest.clone());
    let opened = blocking(move || owner.open_blob(&name, &wanted)).await?;
    let (file, total) = opened.ok_or_else(unknown)?;
    if not_modified(headers, &digest) {
        return respond(StatusCode::NOT_MODIFIED, [(header::ETAG, entity_tag(&digest))], Body::empty());
    }
    let asked = text(headers, &header::RANGE).filter(|_| *method == Method::GET && still_valid(headers, &digest));
    match range::select(asked, total) {
        Selection::Unsatisfiable => {
            let message = format!("the blob has {total} bytes, none of which is in the range");
            Err(Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::SizeInvalid, message)
                .with_header(header::CONTENT_RANGE, format!("bytes */{total}")))
        }
        Selection::Whole => content(StatusCode::OK, &digest, body(file, 0, total, method).await?, total),
        Selection::Part { start, length } => {
            let bytes = body(file, start, length, method).await?;
            let mut response = content(StatusCode::PARTIAL_CONTENT, &digest, bytes, length)?;
            let range = format!("bytes {start}-{}/{total}", start + length - 1);
            response.headers_mut().insert(header::CONTENT_RANGE, range.parse().map_err(std::io::Error::other)?);
            Ok(response)
        }
    }
}

/// DELETE.
pub(crate) async fn delete(storage: &Storage, name: RepositoryName, digest: Digest) -> Result<Response, Refusal> {
    let owner = storage.clone();
    let removed = blocking(move || owner.delete_blob(&name, &digest)).await?;
    if removed { respond(StatusCode::ACCEPTED, [], Body::empty()) } else { Err(unknown()) }
}

fn unknown() -> Refusal {
    Refusal::not_found(ErrorCode::BlobUnknown, "the repository has no such blob")
}

/// A range holds unless `If-Range` names other content.
fn still_valid(headers: &HeaderMap, digest: &Digest) -> bool {
    text(headers, &header::IF_RANGE).is_none_or(|validator| validator == entity_tag(digest))
}

async fn body(mut file: std::fs::File, start: u64, length: u64, method: &Method) -> Result<Body, Refusal> {
    if *method == Method::HEAD {
        return Ok(Body::empty());
    }
    let file = blocking(move || file.seek(SeekFrom::Start(start)).map(|_| file)).await?;
    let reader = tokio::fs::File::from_std(file).take(length);
    Ok(Body::from_stream(ReaderStream::with_capacity(reader, READ_SIZE)))
}

fn content(status: StatusCode, digest: &Digest, body: Body, length: u64) -> Result<Response, Refusal> {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, entity_tag(digest)),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    respond(status, headers, body)
}
