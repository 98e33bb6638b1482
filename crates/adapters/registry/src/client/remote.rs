//! One repository of a registry, as the Distribution API offers it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use reqwest::{Body, Response, StatusCode, Url, header};
use slipway_core::failure::{Code, Failure};

use super::endpoint::Endpoint;
use super::refusal;
use super::session::{Access, Session};
use crate::digest::{Digest, Hasher};
use crate::manifest::{Descriptor, Manifest};
use crate::media_type::{self, DOCKER_LIST, DOCKER_MANIFEST, ManifestKind, OCI_INDEX, OCI_MANIFEST};

/// More than any registry takes; what is longer is not a manifest.
const LARGEST_MANIFEST: usize = 8 * 1024 * 1024;

/// A repository of a registry, and the right that is asked for there.
#[derive(Clone)]
pub(crate) struct Remote<'a> {
    session: &'a Session,
    access: Access,
    path: String,
}

/// A manifest as it was fetched, checked against its digest.
pub(crate) struct FetchedManifest {
    pub(crate) digest: Digest,
    pub(crate) content: Vec<u8>,
    pub(crate) manifest: Manifest,
}

/// How a blob came into a repository.
pub(crate) enum Begun {
    /// It was mounted from another repository.
    Mounted,
    /// Its bytes are to be sent there.
    Upload(Url),
}

impl<'a> Remote<'a> {
    /// A repository to read.
    pub(crate) fn to_read(session: &'a Session, endpoint: &Endpoint, path: &str) -> Self {
        Self { session, access: Access::pull(endpoint, path), path: path.to_owned() }
    }

    /// A repository to write.
    pub(crate) fn to_write(session: &'a Session, endpoint: &Endpoint, path: &str) -> Self {
        Self { session, access: Access::push(endpoint, path), path: path.to_owned() }
    }

    /// The name under which the registry knows it.
    pub(crate) fn name(&self) -> String {
        self.endpoint().repository(&self.path)
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.access.endpoint
    }

    pub(crate) fn url(&self, rest: &str) -> Url {
        self.endpoint().url(&self.path, rest)
    }

    /// Asks for what is there; whatever the registry says comes back.
    pub(crate) async fn get(&self, url: Url) -> Result<Response, Failure> {
        let request = |client: &reqwest::Client| client.get(url.clone()).header(header::ACCEPT, accepted());
        self.session.send(&self.access, request).await
    }

    /// The digest that a tag or digest stands for; `None` when the registry says that it has no such manifest.
    pub(crate) async fn digest_of(&self, reference: &str) -> Result<Option<Digest>, Failure> {
        let url = self.url(&format!("manifests/{reference}"));
        let response =
            self.session.send(&self.access, |client| client.head(url.clone()).header(header::ACCEPT, accepted())).await?;
        match response.status() {
            StatusCode::OK => {
                let named = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
                match named.and_then(|text| text.parse().ok()) {
                    Some(digest) => Ok(Some(digest)),
                    None => Ok(Some(self.manifest(reference).await?.digest)),
                }
            }
            StatusCode::NOT_FOUND => self.confirm_absence(reference).await.map(|()| None),
            StatusCode::METHOD_NOT_ALLOWED => Ok(Some(self.manifest(reference).await?.digest)),
            _ => Err(refusal::refused(self.endpoint(), &self.asking(reference), response).await),
        }
    }

    /// A 404 counts as "no" only from a registry: a proxy in front of a registry that is down says 404 too.
    async fn confirm_absence(&self, reference: &str) -> Result<(), Failure> {
        let url = self.url(&format!("manifests/{reference}"));
        let response =
            self.session.send(&self.access, |client| client.get(url.clone()).header(header::ACCEPT, accepted())).await?;
        match response.status() {
            StatusCode::NOT_FOUND => {
                if refusal::is_registry_error(response).await {
                    return Ok(());
                }
            }
            // It came in between: the next attempt finds it.
            StatusCode::OK => {
                let message = format!("{} appeared while it was asked for", self.shown(reference));
                return Err(Failure::retry(Code::RegistryUnavailable, message));
            }
            _ => return Err(refusal::refused(self.endpoint(), &self.asking(reference), response).await),
        }
        let version = self.endpoint().version_url();
        let response = self.session.send_once(&self.access, |client| client.get(version)).await?;
        match response.status() {
            StatusCode::OK | StatusCode::UNAUTHORIZED => Ok(()),
            status => {
                let message = format!(
                    "what answers at {} is not a registry: it answered {} to /v2/",
                    self.endpoint().shown(),
                    status.as_u16()
                );
                Err(Failure::retry(Code::RegistryUnavailable, message))
            }
        }
    }

    /// Fetches a manifest. One asked for by digest is what its digest says, or this fails.
    pub(crate) async fn manifest(&self, reference: &str) -> Result<FetchedManifest, Failure> {
        let url = self.url(&format!("manifests/{reference}"));
        let response =
            self.session.send(&self.access, |client| client.get(url.clone()).header(header::ACCEPT, accepted())).await?;
        if response.status() != StatusCode::OK {
            return Err(refusal::refused(self.endpoint(), &self.asking(reference), response).await);
        }
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.map(media_type::essence).filter(|text| ManifestKind::of(text).is_some());
        let content = self.content_at_most(response, reference, LARGEST_MANIFEST).await?;
        let digest = match reference.parse::<Digest>() {
            Ok(expected) => {
                let actual = Digest::of(expected.algorithm(), &content);
                if actual != expected {
                    let message = format!("{} has the digest {actual}", self.shown(reference));
                    return Err(Failure::permanent(Code::DigestMismatch, message));
                }
                expected
            }
            Err(_) => Digest::sha256(&content),
        };
        let manifest = Manifest::parse(&content, content_type.as_deref()).map_err(|error| {
            let message = format!("{} can't be copied: {error}", self.shown(reference));
            Failure::permanent(Code::NotSupported, message)
        })?;
        Ok(FetchedManifest { digest, content, manifest })
    }

    /// A blob that is read whole, checked against its digest.
    pub(crate) async fn small_blob(&self, digest: &Digest) -> Result<Vec<u8>, Failure> {
        self.blob_at_most(digest, LARGEST_MANIFEST).await
    }

    /// The same, with at most so many bytes.
    pub(crate) async fn blob_at_most(&self, digest: &Digest, limit: usize) -> Result<Vec<u8>, Failure> {
        let content = self.content_at_most(self.blob(digest).await?, &digest.to_string(), limit).await?;
        if Digest::of(digest.algorithm(), &content) != *digest {
            let message = format!("{} is not what its digest says", self.shown(&digest.to_string()));
            return Err(Failure::permanent(Code::DigestMismatch, message));
        }
        Ok(content)
    }

    async fn content_at_most(&self, response: Response, reference: &str, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            content.extend_from_slice(&chunk.map_err(|error| refusal::unreachable(self.endpoint(), error))?);
            if content.len() > limit {
                let message = format!("{} has more than {limit} bytes", self.shown(reference));
                return Err(Failure::permanent(Code::NotSupported, message));
            }
        }
        Ok(content)
    }

    /// Stores a manifest under its digest or a tag; says whether the registry lists it with the referrers of its subject.
    pub(crate) async fn push_manifest(&self, reference: &str, fetched: &FetchedManifest) -> Result<bool, Failure> {
        let url = self.url(&format!("manifests/{reference}"));
        let response = self
            .session
            .send(&self.access, |client| {
                let request = client.put(url.clone()).header(header::CONTENT_TYPE, &fetched.manifest.media_type);
                request.body(fetched.content.clone())
            })
            .await?;
        if response.status() == StatusCode::CREATED {
            return Ok(response.headers().contains_key("oci-subject"));
        }
        Err(refusal::refused(self.endpoint(), &format!("the push of {}", self.shown(reference)), response).await)
    }

    /// Whether the repository has the blob.
    pub(crate) async fn has_blob(&self, digest: &Digest) -> Result<bool, Failure> {
        let url = self.url(&format!("blobs/{digest}"));
        let response = self.session.send(&self.access, |client| client.head(url.clone())).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(refusal::refused(self.endpoint(), &format!("the question for blob {digest}"), response).await),
        }
    }

    /// Opens a blob for reading.
    pub(crate) async fn blob(&self, digest: &Digest) -> Result<Response, Failure> {
        let url = self.url(&format!("blobs/{digest}"));
        let response = self.session.send(&self.access, |client| client.get(url.clone())).await?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        Err(refusal::refused(self.endpoint(), &format!("the request for blob {digest}"), response).await)
    }

    /// Mounts a blob from another repository, or opens an upload for it.
    pub(crate) async fn begin_blob(&self, digest: &Digest, mount_from: Option<&str>) -> Result<Begun, Failure> {
        let mut url = self.url("blobs/uploads/");
        if let Some(from) = mount_from {
            url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from);
        }
        let access = mount_from.map_or(self.access.clone(), |from| self.access.clone().and_pull(from));
        let response = self.session.send(&access, |client| client.post(url.clone()).header(header::CONTENT_LENGTH, 0)).await?;
        match response.status() {
            StatusCode::CREATED => Ok(Begun::Mounted),
            StatusCode::ACCEPTED => self.location(&response).map(Begun::Upload),
            _ => Err(refusal::refused(self.endpoint(), &format!("the upload of blob {digest}"), response).await),
        }
    }

    fn location(&self, response: &Response) -> Result<Url, Failure> {
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| response.url().join(location).ok());
        url.filter(|url| url.scheme() == "https" || self.endpoint().is_plain()).ok_or_else(|| {
            let message = format!("registry {} opened an upload without a usable Location", self.endpoint().shown());
            Failure::permanent(Code::RegistryUnavailable, message)
        })
    }

    /// Sends a blob's bytes and closes the upload.
    pub(crate) async fn send_blob(&self, location: Url, blob: &Descriptor, bytes: Body) -> Result<(), Failure> {
        let mut url = location;
        url.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        let sent = self.session.send_once(&self.access, |client| {
            let request = client.put(url).header(header::CONTENT_TYPE, "application/octet-stream");
            request.header(header::CONTENT_LENGTH, blob.size).body(bytes)
        });
        let response = sent.await?;
        if response.status() == StatusCode::CREATED {
            return Ok(());
        }
        Err(refusal::refused(self.endpoint(), &format!("the upload of blob {}", blob.digest), response).await)
    }

    /// Gives an upload up. It is a courtesy: registries also remove uploads that nobody goes on with.
    pub(crate) async fn cancel_upload(&self, location: Url) {
        if let Err(failure) = self.session.send_once(&self.access, |client| client.delete(location)).await {
            tracing::debug!(%failure, "an upload could not be cancelled");
        }
    }

    fn asking(&self, reference: &str) -> String {
        format!("the request for {}", self.shown(reference))
    }

    /// `host/path:tag` or `host/path@digest`.
    fn shown(&self, reference: &str) -> String {
        let separator = if reference.contains(':') { '@' } else { ':' };
        format!("{}/{}{separator}{reference}", self.endpoint().shown(), self.endpoint().repository(&self.path))
    }
}

fn accepted() -> String {
    [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", ")
}

/// A blob's bytes on their way from one registry to another. The last bytes are held back until the digest of all of them
/// is right; what went wrong on the side of the source is left in `fault`.
pub(crate) fn verified(
    response: Response,
    (source, blob): (Endpoint, Descriptor),
    fault: Arc<OnceLock<Failure>>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    let hasher = Hasher::new(blob.digest.algorithm());
    let start = Passing { chunks: response.bytes_stream().boxed(), hasher, passed: 0, source, blob };
    futures::stream::try_unfold(start, move |passing| {
        let fault = Arc::clone(&fault);
        async move {
            passing.next().await.map_err(|failure| {
                let message = failure.message.clone();
                // Only the first failure is kept; the stream ends with it.
                let _ = fault.set(failure);
                std::io::Error::other(message)
            })
        }
    })
}

struct Passing {
    chunks: futures::stream::BoxStream<'static, reqwest::Result<Bytes>>,
    hasher: Hasher,
    passed: u64,
    source: Endpoint,
    blob: Descriptor,
}

impl Passing {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        let shown = self.source.shown();
        let Some(chunk) = self.chunks.next().await else {
            if self.passed == self.blob.size {
                return Ok(None);
            }
            let message =
                format!("registry {shown} sent {} of {} bytes of blob {}", self.passed, self.blob.size, self.blob.digest);
            return Err(Failure::retry(Code::RegistryUnavailable, message));
        };
        let chunk = chunk.map_err(|error| refusal::unreachable(&self.source, error))?;
        self.hasher.update(&chunk);
        self.passed += chunk.len() as u64;
        if self.passed >= self.blob.size {
            let actual = self.hasher.clone().finish();
            if self.passed > self.blob.size || actual != self.blob.digest {
                let message = format!("what registry {shown} sent for blob {} has the digest {actual}", self.blob.digest);
                return Err(Failure::permanent(Code::DigestMismatch, message)
                    .with_hint("the image is damaged in its registry, or something on the way changes it; push it again"));
            }
        }
        Ok(Some((chunk, self)))
    }
}
