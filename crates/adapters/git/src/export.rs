//! A build context written to disk, file by file, from the objects of the mirror, and of those of its submodules.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, Export, Reader};
use tokio::sync::mpsc;

use crate::context::{Context, Dockerfile};
use crate::ignore::{Ignore, Matched};
use crate::lfs::{Cache, LONGEST_POINTER, Pointer, Server, with_lfs};
use crate::mirrors::GitMirrors;
use crate::objects::{Entry, EntryKind, Objects};
use crate::seen::{MOST_ENTRIES, below, is_seen, too_many};
use crate::submodules::{Submodules, is_git_folder, missing_commit};
use crate::writer::{Pen, Write, not_written, write_all};

const CHUNK: usize = 256 << 10;
/// Submodules in submodules; more than any real project has.
const DEEPEST: usize = 10;
/// In all of a context.
const MOST_SUBMODULES: usize = 1000;

/// Writes the context and the Dockerfile of an opened query below `into`.
pub(crate) async fn export(
    mirrors: &GitMirrors,
    mut context: Context<'_>,
    reader: &Reader,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<Export, Failure> {
    let tree = context.root().await?;
    let dockerfile = context.dockerfile().await?;
    let ignore = context.ignore(&tree, dockerfile.as_ref()).await?;
    let export = Export { context: into.join("context"), dockerfile_folder: into.join("dockerfile") };
    let (pen, receiver) = Pen::new();
    let walk = Walk { mirrors, reader, cancel, pen, ignore: ignore.patterns, seen: 0, submodules: 0 };
    let read = async {
        walk.beside(&export.dockerfile_folder, dockerfile).await;
        walk.read(context, tree, &export.context).await
    };
    written(read, receiver, cancel).await.map(|()| export)
}

/// Writes all that the folder of an opened query holds as `into`.
pub(crate) async fn export_folder(
    mirrors: &GitMirrors,
    mut context: Context<'_>,
    reader: &Reader,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let tree = context.root().await?;
    let (pen, receiver) = Pen::new();
    let walk = Walk { mirrors, reader, cancel, pen, ignore: None, seen: 0, submodules: 0 };
    written(walk.read(context, tree, into), receiver, cancel).await
}

/// Writes what is read until all is there. Nothing writes into the folder after this.
async fn written(
    reading: impl Future<Output = Result<(), Failure>>,
    receiver: mpsc::Receiver<Write>,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let writer = tokio::task::spawn_blocking(move || write_all(receiver));
    let read = tokio::select! {
        read = reading => read,
        () = cancel.cancelled() => Err(Failure::canceled("canceled while the files of a commit were written")),
    };
    // The writer ends by itself once nobody can send.
    let written =
        writer.await.map_err(|error| Failure::retry(Code::Internal, format!("the export of a context broke off: {error}")))?;
    written.map_err(|(path, error)| not_written(&path, &error))?;
    read
}

/// Reads a context from top to bottom.
struct Walk<'a> {
    mirrors: &'a GitMirrors,
    reader: &'a Reader,
    cancel: &'a CancellationToken,
    pen: Pen,
    ignore: Option<Ignore>,
    seen: usize,
    submodules: usize,
}

/// What one repository has in the context.
pub(crate) struct Part {
    pub(crate) url: String,
    pub(crate) mirror: PathBuf,
    pub(crate) objects: Objects,
    /// The tree of its whole commit.
    pub(crate) top: String,
    pub(crate) folder: Folder,
    /// How many repositories name it, one in the other.
    pub(crate) depth: usize,
}

/// A folder to be read.
#[derive(Default)]
pub(crate) struct Folder {
    pub(crate) tree: String,
    /// Where it is written.
    pub(crate) place: PathBuf,
    /// Its path in the context.
    pub(crate) path: String,
    /// Its path in its repository.
    pub(crate) inside: String,
    /// What the ignore file says of what is in it.
    pub(crate) matched: Option<Matched>,
}

/// A commit of another repository.
struct Link {
    commit: String,
    folder: Folder,
}

impl Walk<'_> {
    /// Writes the Dockerfile into a folder of its own.
    async fn beside(&self, beside: &Path, dockerfile: Option<Dockerfile>) {
        self.pen.write(Write::Folder(beside.to_owned())).await;
        if let Some(dockerfile) = dockerfile {
            self.pen.file(beside.join("Dockerfile"), false, dockerfile.text.into_bytes()).await;
            if let Some(ignore) = dockerfile.own_ignore {
                self.pen.file(beside.join("Dockerfile.dockerignore"), false, ignore).await;
            }
        }
    }

    async fn read(mut self, context: Context<'_>, tree: String, into: &Path) -> Result<(), Failure> {
        self.pen.write(Write::Folder(into.to_owned())).await;
        let folder = Folder { tree, place: into.to_owned(), path: String::new(), inside: context.root_path(), matched: None };
        let mut pending = vec![context.into_part(folder)];
        while let Some(mut part) = pending.pop() {
            let links = self.part(&mut part).await?;
            if !links.is_empty() {
                let submodules = Submodules::read(self.mirrors.program(), &part.mirror, &mut part.objects, &part.top).await?;
                for link in links {
                    pending.push(self.open(&part, &submodules, link).await?);
                }
            }
        }
        Ok(())
    }

    /// Reads all that one repository has in the context; what belongs to others comes back.
    async fn part(&mut self, part: &mut Part) -> Result<Vec<Link>, Failure> {
        let mut links = Vec::new();
        let mut pointers = Vec::new();
        let mut pending = vec![std::mem::take(&mut part.folder)];
        while let Some(folder) = pending.pop() {
            for entry in part.objects.tree(&folder.tree).await? {
                self.seen += 1;
                if self.seen > MOST_ENTRIES {
                    return Err(too_many());
                }
                let child = self.child(&folder, &entry)?;
                match entry.kind {
                    EntryKind::Folder => {
                        self.pen.write(Write::Folder(child.folder.place.clone())).await;
                        pending.push(child.folder);
                    }
                    EntryKind::Submodule => {
                        self.pen.write(Write::Folder(child.folder.place.clone())).await;
                        if child.is_needed {
                            links.push(Link { commit: entry.id, folder: child.folder });
                        }
                    }
                    EntryKind::Link => {
                        let target = part.objects.blob(&entry.id, 4096).await?;
                        let target = target.ok_or_else(|| hostile(&entry, "leads to a path that is too long"))?;
                        self.pen.write(Write::Link { path: child.folder.place, target }).await;
                    }
                    EntryKind::File { executable } => {
                        let file = FileOf { place: child.folder.place, inside: child.folder.inside, executable };
                        pointers.extend(self.file(part, &entry, file, child.is_needed).await?);
                    }
                }
            }
            if self.pen.is_closed() {
                break;
            }
        }
        self.large_files(part, pointers).await?;
        Ok(links)
    }

    /// Where an entry of a folder is, and whether the builder may see anything of it.
    fn child(&self, folder: &Folder, entry: &Entry) -> Result<Child, Failure> {
        let path = below(&folder.path, entry);
        let (is_needed, matched) = match &self.ignore {
            None => (true, None),
            Some(ignore) => {
                let (excluded, matched) = ignore.excludes(&path, folder.matched.as_ref());
                (is_seen(ignore, entry, excluded), Some(matched))
            }
        };
        let place = place(&folder.place, entry)?;
        Ok(Child {
            folder: Folder { tree: entry.id.clone(), place, inside: below(&folder.inside, entry), path, matched },
            is_needed,
        })
    }

    /// Writes a file, unless it may be a pointer to a large one.
    async fn file(&self, part: &mut Part, entry: &Entry, file: FileOf, is_needed: bool) -> Result<Option<LargeFile>, Failure> {
        let header = part.objects.find(&entry.id).await?.ok_or_else(|| hostile(entry, "is missing from the mirror"))?;
        if is_needed && header.size <= LONGEST_POINTER {
            let content = part.objects.next_bytes(CHUNK).await?;
            if let Some(pointer) = Pointer::parse(&content) {
                return Ok(Some(LargeFile { file, content, pointer }));
            }
            self.pen.file(file.place, file.executable, content).await;
            return Ok(None);
        }
        self.pen.write(Write::File { path: file.place, executable: file.executable }).await;
        loop {
            let bytes = part.objects.next_bytes(CHUNK).await?;
            if bytes.is_empty() || self.pen.is_closed() {
                return Ok(None);
            }
            self.pen.write(Write::Bytes(bytes)).await;
        }
    }

    /// Writes what pointers stand for, where `.gitattributes` gives them to LFS, and the others as they are.
    async fn large_files(&self, part: &mut Part, files: Vec<LargeFile>) -> Result<(), Failure> {
        if files.is_empty() {
            return Ok(());
        }
        let program = self.mirrors.program();
        let paths: Vec<&str> = files.iter().map(|large| large.file.inside.as_str()).collect();
        let with_lfs = with_lfs(program, &part.mirror, &part.top, &paths, self.cancel).await?;
        let (large, plain): (Vec<_>, Vec<_>) = files.into_iter().partition(|large| with_lfs.contains(&large.file.inside));
        for LargeFile { file, content, .. } in plain {
            self.pen.file(file.place, file.executable, content).await;
        }
        if large.is_empty() {
            return Ok(());
        }
        let server = Server::find(self.mirrors, part, self.reader, self.cancel).await?;
        let cache = Cache::beside(&part.mirror, self.mirrors.largest_lfs_object());
        let wanted: Vec<_> = large.iter().map(|large| (&large.pointer, large.file.inside.as_str())).collect();
        self.mirrors.ensure_objects(&part.url, &cache, &server, &wanted).await?;
        for LargeFile { file, pointer, .. } in large {
            let from = cache.path(&pointer);
            self.pen.write(Write::Copy { from, path: file.place, executable: file.executable }).await;
        }
        Ok(())
    }

    /// Opens the repository that a commit in `part` is of; it is fetched unless its mirror holds the commit.
    async fn open(&mut self, part: &Part, submodules: &Submodules, link: Link) -> Result<Part, Failure> {
        let path = &link.folder.inside;
        self.submodules += 1;
        if part.depth == DEEPEST || self.submodules > MOST_SUBMODULES {
            let message = format!(
                "submodules lie more than {DEEPEST} in each other, or are more than {MOST_SUBMODULES}: `{path}` is one too many"
            );
            return Err(Failure::permanent(Code::SubmoduleInvalid, message)
                .with_hint("exclude those that the image does not need with `.dockerignore`"));
        }
        let url = submodules.url(&part.url, path)?;
        let mirror = self.mirrors.with_commit(&url, self.reader, &link.commit, path, self.cancel).await?;
        let mut objects = Objects::open(self.mirrors.program(), &mirror)?;
        let top = objects.tree_of(&link.commit).await?;
        let top = top.ok_or_else(|| missing_commit(path, &link.commit, &url))?;
        let folder = Folder { tree: top.clone(), inside: String::new(), ..link.folder };
        Ok(Part { url, mirror, objects, top, folder, depth: part.depth + 1 })
    }
}

/// A file to be written.
struct FileOf {
    place: PathBuf,
    /// Its path in its repository.
    inside: String,
    executable: bool,
}

/// A file that stands in the tree as a pointer.
struct LargeFile {
    file: FileOf,
    content: Vec<u8>,
    pointer: Pointer,
}

/// An entry of a folder, as the context has it.
struct Child {
    folder: Folder,
    /// `false` when the builder leaves it out, and all that could be in it.
    is_needed: bool,
}

/// Where an entry is written; git itself never makes the names that are refused.
fn place(folder: &Path, entry: &Entry) -> Result<PathBuf, Failure> {
    let name = entry.name.as_slice();
    if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || is_git_folder(name) {
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
