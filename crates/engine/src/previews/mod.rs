//! The life of previews after they are made: they are told about, and they go.
//!
//! A preview is made where its request is heard of (`auto_deploy/request.rs`), in one write. That it is to go is one write too: the reason,
//! in the environment itself. From there everything follows from what is stored: what runs of it is canceled, it is deleted, and once that
//! has succeeded it is forgotten. Whatever instant the server ends at, the next look goes on.
//!
//! What is told on the request's page is read off the stored deployments as well. It is not kept what was told: a server that starts
//! tells all of it again, which sets the same status and leaves the same comment.

mod ending;
mod place;
mod telling;

use std::collections::BTreeSet;
use std::time::Duration;

use slipway_core::model::Name;
use slipway_ports::{Access, CancellationToken, StoreError, StoredEnvironment};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::changes::Change;
use crate::engine::Engine;

pub(crate) use place::place_of;

/// The longest time between two looks: nothing tells that a time to live is over.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A project and an environment of it.
type Place = (Name, Name);

/// Marks a preview: it is to go, and why. One that is marked stays as it is.
pub(crate) async fn over(engine: &Engine, access: &Access, stored: &StoredEnvironment, why: &str) -> Result<(), StoreError> {
    let mut environment = stored.environment.clone();
    match &mut environment.preview {
        Some(preview) if preview.over.is_none() => preview.over = Some(why.to_owned()),
        _ => return Ok(()),
    }
    engine.put_environment(access, &environment, stored.version).await.map(|_| ())
}

/// Which previews are to be looked at.
enum Look {
    All,
    These(BTreeSet<Place>),
}

/// Waits for a change, takes in those that came with it, and says which environments they concern.
async fn changed(changes: &mut Receiver<Change>) -> Look {
    let mut places = BTreeSet::new();
    let mut next = Some(changes.recv().await);
    while let Some(change) = next {
        match change {
            Ok(Change::Environment { project, name } | Change::Deployment { project, environment: name, .. }) => {
                places.insert((project, name));
            }
            Ok(Change::Project(_) | Change::Targets) => {}
            Err(RecvError::Lagged(_)) => return Look::All,
            // The engine goes, and whoever waits is told to stop.
            Err(RecvError::Closed) => std::future::pending().await,
        }
        next = changes.try_recv().ok().map(Ok);
    }
    Look::These(places)
}

impl Engine {
    /// The previews among environments.
    async fn previews(&self, look: &Look) -> Result<Vec<StoredEnvironment>, StoreError> {
        let (store, access) = (&self.shared().ports.store, Access::owner("slipway"));
        let mut found = Vec::new();
        match look {
            Look::All => found = store.environments(&access).await?,
            Look::These(places) => {
                for (project, name) in places {
                    match store.environment(&access, project, name).await {
                        Ok(stored) => found.push(stored),
                        Err(StoreError::NotFound(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        found.retain(|stored| stored.environment.preview.is_some());
        Ok(found)
    }

    /// Deletes previews whose request is closed or whose time is over, until it is told to stop.
    pub async fn keep_previews(&self, stop: &CancellationToken) {
        let mut changes = self.changes();
        let mut look = Look::All;
        let mut attempts = ending::Attempts::default();
        loop {
            let pause = self.end_previews(&look, &mut attempts).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => look = Look::All,
                changed = changed(&mut changes) => look = changed,
            }
        }
    }

    /// Tells on the pages of requests how it stands with their previews, until it is told to stop.
    pub async fn keep_telling_requests(&self, stop: &CancellationToken) {
        let mut changes = self.changes();
        let mut look = Look::All;
        let mut told = telling::Told::default();
        loop {
            let pause = self.tell_requests(&look, &mut told, stop).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => look = Look::All,
                changed = changed(&mut changes) => look = changed,
            }
        }
    }
}
