//! `/v2/<name>/blobs/uploads/`: push a blob in one request, in two, or in chunks; mount one from another repository.

use std::str::FromStr as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use uuid::Uuid;

use super::{CONTENT_DIGEST, respond, text};
use crate::digest::Digest;
use crate::embedded::Registry;
use crate::embedded::error::{ErrorCode, Refusal};
use crate::embedded::query::Query;
use crate::embedded::range;
use crate::embedded::route;
use crate::embedded::upload::{Announced, blocking, known_length, location, received_range};
use crate::name::RepositoryName;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// POST: mount a blob, take it whole, or open a session.
pub(crate) async fn start(
    registry: &Registry,
    name: RepositoryName,
    query: &Query,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    if let Some(mount) = query.get("mount") {
        let digest = route::digest(mount)?;
        if let Some(from) = query.get("from")
            && mounted(registry, &name, from, &digest).await?
        {
            return created(&name, &digest);
        }
    }
    let expected = query.get("digest").map(route::digest).transpose()?;
    let (storage, owner) = (registry.storage.clone(), name.clone());
    let id = blocking(move || storage.start_upload(&owner)).await?;
    let Some(expected) = expected else {
        return accepted(&name, id, 0);
    };
    let announced = announced(headers)?;
    let finished = finish_apart(registry, &name, id, (announced, body), &expected).await;
    if finished.is_err() {
        // The client of a single request never learns the session's address: nothing can go on with it. What a failure
        // leaves here is swept when the registry opens.
        let _ = registry.uploads.cancel(&registry.storage, &name, id).await;
    }
    finished?;
    created(&name, &expected)
}

/// PATCH: the next chunk.
pub(crate) async fn append(
    registry: &Registry,
    name: RepositoryName,
    id: Uuid,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let announced = announced(headers)?;
    let (owner, repository) = (registry.clone(), name.clone());
    // A task of its own: when the client goes away, what came is still written before the next request may append.
    let writing = tokio::spawn(async move { owner.uploads.append(&owner.storage, (&repository, id), announced, body).await });
    let length = writing.await.map_err(std::io::Error::other)??;
    accepted(&name, id, length)
}

/// PUT: the last chunk, if there is one, and the digest of the whole.
pub(crate) async fn finish(
    registry: &Registry,
    (name, id): (RepositoryName, Uuid),
    query: &Query,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let Some(digest) = query.get("digest") else {
        let message = "closing an upload needs the parameter digest";
        return Err(Refusal::bad_request(ErrorCode::DigestInvalid, message));
    };
    let expected = route::digest(digest)?;
    let announced = announced(headers)?;
    finish_apart(registry, &name, id, (announced, body), &expected).await?;
    created(&name, &expected)
}

/// GET: how far the upload is.
pub(crate) async fn status(registry: &Registry, name: &RepositoryName, id: Uuid) -> Result<Response, Refusal> {
    let length = known_length(&registry.storage, name, id).await?;
    let headers = [(header::LOCATION, location(name, id)), (header::RANGE, received_range(length)), (UPLOAD_ID, id.to_string())];
    respond(StatusCode::NO_CONTENT, headers, Body::empty())
}

/// DELETE: forget the upload.
pub(crate) async fn cancel(registry: &Registry, name: &RepositoryName, id: Uuid) -> Result<Response, Refusal> {
    if registry.uploads.cancel(&registry.storage, name, id).await? {
        respond(StatusCode::NO_CONTENT, [], Body::empty())
    } else {
        Err(Refusal::not_found(ErrorCode::BlobUploadUnknown, "there is no such upload"))
    }
}

async fn mounted(registry: &Registry, name: &RepositoryName, from: &str, digest: &Digest) -> Result<bool, Refusal> {
    let from = route::repository_name(from)?;
    let (storage, name, digest) = (registry.storage.clone(), name.clone(), digest.clone());
    blocking(move || storage.mount_blob(&name, &from, &digest)).await
}

async fn finish_apart(
    registry: &Registry,
    name: &RepositoryName,
    id: Uuid,
    bytes: (Announced, Body),
    expected: &Digest,
) -> Result<(), Refusal> {
    let (owner, name, expected) = (registry.clone(), name.clone(), expected.clone());
    let finishing = tokio::spawn(async move { owner.uploads.finish(&owner.storage, (&name, id), bytes, &expected).await });
    finishing.await.map_err(std::io::Error::other)?
}

fn announced(headers: &HeaderMap) -> Result<Announced, Refusal> {
    let content_length = text(headers, &header::CONTENT_LENGTH).and_then(|value| u64::from_str(value).ok());
    let Some(value) = headers.get(header::CONTENT_RANGE) else {
        return Ok(Announced { start: None, length: content_length });
    };
    let (start, length) = value.to_str().ok().and_then(range::chunk).ok_or_else(|| {
        let message = "Content-Range must have the form <first byte>-<last byte>";
        Refusal::bad_request(ErrorCode::BlobUploadInvalid, message)
    })?;
    if content_length.is_some_and(|announced| announced != length) {
        let message = format!("Content-Range says {length} bytes, Content-Length says otherwise");
        return Err(Refusal::bad_request(ErrorCode::SizeInvalid, message));
    }
    Ok(Announced { start: Some(start), length: Some(length) })
}

fn accepted(name: &RepositoryName, id: Uuid, length: u64) -> Result<Response, Refusal> {
    let headers = [
        (header::LOCATION, location(name, id)),
        (header::RANGE, received_range(length)),
        (header::CONTENT_LENGTH, "0".to_owned()),
        (UPLOAD_ID, id.to_string()),
    ];
    respond(StatusCode::ACCEPTED, headers, Body::empty())
}

fn created(name: &RepositoryName, digest: &Digest) -> Result<Response, Refusal> {
    let headers = [
        (header::LOCATION, format!("/v2/{name}/blobs/{digest}")),
        (header::CONTENT_LENGTH, "0".to_owned()),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    respond(StatusCode::CREATED, headers, Body::empty())
}
