//! `/v2/<name>/blobs/<digest>`: read a blob or a part of it, delete it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
#[cfg(target_os = "linux")]
use rustix::io::ReadWriteFlags;

use super::{CONTENT_DIGEST, entity_tag, not_modified, respond, text};
use crate::digest::Digest;
use crate::embedded::error::{ErrorCode, Refusal};
use crate::embedded::range::{self, Selection};
use crate::embedded::storage::Storage;
use crate::embedded::upload::blocking;
use crate::name::RepositoryName;

/// How much of a blob is read at once while it is sent: little enough to stay in the processor's cache, and not to be a mapping of
/// its own each time.
const READ_SIZE: usize = 96 * 1024;

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

async fn body(file: File, start: u64, length: u64, method: &Method) -> Result<Body, Refusal> {
    if *method == Method::HEAD || length == 0 {
        return Ok(Body::empty());
    }
    let end = start + length;
    let (file, piece) = next_piece(file, start, end).await?;
    let next = start + piece.len() as u64;
    if next == end {
        // What is small goes out with its head, in one packet.
        return Ok(Body::from(piece));
    }
    let following = futures::stream::try_unfold((file, next), move |(file, at)| async move {
        if at == end {
            return Ok(None);
        }
        let (file, piece) = next_piece(file, at, end).await?;
        let next = at + piece.len() as u64;
        io::Result::Ok(Some((piece, (file, next))))
    });
    Ok(Body::from_stream(futures::stream::once(async { Ok(piece) }).chain(following)))
}

/// The next bytes of a file, before `end`. What the system has in memory is read at once, the rest off the async threads.
async fn next_piece(file: File, at: u64, end: u64) -> io::Result<(File, Bytes)> {
    let most = usize::try_from(end - at).map_or(READ_SIZE, |rest| rest.min(READ_SIZE));
    if let Some(piece) = cached(&file, at, most) {
        return Ok((file, piece));
    }
    let reading = tokio::task::spawn_blocking(move || {
        let mut piece = vec![0; most];
        file.read_exact_at(&mut piece, at)?;
        Ok((file, Bytes::from(piece)))
    });
    reading.await.map_err(io::Error::other)?
}

/// Bytes of a file that can be read without waiting for the disk; where that is not known to be, none.
#[cfg(target_os = "linux")]
fn cached(file: &File, at: u64, most: usize) -> Option<Bytes> {
    let mut piece = vec![0; most];
    // What goes wrong here goes wrong in the other way of reading too, and is told there.
    let count = rustix::io::preadv2(file, &mut [io::IoSliceMut::new(&mut piece)], at, ReadWriteFlags::NOWAIT).ok()?;
    piece.truncate(count);
    (count > 0).then(|| Bytes::from(piece))
}

#[cfg(not(target_os = "linux"))]
fn cached(_: &File, _: u64, _: usize) -> Option<Bytes> {
    None
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
