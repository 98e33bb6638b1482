//! Where requests to public host names go: to ready containers, and to no others.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

/// How long a container that is to go may finish requests that it has.
const LONGEST_DRAIN: Duration = Duration::from_secs(10);

/// The way from a host name and a path to containers.
#[derive(Debug, Default)]
pub struct Routes {
    table: RwLock<Vec<Route>>,
    turn: AtomicUsize,
    /// Containers that are to go.
    draining: RwLock<HashSet<String>>,
    traffic: RwLock<BTreeMap<String, Arc<Traffic>>>,
}

/// One public http or gRPC port of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The host name under which it is asked for.
    pub host: String,
    /// The path, by whole segments.
    pub path: String,
    /// What is spoken at the port.
    pub speaks: Speaks,
    /// Ready containers, and where their port is reached.
    pub containers: Vec<(String, SocketAddr)>,
}

/// What a container speaks at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS from the first byte, as gRPC does.
    Http2,
}

/// The requests that a container has.
#[derive(Debug, Default)]
struct Traffic {
    requests: AtomicUsize,
    idle: Notify,
}

/// The way of one request. As long as it lives, the container is not stopped for a new version, within a bound.
#[derive(Debug)]
pub struct Passage {
    /// Where the container is reached.
    pub address: SocketAddr,
    /// What it speaks there.
    pub speaks: Speaks,
    traffic: Arc<Traffic>,
}

impl Drop for Passage {
    fn drop(&mut self) {
        if self.traffic.requests.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.traffic.idle.notify_waiters();
        }
    }
}

/// Why no container gets a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPassage {
    /// No service has this host name and path.
    #[error("no service is public under this host name and path")]
    Unknown,
    /// There is one, and none of its containers is ready.
    #[error("no instance of the service is ready")]
    NotReady,
}

impl Routes {
    /// The containers for a request, in the order in which they are to be tried.
    pub fn passages(&self, host: &str, path: &str) -> Result<Vec<Passage>, NoPassage> {
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or(host, |(name, _)| name);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let matching = table.iter().filter(|route| route.host.eq_ignore_ascii_case(name) && covers(&route.path, path));
        let route = matching.max_by_key(|route| route.path.len()).ok_or(NoPassage::Unknown)?;
        let draining = self.draining.read().unwrap_or_else(PoisonError::into_inner);
        let staying: Vec<_> = route.containers.iter().filter(|(id, _)| !draining.contains(id)).collect();
        if staying.is_empty() {
            return Err(NoPassage::NotReady);
        }
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % staying.len();
        // Counted while the lock of `draining` is held: whoever drains afterwards sees it.
        Ok((0..staying.len())
            .map(|step| staying[(first + step) % staying.len()])
            .map(|(id, address)| self.passage(id, *address, route.speaks))
            .collect())
    }

    fn passage(&self, id: &str, address: SocketAddr, speaks: Speaks) -> Passage {
        let traffic = self.traffic_of(id);
        traffic.requests.fetch_add(1, Ordering::AcqRel);
        Passage { address, speaks, traffic }
    }

    fn traffic_of(&self, id: &str) -> Arc<Traffic> {
        self.traffic.write().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_default().clone()
    }

    /// Puts another table in the place of the one that is there.
    pub fn replace(&self, table: Vec<Route>) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    /// Sends no more requests to a container, and waits until it has none, within a bound.
    pub async fn drain(&self, id: &str) {
        self.draining.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        let traffic = self.traffic_of(id);
        let idle = async {
            loop {
                let next = traffic.idle.notified();
                if traffic.requests.load(Ordering::Acquire) == 0 {
                    return;
                }
                next.await;
            }
        };
        let _longest = tokio::time::timeout(LONGEST_DRAIN, idle).await;
    }

    /// A container is gone, or serves after all.
    pub(crate) fn forget(&self, id: &str) {
        self.draining.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.traffic.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// Whether a path lies under the path of a route, by whole segments.
fn covers(route: &str, path: &str) -> bool {
    let route = route.trim_end_matches('/');
    path.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let route = |host: &str, path: &str, ports: &[u16]| Route {
            host: host.to_owned(),
            path: path.to_owned(),
            speaks: Speaks::Http1,
            containers: ports.iter().map(|port| (format!("c{port}"), address(*port))).collect(),
        };
        let routes = Routes::default();
        routes.replace(vec![
            route("shop.localhost", "/", &[1, 2]),
            route("shop.localhost", "/api", &[3]),
            route("down.localhost", "/", &[]),
        ]);
        routes
    }

    fn first(routes: &Routes, host: &str, path: &str) -> Result<u16, NoPassage> {
        routes.passages(host, path).map(|passages| passages[0].address.port())
    }

    #[test]
    fn the_longest_path_wins_and_instances_take_turns() {
        let routes = routes();
        assert_eq!(first(&routes, "Shop.localhost:8080", "/api/products"), Ok(3));
        assert_ne!(first(&routes, "shop.localhost", "/apis"), Ok(3), "whole segments");
        let seen: HashSet<_> = (0..2).map(|_| first(&routes, "shop.localhost", "/").unwrap()).collect();
        assert_eq!(seen, HashSet::from([1, 2]));
        assert_eq!(first(&routes, "down.localhost", "/"), Err(NoPassage::NotReady));
        assert_eq!(first(&routes, "other.localhost", "/"), Err(NoPassage::Unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn a_container_that_is_to_go_gets_no_request_and_finishes_those_that_it_has() {
        let routes = Arc::new(routes());
        let passage = routes.passages("shop.localhost", "/api").unwrap();
        let draining = tokio::spawn({
            let routes = routes.clone();
            async move { routes.drain("c3").await }
        });
        while first(&routes, "shop.localhost", "/api") != Err(NoPassage::NotReady) {
            tokio::task::yield_now().await;
        }
        assert!(!draining.is_finished(), "a request runs");
        drop(passage);
        draining.await.unwrap();
        let stuck = routes.passages("shop.localhost", "/").unwrap();
        let began = tokio::time::Instant::now();
        routes.drain("c1").await;
        assert!(began.elapsed() >= LONGEST_DRAIN, "one that does not end is not waited for for ever");
        drop(stuck);
    }
}
