//! What is known of each release, in a file of its own: the revisions, and what each of them asks for. No secret is in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::Service;
use slipway_ports::{MadeFrom, ReleaseRequest, WantedImage};
use tokio::sync::watch;

use crate::names::checked;

/// So many revisions are kept, as Helm keeps them.
const MOST_REVISIONS: usize = 10;

/// A namespace and a release in it.
pub(crate) type Place = (String, String);

/// One release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// Oldest first.
    pub(crate) revisions: Vec<Recorded>,
}

/// One revision of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recorded {
    pub(crate) revision: u32,
    pub(crate) state: State,
    /// The deployment that made it.
    pub(crate) deployment: Option<String>,
    pub(crate) wanted: Wanted,
}

/// How far a revision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Its containers are being made.
    Upgrading,
    /// An earlier revision is being brought back.
    RollingBack,
    /// Its containers are there; nobody has seen them ready so far.
    Made,
    /// It was ready.
    Good,
}

/// What a revision asks for: a release request without what it is handed beside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) service: Service,
    pub(crate) stopped: bool,
    pub(crate) repository: String,
    pub(crate) digest: String,
    pub(crate) variables_secret: Option<String>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) pull_secret: Option<String>,
    pub(crate) hosts: BTreeMap<u16, Vec<String>>,
    pub(crate) run: String,
    /// The token of the last restart: containers that were started anew are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restart: Option<String>,
}

impl Wanted {
    /// What a request asks for. A chart of the user's own has no containers here.
    pub(crate) fn of(request: &ReleaseRequest) -> Result<Self, Failure> {
        let image = match &request.made_from {
            MadeFrom::Image(image) => image,
            MadeFrom::Chart(_) => return Err(no_charts(&request.service)),
        };
        Ok(Self {
            project: request.project.clone(),
            environment: request.environment.clone(),
            service: request.service.clone(),
            stopped: request.stopped,
            repository: image.repository.clone(),
            digest: image.digest.clone(),
            variables_secret: request.variables_secret.clone(),
            files: request.files.clone(),
            pull_secret: request.pull_secret.clone(),
            hosts: request.hosts.clone(),
            run: request.run.clone(),
            restart: None,
        })
    }

    /// The image, by its digest.
    pub(crate) fn image(&self) -> WantedImage {
        WantedImage { repository: self.repository.clone(), digest: self.digest.clone() }
    }
}

/// A Helm service on a Docker Engine.
pub(crate) fn no_charts(service: &Service) -> Failure {
    let message = format!("`{}` is a Helm service, and a Docker Engine runs no charts", service.name);
    Failure::permanent(Code::NotSupported, message).with_hint("deploy it to a cluster, or make it an application or a container")
}

impl Record {
    /// The newest revision.
    pub(crate) fn newest(&self) -> Option<&Recorded> {
        self.revisions.last()
    }

    /// The number of the next revision.
    pub(crate) fn next(&self) -> u32 {
        self.newest().map_or(1, |newest| newest.revision + 1)
    }

    /// Adds a revision; the oldest ones go.
    pub(crate) fn push(&mut self, recorded: Recorded) {
        self.revisions.push(recorded);
        let over = self.revisions.len().saturating_sub(MOST_REVISIONS);
        self.revisions.drain(..over);
    }

    /// The newest revision that was ready and that this deployment did not make.
    pub(crate) fn good_before(&self, deployment: &str) -> Option<&Recorded> {
        let is_good = |recorded: &&Recorded| recorded.state == State::Good && recorded.deployment.as_deref() != Some(deployment);
        self.revisions.iter().rev().find(is_good)
    }
}

/// The records of a home.
#[derive(Debug)]
pub(crate) struct Records {
    folder: PathBuf,
    known: Mutex<BTreeMap<Place, Record>>,
    changes: watch::Sender<()>,
}

impl Records {
    /// Reads all that are there.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut known = BTreeMap::new();
        for namespace in entries(folder)? {
            for file in entries(&folder.join(&namespace).join("releases"))? {
                let Some(release) = file.strip_suffix(".json") else { continue };
                let bytes = std::fs::read(folder.join(&namespace).join("releases").join(&file))?;
                known.insert((namespace.clone(), release.to_owned()), serde_json::from_slice(&bytes)?);
            }
        }
        Ok(Self { folder: folder.to_owned(), known: Mutex::new(known), changes: watch::Sender::new(()) })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Place, Record>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// A release, if it is known.
    pub(crate) fn get(&self, namespace: &str, release: &str) -> Option<Record> {
        self.known().get(&(namespace.to_owned(), release.to_owned())).cloned()
    }

    /// All releases.
    pub(crate) fn all(&self) -> Vec<(Place, Record)> {
        self.known().iter().map(|(place, record)| (place.clone(), record.clone())).collect()
    }

    /// Whether a namespace has a release.
    pub(crate) fn has_any(&self, namespace: &str) -> bool {
        self.known().keys().any(|(found, _)| found == namespace)
    }

    /// Keeps a release: on the disk first.
    pub(crate) fn put(&self, namespace: &str, release: &str, record: &Record) -> Result<(), Failure> {
        let path = self.path(namespace, release)?;
        let bytes = serde_json::to_vec(record).map_err(io::Error::other);
        bytes.and_then(|bytes| write_file(&path, &bytes)).map_err(|error| disk(&path, &error))?;
        self.known().insert((namespace.to_owned(), release.to_owned()), record.clone());
        self.changes.send_replace(());
        Ok(())
    }

    /// Forgets a release.
    pub(crate) fn remove(&self, namespace: &str, release: &str) -> Result<(), Failure> {
        let path = self.path(namespace, release)?;
        absent_is_fine(std::fs::remove_file(&path)).map_err(|error| disk(&path, &error))?;
        self.known().remove(&(namespace.to_owned(), release.to_owned()));
        self.changes.send_replace(());
        Ok(())
    }

    /// Removes all that is kept of a namespace.
    pub(crate) fn remove_namespace(&self, namespace: &str) -> Result<(), Failure> {
        let path = self.folder.join(checked(namespace)?);
        absent_is_fine(std::fs::remove_dir_all(&path)).map_err(|error| disk(&path, &error))
    }

    fn path(&self, namespace: &str, release: &str) -> Result<PathBuf, Failure> {
        Ok(self.folder.join(checked(namespace)?).join("releases").join(format!("{}.json", checked(release)?)))
    }
}

/// The names in a folder; none if it is not there.
pub(crate) fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let listed = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    listed.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Writes a file that only its user can read, whole or not at all.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file without a folder"))?;
    std::fs::create_dir_all(folder)?;
    replace_file(path, bytes)
}

/// The same in a folder that has to be there.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file without a folder"))?;
    // A temporary file has mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// What is gone already needs no removal.
pub(crate) fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// A file of the home that the disk refuses.
pub(crate) fn disk(path: &Path, error: &io::Error) -> Failure {
    Failure::retry(Code::Internal, format!("{} can not be read or written: {error}", path.display()))
}
