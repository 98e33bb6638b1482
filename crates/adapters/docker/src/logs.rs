//! The lines of a service's containers.

use std::collections::{BTreeMap, HashSet};

use bollard::Docker;
use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt as _;
use slipway_core::failure::Failure;
use slipway_ports::{CancellationToken, LogQuery, PodLine};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use crate::containers::{self, Container, Life};
use crate::engine::failure;
use crate::local::LocalDocker;

/// A line that is longer is cut into lines of this length.
const LONGEST_LINE: usize = 64 * 1024;

/// Sends lines until they end, the receiver goes, or it is told to stop.
pub(crate) async fn read(
    local: &LocalDocker,
    query: &LogQuery,
    lines: Sender<PodLine>,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let read = async { if query.follow { follow(local, query, &lines).await } else { once(local, query, &lines).await } };
    tokio::select! {
        ended = read => ended,
        () = cancel.cancelled() => Ok(()),
        () = lines.closed() => Ok(()),
    }
}

async fn once(local: &LocalDocker, query: &LogQuery, lines: &Sender<PodLine>) -> Result<(), Failure> {
    let docker = local.engine.docker().await?;
    for container in containers::list(docker, &query.namespace, Some(&query.release)).await? {
        copy(docker, &container, false, query.tail, lines).await?;
    }
    Ok(())
}

/// Follows the containers that are there, and those that come: each life of each.
async fn follow(local: &LocalDocker, query: &LogQuery, lines: &Sender<PodLine>) -> Result<(), Failure> {
    let docker = local.engine.docker().await?;
    let mut changes = local.health.changes();
    let mut reading = JoinSet::new();
    let mut running: BTreeMap<String, String> = BTreeMap::new();
    let mut is_first = true;
    loop {
        changes.mark_unchanged();
        let found = containers::list(docker, &query.namespace, Some(&query.release)).await?;
        let there: HashSet<&String> = found.iter().map(|container| &container.id).collect();
        running.retain(|id, _| there.contains(id));
        for container in found.into_iter().filter(|container| container.life != Life::Created) {
            // The lines of a container go on after it was started again, and one reading ends with each life.
            let before = running.insert(container.id.clone(), container.started_at.clone());
            if before.as_ref() == Some(&container.started_at) {
                continue;
            }
            let tail = if is_first { query.tail } else { None };
            let (docker, lines, since) = (docker.clone(), lines.clone(), before.is_some());
            reading.spawn(async move {
                let tail = if since { Some(0) } else { tail };
                copy(&docker, &container, true, tail, &lines).await
            });
        }
        is_first = false;
        tokio::select! {
            _ = changes.changed() => {}
            Some(ended) = reading.join_next() => {
                if let Ok(Err(failure)) = ended {
                    tracing::debug!(%failure, "the lines of a container have ended");
                }
            }
        }
    }
}

async fn copy(
    docker: &Docker,
    container: &Container,
    follow: bool,
    tail: Option<u32>,
    lines: &Sender<PodLine>,
) -> Result<(), Failure> {
    let tail = tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string());
    let options = LogsOptionsBuilder::new().follow(follow).stdout(true).stderr(true).tail(&tail).build();
    let mut output = Box::pin(docker.logs(&container.id, Some(options)));
    while let Some(part) = output.next().await {
        let part = part.map_err(|error| failure("show the lines of a container", &error))?;
        for line in part.as_ref().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            for piece in line.chunks(LONGEST_LINE) {
                let text = String::from_utf8_lossy(piece).trim_end_matches('\r').to_owned();
                if lines.send(PodLine { pod: container.name.clone(), text }).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
