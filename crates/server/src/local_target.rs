//! The target that is always there: the Docker Engine of this machine, its key for Secrets, its public port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use slipway_docker::{LocalDocker, Seal};
use slipway_ports::{Access, LOCAL_TARGET, Store, StoreError, Target};
use slipway_store::SecretKeys;
use tokio::net::TcpListener;

use crate::home::Home;
use crate::wiring::WiringError;

/// Where public http ports are served when nobody says otherwise.
const USUAL_PORT: u16 = 8080;

/// Seals with the keys of the store.
struct Sealed(SecretKeys);

impl Seal for Sealed {
    fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>, String> {
        self.0.seal(place, text)
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<String, String> {
        self.0.unseal(place, sealed)
    }

    fn seal_anew(&self, place: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.0.seal_anew(place, sealed)
    }
}

/// The engine, with what this home knows of it.
pub(crate) fn open(home: &Home, keys: SecretKeys) -> Result<LocalDocker, WiringError> {
    let folder = home.folder("docker");
    LocalDocker::open(&folder, Arc::new(Sealed(keys))).map_err(|error| WiringError::Folder { folder, error })
}

/// The target as it is kept, if it is.
async fn kept(store: &dyn Store, access: &Access) -> Result<(Option<Target>, bool), StoreError> {
    let targets = store.targets(access).await?;
    let has_default = targets.iter().any(|target| target.is_default);
    Ok((targets.into_iter().find(|target| target.name == LOCAL_TARGET), has_default))
}

/// Listens for public http ports: where it is told, else where this home did before, else at the usual port. Without being told it
/// takes another port when somebody has that one.
pub(crate) async fn listen(store: &dyn Store, access: &Access, told: Option<SocketAddr>) -> io::Result<TcpListener> {
    if let Some(address) = told {
        return TcpListener::bind(address).await;
    }
    let (kept, _) = kept(store, access).await.map_err(io::Error::other)?;
    let port = kept.and_then(|target| target.ingress_port).unwrap_or(USUAL_PORT);
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let instead = listener.local_addr()?;
            tracing::warn!(port, %instead, "another program has the port for public services of the local target");
            Ok(listener)
        }
        bound => bound,
    }
}

/// Sees to it that the target is there, with its port. It is the default one when no other is.
pub(crate) async fn ensure(store: &dyn Store, access: &Access, port: u16) -> Result<(), StoreError> {
    let (kept, has_default) = kept(store, access).await?;
    let wanted = match &kept {
        Some(kept) => Target { ingress_port: Some(port), is_default: kept.is_default || !has_default, ..kept.clone() },
        None => Target::local(port, !has_default),
    };
    if kept.as_ref() == Some(&wanted) { Ok(()) } else { store.put_target(access, &wanted).await }
}
