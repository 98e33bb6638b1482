//! What writes a build context to disk, beside what reads it from the mirror.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, create_dir};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use slipway_core::failure::{Code, Failure};
use tokio::sync::mpsc;

/// What the writer is to do next. Every path is made new, so no link that the tree holds is ever followed.
pub(crate) enum Write {
    Folder(PathBuf),
    Link {
        path: PathBuf,
        target: Vec<u8>,
    },
    File {
        path: PathBuf,
        executable: bool,
    },
    /// What another file holds.
    Copy {
        from: PathBuf,
        path: PathBuf,
        executable: bool,
    },
    /// More of the file begun last.
    Bytes(Vec<u8>),
}

/// Where the reader puts what is to be written.
#[derive(Clone)]
pub(crate) struct Pen(mpsc::Sender<Write>);

impl Pen {
    /// A pen, and what it writes by.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Write>) {
        let (sender, receiver) = mpsc::channel(64);
        (Self(sender), receiver)
    }

    /// A writer that is gone has failed, and its own error is the one to tell.
    pub(crate) async fn write(&self, write: Write) {
        let _the_writer_tells = self.0.send(write).await;
    }

    /// A whole file.
    pub(crate) async fn file(&self, path: PathBuf, executable: bool, content: Vec<u8>) {
        self.write(Write::File { path, executable }).await;
        self.write(Write::Bytes(content)).await;
    }

    /// Whether nobody writes any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// Writes everything that comes, until no pen is left.
pub(crate) fn write_all(mut receiver: mpsc::Receiver<Write>) -> Result<(), (PathBuf, io::Error)> {
    let mut open: Option<(PathBuf, File)> = None;
    while let Some(write) = receiver.blocking_recv() {
        match write {
            Write::Folder(path) => create_dir(&path).map_err(|error| (path, error))?,
            Write::Link { path, target } => symlink(OsStr::from_bytes(&target), &path).map_err(|error| (path, error))?,
            Write::File { path, executable } => match new_file(&path, executable) {
                Ok(file) => open = Some((path, file)),
                Err(error) => return Err((path, error)),
            },
            Write::Copy { from, path, executable } => {
                // A read that breaks off is told with the path that was being written.
                let mut from = File::open(&from).map_err(|error| (from, error))?;
                let copied = new_file(&path, executable).and_then(|mut file| io::copy(&mut from, &mut file));
                copied.map_err(|error| (path, error))?;
            }
            Write::Bytes(bytes) => {
                if let Some((path, file)) = &mut open {
                    file.write_all(&bytes).map_err(|error| (path.clone(), error))?;
                }
            }
        }
    }
    Ok(())
}

fn new_file(path: &Path, executable: bool) -> io::Result<File> {
    let mode = if executable { 0o755 } else { 0o644 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// The failure of a context that the disk did not take.
pub(crate) fn not_written(path: &Path, error: &io::Error) -> Failure {
    let message = format!("the build context could not be written to {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::permanent(Code::ContextNotFound, message).with_hint("the commit holds two entries of one name")
        }
        _ => Failure::retry(Code::Internal, message).with_hint("free space in the server's data folder"),
    }
}
