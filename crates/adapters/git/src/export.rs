//! A build context written to disk, file by file, from the objects of the mirror.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, create_dir};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, Export};
use tokio::sync::mpsc;

use crate::context::{Context, MOST_ENTRIES, too_many};
use crate::objects::{Entry, EntryKind};

const CHUNK: usize = 256 << 10;

/// What the writer is to do next. Every path is made new, so no link that the tree holds is ever followed.
enum Write {
    Folder(PathBuf),
    Link {
        path: PathBuf,
        target: Vec<u8>,
    },
    File {
        path: PathBuf,
        executable: bool,
    },
    /// More of the file begun last.
    Bytes(Vec<u8>),
}

/// Writes the context and the Dockerfile of an opened query below `into`.
pub(crate) async fn export(context: &mut Context<'_>, into: &Path, cancel: &CancellationToken) -> Result<Export, Failure> {
    let root = context.root().await?;
    let dockerfile = context.dockerfile().await?;
    let export = Export { context: into.join("context"), dockerfile_folder: into.join("dockerfile") };
    let (sender, receiver) = mpsc::channel(64);
    let writer = tokio::task::spawn_blocking(move || write_all(receiver));
    let read = tokio::select! {
        read = read(context, &root, &export, dockerfile, sender) => read,
        () = cancel.cancelled() => Err(Failure::canceled("canceled while the build context was written")),
    };
    // The writer ends by itself once nobody can send: nothing writes into the folder after this.
    let written =
        writer.await.map_err(|error| Failure::retry(Code::Internal, format!("the export of a context broke off: {error}")))?;
    written.map_err(|(path, error)| not_written(&path, &error))?;
    read.map(|()| export)
}

async fn read(
    context: &mut Context<'_>,
    root: &str,
    export: &Export,
    dockerfile: Option<crate::context::Dockerfile>,
    sender: mpsc::Sender<Write>,
) -> Result<(), Failure> {
    let sender = &sender;
    send(sender, Write::Folder(export.dockerfile_folder.clone())).await;
    if let Some(dockerfile) = dockerfile {
        small_file(sender, export.dockerfile_folder.join("Dockerfile"), dockerfile.text.into_bytes()).await;
        if let Some(ignore) = dockerfile.own_ignore {
            small_file(sender, export.dockerfile_folder.join("Dockerfile.dockerignore"), ignore).await;
        }
    }
    send(sender, Write::Folder(export.context.clone())).await;
    let mut seen = 0_usize;
    let mut pending = vec![(export.context.clone(), root.to_owned())];
    while let Some((folder, tree)) = pending.pop() {
        for entry in context.objects.tree(&tree).await? {
            seen += 1;
            if seen > MOST_ENTRIES {
                return Err(too_many());
            }
            let path = place(&folder, &entry)?;
            match entry.kind {
                EntryKind::Folder => {
                    send(sender, Write::Folder(path.clone())).await;
                    pending.push((path, entry.id));
                }
                // As a clone without its submodules leaves it.
                EntryKind::Submodule => send(sender, Write::Folder(path)).await,
                EntryKind::Link => {
                    let target = context.objects.blob(&entry.id, 4096).await?;
                    let target = target.ok_or_else(|| hostile(&entry, "leads to a path that is too long"))?;
                    send(sender, Write::Link { path, target }).await;
                }
                EntryKind::File { executable } => file(context, sender, &entry, path, executable).await?,
            }
        }
        if sender.is_closed() {
            break;
        }
    }
    Ok(())
}

async fn file(
    context: &mut Context<'_>,
    sender: &mpsc::Sender<Write>,
    entry: &Entry,
    path: PathBuf,
    executable: bool,
) -> Result<(), Failure> {
    if context.objects.find(&entry.id).await?.is_none() {
        return Err(hostile(entry, "is missing from the mirror"));
    }
    send(sender, Write::File { path, executable }).await;
    loop {
        let bytes = context.objects.next_bytes(CHUNK).await?;
        if bytes.is_empty() || sender.is_closed() {
            return Ok(());
        }
        send(sender, Write::Bytes(bytes)).await;
    }
}

async fn small_file(sender: &mpsc::Sender<Write>, path: PathBuf, content: Vec<u8>) {
    send(sender, Write::File { path, executable: false }).await;
    send(sender, Write::Bytes(content)).await;
}

/// A writer that is gone has failed, and its own error is the one to tell.
async fn send(sender: &mpsc::Sender<Write>, write: Write) {
    let _the_writer_tells = sender.send(write).await;
}

/// Where an entry is written; git itself never makes the names that are refused.
fn place(folder: &Path, entry: &Entry) -> Result<PathBuf, Failure> {
    let name = entry.name.as_slice();
    if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
        return Err(hostile(entry, "has a name that is no name of a file"));
    }
    Ok(folder.join(OsStr::from_bytes(name)))
}

fn hostile(entry: &Entry, why: &str) -> Failure {
    Failure::permanent(
        Code::ContextNotFound,
        format!("the build context cannot be used: `{}` {why}", String::from_utf8_lossy(&entry.name)),
    )
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let message = format!("the build context could not be written to {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::permanent(Code::ContextNotFound, message).with_hint("the commit holds two entries of one name")
        }
        _ => Failure::retry(Code::Internal, message).with_hint("free space in the server's data folder"),
    }
}

fn write_all(mut receiver: mpsc::Receiver<Write>) -> Result<(), (PathBuf, io::Error)> {
    let mut open: Option<(PathBuf, File)> = None;
    while let Some(write) = receiver.blocking_recv() {
        match write {
            Write::Folder(path) => create_dir(&path).map_err(|error| (path, error))?,
            Write::Link { path, target } => symlink(OsStr::from_bytes(&target), &path).map_err(|error| (path, error))?,
            Write::File { path, executable } => {
                let mode = if executable { 0o755 } else { 0o644 };
                match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
                    Ok(file) => open = Some((path, file)),
                    Err(error) => return Err((path, error)),
                }
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
