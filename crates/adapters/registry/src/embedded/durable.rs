//! Files and directories that are whole after a crash: written aside, flushed to the disk, then renamed into place.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Creates a directory and its parents; each new name is on the disk when this returns.
pub(crate) fn create_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    create_directories(parent)?;
    match fs::create_dir(path) {
        Ok(()) => synchronise_directory(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes `content` to `temporary` and moves it to `destination`, replacing what is there in one step.
pub(crate) fn write_file(temporary: &Path, destination: &Path, content: &[u8]) -> io::Result<()> {
    let written = write_flushed(temporary, content).and_then(|()| move_into_place(temporary, destination));
    if written.is_err() {
        // The first error is the one worth telling; a file left aside is removed when the registry opens again.
        let _ = fs::remove_file(temporary);
    }
    written
}

fn write_flushed(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Flushes a finished file, so that it can be moved into place.
pub(crate) fn flush_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Moves a flushed file to `destination`, replacing what is there in one step.
pub(crate) fn move_into_place(source: &Path, destination: &Path) -> io::Result<()> {
    let parent = destination.parent().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    create_directories(parent)?;
    fs::rename(source, destination)?;
    synchronise_directory(parent)
}

/// Removes a file; says whether there was one.
pub(crate) fn remove_file(path: &Path) -> io::Result<bool> {
    let existed = remove_unflushed(path)?;
    if existed {
        let parent = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        synchronise_directory(parent)?;
    }
    Ok(existed)
}

/// Removes a file that a loss of power may bring back until its directory is flushed; says whether there was one.
pub(crate) fn remove_unflushed(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Brings what was removed from a directory to the disk; one that is not there holds nothing.
pub(crate) fn flush_directory(path: &Path) -> io::Result<()> {
    match synchronise_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The content of a small file, or `None` when there is no such file. Any other error stays an error.
pub(crate) fn read_if_present(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names in a directory; none when there is no such directory.
pub(crate) fn names_in(path: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        // Whatever is not UTF-8 was not written by the registry.
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

fn synchronise_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
