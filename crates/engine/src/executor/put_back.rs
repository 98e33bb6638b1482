//! A release whose rollout did not succeed goes back to what served before.

use slipway_ports::Progress;

use super::Assignment;

/// Brings the release back to the newest good revision that this deployment did not make. Without one, the release is this deployment's
/// alone, and is removed if `remove_first`. The labels of the revisions say whose they are, also after a crash.
pub(super) async fn put_back(assignment: &Assignment, remove_first: bool) {
    let namespace = assignment.namespace();
    let namespace = namespace.as_str();
    let (releases, target, release) = (&assignment.shared.ports.releases, &assignment.target, assignment.name.as_str());
    let (progress, deployment) = (&assignment.progress, assignment.deployment.as_str());
    let never = slipway_ports::CancellationToken::new();
    let retry = &assignment.shared.settings.retry;
    let is_own = match retry.run(progress, &never, || releases.status(target, namespace, release)).await {
        Ok(Some(newest)) if newest.deployment.as_deref() == Some(deployment) => true,
        // A rollback that was interrupted: it is done again.
        Ok(Some(newest)) if newest.status != "deployed" => false,
        // It is not there, or this deployment has not come to touch it.
        Ok(_) => return,
        Err(failure) => return progress.line(&format!("the release could not be put back: {failure}")),
    };
    match retry.run(progress, &never, || releases.rollback(target, namespace, release, deployment)).await {
        Ok(Some(revision)) => progress.line(&format!("rolled back; the release is at revision {}", revision.0)),
        Ok(None) if remove_first && is_own => {
            match retry.run(progress, &never, || releases.uninstall(target, namespace, release)).await {
                Ok(()) => progress.line("removed the release: there was none before"),
                Err(failure) => progress.line(&format!("the release could not be removed: {failure}")),
            }
        }
        Ok(None) => progress.line("there is no earlier release to go back to; this one stays, to be looked at"),
        Err(failure) => progress.line(&format!("the release could not be rolled back: {failure}")),
    }
}
