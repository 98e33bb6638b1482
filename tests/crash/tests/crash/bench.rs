//! A story told without interruption, and again with servers that die.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use slipway_crash::Story;
use tempfile::TempDir;

use crate::outcome::Outcome;
use crate::process::{End, Server, copy};

/// What a story comes to when nobody dies, and the folder that every telling begins with.
pub(crate) struct Bench {
    pub(crate) story: Story,
    folder: TempDir,
    pub(crate) uninterrupted: Outcome,
    /// The points in the order in which they were reached.
    pub(crate) points: Vec<String>,
    pub(crate) took: Duration,
}

/// Where a server dies.
#[derive(Debug, Clone)]
pub(crate) enum Kill {
    /// At a point, when it reaches it for the n-th time.
    At(String, usize),
    /// After so long, by somebody else.
    After(Duration),
}

/// A telling with kills.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    pub(crate) kills: Vec<Kill>,
}

/// How it went.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How many servers were really killed.
    pub(crate) killed: usize,
    /// From the start of each next server to its first fact.
    pub(crate) resumed_after: Vec<Duration>,
    pub(crate) lost: Vec<String>,
    pub(crate) doubled: Vec<String>,
}

impl Bench {
    pub(crate) fn of(story: Story) -> Self {
        Self::prepared(story, |_| {})
    }

    /// The same, where the world is made ready first.
    pub(crate) fn prepared(story: Story, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let begin = folder.path().join("begin");
        std::fs::create_dir_all(&begin).expect("a folder can be made");
        let mut before = Server::start(&begin, story.name, "before", &[]);
        assert_eq!(before.end(), End::Told, "{}: {}", story.name, before.said());
        let told = folder.path().join("uninterrupted");
        copy(&begin, &told);
        prepare(&told.join("world"));
        let record = folder.path().join("record");
        let since = Instant::now();
        let mut server = Server::start(&told, story.name, "now", &[("SLIPWAY_CRASH_RECORD", &record.display().to_string())]);
        assert_eq!(server.end(), End::Told, "{}: {}", story.name, server.said());
        let took = since.elapsed();
        let points = std::fs::read_to_string(record).expect("it has a record").lines().map(str::to_owned).collect();
        Self { story, folder, uninterrupted: Outcome::read(&told), points, took }
    }

    /// Every point, with the count of its n-th time.
    pub(crate) fn every_point(&self) -> Vec<(String, usize)> {
        let mut seen = std::collections::BTreeMap::new();
        let numbered = self.points.iter().map(|point| {
            let times: &mut usize = seen.entry(point.clone()).or_default();
            *times += 1;
            (point.clone(), *times)
        });
        numbered.collect()
    }

    /// A folder as it was before the story.
    pub(crate) fn begin(&self) -> (TempDir, PathBuf) {
        let copied = tempfile::tempdir().expect("a temporary folder");
        let place = copied.path().join("story");
        copy(&self.folder.path().join("begin"), &place);
        (copied, place)
    }

    pub(crate) fn start(&self, folder: &Path, environment: &[(&str, &str)]) -> Server {
        Server::start(folder, self.story.name, "now", environment)
    }

    /// Tells the story while servers die, and compares what it came to.
    pub(crate) fn tell(&self, telling: &Telling) -> Told {
        let (_copied, folder) = self.begin();
        let mut told = Told::default();
        let mut starts = Vec::new();
        for kill in telling.kills.iter().map(Some).chain([None]) {
            if told.killed > 0 {
                starts.push(milliseconds());
            }
            match self.one_server(&folder, kill) {
                (End::Killed, _) => told.killed += 1,
                (End::Told, _) => break,
                (end, said) => {
                    told.lost.push(format!("{telling:?}: a server ended as {end:?}: {said}"));
                    return told;
                }
            }
        }
        let outcome = Outcome::read(&folder);
        told.resumed_after = starts.iter().filter_map(|start| first_after(&outcome.times, *start)).collect();
        let named = |what: Vec<String>| what.into_iter().map(|what| format!("{}, {telling:?}: {what}", self.story.name));
        told.lost.extend(named(outcome.lost(&self.uninterrupted)));
        told.doubled.extend(named(outcome.doubled(&self.uninterrupted, told.killed)));
        told
    }

    fn one_server(&self, folder: &Path, kill: Option<&Kill>) -> (End, String) {
        let at = match kill {
            Some(Kill::At(point, time)) => format!("{point}:{time}"),
            Some(Kill::After(_)) | None => "never:1".to_owned(),
        };
        let mut server = self.start(folder, &[("SLIPWAY_CRASH_AT", &at)]);
        if let Some(Kill::After(time)) = kill {
            std::thread::sleep(*time);
            server.kill();
        }
        (server.end(), server.said())
    }
}

fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("it is before the year 292 million")
}

/// How long after a start the first fact came; none did when everything had ended.
fn first_after(times: &[i64], start: i64) -> Option<Duration> {
    let first = times.iter().filter(|time| **time >= start).min()?;
    Some(Duration::from_millis((first - start).unsigned_abs()))
}
