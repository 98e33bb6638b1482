//! `/v2/<name>/manifests/<reference>`: read, push and delete manifests and tags.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{CONTENT_DIGEST, entity_tag, not_modified, respond, text};
use crate::digest::Digest;
use crate::embedded::error::{ErrorCode, Refusal};
use crate::embedded::query::Query;
use crate::embedded::route::Reference;
use crate::embedded::storage::{ManifestRecord, Storage, StoredManifest};
use crate::embedded::upload::blocking;
use crate::manifest::Manifest;
use crate::media_type;
use crate::name::{RepositoryName, Tag};

/// The largest manifest that is taken, as the specification asks for at least.
const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;
/// How long a client may take to send one.
const LONGEST_MANIFEST_PUSH: Duration = Duration::from_secs(60);
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// GET and HEAD. The `Accept` header does not choose: the manifest is the one that was pushed.
pub(crate) async fn read(
    storage: &Storage,
    name: RepositoryName,
    reference: Reference,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let owner = storage.clone();
    let found = blocking(move || {
        let digest = match reference {
            Reference::Digest(digest) => Some(digest),
            Reference::Tag(tag) => owner.tag_in_use(&name, &tag)?,
        };
        match digest.map(|digest| owner.manifest_in_use(&name, &digest)).transpose()?.flatten() {
            Some(manifest) => Ok(Ok(manifest)),
            None => Ok(Err(owner.repository_exists(&name)?)),
        }
    })
    .await?;
    let StoredManifest { digest, media_type, content } = found.map_err(unknown)?;
    if not_modified(headers, &digest) {
        return respond(StatusCode::NOT_MODIFIED, [(header::ETAG, entity_tag(&digest))], Body::empty());
    }
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_LENGTH, content.len().to_string()),
        (header::ETAG, entity_tag(&digest)),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    respond(StatusCode::OK, headers, Body::from(content))
}

/// PUT.
pub(crate) async fn push(
    storage: &Storage,
    (name, reference): (RepositoryName, Reference),
    query: &Query,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let content_type = text(headers, &header::CONTENT_TYPE).map(media_type::essence).filter(|value| !value.is_empty());
    let content = read_limited(headers, body).await?;
    let manifest = Manifest::parse(&content, content_type.as_deref())
        .map_err(|error| Refusal::bad_request(ErrorCode::ManifestInvalid, error.to_string()))?;
    let (digest, tags) = name_content(&content, reference, query)?;
    let location = format!("/v2/{name}/manifests/{digest}");
    let subject = manifest.subject.clone();
    let (owner, address, pushed_tags) = (storage.clone(), digest.clone(), tags.clone());
    let missing = blocking(move || {
        let entry = manifest.referrer_descriptor(&address, content.len());
        owner.put_manifest(
            &name,
            &ManifestRecord {
                digest: &address,
                media_type: &manifest.media_type,
                content: &content,
                requires: manifest.references().filter(|part| !part.elsewhere).map(|part| part.digest.clone()).collect(),
                referrer: manifest.subject.clone().map(|subject| (subject, entry)),
                tags: pushed_tags,
            },
        )
    })
    .await?;
    if !missing.is_empty() {
        return Err(Refusal::missing_references(&missing));
    }
    created(location, &digest, subject, &tags)
}

/// DELETE: a tag alone, or a manifest with every tag that points to it.
pub(crate) async fn delete(storage: &Storage, name: RepositoryName, reference: Reference) -> Result<Response, Refusal> {
    let owner = storage.clone();
    let removed = blocking(move || {
        let existed = match reference {
            Reference::Tag(tag) => owner.delete_tag(&name, &tag)?,
            Reference::Digest(digest) => owner.delete_manifest(&name, &digest)?,
        };
        if existed { Ok(Ok(())) } else { Ok(Err(owner.repository_exists(&name)?)) }
    })
    .await?;
    removed.map_err(unknown)?;
    respond(StatusCode::ACCEPTED, [], Body::empty())
}

fn unknown(repository_exists: bool) -> Refusal {
    if repository_exists {
        Refusal::not_found(ErrorCode::ManifestUnknown, "the repository has no such manifest or tag")
    } else {
        Refusal::not_found(ErrorCode::NameUnknown, "nothing was ever pushed to this repository")
    }
}

async fn read_limited(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        let message = format!("a manifest has at most {LARGEST_MANIFEST} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid, message)
    };
    let collected = Limited::new(body, LARGEST_MANIFEST).collect();
    let collected = tokio::time::timeout(LONGEST_MANIFEST_PUSH, collected).await.map_err(|_| {
        let message = format!("the manifest did not come within {} s; push it again", LONGEST_MANIFEST_PUSH.as_secs());
        Refusal::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::ManifestInvalid, message)
    })?;
    let collected = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_large()
        } else {
            Refusal::bad_request(ErrorCode::ManifestInvalid, "the manifest broke off before its end; push it again")
        }
    })?;
    let content = Vec::from(collected.to_bytes());
    // A connection that ends early can look like an end of the body.
    let announced = text(headers, &header::CONTENT_LENGTH).and_then(|value| value.parse::<usize>().ok());
    if announced.is_some_and(|length| length != content.len()) {
        return Err(Refusal::bad_request(ErrorCode::SizeInvalid, "the manifest is shorter than Content-Length says"));
    }
    Ok(content)
}

/// The digest of the content, and the tags it gets. A digest in the path must be the content's own.
fn name_content(content: &[u8], reference: Reference, query: &Query) -> Result<(Digest, Vec<Tag>), Refusal> {
    match reference {
        Reference::Tag(tag) => Ok((Digest::sha256(content), vec![tag])),
        Reference::Digest(expected) => {
            let actual = Digest::of(expected.algorithm(), content);
            if actual != expected {
                let message = format!("the manifest has the digest {actual}; it was discarded");
                return Err(Refusal::bad_request(ErrorCode::DigestInvalid, message));
            }
            let tags = query.all("tag").map(|text| {
                text.parse()
                    .map_err(|error: crate::name::InvalidTag| Refusal::bad_request(ErrorCode::ManifestInvalid, error.to_string()))
            });
            Ok((expected, tags.collect::<Result<_, _>>()?))
        }
    }
}

fn created(location: String, digest: &Digest, subject: Option<Digest>, tags: &[Tag]) -> Result<Response, Refusal> {
    let headers = [(header::LOCATION, location), (CONTENT_DIGEST, digest.to_string())];
    let mut response = respond(StatusCode::CREATED, headers, Body::empty())?;
    if let Some(subject) = subject {
        let value = subject.to_string().parse().map_err(std::io::Error::other)?;
        response.headers_mut().insert(SUBJECT, value);
    }
    for tag in tags {
        let value = tag.as_str().parse().map_err(std::io::Error::other)?;
        response.headers_mut().append(HeaderName::from_static("oci-tag"), value);
    }
    Ok(response)
}
