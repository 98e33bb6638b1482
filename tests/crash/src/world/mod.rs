//! Git, builder, registry, Helm and cluster as files. Every change is one rename, so a kill leaves it made or not made.

mod builder;
mod cluster;
mod left;
mod releases;
mod repositories;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use slipway_core::failure::{Code, Failure};
use slipway_core::names::sha256_hex;
use slipway_gate::CrashPoints;

pub use left::{Left, Release};

/// What everything takes: long enough that things overlap.
const A_WHILE: Duration = Duration::from_millis(1);
/// Between two looks whether a test has let something go.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The world in a folder, with crash points of its own.
pub struct World {
    folder: PathBuf,
    points: CrashPoints,
    unfinished: AtomicU64,
}

impl World {
    /// The world in this folder, made if it is not there.
    pub fn open(folder: impl Into<PathBuf>, points: CrashPoints) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(folder.join("unfinished"))?;
        Ok(Self { folder, points, unfinished: AtomicU64::new(0) })
    }

    fn place(&self, kind: &str, name: &str) -> PathBuf {
        self.folder.join(kind).join(name.replace('/', "+"))
    }

    /// Whether anything of a kind has a name that begins so.
    fn holds_any(&self, kind: &str, begin: &str) -> Result<bool, Failure> {
        let folder = self.folder.join(kind);
        let found = entries(&folder, &begin.replace('/', "+")).map_err(|error| disk(&folder, &error))?;
        Ok(!found.is_empty())
    }

    /// Removes everything of a kind whose name begins so.
    fn remove_all(&self, kind: &str, begin: &str) -> Result<(), Failure> {
        let folder = self.folder.join(kind);
        let remove = || -> io::Result<()> {
            for path in entries(&folder, &begin.replace('/', "+"))? {
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                if let Err(error) = removed
                    && error.kind() != io::ErrorKind::NotFound
                {
                    return Err(error);
                }
            }
            Ok(())
        };
        remove().map_err(|error| disk(&folder, &error))
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join("unfinished").join(format!("{}-{number}", std::process::id()));
        let parent = path.parent().unwrap_or(&self.folder);
        let written =
            fs::create_dir_all(parent).and_then(|()| fs::write(&unfinished, text)).and_then(|()| fs::rename(&unfinished, path));
        written.map_err(|error| disk(path, &error))
    }
}

/// The entries of a folder whose names begin so.
fn entries(folder: &Path, begin: &str) -> io::Result<Vec<PathBuf>> {
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let mut found = Vec::new();
    for entry in read {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A file's text; `None` when it is not there.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(disk(path, &error)),
    }
}

fn disk(path: &Path, error: &io::Error) -> Failure {
    Failure::permanent(Code::Internal, format!("the scripted world: {}: {error}", path.display()))
}

fn digest(text: &str) -> String {
    format!("sha256:{}", sha256_hex(text.as_bytes()))
}
