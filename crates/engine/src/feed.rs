//! What happens, for whoever watches: facts, activities and log lines of running deployments.
//!
//! A line is stored before it is shown, so that a reader who comes later, or comes back, finds it under the same number. A log
//! that grows too long loses its middle in the store; who watches has seen it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use slipway_core::deployment::{StepId, Timestamp, Timing};
use slipway_ports::{Activity, LogCut, LogLine, Progress, RecordedEvent, Store};
use tokio::sync::{broadcast, mpsc};

use crate::mask::{LineMask, Mask};
use crate::time::now;

/// How many updates a slow watcher may fall behind before it must read the store again. They are kept for it meanwhile, and a
/// line may be long.
const BEHIND: usize = 1024;
/// How many lines are written at once.
const BATCH: usize = 256;
/// How many turns of what a step did are kept.
const MOST_TIMINGS: usize = 63;
/// How often the length of a log is looked at while it grows by as much as it may have.
const LOOKS: u64 = 8;

/// Something that happened in a deployment.
#[derive(Debug, Clone)]
pub enum Update {
    /// A fact was appended.
    Event(RecordedEvent),
    /// A running step does something else now.
    Activity {
        /// Which.
        step: StepId,
        /// What.
        activity: Activity,
    },
    /// A line was written to the log.
    Line {
        /// Its number.
        number: u64,
        /// The line.
        line: LogLine,
    },
}

/// The feeds of all deployments.
pub(crate) struct Feeds {
    store: Arc<dyn Store>,
    most_log_bytes: u64,
    by_deployment: Mutex<HashMap<String, Arc<Feed>>>,
}

/// The feed of one deployment.
pub(crate) struct Feed {
    updates: broadcast::Sender<Update>,
    lines: mpsc::UnboundedSender<Told>,
    activities: Mutex<BTreeMap<StepId, Doings>>,
}

/// What a running step does, and did before.
struct Doings {
    activity: Activity,
    since: Timestamp,
    done: Vec<Timing>,
}

impl Doings {
    /// Whether it is something else than before. Of a step that goes back and forth only the first turns are kept.
    fn change(&mut self, activity: Activity, at: Timestamp) -> bool {
        if self.activity == activity {
            return false;
        }
        if self.done.len() < MOST_TIMINGS {
            self.done.push(Timing { activity: self.activity, from: self.since, to: at });
            self.since = at;
        }
        self.activity = activity;
        true
    }

    fn until(mut self, at: Timestamp) -> Vec<Timing> {
        if self.done.len() < MOST_TIMINGS {
            self.done.push(Timing { activity: self.activity, from: self.since, to: at });
        }
        self.done
    }
}

enum Told {
    Line(LogLine),
    Flush(tokio::sync::oneshot::Sender<()>),
}

impl Feeds {
    pub(crate) fn new(store: Arc<dyn Store>, most_log_bytes: u64) -> Self {
        Self { store, most_log_bytes, by_deployment: Mutex::default() }
    }

    /// The feed of a deployment; it is kept as long as somebody holds or watches it. A watcher that comes just after the end
    /// makes one that nobody forgets, so those are let go of here.
    pub(crate) fn of(&self, deployment: &str) -> Arc<Feed> {
        let mut feeds = self.by_deployment.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|_, feed| Arc::strong_count(feed) > 1 || feed.updates.receiver_count() > 0);
        feeds.entry(deployment.to_owned()).or_insert_with(|| Arc::new(Feed::new(self, deployment))).clone()
    }

    /// Lets go of the feed of a deployment that has finished; watchers keep what they have.
    pub(crate) fn forget(&self, deployment: &str) {
        self.by_deployment.lock().unwrap_or_else(PoisonError::into_inner).remove(deployment);
    }

    pub(crate) fn activities(&self, deployment: &str) -> BTreeMap<StepId, Activity> {
        let feed = self.by_deployment.lock().unwrap_or_else(PoisonError::into_inner).get(deployment).cloned();
        let now = |(step, doings): (&StepId, &Doings)| (step.clone(), doings.activity);
        feed.map(|feed| feed.activities.lock().unwrap_or_else(PoisonError::into_inner).iter().map(now).collect())
            .unwrap_or_default()
    }
}

impl Feed {
    fn new(feeds: &Feeds, deployment: &str) -> Self {
        let (updates, _) = broadcast::channel(BEHIND);
        let (lines, entries) = mpsc::unbounded_channel();
        let log = Log {
            store: feeds.store.clone(),
            deployment: deployment.to_owned(),
            most_bytes: feeds.most_log_bytes,
            unchecked: feeds.most_log_bytes,
        };
        tokio::spawn(log.write(entries, updates.clone()));
        Self { updates, lines, activities: Mutex::default() }
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }

    /// A fact was appended. An error only says that nobody watches.
    pub(crate) fn event(&self, event: RecordedEvent) {
        let _ = self.updates.send(Update::Event(event));
    }

    /// A step has ended: what it did until now.
    pub(crate) fn step_ended(&self, step: &StepId) -> Vec<Timing> {
        let doings = self.activities.lock().unwrap_or_else(PoisonError::into_inner).remove(step);
        doings.map(|doings| doings.until(now())).unwrap_or_default()
    }

    /// Returns when every line so far is stored and shown.
    pub(crate) async fn flush(&self) {
        let (done, written) = tokio::sync::oneshot::channel();
        if self.lines.send(Told::Flush(done)).is_ok() {
            let _ = written.await;
        }
    }

    /// A place for a step to report to.
    pub(crate) fn progress(self: &Arc<Self>, step: StepId) -> StepProgress {
        StepProgress { feed: self.clone(), step, mask: Arc::default(), lines: Arc::default() }
    }
}

/// The stored log of one deployment.
struct Log {
    store: Arc<dyn Store>,
    deployment: String,
    most_bytes: u64,
    /// Bytes that were written since its length was looked at. Nothing is known of a log that an earlier server began.
    unchecked: u64,
}

impl Log {
    async fn write(mut self, mut entries: mpsc::UnboundedReceiver<Told>, updates: broadcast::Sender<Update>) {
        let mut batch = Vec::new();
        while entries.recv_many(&mut batch, BATCH).await > 0 {
            let mut lines = Vec::new();
            let mut flushes = Vec::new();
            for entry in batch.drain(..) {
                match entry {
                    Told::Line(line) => lines.push(line),
                    Told::Flush(done) => flushes.push(done),
                }
            }
            if !lines.is_empty() {
                self.append(lines, &updates).await;
            }
            for done in flushes {
                let _ = done.send(());
            }
        }
    }

    async fn append(&mut self, lines: Vec<LogLine>, updates: &broadcast::Sender<Update>) {
        self.unchecked += lines.iter().map(|line| LogCut::weight(line.text.len() as u64)).sum::<u64>();
        match self.store.append_log(&self.deployment, &lines).await {
            Ok(numbers) => {
                for (number, line) in numbers.into_iter().zip(lines) {
                    let _ = updates.send(Update::Line { number, line });
                }
            }
            // The log is for people; the deployment goes on without these lines.
            Err(error) => tracing::error!(deployment = self.deployment, lost = lines.len(), %error, "log lines are lost"),
        }
        // Looking takes a walk over the whole log: not after every line.
        if self.unchecked > self.most_bytes / LOOKS {
            self.unchecked = 0;
            if let Err(error) = self.store.bound_log(&self.deployment, self.most_bytes).await {
                tracing::warn!(deployment = self.deployment, %error, "the log is not cut; trying again when it has grown");
            }
        }
    }
}

/// Where one step reports to. It masks the secrets that it was told.
#[derive(Clone)]
pub(crate) struct StepProgress {
    feed: Arc<Feed>,
    step: StepId,
    mask: Arc<Mask>,
    /// How the last line ended; shared by all who report for the step.
    lines: Arc<Mutex<LineMask>>,
}

impl StepProgress {
    /// The same place, where these secrets are masked from now on, each line of them by itself: a log has no text of two lines.
    /// Very short ones would mask half the log, and are left.
    pub(crate) fn masking(mut self, secrets: impl IntoIterator<Item = slipway_ports::SecretText>) -> Self {
        self.mask = Arc::new(self.mask.and(secrets));
        self
    }

    /// What is masked.
    pub(crate) fn mask(&self) -> &Mask {
        &self.mask
    }
}

impl Progress for StepProgress {
    fn activity(&self, activity: Activity) {
        let at = now();
        let is_other = {
            let mut activities = self.feed.activities.lock().unwrap_or_else(PoisonError::into_inner);
            match activities.entry(self.step.clone()) {
                Entry::Vacant(place) => {
                    place.insert(Doings { activity, since: at, done: Vec::new() });
                    true
                }
                Entry::Occupied(mut doings) => doings.get_mut().change(activity, at),
            }
        };
        if is_other {
            let _ = self.feed.updates.send(Update::Activity { step: self.step.clone(), activity });
        }
    }

    fn line(&self, text: &str) {
        let text = self.lines.lock().unwrap_or_else(PoisonError::into_inner).line(&self.mask, text);
        let line = LogLine { at: now(), service: self.step.service.clone(), phase: self.step.phase, text };
        let _ = self.feed.lines.send(Told::Line(line));
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::deployment::Phase;
    use slipway_core::model::Name;
    use slipway_ports::SecretText;
    use slipway_ports::testing::MemoryStore;

    use super::*;

    fn feeds() -> Feeds {
        Feeds::new(Arc::new(MemoryStore::default()), 1 << 20)
    }

    #[tokio::test]
    async fn a_secret_of_many_lines_is_masked_line_by_line_and_the_longest_first() {
        let step = StepId { service: Name::new("api").unwrap(), phase: Phase::Release };
        let secrets = ["hunter", "hunter2-and-more", "-----BEGIN KEY-----\nc2VjcmV0\nab\n"].map(SecretText::new);
        let progress = feeds().of("1").progress(step).masking(secrets);
        assert_eq!(progress.mask().mask("hunter hunter2-and-more"), "*** ***");
        assert_eq!(progress.mask().mask("a program says c2VjcmV0 and ab"), "a program says *** and ab");
    }

    #[test]
    fn of_a_step_that_goes_back_and_forth_the_first_turns_are_kept_and_none_is_made_up() {
        let mut doings = Doings { activity: Activity::Building, since: Timestamp(0), done: Vec::new() };
        assert!(!doings.change(Activity::Building, Timestamp(1)), "it does what it did");
        for turn in 1..=200 {
            let activity = if turn % 2 == 0 { Activity::Building } else { Activity::Pushing };
            assert!(doings.change(activity, Timestamp(10 * turn)));
        }
        let kept = doings.until(Timestamp(5000));
        assert_eq!(kept.len(), MOST_TIMINGS);
        assert!(kept.iter().all(|timing| timing.milliseconds() == 10), "{kept:?}");
        let few = Doings { activity: Activity::Waiting, since: Timestamp(3), done: Vec::new() }.until(Timestamp(5));
        assert_eq!(few, [Timing { activity: Activity::Waiting, from: Timestamp(3), to: Timestamp(5) }]);
    }

    #[tokio::test]
    async fn a_feed_that_nobody_holds_or_watches_is_let_go_of() {
        let feeds = feeds();
        let held = feeds.of("held");
        let watched = feeds.of("watched").watch();
        for late in ["a", "b", "c"] {
            drop(feeds.of(late).watch());
        }
        feeds.of("held");
        let mut left: Vec<String> = feeds.by_deployment.lock().unwrap().keys().cloned().collect();
        left.sort();
        assert_eq!(left, ["held", "watched"]);
        drop((held, watched));
    }
}
