//! One who watches a topic, as the body of an answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use slipway_ports::{Access, CancellationToken};
use tokio::sync::watch;

use super::topic::{Frame, Topic};

/// A comment after so much silence keeps proxies from ending the connection.
const SILENCE: Duration = Duration::from_secs(15);

/// Which events of a topic are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All, after `begin` when they come anew.
    All,
    /// The whole and its changes alone.
    Whole,
}

/// Holds its place in a topic and nothing of its contents.
pub(crate) struct Watching {
    topic: Arc<Topic>,
    latest: watch::Receiver<u64>,
    wanted: Wanted,
    access: Access,
    seen: Option<u64>,
    next: VecDeque<Frame>,
    has_ended: bool,
}

impl Watching {
    pub(super) fn new(topic: Arc<Topic>, wanted: Wanted, access: Access, last_id: Option<&str>) -> Self {
        let (latest, seen) = (topic.listen(), last_id.and_then(|id| topic.number(id)));
        let next = match (seen, wanted) {
            (None, Wanted::All) => [topic.beginning()].into(),
            (None, Wanted::Whole) | (Some(_), _) => VecDeque::new(),
        };
        Self { topic, latest, wanted, access, seen, next, has_ended: false }
    }

    /// The next event, or a comment after a long silence; `None` at the end of the topic.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.next.pop_front() {
                if frame.number > 0 {
                    self.seen = Some(frame.number);
                }
                self.has_ended = frame.is_last;
                return Some(frame.bytes);
            }
            if self.has_ended {
                return None;
            }
            // Before looking, so that what comes meanwhile wakes it again.
            self.latest.mark_unchanged();
            self.next = self.topic.after(self.seen, self.wanted, &self.access);
            if !self.next.is_empty() {
                continue;
            }
            match tokio::time::timeout(SILENCE, self.latest.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    /// The answer that sends all of it until the server ends.
    pub(crate) fn response(self, shutdown: CancellationToken) -> Response {
        let events = futures::stream::unfold((self, shutdown), |(mut this, shutdown)| async move {
            let next = tokio::select! {
                next = this.next() => next,
                () = shutdown.cancelled() => None,
            };
            next.map(|bytes| (Ok::<_, Infallible>(bytes), (this, shutdown)))
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-cache"),
            // Otherwise nginx gathers events before it hands them on.
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, Body::from_stream(events)).into_response()
    }
}
