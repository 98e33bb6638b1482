//! What runs in a namespace, live: objects come in by watches, what they mean goes out.

use kube::Client;
use slipway_core::failure::Failure;
use slipway_ports::RunningServices;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::observe::observe;
use super::snapshot::{NamespaceSnapshot, sources};
use crate::calls::Calls;
use crate::rollout::patience::Patience;
use crate::trouble::Trouble;

/// Tells what runs until nobody listens, or the cluster does not answer.
pub(super) async fn run(
    client: &Client,
    calls: &Calls,
    namespace: &str,
    seen: &watch::Sender<Option<RunningServices>>,
) -> Result<(), Failure> {
    let (sender, mut notices) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    let sources = sources(client, namespace);
    let count = sources.len();
    for (index, source) in sources.into_iter().enumerate() {
        tasks.spawn(source.follow(index, calls.clone(), sender.clone()));
    }
    let mut snapshot = NamespaceSnapshot::default();
    let mut patience = Patience::new(calls.patience);
    let failure = |trouble: &Trouble| trouble.failure(&format!("watch what runs in namespace {namespace}"));
    loop {
        tokio::select! {
            () = seen.closed() => return Ok(()),
            Some(notice) = notices.recv() => {
                patience.take(notice, &mut snapshot).map_err(|trouble| failure(&trouble))?;
                // Changes come in bursts: one look at all of them is enough.
                while let Ok(notice) = notices.try_recv() {
                    patience.take(notice, &mut snapshot).map_err(|trouble| failure(&trouble))?;
                }
            }
            () = until(patience.end()) => {}
        }
        if let Some(trouble) = patience.over() {
            return Err(failure(trouble));
        }
        if patience.all_listed(count) {
            let running = observe(&snapshot);
            seen.send_if_modified(|before| {
                let changed = before.as_ref() != Some(&running);
                *before = Some(running);
                changed
            });
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
