//! The lines of a release's pods.

use std::collections::BTreeSet;
use std::pin::{Pin, pin};

use futures::{AsyncBufRead, AsyncBufReadExt};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, LogParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use slipway_core::failure::Failure;
use slipway_ports::{LogPods, LogQuery, PodLine};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use crate::calls::{Calls, Pauses};
use crate::connection::Connection;
use crate::rollout::WATCH_PERIOD;
use crate::trouble::Trouble;
use crate::workloads::members::Members;
use crate::workloads::pods;

/// A line that is longer is cut into lines of this length.
const LONGEST_LINE: usize = 64 * 1024;

/// One run of one container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    pod: String,
    container: String,
    /// The runtime's name of it: a restarted container has another.
    id: String,
    /// Whether the pod has more than one container, so that lines say which.
    named: bool,
    /// Whether there was a run before it.
    again: bool,
}

/// Sends the lines of all pods of a release.
pub(crate) async fn read(
    connection: &Connection,
    calls: &Calls,
    query: &LogQuery,
    lines: Sender<PodLine>,
) -> Result<(), Failure> {
    let members = Members::new(&connection.client, calls, &query.namespace, &query.release, query.of);
    let reader = Reader {
        selection: selection(&members, query),
        members,
        pods: Api::namespaced(connection.client.clone(), &query.namespace),
        patient: Api::namespaced(connection.patient.clone(), &query.namespace),
        calls: calls.clone(),
        follow: query.follow,
        since: query.since,
        previous: query.previous,
        lines,
    };
    let what = format!("read the logs of {} in namespace {}", query.release, query.namespace);
    if let LogPods::Named(pod) | LogPods::OfJob(pod) = &query.pods
        && !pods::is_name(pod)
    {
        return Err(pods::no_such_pod(&query.release, pod));
    }
    if let LogPods::Named(pod) = &query.pods {
        let (found, _) = reader.list().await.map_err(|trouble| trouble.failure(&what))?;
        if found.is_empty() {
            return Err(pods::no_such_pod(&query.release, pod));
        }
    }
    let result = if query.follow { reader.follow(query.tail).await } else { reader.once(query.tail).await };
    result.map_err(|trouble| trouble.failure(&what))
}

/// The pods that are meant, of those of the release.
fn selection(members: &Members, query: &LogQuery) -> ListParams {
    let selection = members.selection();
    match &query.pods {
        LogPods::All => selection,
        LogPods::Named(pod) => selection.fields(&format!("metadata.name={pod}")),
        LogPods::OfJob(job) => {
            let of_job = format!("job-name={job}");
            let labels = selection.label_selector.iter().chain([&of_job]).cloned().collect::<Vec<_>>().join(",");
            selection.labels(&labels)
        }
    }
}

#[derive(Clone)]
struct Reader {
    pods: Api<Pod>,
    /// For streams that may be silent.
    patient: Api<Pod>,
    calls: Calls,
    members: Members,
    selection: ListParams,
    follow: bool,
    since: Option<Timestamp>,
    previous: bool,
    lines: Sender<PodLine>,
}

impl Reader {
    /// The pods that are there, and the version of that list.
    async fn list(&self) -> Result<(Vec<Pod>, String), Trouble> {
        let list = self.calls.ask(|| self.pods.list(&self.selection)).await?;
        Ok((self.members.only(list.items).await?, list.metadata.resource_version.unwrap_or_default()))
    }

    /// What there is, pod after pod.
    async fn once(&self, tail: Option<u32>) -> Result<(), Trouble> {
        let (mut pods, _) = self.list().await?;
        pods.sort_by_key(|pod| pod.metadata.creation_timestamp.clone());
        for run in pods.iter().flat_map(runs) {
            self.read_run(&run, tail).await?;
        }
        Ok(())
    }

    /// What there is and what comes: pods and runs of containers that begin later are picked up by a watch.
    async fn follow(&self, tail: Option<u32>) -> Result<(), Trouble> {
        let mut known = BTreeSet::new();
        let mut readers = JoinSet::new();
        let mut first = true;
        let mut pauses = Pauses::default();
        loop {
            let (pods, mut version) = self.list().await?;
            for pod in &pods {
                self.begin(pod, if first { tail } else { None }, &mut known, &mut readers);
            }
            first = false;
            // Until the version is too old, or the watch breaks: then list anew.
            loop {
                match self.watch(version, &mut known, &mut readers).await {
                    Ok(next) => {
                        version = next;
                        pauses.reset();
                    }
                    Err(trouble) if matches!(trouble, Trouble::Away { .. }) || trouble.is_expired() => {
                        tracing::debug!(?trouble, "the watch of pods begins anew");
                        // A server that lists and refuses to watch is not asked without a pause.
                        tokio::time::sleep(pauses.next(trouble.wait())).await;
                        break;
                    }
                    Err(trouble) => return Err(trouble),
                }
            }
        }
    }

    async fn watch(
        &self,
        from: String,
        known: &mut BTreeSet<Run>,
        readers: &mut JoinSet<Result<(), Trouble>>,
    ) -> Result<String, Trouble> {
        let parameters = WatchParams {
            label_selector: self.selection.label_selector.clone(),
            field_selector: self.selection.field_selector.clone(),
            timeout: Some(u32::try_from(WATCH_PERIOD.as_secs()).unwrap_or(u32::MAX)),
            ..WatchParams::default()
        };
        let mut version = from;
        let stream = self.calls.once(self.pods.watch(&parameters, &version)).await?;
        let mut stream = pin!(stream);
        let end = tokio::time::sleep(WATCH_PERIOD + self.calls.answer_timeout);
        let mut end = pin!(end);
        loop {
            let event = tokio::select! {
                event = futures::TryStreamExt::try_next(&mut stream) => event.map_err(Trouble::from)?,
                Some(ended) = readers.join_next() => {
                    // A reader that was refused has a reason that holds for the others as well.
                    ended.map_err(|error| Trouble::away(error.to_string()))??;
                    continue;
                }
                () = &mut end => return Err(Trouble::away("a watch went silent")),
            };
            match event {
                None => return Ok(version),
                Some(WatchEvent::Bookmark(bookmark)) => version = bookmark.metadata.resource_version,
                Some(WatchEvent::Error(status)) => return Err(Trouble::from(status)),
                Some(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => {
                    version = pod.resource_version().unwrap_or(version);
                    for pod in self.members.only(vec![pod]).await? {
                        self.begin(&pod, None, known, readers);
                    }
                }
                Some(WatchEvent::Deleted(pod)) => {
                    version = pod.resource_version().unwrap_or(version);
                    known.retain(|run| run.pod != pod.name_any());
                }
            }
        }
    }

    fn begin(&self, pod: &Pod, tail: Option<u32>, known: &mut BTreeSet<Run>, readers: &mut JoinSet<Result<(), Trouble>>) {
        for run in runs(pod) {
            if known.insert(run.clone()) {
                let reader = self.clone();
                readers.spawn(async move { reader.read_run(&run, tail).await });
            }
        }
    }

    /// The lines of one run; a stream that breaks is taken up where it broke.
    async fn read_run(&self, run: &Run, tail: Option<u32>) -> Result<(), Trouble> {
        if self.previous && !run.again {
            return Ok(());
        }
        let mut last: Option<Timestamp> = None;
        let mut pauses = Pauses::default();
        let mut left = self.calls.patience;
        loop {
            let parameters = LogParams {
                container: Some(run.container.clone()),
                follow: self.follow,
                tail_lines: if last.is_none() { tail.map(i64::from) } else { None },
                since_time: last.or(self.since).map(whole_second),
                timestamps: true,
                previous: self.previous,
                ..LogParams::default()
            };
            let before = last;
            let ended = match self.calls.once(self.patient.log_stream(&run.pod, &parameters)).await {
                Ok(stream) => self.send(run, pin!(stream), &mut last).await,
                Err(trouble) => Err(trouble),
            };
            let trouble = match ended {
                Ok(()) => return Ok(()),
                // The pod or the run is gone, and its lines with it.
                Err(trouble) if trouble.is_not_found() || matches!(&trouble, Trouble::Refused(status) if status.code == 400) => {
                    return Ok(());
                }
                Err(trouble) => trouble,
            };
            if last > before {
                pauses.reset();
                left = self.calls.patience;
            }
            let Trouble::Away { wait, .. } = &trouble else { return Err(trouble) };
            let pause = pauses.next(*wait);
            left = match left.checked_sub(pause) {
                Some(left) => left,
                None => return Err(trouble),
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn send<R: AsyncBufRead>(
        &self,
        run: &Run,
        mut stream: Pin<&mut R>,
        last: &mut Option<Timestamp>,
    ) -> Result<(), Trouble> {
        // What was told before this stream began comes again; in one stream two lines may have the same time.
        let told = *last;
        while let Some(line) = next_line(&mut stream).await.map_err(|error| Trouble::away(format!("a log broke off: {error}")))? {
            let (time, text) = split_time(&line);
            if time.is_some() && (time <= told || time < self.since) {
                continue;
            }
            *last = time.or(*last);
            let text = if run.named { format!("[{}] {text}", run.container) } else { text.to_owned() };
            let line = PodLine { pod: run.pod.clone(), container: run.container.clone(), at: time, text };
            if self.lines.send(line).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The runs of a pod's containers that have begun.
fn runs(pod: &Pod) -> Vec<Run> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_deref()).unwrap_or_default();
    let main = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let named = init.len() + main.len() > 1;
    let begun = init.iter().chain(main).filter_map(|status| {
        let id = status.container_id.clone().filter(|id| !id.is_empty())?;
        Some(Run { pod: pod.name_any(), container: status.name.clone(), id, named, again: status.restart_count > 0 })
    });
    begun.collect()
}

/// The second that a time lies in. The server counts in whole ones, and kube rounds to the nearest, which may be later than a
/// line that is wanted; what comes without being wanted is dropped by its time.
fn whole_second(at: Timestamp) -> Timestamp {
    let down = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    // Only an increment that divides no day is refused.
    at.round(down).unwrap_or(at)
}

/// The time that the kubelet puts before a line, and the line.
fn split_time(line: &str) -> (Option<Timestamp>, &str) {
    match line.split_once(' ') {
        Some((time, text)) => match time.parse() {
            Ok(time) => (Some(time), text),
            Err(_) => (None, line),
        },
        None => line.parse().map_or((None, line), |time| (Some(time), "")),
    }
}

/// The next line without its end; a very long one comes in pieces.
async fn next_line<R: AsyncBufRead>(stream: &mut Pin<&mut R>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let chunk = stream.fill_buf().await?;
        if chunk.is_empty() {
            return Ok((!line.is_empty()).then(|| text(&line)));
        }
        let room = chunk.len().min(LONGEST_LINE - line.len());
        let end = chunk[..room].iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&chunk[..end.unwrap_or(room)]);
        stream.consume_unpin(end.map_or(room, |end| end + 1));
        if end.is_some() || line.len() >= LONGEST_LINE {
            return Ok(Some(text(&line)));
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
}

#[cfg(test)]
mod tests {
    use futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn lines_are_split_and_long_ones_cut() {
        let long = "x".repeat(LONGEST_LINE + 10);
        let mut stream = Cursor::new(format!("one\r\n\n{long}\nlast"));
        let mut stream = Pin::new(&mut stream);
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut stream).await.unwrap() {
            lines.push(line.len());
        }
        assert_eq!(lines, [3, 0, LONGEST_LINE, 10, 4]);
    }

    #[test]
    fn lines_are_asked_for_from_the_second_on_that_a_time_lies_in() {
        for (at, second) in [("08:00:00.999999999", "08:00:00"), ("08:00:00.5", "08:00:00"), ("08:00:01", "08:00:01")] {
            let at = format!("2026-01-31T{at}Z").parse().unwrap();
            let parameters = LogParams { since_time: Some(whole_second(at)), ..LogParams::default() };
            let request = kube::core::Request::new("").logs("talker", &parameters).unwrap();
            let wanted = format!("sinceTime=2026-01-31T{second}Z").replace(':', "%3A");
            assert!(request.uri().to_string().ends_with(&wanted), "{}", request.uri());
        }
    }

    #[test]
    fn the_time_before_a_line_is_taken_off() {
        let (time, text) = split_time("2026-01-02T03:04:05.678901234Z hello world");
        assert_eq!((time.is_some(), text), (true, "hello world"));
        assert_eq!(split_time("unable to retrieve container logs"), (None, "unable to retrieve container logs"));
    }
}
