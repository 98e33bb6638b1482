//! The adapter: the engine, and what this home knows of it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, SecretText};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::cron;
use crate::engine::Engine;
use crate::health::Health;
use crate::record::{Place, Records, Wanted};
use crate::routes::Routes;
use crate::secrets::{Seal, Secrets};

/// The Docker Engine of this machine, as a place to deploy to. Cheap to clone.
#[derive(Clone)]
pub struct LocalDocker {
    pub(crate) engine: Arc<Engine>,
    pub(crate) records: Arc<Records>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) health: Arc<Health>,
    pub(crate) routes: Arc<Routes>,
    turns: Arc<std::sync::Mutex<BTreeMap<Place, Arc<Mutex<()>>>>>,
}

impl LocalDocker {
    /// What is kept of releases and Secrets lies in a folder, the latter sealed. The engine is not asked for anything yet.
    pub fn open(folder: &Path, seal: Arc<dyn Seal>) -> io::Result<Self> {
        let (engine, records, routes) =
            (Arc::new(Engine::default()), Arc::new(Records::open(folder)?), Arc::new(Routes::default()));
        Ok(Self {
            secrets: Arc::new(Secrets::new(folder, seal)),
            health: Health::new(engine.clone(), records.clone(), routes.clone()),
            engine,
            records,
            routes,
            turns: Arc::default(),
        })
    }

    /// Fails when a Secret that is kept here does not open.
    pub fn check_secrets(&self) -> Result<(), Failure> {
        self.secrets.check()
    }

    /// Seals the Secrets that are kept here under the key that seals now, and tells how many there are.
    pub fn seal_secrets_anew(&self) -> Result<u64, Failure> {
        self.secrets.seal_anew()
    }

    /// Where requests to public host names go.
    pub fn routes(&self) -> Arc<Routes> {
        self.routes.clone()
    }

    /// Watches the containers and runs cron jobs until it is told to stop. What runs goes on.
    pub async fn keep(&self, stop: CancellationToken) {
        tokio::join!(self.health.clone().keep(stop.clone()), cron::keep(self, stop));
    }

    /// One call at a time works on a release.
    pub(crate) async fn turn(&self, namespace: &str, release: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            turns.entry((namespace.to_owned(), release.to_owned())).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// The variables and files of a release.
    pub(crate) fn variables(&self, namespace: &str, wanted: &Wanted) -> Result<BTreeMap<String, SecretText>, Failure> {
        let Some(name) = &wanted.variables_secret else { return Ok(BTreeMap::new()) };
        self.secrets.get(namespace, name)?.ok_or_else(|| {
            Failure::permanent(Code::ContainerConfigInvalid, format!("the Secret {name} of {namespace} is not there"))
                .with_hint("deploy the service again: its variables are made anew")
        })
    }
}
