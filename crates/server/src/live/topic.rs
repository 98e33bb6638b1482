//! The state of some things, each as the event that tells it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use slipway_core::model::Name;
use slipway_ports::Access;
use slipway_ports::api::{DeploymentView, ProblemDetails, RunningChange, RunningView, ServiceView};
use tokio::sync::watch;

use super::watching::Wanted;

/// How long a topic stays that nobody watches: a browser that lost its connection comes back.
const LINGERS: Duration = Duration::from_secs(30);
/// So many changes of a whole are kept; who has missed more gets the whole.
const CHANGES: usize = 256;

/// A thing that has an event of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Environment(Name, Name),
    Deployment(u64),
    End,
}

/// What is told as a whole once, and then by its changes.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Whole {
    Running(RunningView),
    Deployment(Box<DeploymentView>),
}

/// A change of a whole.
pub(super) enum WholeChange {
    Running(RunningChange),
    Service(Box<ServiceView>),
}

/// An event as it goes over the wire; whoever watches sends the same bytes.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) bytes: Bytes,
    /// Nothing comes after it.
    pub(super) is_last: bool,
}

/// See the module. Its events are counted; `word` tells its count from that of any other topic.
pub(super) struct Topic {
    word: String,
    state: Mutex<State>,
    latest: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    number: u64,
    things: BTreeMap<Key, Thing>,
    told: Told,
}

struct Thing {
    frame: Frame,
    data: Arc<str>,
    is_gone: bool,
}

/// How the whole was told last.
#[derive(Default)]
enum Told {
    #[default]
    Nothing,
    Away(Frame),
    Whole(Box<Group>),
}

/// A whole, and its last changes.
struct Group {
    whole: Whole,
    /// It is written only when somebody needs it.
    written: Option<Frame>,
    changes: VecDeque<Frame>,
    /// Who has seen less can not go on by the changes.
    floor: u64,
    last: u64,
}

impl Default for Topic {
    fn default() -> Self {
        let word = uuid::Uuid::now_v7().simple().to_string();
        Self { word, state: Mutex::default(), latest: watch::Sender::new(0) }
    }
}

impl Topic {
    /// Puts a thing as it is now. Nothing is told when it is as it was.
    pub(super) fn put(&self, key: Key, name: &str, thing: &impl Serialize) {
        self.tell_thing(key, name, thing, false);
    }

    /// Says that a thing is gone, to those who may have seen it.
    pub(super) fn remove(&self, key: Key, thing: &impl Serialize) {
        self.tell_thing(key, "removed", thing, true);
    }

    /// Forgets a thing without a word.
    pub(super) fn forget(&self, key: &Key) {
        self.state().things.remove(key);
    }

    fn tell_thing(&self, key: Key, name: &str, thing: &impl Serialize, is_gone: bool) {
        let data = written(thing);
        let mut state = self.state();
        if state.things.get(&key).is_some_and(|known| *known.data == *data && known.is_gone == is_gone) {
            return;
        }
        let frame = Frame { is_last: key == Key::End, ..self.next_frame(&mut state, name, &data) };
        state.things.insert(key, Thing { frame, data: data.into(), is_gone });
        self.tell(state);
    }

    /// The whole is this now, and who has seen another gets all of it.
    pub(super) fn begin_whole(&self, whole: Whole) {
        let mut state = self.state();
        state.number += 1;
        let number = state.number;
        state.told = Told::Whole(Box::new(Group { whole, written: None, changes: VecDeque::new(), floor: number, last: number }));
        self.tell(state);
    }

    /// What runs, as a whole or by what is different since it was told.
    pub(super) fn running(&self, now: RunningView) {
        let change = match &self.state().told {
            Told::Whole(group) => match &group.whole {
                Whole::Running(before) if names(before).eq(names(&now)) => Some(crate::running::change(before, &now)),
                Whole::Running(_) | Whole::Deployment(_) => None,
            },
            Told::Nothing | Told::Away(_) => None,
        };
        match change {
            Some(Some(change)) => self.change_whole(WholeChange::Running(change)),
            Some(None) => {}
            None => self.begin_whole(Whole::Running(now)),
        }
    }

    /// Changes the whole.
    pub(super) fn change_whole(&self, change: WholeChange) {
        let (name, data) = match &change {
            WholeChange::Running(change) => ("change", written(change)),
            WholeChange::Service(service) => ("service", written(service)),
        };
        let mut state = self.state();
        let frame = self.next_frame(&mut state, name, &data);
        if let Told::Whole(group) = &mut state.told {
            match (&mut group.whole, change) {
                (Whole::Running(whole), WholeChange::Running(change)) => whole.update(change),
                (Whole::Deployment(whole), WholeChange::Service(service)) => whole.update(*service),
                (Whole::Running(_), WholeChange::Service(_)) | (Whole::Deployment(_), WholeChange::Running(_)) => {}
            }
            group.last = frame.number;
            group.written = None;
            group.changes.push_back(frame);
            if group.changes.len() > CHANGES {
                group.floor = group.changes.pop_front().map_or(group.floor, |gone| gone.number);
            }
        }
        self.tell(state);
    }

    /// What runs can not be found out.
    pub(super) fn away(&self, problem: &ProblemDetails) {
        let data = written(problem);
        let mut state = self.state();
        let frame = self.next_frame(&mut state, "away", &data);
        state.told = Told::Away(frame);
        self.tell(state);
    }

    /// What one who has seen the events up to a number, or none at all, has to be told, in order.
    pub(super) fn after(&self, seen: Option<u64>, wanted: Wanted, access: &Access) -> VecDeque<Frame> {
        let mut state = self.state();
        let after = seen.unwrap_or(0);
        let mut frames = match &mut state.told {
            Told::Nothing => Vec::new(),
            Told::Away(frame) => vec![frame.clone()],
            Told::Whole(group) if after < group.floor => vec![self.written(group)],
            Told::Whole(group) => group.changes.iter().cloned().collect(),
        };
        if wanted == Wanted::All {
            let covered = |key: &Key| match key {
                Key::Environment(project, _) => access.covers(project),
                Key::Deployment(_) | Key::End => true,
            };
            // Who has seen nothing has seen nothing of what is gone.
            let things = state.things.iter().filter(|(key, thing)| covered(key) && !(thing.is_gone && seen.is_none()));
            frames.extend(things.map(|(_, thing)| thing.frame.clone()));
        }
        frames.retain(|frame| frame.number > after);
        frames.sort_by_key(|frame| frame.number);
        frames.into()
    }

    /// The event that says that everything follows.
    pub(super) fn beginning(&self) -> Frame {
        let bytes = format!("id: {}-0\nevent: begin\ndata: {{}}\n\n", self.word).into();
        Frame { number: 0, bytes, is_last: false }
    }

    /// The number in the id of an event of this topic; that of another says nothing here.
    pub(super) fn number(&self, id: &str) -> Option<u64> {
        let (word, number) = id.split_once('-')?;
        let number = number.parse().ok().filter(|_| word == self.word)?;
        (number <= self.state().number).then_some(number)
    }

    /// Wakes whenever something is told.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// How many watch.
    pub(super) fn watchers(&self) -> usize {
        self.latest.receiver_count()
    }

    /// Returns when nobody has watched for a while; then somebody may have come.
    pub(super) async fn unwatched(&self) {
        loop {
            self.latest.closed().await;
            tokio::time::sleep(LINGERS).await;
            if self.watchers() == 0 {
                return;
            }
        }
    }

    fn written(&self, group: &mut Group) -> Frame {
        let (whole, last) = (&group.whole, group.last);
        let write = || {
            let name = match whole {
                Whole::Running(_) => "running",
                Whole::Deployment(_) => "deployment",
            };
            self.frame(last, name, &written(whole))
        };
        group.written.get_or_insert_with(write).clone()
    }

    fn next_frame(&self, state: &mut State, name: &str, data: &str) -> Frame {
        state.number += 1;
        self.frame(state.number, name, data)
    }

    fn frame(&self, number: u64, name: &str, data: &str) -> Frame {
        let bytes = format!("id: {}-{number}\nevent: {name}\ndata: {data}\n\n", self.word).into();
        Frame { number, bytes, is_last: false }
    }

    fn tell(&self, state: MutexGuard<'_, State>) {
        let number = state.number;
        drop(state);
        self.latest.send_modify(|latest| *latest = number.max(*latest));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn names(view: &RunningView) -> impl Iterator<Item = &str> {
    view.services.iter().map(|service| service.name.as_str())
}

fn written(data: &impl Serialize) -> String {
    // Wire types are strings, numbers and lists of them: they always serialise, and JSON has no line ends.
    serde_json::to_string(data).expect("wire types always serialise")
}

#[cfg(test)]
#[path = "topic_tests.rs"]
mod tests;
