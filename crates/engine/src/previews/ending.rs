//! The end of a preview.

use std::collections::HashMap;
use std::time::Duration;

use slipway_core::deployment::{Actor, CancelScope, Trigger};
use slipway_core::model::Preview;
use slipway_core::plan::{Action, Request};
use slipway_ports::{Access, DeploymentSummary, StoredEnvironment};
use tokio::time::Instant;

use super::{LONGEST_PAUSE, Look, Place, over};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::request_id::request_id;

/// The pause after the first deletion that failed; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// As many of the newest deployments may wait or run at a time.
const MOST_OPEN: u32 = 100;

/// Deletions that failed: how often, and when the next is tried.
pub(super) type Attempts = HashMap<Place, (u32, Instant)>;

impl Engine {
    /// Takes each preview one step nearer to its end, if it has come to that, and says when to look at all of them again.
    pub(super) async fn end_previews(&self, look: &Look, attempts: &mut Attempts) -> Duration {
        let previews = match self.previews(look).await {
            Ok(previews) => previews,
            Err(error) => {
                tracing::warn!(%error, "previews can not be read; looking again");
                return LONGEST_PAUSE;
            }
        };
        let mut pause = LONGEST_PAUSE;
        for stored in &previews {
            let Some(preview) = &stored.environment.preview else { continue };
            match self.end_preview(stored, preview, attempts).await {
                Ok(Some(next)) => pause = pause.min(next),
                Ok(None) => {}
                Err(error) => {
                    let (project, name) = (&stored.environment.project, &stored.environment.name);
                    tracing::warn!(%project, environment = %name, %error, "a preview can not be looked after; looking again");
                }
            }
        }
        pause
    }

    async fn end_preview(
        &self,
        stored: &StoredEnvironment,
        preview: &Preview,
        attempts: &mut Attempts,
    ) -> Result<Option<Duration>, EngineError> {
        let access = Access::owner("slipway");
        let (project, name) = (&stored.environment.project, &stored.environment.name);
        let newest = self.shared().ports.store.deployments(&access, project, name, None, MOST_OPEN).await?;
        if preview.over.is_none() {
            if self.has_deleted_all(&access, newest.first()).await? {
                over(self, &access, stored, "it was deleted").await?;
                return Ok(None);
            }
            let left = self.time_left(preview, newest.first());
            if left == Some(Duration::ZERO) {
                over(self, &access, stored, "its time to live is over").await?;
            }
            return Ok(left);
        }
        match newest.first() {
            None => self.forget(stored, attempts).await?,
            last @ Some(_) if self.has_deleted_all(&access, last).await? => self.forget(stored, attempts).await?,
            Some(last) if is_open(last) && last.action == Action::Delete.as_str() => {}
            Some(last) => {
                for open in newest.iter().filter(|summary| is_open(summary)) {
                    self.cancel_quietly(&access, open).await?;
                }
                let has_failed = last.action == Action::Delete.as_str();
                if has_failed && let Some(wait) = wait(attempts, stored, last) {
                    return Ok(Some(wait));
                }
                self.delete(&access, stored, preview, last).await?;
            }
        }
        Ok(None)
    }

    /// Whether a deployment has left nothing: one that deletes some services ends well and leaves the others.
    async fn has_deleted_all(&self, access: &Access, last: Option<&DeploymentSummary>) -> Result<bool, EngineError> {
        let Some(last) = last.filter(|last| last.action == Action::Delete.as_str() && last.state == "succeeded") else {
            return Ok(false);
        };
        Ok(self.deployment(access, &last.id).await?.1.plan().request.services.is_empty())
    }

    /// How long it may live on; nothing when it has no bound, or is being deployed.
    fn time_left(&self, preview: &Preview, newest: Option<&DeploymentSummary>) -> Option<Duration> {
        let lives = preview.time_to_live?;
        let since = newest?.finished_at?;
        let age = self.shared().settings.clock.now().0.saturating_sub(since.0);
        Some(lives.saturating_sub(Duration::from_millis(u64::try_from(age).unwrap_or(0))))
    }

    /// Ends a deployment of what is to go. One that has ended meanwhile needs none.
    async fn cancel_quietly(&self, access: &Access, open: &DeploymentSummary) -> Result<(), EngineError> {
        match self.cancel(access, &open.id, CancelScope::Deployment, true).await {
            Ok(()) | Err(EngineError::Refused(_) | EngineError::NotFound(_) | EngineError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn delete(
        &self,
        access: &Access,
        stored: &StoredEnvironment,
        preview: &Preview,
        last: &DeploymentSummary,
    ) -> Result<(), EngineError> {
        let (project, name) = (&stored.environment.project, &stored.environment.name);
        // The same on every attempt after the same deployment: a server that was killed asks for nothing twice.
        let id = request_id(&["preview-over".as_bytes(), last.id.as_bytes()]);
        let trigger = Trigger {
            source: "request".to_owned(),
            actor: Actor(preview.request()),
            request: Some(id),
            link: preview.link.clone(),
        };
        let accepted = self.deploy(access, project, name, Action::Delete, Request::default(), trigger).await?;
        tracing::info!(%project, environment = %name, number = accepted.summary.number, "a preview is being deleted");
        Ok(())
    }

    /// Forgets a preview of which nothing is left.
    async fn forget(&self, stored: &StoredEnvironment, attempts: &mut Attempts) -> Result<(), EngineError> {
        let (project, name) = (&stored.environment.project, &stored.environment.name);
        attempts.remove(&(project.clone(), name.clone()));
        self.tell_the_end(stored).await;
        if self.shared().ports.store.remove_environment(&Access::owner("slipway"), project, name).await? {
            tracing::info!(%project, environment = %name, "a preview is gone");
            self.shared().tell_environment(&stored.environment);
        }
        Ok(())
    }
}

fn is_open(summary: &DeploymentSummary) -> bool {
    summary.finished_at.is_none()
}

/// How long to wait before a deletion that failed is tried again; nothing when it is time.
fn wait(attempts: &mut Attempts, stored: &StoredEnvironment, last: &DeploymentSummary) -> Option<Duration> {
    let place = (stored.environment.project.clone(), stored.environment.name.clone());
    let now = Instant::now();
    let (count, next) = attempts.entry(place).or_insert_with(|| (0, now + FIRST_PAUSE));
    if *next > now {
        return Some(*next - now);
    }
    *count += 1;
    *next = now + FIRST_PAUSE.saturating_mul(1 << (*count).min(10)).min(LONGEST_WAIT);
    tracing::warn!(environment = %stored.environment.name, number = last.number, "a preview could not be deleted; trying again");
    None
}
