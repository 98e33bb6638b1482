//! What a builder sees of a context, as one digest, and what decides about it from outside.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use slipway_core::failure::{Code, Failure};

use crate::context::{Context, hex};
use crate::ignore::{Ignore, Matched};
use crate::lfs::EffectiveLines;
use crate::objects::{Entry, EntryKind, Objects};

const ATTRIBUTES: &[u8] = b".gitattributes";
/// As git has it.
const LARGEST_ATTRIBUTES: u64 = 100 << 20;
/// More entries than any real context has; a tree that refers to itself in layers has billions.
pub(crate) const MOST_ENTRIES: usize = 1_000_000;

/// What `.gitattributes` outside of a context say of it.
pub(crate) struct Attributes {
    /// Which lines of the files matter.
    pub(crate) effective: EffectiveLines,
    /// The digest of those in the folders above the context, if there are any.
    pub(crate) above: Option<String>,
}

/// The folders of a context that are still to be looked into.
struct Folders {
    pending: Vec<Folder>,
    /// Entries so far.
    seen: usize,
}

/// A folder of a context.
struct Folder {
    path: String,
    tree: String,
    /// What the ignore file says of what is in it.
    matched: Option<Matched>,
}

impl Folders {
    fn of(root: &str) -> Self {
        Self { pending: vec![Folder { path: String::new(), tree: root.to_owned(), matched: None }], seen: 0 }
    }

    /// The next folder, and what is in it; bounded, for a tree may refer to itself in layers.
    async fn next(&mut self, objects: &mut Objects) -> Result<Option<(Folder, Vec<Entry>)>, Failure> {
        let Some(folder) = self.pending.pop() else { return Ok(None) };
        let entries = objects.tree(&folder.tree).await?;
        self.seen += entries.len();
        if self.seen > MOST_ENTRIES {
            return Err(too_many());
        }
        Ok(Some((folder, entries)))
    }
}

impl Context<'_> {
    /// The commits of other repositories that the builder sees something of. Without a `.gitmodules` there are none that could be
    /// built, and then nothing is walked.
    pub(crate) async fn submodules(&mut self, root: &str, ignore: Option<&Ignore>) -> Result<BTreeMap<String, String>, Failure> {
        let mut submodules = BTreeMap::new();
        let top = self.top.clone();
        if self.objects.remembered_tree(&top).await?.iter().all(|entry| entry.name != b".gitmodules") {
            return Ok(submodules);
        }
        let mut folders = Folders::of(root);
        while let Some((folder, entries)) = folders.next(&mut self.objects).await? {
            for entry in entries {
                let path = below(&folder.path, &entry);
                let looked = ignore.map(|ignore| (ignore, ignore.excludes(&path, folder.matched.as_ref())));
                match entry.kind {
                    EntryKind::Folder => {
                        let matched = looked.map(|(_, (_, matched))| matched);
                        folders.pending.push(Folder { path, tree: entry.id, matched });
                    }
                    EntryKind::Submodule if looked.is_none_or(|(ignore, (excluded, _))| is_seen(ignore, &entry, excluded)) => {
                        submodules.insert(path, entry.id);
                    }
                    EntryKind::Submodule | EntryKind::File { .. } | EntryKind::Link => {}
                }
            }
        }
        Ok(submodules)
    }

    /// Reads the `.gitattributes` from the top of the repository down to the context, without the context's own.
    pub(crate) async fn attributes(&mut self) -> Result<Attributes, Failure> {
        let top = self.top.clone();
        let path = self.root_path();
        let mut effective = None;
        let mut digest = Sha256::new();
        let mut matters = false;
        let mut tree = top;
        for name in path.split('/').map(Some).chain([None]) {
            let entries = self.objects.remembered_tree(&tree).await?;
            let file = match entries.iter().find(|entry| entry.name == ATTRIBUTES) {
                Some(entry) => self.attributes_file(entry).await?,
                None => Vec::new(),
            };
            let effective = *effective.get_or_insert_with(|| EffectiveLines::of_repository(&file));
            let Some(name) = name.filter(|name| !name.is_empty()) else { break };
            let lines = effective.of(&file);
            matters |= !lines.is_empty();
            part_of(&mut digest, &[&[b"folder".as_slice()], lines.as_slice()].concat());
            let Some(entry) = entries.iter().find(|entry| entry.name == name.as_bytes()) else { break };
            tree.clone_from(&entry.id);
        }
        let effective = effective.unwrap_or_else(|| EffectiveLines::of_repository(b""));
        Ok(Attributes { effective, above: matters.then(|| hex(&digest.finalize())) })
    }

    /// The text of a `.gitattributes`; what is no file, or too large to be one, says nothing, to git either.
    async fn attributes_file(&mut self, entry: &Entry) -> Result<Vec<u8>, Failure> {
        match entry.kind {
            EntryKind::File { .. } => Ok(self.objects.blob(&entry.id, LARGEST_ATTRIBUTES).await?.unwrap_or_default()),
            EntryKind::Folder | EntryKind::Link | EntryKind::Submodule => Ok(Vec::new()),
        }
    }

    /// The digest of everything that the builder sees of the context.
    pub(crate) async fn filtered(&mut self, root: &str, ignore: &Ignore, effective: EffectiveLines) -> Result<String, Failure> {
        let mut digest = Sha256::new();
        digest.update(b"slipway filtered context 1\0");
        let mut folders = Folders::of(root);
        while let Some((folder, entries)) = folders.next(&mut self.objects).await? {
            for entry in entries {
                let path = below(&folder.path, &entry);
                let (excluded, matched) = ignore.excludes(&path, folder.matched.as_ref());
                if is_seen(ignore, &entry, excluded) {
                    describe(&mut digest, &folder.path, &entry);
                } else if entry.name == ATTRIBUTES {
                    // The builder does not see the file, and yet it decides what other files hold.
                    let text = self.attributes_file(&entry).await?;
                    let lines = effective.of(&text);
                    if !lines.is_empty() {
                        part_of(&mut digest, &[&[folder.path.as_bytes(), ATTRIBUTES], lines.as_slice()].concat());
                    }
                }
                if entry.kind == EntryKind::Folder {
                    folders.pending.push(Folder { path, tree: entry.id, matched: Some(matched) });
                }
            }
        }
        Ok(hex(&digest.finalize()))
    }
}

/// The path of an entry of a folder.
pub(crate) fn below(folder: &str, entry: &Entry) -> String {
    let name = String::from_utf8_lossy(&entry.name);
    if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") }
}

/// Whether the builder may see anything of an entry. What a submodule holds is not known here: where anything is taken back in, it
/// may be something of that.
pub(crate) fn is_seen(ignore: &Ignore, entry: &Entry, excluded: bool) -> bool {
    !excluded || (entry.kind == EntryKind::Submodule && ignore.has_exceptions())
}

/// One entry in the digest, each part with its length before it; a folder counts for being there, its content for itself.
fn describe(digest: &mut Sha256, folder: &str, entry: &Entry) {
    let (mode, id): (&[u8], &str) = match entry.kind {
        EntryKind::Folder => (b"folder", ""),
        EntryKind::File { executable: false } => (b"file", &entry.id),
        EntryKind::File { executable: true } => (b"program", &entry.id),
        EntryKind::Link => (b"link", &entry.id),
        EntryKind::Submodule => (b"submodule", &entry.id),
    };
    part_of(digest, &[folder.as_bytes(), &entry.name, mode, id.as_bytes()]);
}

fn part_of(digest: &mut Sha256, parts: &[&[u8]]) {
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
}

pub(crate) fn too_many() -> Failure {
    Failure::permanent(Code::ContextNotFound, format!("the build context has more than {MOST_ENTRIES} files"))
        .with_hint("set the root folder of the service to what its image needs")
}
