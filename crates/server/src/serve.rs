//! The life of a server: home, wiring, recovery, requests, end.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use slipway_docker::LocalDocker;
use slipway_engine::ownership::Lost;
use slipway_engine::{Engine, EngineError, Ports};
use slipway_page::Files;
use slipway_ports::{Access, CancellationToken, StoreError};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::app::App;
use crate::connections::{answer, answer_http2_also};
use crate::home::{Home, HomeError, ServerRecord};
use crate::key_rotation::KeyRotation;
use crate::mirroring::{EmbeddedRegistry, MirroringRegistry};
use crate::options::Options;
use crate::ownership::{Ownership, OwnershipError};
use crate::routes::router;
use crate::site::Site;
use crate::wiring::{self, WiringError};
use crate::{local_proxy, local_target};

/// How long open requests may take to end.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Why a server does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its home can not be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its home can not be owned.
    #[error(transparent)]
    Ownership(#[from] OwnershipError),
    /// Its home is another's now.
    #[error("this server ends, and what it deployed runs on: {0}")]
    Lost(#[from] Lost),
    /// The API would be open to other machines.
    #[error("the server listens on loopback only, and {0} is no loopback address; use an SSH tunnel to reach it from elsewhere")]
    NotLoopback(SocketAddr),
    /// Somebody else has the port.
    #[error("{what} can not listen on {address}: {error}")]
    Listen {
        /// API or registry.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The target `local` can not be kept, or the key of the secrets not be read.
    #[error("the home can not be used: {0}")]
    Store(#[from] StoreError),
    /// An adapter does not start.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// What an earlier server left can not be taken over.
    #[error("the deployments that an earlier server left can not be taken over: {0}")]
    Recover(#[from] EngineError),
    /// The system refuses.
    #[error("the server can not go on: {0}")]
    System(#[from] std::io::Error),
}

/// TLS by rustls with `ring`, for every client of this process. Harmless when it is called again.
pub fn install_crypto_provider() {
    // The only error is that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Runs a server until it is asked to stop. Deployments that run then go on at the next start.
pub async fn serve(home: Home, options: Options) -> Result<(), ServeError> {
    let listens = std::iter::once(options.listen).chain(options.http_listen);
    if let Some(address) = listens.into_iter().find(|address| !address.ip().is_loopback()) {
        return Err(ServeError::NotLoopback(address));
    }
    home.create()?;
    let ownership = Ownership::take(&home, options.lease).await?;
    // Whoever loses the home ends at once and puts nothing away: all of it is the next owner's, who may be at it already.
    let ended = tokio::select! {
        lost = ownership.keep() => Err(lost.into()),
        ended = run(&home, &options, &ownership) => ended,
    };
    // Steps still run until the process ends, and the next server must not begin before: the system frees the lock then.
    ownership.until_the_end();
    ended
}

/// Serves in a home that this process owns.
async fn run(home: &Home, options: &Options, ownership: &Ownership) -> Result<(), ServeError> {
    let token = home.token_or_create()?;
    let api = listen("the API", options.listen).await?;
    let address = api.local_addr()?;
    let (registry, listener) = if let Some(external) = &options.registry {
        (MirroringRegistry::external(options, external)?, None)
    } else {
        let listener = listen("the registry", options.registry_listen).await?;
        (MirroringRegistry::embedded(home, options, listener.local_addr()?)?, Some(listener))
    };
    let registry_address = registry.address.clone();

    let shutdown = CancellationToken::new();
    let wired = wiring::wire(home, ownership, options, registry)?;
    let mut registry = JoinSet::new();
    let collector = wired.registry.map(|EmbeddedRegistry { router, collector }| {
        registry.extend(listener.map(|listener| answer(listener, router, shutdown.clone())));
        collector
    });
    let keys = KeyRotation::new(ownership.store(), Some(wired.local.clone()));
    keys.finish().await?;
    let engine = Engine::new(wired.ports.clone(), wired.settings);
    let recovered = engine.recover().await?;
    if recovered > 0 {
        tracing::info!(recovered, "deployments of an earlier server go on");
    }
    if let Some(collector) = collector {
        let (collecting, stops) = (engine.clone(), shutdown.clone());
        // Whatever instant it ends at, the registry is whole.
        tokio::spawn(async move { collecting.keep_collecting_images(&*collector, &stops).await });
    }

    follow(&engine, options, &shutdown);
    let (keeping, stops) = (engine.clone(), shutdown.clone());
    tokio::spawn(async move { keeping.keep_schedules(&stops).await });
    serve_local(&wired.ports, &wired.local, options, &shutdown).await?;
    let site = Site::new(address, options.public_url.clone(), Files::Built);
    let parts = (engine, wired.ports, wired.workloads, wired.notifier);
    let app = App::new(parts, keys, token, site, options.allow_file_urls, shutdown.clone());
    let telling = app.clone();
    tokio::spawn(async move { telling.keep_notifying().await });
    home.write_record(&ServerRecord {
        address: address.to_string(),
        registry: registry_address.clone(),
        pid: std::process::id(),
    })?;
    tracing::info!(%address, registry = %registry_address, "the server listens");
    let serving = tokio::spawn(answer(api, router(app), shutdown.clone()));
    asked_to_stop(&shutdown).await?;
    tracing::info!("the server stops");
    shutdown.cancel();
    if tokio::time::timeout(LAST_REQUESTS, serving).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
    wired.builder.stop().await;
    registry.shutdown().await;
    Ok(())
}

/// Works on what git hosts tell, and asks them for what they did not tell.
fn follow(engine: &Engine, options: &Options, shutdown: &CancellationToken) {
    let (following, stops) = (engine.clone(), shutdown.clone());
    tokio::spawn(async move { following.keep_following(&stops).await });
    let (keeping, stops) = (engine.clone(), shutdown.clone());
    tokio::spawn(async move { tokio::join!(keeping.keep_previews(&stops), keeping.keep_telling_requests(&stops)) });
    if !options.poll.is_zero() {
        let (polling, stops, pause) = (engine.clone(), shutdown.clone(), options.poll);
        tokio::spawn(async move { polling.keep_polling(pause, &stops).await });
    }
}

/// Watches what runs on the local target, and serves its public http ports.
async fn serve_local(
    ports: &Ports,
    local: &LocalDocker,
    options: &Options,
    shutdown: &CancellationToken,
) -> Result<(), ServeError> {
    let access = Access::owner("server");
    let listener = local_target::listen(&*ports.store, &access, options.http_listen).await.map_err(|error| {
        let address = options.http_listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        ServeError::Listen { what: "the local target", address, error }
    })?;
    local_target::ensure(&*ports.store, &access, listener.local_addr()?.port()).await?;
    tokio::spawn(answer_http2_also(listener, local_proxy::router(local.routes()), shutdown.clone()));
    let (local, stops) = (local.clone(), shutdown.clone());
    tokio::spawn(async move { local.keep(stops).await });
    Ok(())
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Listen { what, address, error })
}

/// Returns on SIGTERM, SIGINT, or when the API is asked. A terminal that closes is no reason.
async fn asked_to_stop(shutdown: &CancellationToken) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}
