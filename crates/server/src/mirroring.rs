//! The mirroring registry of this server: the one that it serves itself, or somebody else's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use slipway_builder::RegistryCredential;
use slipway_engine::PullCredential;
use slipway_ports::ImageCollector;
use slipway_registry::embedded::{self, Auth, EmbeddedCollector, Storage, User};
use slipway_registry::{Credential, RegistrySettings};

use crate::home::{Home, HomeError, password_in};
use crate::options::{ExternalRegistry, Options, RegistryLogin};
use crate::wiring::WiringError;

/// The user of the embedded registry who writes: the builder and this server.
const REGISTRY_USER: &str = "slipway";

/// The user of the embedded registry who only reads. Every namespace holds its password: whoever sees it must not be able to put
/// an image in the place of another environment's.
const PULL_USER: &str = "slipway-pull";

/// An upload that nobody wrote to for so long is not gone on with.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The registry, and who writes and reads there.
pub(crate) struct MirroringRegistry {
    /// How the client reaches it.
    pub(crate) settings: RegistrySettings,
    /// What stands before a repository in a reference.
    pub(crate) address: String,
    /// Whether content travels unencrypted.
    pub(crate) is_plain: bool,
    /// Who writes; absent: anybody may.
    pub(crate) writer: Option<RegistryCredential>,
    /// Who reads, for the pods; absent: anybody may.
    pub(crate) puller: Option<PullCredential>,
    /// What this server does for it, when it is its own.
    pub(crate) embedded: Option<EmbeddedRegistry>,
}

/// The registry that this server serves.
pub(crate) struct EmbeddedRegistry {
    /// Its HTTP API.
    pub(crate) router: Router,
    /// Removes its unused images.
    pub(crate) collector: Arc<dyn ImageCollector>,
}

impl MirroringRegistry {
    /// Opens the registry in a home, which listens at an address.
    pub(crate) fn embedded(home: &Home, options: &Options, listens: SocketAddr) -> Result<Self, WiringError> {
        let password = home.registry_password_or_create()?;
        let pull_password = home.registry_pull_password_or_create()?;
        let address = listens.to_string();
        let storage = Storage::open_as_owner(home.folder("registry"))?;
        // What a push that was killed left on the disk; a failure costs space and nothing else.
        if let Err(error) = storage.sweep_uploads(ABANDONED) {
            tracing::warn!(%error, "abandoned uploads are left in the registry");
        }
        let auth =
            Auth::Basic(vec![User::new(REGISTRY_USER, password.expose()), User::reader(PULL_USER, pull_password.expose())]);
        let writer = RegistryCredential { registry: address.clone(), user: REGISTRY_USER.to_owned(), password };
        let settings = settings(options, &address, "", Some(&writer));
        let collector = Arc::new(EmbeddedCollector::new(storage.clone(), &settings));
        Ok(Self {
            settings,
            address,
            is_plain: true,
            writer: Some(writer),
            puller: Some(PullCredential { user: PULL_USER.to_owned(), password: pull_password }),
            embedded: Some(EmbeddedRegistry { router: embedded::router(storage, auth), collector }),
        })
    }

    /// Somebody else's. Whoever writes there reads for the pods too, unless somebody is named for that.
    pub(crate) fn external(options: &Options, registry: &ExternalRegistry) -> Result<Self, WiringError> {
        let place = &registry.place;
        let login = |login: &RegistryLogin| -> Result<RegistryCredential, HomeError> {
            let password = password_in(&login.password_file)?;
            Ok(RegistryCredential { registry: place.host().to_owned(), user: login.user.clone(), password })
        };
        let writer = registry.writer.as_ref().map(login).transpose()?;
        let puller = registry.puller.as_ref().map(login).transpose()?.or_else(|| writer.clone());
        let mut settings = settings(options, place.host(), place.prefix(), writer.as_ref());
        settings.is_shared = true;
        if place.is_plain() {
            settings.plain_http.insert(place.host().to_owned());
        }
        Ok(Self {
            settings,
            address: place.address(),
            is_plain: place.is_plain(),
            writer,
            puller: puller.map(|puller| PullCredential { user: puller.user, password: puller.password }),
            embedded: None,
        })
    }
}

fn settings(options: &Options, host: &str, prefix: &str, writer: Option<&RegistryCredential>) -> RegistrySettings {
    let mirrors = options.registry_mirrors.iter().map(|mirror| (mirror.host.clone(), mirror.url.clone()));
    let credential = |writer: &RegistryCredential| Credential { user: writer.user.clone(), secret: writer.password.clone() };
    RegistrySettings {
        address: host.to_owned(),
        prefix: prefix.to_owned(),
        mirrors: mirrors.collect(),
        credentials: writer.map(|writer| (host.to_owned(), credential(writer))).into_iter().collect(),
        addresses: options.addresses(),
        ..RegistrySettings::default()
    }
}
