//! Which images must stay in the registry, and the collection of the others.
//!
//! A deployment in the store needs its images: it waits or runs, its services are deployed, or somebody may go back to it. Retention
//! lets go of the deployments that nothing needs, and their images follow. What can not be read is never taken for unneeded: then
//! nothing is collected.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use slipway_core::deployment::{Deployment, StepState};
use slipway_core::plan::{BuildPlan, ReleasedImage, Version};
use slipway_ports::{Access, CancellationToken, Freed, ImageCollector, NeededImage, RepositoryTag};

use crate::deployed::read;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::retention::summaries;

/// How long after a start the first collection comes: a start has better to do.
const FIRST: Duration = Duration::from_secs(10 * 60);
/// How long between two collections.
const PAUSE: Duration = Duration::from_secs(60 * 60);

/// Collects again and again until it is told to stop. What fails is tried again the next time.
pub(crate) async fn keep_collecting(shared: &Arc<Shared>, collector: &dyn ImageCollector, stop: &CancellationToken) {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        match collect(shared, collector, stop).await {
            Ok(freed) if freed.is_nothing() => tracing::debug!("no image is unused"),
            Ok(freed) => tracing::info!(%freed, "unused images are removed from the registry"),
            Err(_) if stop.is_cancelled() => return,
            Err(error) => tracing::warn!(%error, "unused images are not all removed; trying again later"),
        }
        pause = PAUSE;
    }
}

/// Removes the images that nothing has needed or used for the time that the operator set.
pub(crate) async fn collect(
    shared: &Shared,
    collector: &dyn ImageCollector,
    stop: &CancellationToken,
) -> Result<Freed, EngineError> {
    let needed = needed(shared).await?;
    let collected = collector.collect(&needed, shared.settings.keep_images, stop).await;
    collected.map_err(|failure| EngineError::Unavailable(failure.to_string()))
}

/// What all deployments in the store need. One that is accepted meanwhile may be missing: it asks the registry for its images, or
/// copies them, when their turn comes, and what was asked for is not unused.
async fn needed(shared: &Shared) -> Result<BTreeSet<NeededImage>, EngineError> {
    let access = Access::owner("engine");
    let mut needed = BTreeSet::new();
    for stored in shared.ports.store.environments(&access).await? {
        let all = match summaries(shared, &stored.environment.project, &stored.environment.name).await {
            Ok(all) => all,
            // A preview that was forgotten since it was listed.
            Err(EngineError::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        for summary in all {
            match read(&*shared.ports.store, &access, &summary).await {
                Ok(deployment) => needed.extend(needed_by(&deployment)),
                // Retention has let go of it since it was listed.
                Err(EngineError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(needed)
}

/// The images of one deployment: those that it will build or copy, and those that it did.
fn needed_by(deployment: &Deployment) -> Vec<NeededImage> {
    let mut needed = Vec::new();
    let pinned = |repository: &str, digest: &str| {
        NeededImage::Pinned(ReleasedImage { repository: repository.to_owned(), digest: digest.to_owned() })
    };
    for (planned, run) in deployment.plan().services.iter().zip(deployment.services()) {
        if let Some(BuildPlan::Image(build)) = &planned.build {
            let tag = build.key.to_string();
            needed.push(NeededImage::Tagged(RepositoryTag { repository: build.repository.clone(), tag }));
            // A later build may have taken the key's place.
            let built = run.build.as_ref().and_then(StepState::image);
            needed.extend(built.map(|digest| pinned(&build.repository, digest)));
        }
        if let Version::Image(reference) = &planned.version {
            needed.push(NeededImage::Mirrored(reference.clone()));
        }
        let before = planned.released.as_ref().and_then(|released| released.image.clone());
        needed.extend(before.map(NeededImage::Pinned));
        if let StepState::Succeeded { result, .. } = &run.release
            && let (Some(repository), Some(digest)) = (&result.repository, &result.image)
        {
            needed.push(pinned(repository, digest));
        }
    }
    needed
}
