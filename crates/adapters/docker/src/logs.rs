//! The lines of a service's containers.

use std::collections::{BTreeMap, HashSet};

use bollard::Docker;
use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt as _;
use jiff::Timestamp;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, LogPods, LogQuery, PodLine};
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
    for container in wanted(docker, query).await? {
        copy(docker, &container, query, query.tail, lines).await?;
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
        let found = wanted(docker, query).await?;
        let there: HashSet<&String> = found.iter().map(|container| &container.id).collect();
        running.retain(|id, _| there.contains(id));
        for container in found.into_iter().filter(|container| container.life != Life::Created) {
            // The lines of a container go on after it was started again, and one reading ends with each life.
            let before = running.insert(container.id.clone(), container.started_at.clone());
            if before.as_ref() == Some(&container.started_at) {
                continue;
            }
            let tail = if is_first { query.tail } else { None };
            let (docker, lines, mut query) = (docker.clone(), lines.clone(), query.clone());
            if before.is_some() {
                // All that it has said since the life before has ended, also before this reading begins.
                query.since = container.finished_at.parse().ok().or(query.since);
            }
            reading.spawn(async move { copy(&docker, &container, &query, tail, &lines).await });
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

/// The containers that are asked for.
async fn wanted(docker: &Docker, query: &LogQuery) -> Result<Vec<Container>, Failure> {
    let mut found = containers::list(docker, &query.namespace, Some(&query.release)).await?;
    match &query.pods {
        LogPods::All => {}
        LogPods::Named(name) => {
            found.retain(|container| container.name == *name);
            if found.is_empty() {
                let message = format!("`{}` has no container {name:?}", query.release);
                return Err(
                    Failure::permanent(Code::PodUnavailable, message).with_hint("`slipway status` shows those that are there")
                );
            }
        }
        LogPods::OfJob(job) => found.retain(|container| container.run_name().as_ref() == Some(job)),
    }
    // The engine keeps the lines of all lives of a container together.
    found.retain(|container| !query.previous || container.restarts > 0);
    Ok(found)
}

async fn copy(
    docker: &Docker,
    container: &Container,
    query: &LogQuery,
    tail: Option<u32>,
    lines: &Sender<PodLine>,
) -> Result<(), Failure> {
    let tail = tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string());
    let mut options = LogsOptionsBuilder::new().follow(query.follow).stdout(true).stderr(true).timestamps(true).tail(&tail);
    // The engine takes whole seconds.
    if let Some(since) = query.since.and_then(|since| i32::try_from(since.as_second()).ok()) {
        options = options.since(since);
    }
    let mut output = Box::pin(docker.logs(&container.id, Some(options.build())));
    while let Some(part) = output.next().await {
        let part = part.map_err(|error| failure("show the lines of a container", &error))?;
        for line in part.as_ref().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let (at, text) = timed(line);
            if query.since.is_some_and(|since| at.is_some_and(|at| at < since)) {
                continue;
            }
            // An empty line is one, too.
            let rest = if text.is_empty() { None } else { Some(text) };
            for piece in rest.map_or_else(|| vec![text], |text| text.chunks(LONGEST_LINE).collect()) {
                let text = String::from_utf8_lossy(piece).trim_end_matches('\r').to_owned();
                let line = PodLine { pod: container.name.clone(), container: container.service.clone(), at, text };
                if lines.send(line).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// A line as the engine sends it begins with the time at which it was written.
fn timed(line: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let time = std::str::from_utf8(&line[..end]).ok().and_then(|time| time.parse().ok());
    match time {
        Some(time) => (Some(time), line.get(end + 1..).unwrap_or_default()),
        None => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_taken_from_the_beginning_of_a_line_that_has_one() {
        let (at, text) = timed(b"2026-01-01T00:00:00.5Z hello world");
        assert_eq!((at, text), (Some("2026-01-01T00:00:00.5Z".parse().unwrap()), &b"hello world"[..]));
        assert_eq!(timed(b"2026-01-01T00:00:00Z"), (Some("2026-01-01T00:00:00Z".parse().unwrap()), &b""[..]));
        assert_eq!(timed(b"\xff plain"), (None, &b"\xff plain"[..]));
    }
}
