//! Copying an image with all its platforms, and what is about it, from one repository into another.
//!
//! Manifests are read first, from the root down; then the blobs that are missing are copied, a few at a time; then the
//! manifests are stored, leaves first, so that the root is there only when everything below it is. Signatures and attestations
//! come before the root too; where they can not be had, the image is copied without them, and the log says so.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use reqwest::{Body, Url};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_ports::{CancellationToken, Progress};
use tokio::sync::Semaphore;

use super::copied::Copied;
use super::endpoint::Endpoint;
use super::referrers::tag_of;
use super::remote::{Begun, FetchedManifest, Remote, verified};
use crate::digest::Digest;
use crate::manifest::{Descriptor, Manifest};
use crate::media_type::{ManifestKind, OCI_INDEX};

/// How many blobs are copied at once, over all images.
pub(crate) const PARALLEL: usize = 7;
/// An index may list indexes; nobody nests deeper.
const DEEPEST: usize = 4;
/// More manifests than any image has.
const MOST_MANIFESTS: usize = 1000;
/// More signatures and attestations than an image has, and than are copied.
const MOST_REFERRERS: usize = 64;
/// How long giving up an upload may take.
const COURTESY: Duration = Duration::from_secs(5);

/// One copy on its way.
pub(crate) struct Copy<'a> {
    pub(crate) source: Remote<'a>,
    pub(crate) source_endpoint: Endpoint,
    pub(crate) destination: Remote<'a>,
    /// The source repository's name, when both are in the same registry.
    pub(crate) mount_from: Option<String>,
    /// Where blobs of the source's registry lie already in the destination's.
    pub(crate) copied: &'a Copied,
    /// One permit for each blob on its way, of this image or another.
    pub(crate) blobs: &'a Semaphore,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) cancel: CancellationToken,
}

/// What became of the blobs.
#[derive(Default)]
struct Tally {
    present: usize,
    mounted: usize,
    copied: usize,
    bytes: u64,
}

enum Outcome {
    Present,
    Mounted,
    Copied(u64),
}

impl Copy<'_> {
    /// Copies the image with this digest, and names it with the tag if there is one.
    pub(crate) async fn run(&self, digest: &Digest, tag: Option<&str>) -> Result<(), Failure> {
        let begun = Instant::now();
        if self.unless_canceled(self.destination.digest_of(&digest.to_string())).await?.is_some() {
            self.progress.line("the mirroring registry has the image already");
            return Ok(());
        }
        let manifests = self.manifests(digest).await?;
        let blobs = blobs_of(&manifests);
        self.progress.line(&format!("copying {} manifests and {} blobs", manifests.len(), blobs.len()));
        let tally = self.copy_blobs(blobs).await?;
        match self.copy_referrers(&manifests).await {
            Ok(0) => {}
            Ok(count) => self.progress.line(&format!("copied {count} signatures, attestations and the like")),
            Err(failure) if failure.kind == FailureKind::Canceled => return Err(failure),
            Err(failure) => self.progress.line(&format!("its signatures and attestations are not copied: {}", failure.message)),
        }
        for fetched in manifests.iter().rev() {
            let is_root = fetched.digest == *digest;
            let reference = tag.filter(|_| is_root).map_or_else(|| fetched.digest.to_string(), str::to_owned);
            self.unless_canceled(self.destination.push_manifest(&reference, fetched)).await?;
        }
        self.progress.line(&format!(
            "mirrored in {:.1} s: {} blobs copied ({:.1} MB), {} mounted, {} already there",
            begun.elapsed().as_secs_f64(),
            tally.copied,
            megabytes(tally.bytes),
            tally.mounted,
            tally.present
        ));
        Ok(())
    }

    /// The root manifest and everything below it; each stands after those that list it.
    async fn manifests(&self, root: &Digest) -> Result<Vec<FetchedManifest>, Failure> {
        let mut found: Vec<FetchedManifest> = Vec::new();
        let mut level = vec![root.clone()];
        let mut depths: HashMap<Digest, usize> = HashMap::new();
        for depth in 0..=DEEPEST {
            let fetching = stream::iter(level).map(|digest| async move { self.source.manifest(&digest.to_string()).await });
            let fetched = async { Ok(fetching.buffered(PARALLEL).collect::<Vec<_>>().await) };
            let fetched = self.unless_canceled(fetched).await?;
            let mut next = Vec::new();
            for manifest in fetched {
                let manifest = manifest?;
                next.extend(children(&manifest));
                // One that is listed at two depths belongs below the deeper lister.
                if depths.insert(manifest.digest.clone(), depth).is_some() {
                    found.retain(|other| other.digest != manifest.digest);
                }
                found.push(manifest);
            }
            next.sort();
            next.dedup();
            if next.is_empty() {
                return Ok(found);
            }
            if found.len() + next.len() > MOST_MANIFESTS {
                break;
            }
            level = next;
        }
        let message = format!("image {root} has indexes nested deeper than {DEEPEST}, or more than {MOST_MANIFESTS} manifests");
        Err(Failure::permanent(Code::NotSupported, message))
    }

    /// Copies what is about the manifests of an image, and what is about that; says how many manifests these were.
    async fn copy_referrers(&self, about: &[FetchedManifest]) -> Result<usize, Failure> {
        let mut subjects: Vec<Digest> = about.iter().map(|manifest| manifest.digest.clone()).collect();
        let mut seen: HashSet<Digest> = subjects.iter().cloned().collect();
        let mut count = 0;
        while !subjects.is_empty() {
            let asking = stream::iter(subjects).map(|subject| async move {
                let referrers = self.source.referrers(&subject).await;
                (subject, referrers)
            });
            let asked = async { Ok(asking.buffered(PARALLEL).collect::<Vec<_>>().await) };
            subjects = Vec::new();
            for (subject, referrers) in self.unless_canceled(asked).await? {
                let referrers = referrers?;
                let mut listed = true;
                for referrer in &referrers {
                    if !seen.insert(referrer.digest.clone()) {
                        continue;
                    }
                    count += 1;
                    if count > MOST_REFERRERS {
                        let message = format!("there are more than {MOST_REFERRERS}");
                        return Err(Failure::permanent(Code::NotSupported, message));
                    }
                    listed &= self.copy_referrer(&referrer.digest).await?;
                    subjects.push(referrer.digest.clone());
                }
                if !listed {
                    // A registry without a list of referrers finds them as the source's does: under a tag.
                    let index = index_of(&referrers)?;
                    self.unless_canceled(self.destination.push_manifest(&tag_of(&subject), &index)).await?;
                }
            }
        }
        Ok(count)
    }

    /// Copies one manifest and what is below it; says whether the destination lists it with its subject.
    async fn copy_referrer(&self, digest: &Digest) -> Result<bool, Failure> {
        let manifests = self.manifests(digest).await?;
        self.copy_blobs(blobs_of(&manifests)).await?;
        let mut listed = false;
        for fetched in manifests.iter().rev() {
            listed = self.unless_canceled(self.destination.push_manifest(&fetched.digest.to_string(), fetched)).await?;
        }
        Ok(listed)
    }

    async fn copy_blobs(&self, blobs: Vec<Descriptor>) -> Result<Tally, Failure> {
        // The first failure ends the others, and each puts its upload away before the failure is told.
        let ending = self.cancel.child_token();
        let copying = blobs.into_iter().map(|blob| {
            let ending = ending.clone();
            async move {
                let outcome = self.copy_blob(&blob, &ending).await;
                if outcome.is_err() {
                    ending.cancel();
                }
                outcome
            }
        });
        let outcomes: Vec<Result<Outcome, Failure>> = stream::iter(copying).buffer_unordered(PARALLEL).collect().await;
        let mut tally = Tally::default();
        let mut canceled = None;
        for outcome in outcomes {
            match outcome {
                Ok(Outcome::Present) => tally.present += 1,
                Ok(Outcome::Mounted) => tally.mounted += 1,
                Ok(Outcome::Copied(bytes)) => {
                    tally.copied += 1;
                    tally.bytes += bytes;
                }
                Err(failure) if failure.kind == FailureKind::Canceled => canceled = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        canceled.map_or(Ok(tally), Err)
    }

    async fn copy_blob(&self, blob: &Descriptor, ending: &CancellationToken) -> Result<Outcome, Failure> {
        if unless(ending, self.destination.has_blob(&blob.digest)).await? {
            return Ok(Outcome::Present);
        }
        let permit = async { self.blobs.acquire().await.map_err(|error| Failure::permanent(Code::Internal, error.to_string())) };
        let _permit = unless(ending, permit).await?;
        let location = match self.begin_blob(blob, ending).await? {
            Begun::Mounted => {
                self.note_copied(blob);
                return Ok(Outcome::Mounted);
            }
            Begun::Upload(location) => location,
        };
        let sent = unless(ending, self.send_blob(location.clone(), blob)).await;
        if sent.is_err() {
            self.put_away(location).await;
        }
        sent?;
        self.note_copied(blob);
        self.progress.line(&format!("copied blob {} ({:.1} MB)", blob.digest, megabytes(blob.size)));
        Ok(Outcome::Copied(blob.size))
    }

    /// Opens an upload. Asked to end meanwhile, it still waits for the address of the upload, to give it up.
    async fn begin_blob(&self, blob: &Descriptor, ending: &CancellationToken) -> Result<Begun, Failure> {
        let known = self.copied.repository(self.source_host(), &blob.digest).filter(|known| *known != self.destination.name());
        let from = self.mount_from.clone().or(known);
        let mut beginning = pin!(self.destination.begin_blob(&blob.digest, from.as_deref()));
        let begun = unless(ending, beginning.as_mut()).await;
        let canceled = begun.as_ref().is_err_and(|failure| failure.kind == FailureKind::Canceled);
        if canceled && let Ok(Ok(Begun::Upload(location))) = tokio::time::timeout(COURTESY, beginning).await {
            self.put_away(location).await;
        }
        begun
    }

    fn note_copied(&self, blob: &Descriptor) {
        self.copied.note(self.source_host(), &blob.digest, &self.destination.name());
    }

    fn source_host(&self) -> &str {
        &self.source_endpoint.credential_host
    }

    async fn put_away(&self, location: Url) {
        // A registry that does not answer now removes the upload by its own rule.
        let _ = tokio::time::timeout(COURTESY, self.destination.cancel_upload(location)).await;
    }

    async fn send_blob(&self, location: Url, blob: &Descriptor) -> Result<(), Failure> {
        let response = self.source.blob(&blob.digest).await?;
        let fault = Arc::new(OnceLock::new());
        let bytes = verified(response, (self.source_endpoint.clone(), blob.clone()), Arc::clone(&fault));
        let sent = self.destination.send_blob(location, blob, Body::wrap_stream(bytes)).await;
        // When the source failed, the destination only saw a connection that broke.
        sent.map_err(|failure| fault.get().cloned().unwrap_or(failure))
    }

    async fn unless_canceled<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        unless(&self.cancel, work).await
    }
}

/// Works until it is done or somebody asks for the end.
pub(crate) async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Failure::canceled("mirroring was canceled")),
        done = work => done,
    }
}

/// The manifests that an index lists. Some clients list other content in an index; it is copied as a blob.
fn children(fetched: &FetchedManifest) -> Vec<Digest> {
    match fetched.manifest.kind {
        ManifestKind::Image => Vec::new(),
        ManifestKind::Index => {
            let manifests = fetched.manifest.references().filter(|part| ManifestKind::of(&part.media_type).is_some());
            manifests.map(|part| part.digest.clone()).collect()
        }
    }
}

/// The index that lists referrers under a tag.
fn index_of(referrers: &[Descriptor]) -> Result<FetchedManifest, Failure> {
    let entry = |part: &Descriptor| serde_json::json!({ "mediaType": part.media_type, "digest": part.digest.to_string(), "size": part.size });
    let entries: Vec<_> = referrers.iter().map(entry).collect();
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    let content = index.to_string().into_bytes();
    let manifest = Manifest::parse(&content, Some(OCI_INDEX))
        .map_err(|error| Failure::permanent(Code::Internal, format!("the list of referrers: {error}")))?;
    Ok(FetchedManifest { digest: Digest::sha256(&content), content, manifest })
}

/// Every blob once, the largest first, so that the last one to end is a small one.
fn blobs_of(manifests: &[FetchedManifest]) -> Vec<Descriptor> {
    let mut seen = HashSet::new();
    let parts = manifests.iter().flat_map(|fetched| {
        let is_index = fetched.manifest.kind == ManifestKind::Index;
        let is_blob = move |part: &&Descriptor| !(is_index && ManifestKind::of(&part.media_type).is_some());
        fetched.manifest.references().filter(|part| !part.elsewhere).filter(is_blob)
    });
    let mut blobs: Vec<Descriptor> = parts.filter(|part| seen.insert(part.digest.clone())).cloned().collect();
    blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
    blobs
}

fn megabytes(bytes: u64) -> f64 {
    // Shown with one decimal: a rounding in the fifteenth digit is not seen.
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let bytes = bytes as f64;
    bytes / 1_000_000.0
}
