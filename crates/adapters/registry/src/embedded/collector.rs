//! The embedded registry as the engine's collector of garbage: says where needed images lie, and when to stop.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_ports::{CancellationToken, Freed, ImageCollector, NeededImage};

use super::storage::{Ages, Kept, Storage};
use crate::client::RegistrySettings;
use crate::name::RepositoryName;
use crate::places::mirror_repository;

/// How long a blob without a manifest stays, at most: a push may take that long.
const LONGEST_PUSH: Duration = Duration::from_hours(24);
/// Who stands still for longer between two steps may have been stopped, and the directory be another's by now. No lease is shorter.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// Collects the garbage of an embedded registry.
#[derive(Clone, Debug)]
pub struct EmbeddedCollector {
    storage: Storage,
    /// The host that images are named by which live here already.
    own_host: Option<String>,
}

impl EmbeddedCollector {
    /// The collector of a registry that clients with these settings mirror into.
    pub fn new(storage: Storage, settings: &RegistrySettings) -> Self {
        let own_host = Some(&settings.address).filter(|host| !settings.mirrors.contains_key(*host));
        Self { storage, own_host: own_host.cloned() }
    }

    /// What is needed, by its place. An image that no place in a registry can hold is not in this one.
    fn kept(&self, needed: &BTreeSet<NeededImage>) -> Kept {
        let mut kept = Kept::default();
        for image in needed {
            match image {
                NeededImage::Tagged(image) => {
                    if let (Ok(name), Ok(tag)) = (image.repository.parse(), image.tag.parse()) {
                        kept.keep_tag(name, tag);
                    }
                }
                NeededImage::Pinned(image) => {
                    if let (Ok(name), Ok(digest)) = (image.repository.parse(), image.digest.parse()) {
                        kept.keep_digest(name, digest);
                    }
                }
                NeededImage::Mirrored(reference) => self.keep_mirrored(&mut kept, reference),
            }
        }
        kept
    }

    fn keep_mirrored(&self, kept: &mut Kept, reference: &ImageReference) {
        let lives_here = self.own_host.as_deref() == Some(reference.host());
        let place: Option<RepositoryName> =
            if lives_here { reference.path().parse().ok() } else { mirror_repository(reference.host(), reference.path()).ok() };
        let Some(name) = place else { return };
        match reference.digest().map(str::parse) {
            Some(Ok(digest)) => kept.keep_digest(name, digest),
            Some(Err(_)) => {}
            None => {
                if let Ok(tag) = reference.digest_or_tag().parse() {
                    kept.keep_tag(name, tag);
                }
            }
        }
    }
}

#[async_trait]
impl ImageCollector for EmbeddedCollector {
    async fn collect(
        &self,
        needed: &BTreeSet<NeededImage>,
        unused: Duration,
        cancel: &CancellationToken,
    ) -> Result<Freed, Failure> {
        let (storage, kept) = (self.storage.clone(), self.kept(needed));
        let ages = Ages { unused, unfinished: unused.min(LONGEST_PUSH) };
        // Who does not wait any more wants no more of it either.
        let end = cancel.child_token();
        let _ends = end.clone().drop_guard();
        let work = tokio::task::spawn_blocking(move || {
            let last = Cell::new(Instant::now());
            let go_on = || last.replace(Instant::now()).elapsed() <= LONGEST_STEP && !end.is_cancelled();
            storage.sweep_uploads(LONGEST_PUSH)?;
            last.set(Instant::now());
            storage.collect_garbage(&kept, ages, &go_on)
        });
        let done = work.await.map_err(|error| Failure::permanent(Code::Internal, format!("the collection broke: {error}")))?;
        done.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted if cancel.is_cancelled() => Failure::canceled("the collection was canceled"),
            io::ErrorKind::Interrupted => unavailable("it stood still for too long, as if the server had been stopped"),
            _ => unavailable(&error.to_string()),
        })
    }
}

fn unavailable(why: &str) -> Failure {
    Failure::retry(Code::RegistryUnavailable, format!("not all unused images could be removed: {why}"))
        .with_hint("look at the disk of the server's home; what is left goes the next time")
}

#[cfg(test)]
mod tests {
    use slipway_core::plan::ReleasedImage;
    use slipway_ports::RepositoryTag;

    use super::*;

    const OWN: &str = "127.0.0.1:7879";

    fn settings() -> RegistrySettings {
        RegistrySettings { address: OWN.to_owned(), ..RegistrySettings::default() }
    }

    #[test]
    fn needed_images_are_kept_where_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let collector = EmbeddedCollector::new(Storage::open(folder.path()).unwrap(), &settings());
        let digest = crate::Digest::sha256(b"x");
        let mirrored = |text: &str| NeededImage::Mirrored(ImageReference::parse(text).unwrap());
        let needed = BTreeSet::from([
            NeededImage::Tagged(RepositoryTag { repository: "builds/a".to_owned(), tag: "k1-a".to_owned() }),
            NeededImage::Pinned(ReleasedImage { repository: "builds/a".to_owned(), digest: digest.to_string() }),
            mirrored(&format!("redis:7@{digest}")),
            mirrored(&format!("{OWN}/own/image@{digest}")),
            mirrored(&format!("{OWN}/own/other:v1")),
            NeededImage::Tagged(RepositoryTag { repository: "No Name".to_owned(), tag: "-".to_owned() }),
        ]);
        let mut expected = Kept::default();
        let name = |text: &str| text.parse::<RepositoryName>().unwrap();
        expected.keep_tag(name("builds/a"), "k1-a".parse().unwrap());
        expected.keep_tag(name("own/other"), "v1".parse().unwrap());
        for place in ["builds/a", "mirror/docker.io/library/redis", "own/image"] {
            expected.keep_digest(name(place), digest.clone());
        }
        assert_eq!(collector.kept(&needed), expected);
    }

    #[tokio::test]
    async fn a_collection_that_is_canceled_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(folder.path()).unwrap();
        std::fs::create_dir_all(folder.path().join("repositories/a/_manifests")).unwrap();
        let collector = EmbeddedCollector::new(storage, &settings());
        let cancel = CancellationToken::new();
        assert_eq!(collector.collect(&BTreeSet::new(), Duration::ZERO, &cancel).await.unwrap(), Freed::default());
        cancel.cancel();
        let ended = collector.collect(&BTreeSet::new(), Duration::ZERO, &cancel).await.unwrap_err();
        assert_eq!(ended.code, Code::Canceled);
    }
}
