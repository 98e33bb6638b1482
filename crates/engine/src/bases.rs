//! Whether the base images of an image have moved: their tags stand for something else now than when it was built.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_ports::{Reader, RepositoryTag};
use tokio::time::{Instant, timeout_at};

use crate::engine::Shared;

/// How many registries are asked at a time.
const AT_A_TIME: usize = 7;
/// What is not known by then stays unknown.
const PATIENCE: Duration = Duration::from_secs(4);

/// A base image, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The base, with its tag and the digest that was built on.
    pub image: ImageReference,
    /// What its tag stands for now.
    pub state: BaseState,
}

/// What the tag of a base image stands for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseState {
    /// What was built on.
    Same,
    /// This digest.
    Moved(String),
    /// It could not be asked.
    Unknown(Failure),
}

/// The bases of images that the registry holds, by image. It fails never, and takes no longer than its patience: nothing goes by it.
pub(crate) async fn bases(
    shared: &Shared,
    reader: &Reader,
    images: BTreeSet<RepositoryTag>,
) -> BTreeMap<RepositoryTag, Vec<Base>> {
    let end = Instant::now() + PATIENCE;
    let asks = images.into_iter().map(|image| async move {
        let recorded = within(end, shared.ports.registry.bases(&image)).await;
        (image, recorded)
    });
    let answers: Vec<_> = futures::stream::iter(asks.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await;
    let recorded = answers.into_iter().filter_map(|(image, recorded)| match recorded {
        Ok(recorded) => Some((image, recorded)),
        Err(failure) => {
            tracing::debug!(%image, %failure, "the bases of an image are not known");
            None
        }
    });
    let recorded: Vec<(RepositoryTag, Vec<ImageReference>)> = recorded.collect();
    let tags: BTreeSet<String> = recorded.iter().flat_map(|(_, bases)| bases).filter_map(tag).collect();
    let asks = tags.into_iter().map(|tag| async move {
        let now = within(end, resolve(shared, reader, &tag)).await;
        (tag, now)
    });
    let now: BTreeMap<String, Result<String, Failure>> =
        futures::stream::iter(asks.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await;
    let with_state = |image: ImageReference| {
        let state = state(&image, tag(&image).and_then(|tag| now.get(&tag))?);
        Some(Base { image, state })
    };
    recorded.into_iter().map(|(image, bases)| (image, bases.into_iter().filter_map(with_state).collect())).collect()
}

async fn resolve(shared: &Shared, reader: &Reader, tag: &str) -> Result<String, Failure> {
    let reference =
        ImageReference::parse(tag).map_err(|error| Failure::permanent(Code::Internal, format!("a base image: {error}")))?;
    shared.ports.registry.resolve(&reference, reader).await
}

async fn within<T>(end: Instant, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_| Failure::retry(Code::RegistryUnavailable, format!("no answer came within {} s", PATIENCE.as_secs()));
    timeout_at(end, asked).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

/// A base by its tag alone.
fn tag(base: &ImageReference) -> Option<String> {
    Some(format!("{}/{}:{}", base.host(), base.path(), base.tag()?))
}

fn state(base: &ImageReference, now: &Result<String, Failure>) -> BaseState {
    match now {
        Ok(now) if base.digest() == Some(now) => BaseState::Same,
        Ok(now) => BaseState::Moved(now.clone()),
        Err(failure) => BaseState::Unknown(failure.clone()),
    }
}
