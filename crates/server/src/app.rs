//! What every request needs.

use std::sync::Arc;

use slipway_engine::{Engine, Messenger, Ports};
use slipway_ports::{Access, CancellationToken, Notifier, SecretText, Workloads};

use crate::idempotency::Running;
use crate::key_rotation::KeyRotation;
use crate::live::Live;
use crate::sessions::Sessions;
use crate::sign_in_codes::SignInCodes;
use crate::site::Site;
use crate::watches::Watches;

/// The server as its routes see it. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

/// See [`App`].
pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) ports: Ports,
    pub(crate) workloads: Arc<dyn Workloads>,
    pub(crate) messenger: Messenger,
    pub(crate) keys: KeyRotation,
    pub(crate) watches: Watches,
    pub(crate) live: Live,
    pub(crate) token: SecretText,
    pub(crate) sessions: Sessions,
    pub(crate) codes: SignInCodes,
    pub(crate) site: Site,
    pub(crate) idempotent: Running,
    pub(crate) owner: String,
    pub(crate) allow_file_urls: bool,
    pub(crate) shutdown: CancellationToken,
}

impl App {
    /// A server that is reached at `site`; `shutdown` ends its streams, and is fired by `POST /shutdown`.
    pub fn new(
        (engine, ports, workloads, notifier): (Engine, Ports, Arc<dyn Workloads>, Arc<dyn Notifier>),
        keys: KeyRotation,
        token: SecretText,
        site: Site,
        allow_file_urls: bool,
        shutdown: CancellationToken,
    ) -> Self {
        let owner = std::env::var("USER").ok().filter(|user| !user.is_empty()).unwrap_or_else(|| "owner".to_owned());
        let watches = Watches::new(workloads.clone(), shutdown.clone());
        let live = Live::new(engine.clone(), ports.clone(), watches.clone(), shutdown.clone());
        let (sessions, codes) = (Sessions::new(&token), SignInCodes::default());
        let messenger = Messenger { notifier, page: site.page_url() };
        let inner = Inner {
            engine,
            ports,
            workloads,
            messenger,
            keys,
            watches,
            live,
            token,
            sessions,
            codes,
            site,
            idempotent: Running::default(),
            owner,
            allow_file_urls,
            shutdown,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Tells of deployments, until the server ends.
    pub async fn keep_notifying(&self) {
        self.inner.engine.keep_notifying(&self.inner.messenger, &self.inner.shutdown).await;
    }

    /// Whoever holds the token is the owner of the server.
    pub(crate) fn access(&self) -> Access {
        Access::owner(self.inner.owner.clone())
    }
}
