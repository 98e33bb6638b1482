//! `/v2/<name>/blobs/<digest>`: read a blob or a part of it, delete it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use futures::{Stream, StreamExt as _};

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

async fn body(mut file: File, start: u64, length: u64, method: &Method) -> Result<Body, Refusal> {
    if *method == Method::HEAD {
        return Ok(Body::empty());
    }
    let first = usize::try_from(length).map_or(READ_SIZE, |length| length.min(READ_SIZE));
    let (file, piece) = blocking(move || {
        file.seek(SeekFrom::Start(start))?;
        read_piece(file, first)
    })
    .await?;
    let rest = length - piece.len() as u64;
    // What is small goes out with its head, in one packet.
    Ok(if rest == 0 { Body::from(piece) } else { Body::from_stream(pieces(file, piece, rest)) })
}

/// A piece that was read, and the rest of a file after it. While one piece is sent, the next is read.
fn pieces(file: File, piece: Bytes, rest: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let next = |file: File, rest: u64| {
        let most = usize::try_from(rest).map_or(READ_SIZE, |rest| rest.min(READ_SIZE));
        (rest, tokio::task::spawn_blocking(move || read_piece(file, most)))
    };
    let following = futures::stream::try_unfold(Some(next(file, rest)), move |reading| async move {
        let Some((rest, reading)) = reading else { return Ok(None) };
        let (file, piece) = reading.await.map_err(io::Error::other)??;
        let rest = rest - piece.len() as u64;
        let reading = (rest > 0).then(|| next(file, rest));
        Ok(Some((piece, reading)))
    });
    futures::stream::once(async { Ok(piece) }).chain(following)
}

/// The next bytes of a file, exactly so many.
fn read_piece(file: File, count: usize) -> io::Result<(File, Bytes)> {
    let mut piece = Vec::with_capacity(count);
    (&file).take(count as u64).read_to_end(&mut piece)?;
    if piece.len() < count {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok((file, Bytes::from(piece)))
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
