//! A build context in a commit: where it is, and what stands for it in an image key.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{TreeFacts, TreeQuery};

use crate::export::{Folder, Part};
use crate::ignore::Ignore;
use crate::known::{FilteredBy, Known};
use crate::objects::{Entry, EntryKind, Objects};
use crate::path::parts_below;
use crate::program::Program;
use crate::revision::is_commit_id;

const LARGEST_TEXT: u64 = 1 << 20;

/// A commit opened for reading.
pub(crate) struct Context<'a> {
    query: &'a TreeQuery,
    mirror: PathBuf,
    pub(crate) objects: Objects,
    pub(crate) top: String,
}

/// The Dockerfile of a query, and the ignore file that has its name.
pub(crate) struct Dockerfile {
    pub(crate) text: String,
    pub(crate) own_ignore: Option<Vec<u8>>,
}

/// An ignore file, and what it says; no patterns when the builder would refuse it.
pub(crate) struct IgnoreFile {
    text: Option<Vec<u8>>,
    pub(crate) patterns: Option<Ignore>,
}

impl<'a> Context<'a> {
    /// Opens the commit of a query.
    pub(crate) async fn open(program: &Program, mirror: &Path, query: &'a TreeQuery) -> Result<Self, Failure> {
        Self::open_with(Objects::open(program, mirror)?, mirror, query).await
    }

    /// The same, with a reader of the mirror.
    pub(crate) async fn open_with(mut objects: Objects, mirror: &Path, query: &'a TreeQuery) -> Result<Self, Failure> {
        let top = if is_commit_id(&query.commit) { objects.tree_of(&query.commit).await? } else { None };
        let top = top.ok_or_else(|| {
            Failure::permanent(Code::RevisionNotFound, format!("there is no commit `{}` in the mirror", query.commit))
                .with_hint("fetch the repository again; if the branch was rewritten, deploy its new commit")
        })?;
        Ok(Self { query, mirror: mirror.to_owned(), objects, top })
    }

    /// The path of the context in the repository, without what is superfluous.
    pub(crate) fn root_path(&self) -> String {
        parts_below("", &self.query.root).unwrap_or_default().join("/")
    }

    /// The part of a context that the repository itself has.
    pub(crate) fn into_part(self, folder: Folder) -> Part {
        Part { url: self.query.url.clone(), mirror: self.mirror, objects: self.objects, top: self.top, folder, depth: 0 }
    }

    /// The id of the context's tree.
    pub(crate) async fn root(&mut self) -> Result<String, Failure> {
        let query = self.query;
        let not_found = |hint: String| {
            Failure::permanent(
                Code::ContextNotFound,
                format!("there is no folder `{}` in commit {}", query.root, &query.commit[..7]),
            )
            .with_hint(hint)
        };
        let parts = parts_below("", &query.root).ok_or_else(|| not_found("the path must stay in the repository".to_owned()))?;
        let mut tree = self.top.clone();
        for (depth, part) in parts.iter().enumerate() {
            let entries = self.objects.remembered_tree(&tree).await?;
            match entries.iter().find(|entry| entry.name == part.as_bytes()) {
                Some(entry) if entry.kind == EntryKind::Folder => tree.clone_from(&entry.id),
                Some(entry) if entry.kind == EntryKind::Submodule => {
                    let path = parts[..=depth].join("/");
                    return Err(not_found(format!(
                        "`{path}` is a submodule: build it from its own repository, with its own `git.url`"
                    )));
                }
                Some(_) => return Err(not_found(format!("`{}` is not a folder", parts[..=depth].join("/")))),
                None => {
                    let place = if depth == 0 { "the repository".to_owned() } else { format!("`{}`", parts[..depth].join("/")) };
                    return Err(not_found(format!(
                        "the folders of {place} are: {}",
                        names(&entries, |e| e.kind == EntryKind::Folder)
                    )));
                }
            }
        }
        Ok(tree)
    }

    /// The Dockerfile that the query names; `None` when it is inline.
    pub(crate) async fn dockerfile(&mut self) -> Result<Option<Dockerfile>, Failure> {
        let query = self.query;
        let Some(path) = &query.dockerfile else { return Ok(None) };
        let not_found = |hint: String| {
            let place = if query.root.is_empty() { "the repository".to_owned() } else { format!("`{}`", query.root) };
            Failure::permanent(
                Code::DockerfileNotFound,
                format!("there is no Dockerfile `{path}` below {place} in commit {}", &query.commit[..7]),
            )
            .with_hint(hint)
        };
        let Some(parts) = parts_below(&query.root, path) else {
            return Err(not_found("the path must stay in the repository".to_owned()));
        };
        let parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
        let Some(entry) = self.follow(parts.clone()).await? else {
            return Err(not_found(self.alike(&parts).await?));
        };
        let bytes = self.objects.blob(&entry.id, LARGEST_TEXT).await?;
        let invalid = |why: &str| Failure::permanent(Code::DockerfileInvalid, format!("the Dockerfile `{path}` {why}"));
        let bytes = bytes.ok_or_else(|| invalid("is larger than 1 MiB"))?;
        let text = String::from_utf8(bytes).map_err(|_| invalid("is not text in UTF-8"))?;
        let mut ignore = parts;
        if let Some(name) = ignore.last_mut() {
            name.push_str(".dockerignore");
        }
        let own_ignore = match self.follow(ignore).await? {
            Some(entry) => self.objects.blob(&entry.id, LARGEST_TEXT).await?,
            None => None,
        };
        Ok(Some(Dockerfile { text, own_ignore }))
    }

    /// The text of a file, by its path from the top.
    pub(crate) async fn text(&mut self, path: &str) -> Result<String, Failure> {
        let commit = &self.query.commit[..7];
        let refused = |why: &str| Failure::permanent(Code::ContextNotFound, format!("{why} in commit {commit}"));
        let parts = parts_below("", path)
            .ok_or_else(|| refused(&format!("`{path}` is no path")).with_hint("the path must stay in the repository"))?;
        let parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
        let Some(entry) = self.follow(parts).await? else { return Err(refused(&format!("there is no file `{path}`"))) };
        let bytes = self.objects.blob(&entry.id, LARGEST_TEXT).await?;
        let bytes = bytes.ok_or_else(|| refused(&format!("the file `{path}` is larger than 1 MiB")))?;
        String::from_utf8(bytes).map_err(|_| refused(&format!("the file `{path}` is not text in UTF-8")))
    }

    /// The file at a path from the top; symbolic links in the repository are followed.
    async fn follow(&mut self, mut parts: Vec<String>) -> Result<Option<Entry>, Failure> {
        'link: for _ in 0..16 {
            let mut tree = self.top.clone();
            for depth in 0..parts.len() {
                let entries = self.objects.remembered_tree(&tree).await?;
                let Some(entry) = entries.iter().find(|entry| entry.name == parts[depth].as_bytes()) else {
                    return Ok(None);
                };
                let is_last = depth + 1 == parts.len();
                match entry.kind {
                    EntryKind::Folder if !is_last => tree.clone_from(&entry.id),
                    EntryKind::File { .. } if is_last => return Ok(Some(entry.clone())),
                    EntryKind::Link => {
                        let Some(target) = self.objects.blob(&entry.id, 4096).await? else { return Ok(None) };
                        let target = String::from_utf8_lossy(&target).into_owned();
                        let rest = parts[depth + 1..].join("/");
                        let folder = parts[..depth].join("/");
                        let followed = parts_below(&folder, &target).filter(|_| !target.starts_with('/'));
                        let Some(followed) = followed.and_then(|path| Some(parts_below(&path.join("/"), &rest)?.join("/")))
                        else {
                            return Ok(None);
                        };
                        parts = followed.split('/').map(str::to_owned).collect();
                        continue 'link;
                    }
                    EntryKind::Folder | EntryKind::File { .. } | EntryKind::Submodule => return Ok(None),
                }
            }
            return Ok(None);
        }
        Ok(None)
    }

    /// A hint that names the files beside a missing one.
    async fn alike(&mut self, parts: &[String]) -> Result<String, Failure> {
        let mut tree = self.top.clone();
        for part in &parts[..parts.len().saturating_sub(1)] {
            let entries = self.objects.remembered_tree(&tree).await?;
            match entries.iter().find(|entry| entry.name == part.as_bytes() && entry.kind == EntryKind::Folder) {
                Some(entry) => tree.clone_from(&entry.id),
                None => return Ok(format!("there is no folder `{part}` on its way")),
            }
        }
        let entries = self.objects.remembered_tree(&tree).await?;
        let is_alike = |entry: &Entry| String::from_utf8_lossy(&entry.name).to_lowercase().contains("dockerfile");
        if entries.iter().any(is_alike) {
            return Ok(format!("beside it there are: {}", names(&entries, is_alike)));
        }
        Ok("add one, or name another with `dockerfile:`, relative to the service's root folder".to_owned())
    }

    /// What the image key needs to know.
    pub(crate) async fn facts(&mut self, known: &Known) -> Result<TreeFacts, Failure> {
        let root = self.root().await?;
        let dockerfile = self.dockerfile().await?;
        let ignore = self.ignore(&root, dockerfile.as_ref()).await?;
        let attributes = self.attributes().await?;
        let mut context_tree = match (&ignore.text, &ignore.patterns) {
            (None, _) => format!("tree:{root}"),
            (Some(text), Some(patterns)) => {
                let by = FilteredBy {
                    mirror: self.mirror.clone(),
                    tree: root.clone(),
                    ignore: hex(&Sha256::digest(text)),
                    any_line: attributes.effective.any_line(),
                };
                let digest = if let Some(digest) = known.filtered(&by) {
                    digest
                } else {
                    let digest = self.filtered(&root, patterns, attributes.effective).await?;
                    known.remember_filtered(by, &digest);
                    digest
                };
                format!("filtered:{digest}")
            }
            (Some(text), None) => format!("unfiltered:{root}:{}", hex(&Sha256::digest(text))),
        };
        if let Some(above) = attributes.above {
            context_tree.push_str(&format!("+lfs:{above}"));
        }
        let submodules = self.submodules(&root, ignore.patterns.as_ref()).await?;
        Ok(TreeFacts { context_tree, dockerfile: dockerfile.map_or(String::new(), |dockerfile| dockerfile.text), submodules })
    }

    /// The ignore file that the builder will go by.
    pub(crate) async fn ignore(&mut self, root: &str, dockerfile: Option<&Dockerfile>) -> Result<IgnoreFile, Failure> {
        let text = match dockerfile.and_then(|dockerfile| dockerfile.own_ignore.clone()) {
            Some(ignore) => Some(ignore),
            None => self.common_ignore(root).await?,
        };
        let patterns = text.as_deref().and_then(|text| Ignore::parse(std::str::from_utf8(text).ok()?).ok());
        Ok(IgnoreFile { text, patterns })
    }

    async fn common_ignore(&mut self, root: &str) -> Result<Option<Vec<u8>>, Failure> {
        let entries = self.objects.remembered_tree(root).await?;
        let found = entries.iter().find(|entry| entry.name == b".dockerignore");
        match found {
            Some(Entry { kind: EntryKind::File { .. }, id, .. }) => self.objects.blob(id, LARGEST_TEXT).await,
            // Where a link leads is the builder's to say: the whole tree stands for the context then.
            _ => Ok(None),
        }
    }
}

fn names(entries: &[Entry], wanted: impl Fn(&Entry) -> bool) -> String {
    let names: Vec<String> = entries
        .iter()
        .filter(|entry| wanted(entry))
        .take(8)
        .map(|entry| format!("`{}`", String::from_utf8_lossy(&entry.name)))
        .collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]].map(char::from);
    bytes.iter().flat_map(digits).collect()
}
