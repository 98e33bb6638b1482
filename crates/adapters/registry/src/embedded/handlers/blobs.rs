//! `/v2/<name>/blobs/<digest>`: read a blob or a part of it, delete it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use futures::Stream;

use super::{CONTENT_DIGEST, entity_tag, not_modified, respond, text};
use crate::digest::Digest;
use crate::embedded::error::{ErrorCode, Refusal};
use crate::embedded::range::{self, Selection};
use crate::embedded::storage::Storage;
use crate::embedded::upload::blocking;
use crate::name::RepositoryName;

/// How much of a blob is read at once while it is sent; twice as much is in memory.
const READ_SIZE: usize = 512 * 1024;

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
        Selection::Whole => content(StatusCode::OK, &digest, body(file, 0, total, method), total),
        Selection::Part { start, length } => {
            let bytes = body(file, start, length, method);
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

fn body(file: File, start: u64, length: u64, method: &Method) -> Body {
    if *method == Method::HEAD {
        return Body::empty();
    }
    Body::from_stream(pieces(file, start, length))
}

/// A part of a file, piece by piece. While one is sent, the next is read.
fn pieces(file: File, start: u64, length: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let file = Arc::new(file);
    let read = move |at: u64| {
        let (file, most) = (Arc::clone(&file), READ_SIZE.min(usize::try_from(start + length - at).unwrap_or(READ_SIZE)));
        tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; most];
            let count = file.read_at(&mut piece, at)?;
            piece.truncate(count);
            io::Result::Ok(Bytes::from(piece))
        })
    };
    let end = start + length;
    let first = (length > 0).then(|| (start, read(start)));
    futures::stream::try_unfold((first, read), move |(reading, read)| async move {
        let Some((at, reading)) = reading else { return Ok(None) };
        let piece: Bytes = reading.await.map_err(io::Error::other)??;
        if piece.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let next = at + piece.len() as u64;
        let following = (next < end).then(|| (next, read(next)));
        Ok(Some((piece, (following, read))))
    })
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
