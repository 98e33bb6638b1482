//! Objects of a mirror, read from one `git cat-file --batch`.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use slipway_core::failure::{Code, Failure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::program::{Program, not_started};
use crate::recent::Recent;

/// A tree of this many bytes has some 200,000 entries in one folder.
const LARGEST_TREE: u64 = 16 << 20;
const LONGEST_HEADER: usize = 4096;
/// Entries of trees that a reader remembers, some 150 bytes each: the way to a folder is the same for many services.
const MOST_REMEMBERED: usize = 50_000;

/// A running reader of objects; it ends with the value.
#[derive(Debug)]
pub(crate) struct Objects {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Bytes of the last object that were not read, with its line end.
    unread: u64,
    /// Trees that were read lately, by their ids.
    trees: Recent<String, Arc<Vec<Entry>>>,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    Commit,
    Tree,
    Blob,
    Tag,
}

/// The head of an object; its content comes next.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) id: String,
    pub(crate) kind: ObjectKind,
    pub(crate) size: u64,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    pub(crate) name: Vec<u8>,
    /// Hex.
    pub(crate) id: String,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Folder,
    File {
        executable: bool,
    },
    Link,
    /// A commit of another repository.
    Submodule,
}

impl Objects {
    /// Starts the reader of a mirror.
    pub(crate) fn open(program: &Program, mirror: &Path) -> Result<Self, Failure> {
        let mut command = program.command(mirror);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(broken("it has no standard streams"));
        };
        let output = BufReader::with_capacity(64 << 10, output);
        Ok(Self { _child: child, input, output, unread: 0, trees: Recent::holding(MOST_REMEMBERED) })
    }

    /// The head of an object named by its hexadecimal id, or by `<hex>^{tree}`; `None` when the mirror does not hold it.
    pub(crate) async fn find(&mut self, name: &str) -> Result<Option<Header>, Failure> {
        self.skip().await?;
        self.input.write_all(format!("{name}\n").as_bytes()).await.map_err(|error| broken(&error.to_string()))?;
        let mut line = Vec::new();
        let mut head = (&mut self.output).take(LONGEST_HEADER as u64);
        head.read_until(b'\n', &mut line).await.map_err(|error| broken(&error.to_string()))?;
        let line = String::from_utf8_lossy(&line);
        let words: Vec<&str> = line.split_whitespace().collect();
        let [id, kind, size] = words[..] else {
            return match words.last() {
                Some(&"missing") => Ok(None),
                _ => Err(broken("its answer cannot be read")),
            };
        };
        let kind = match kind {
            "commit" => ObjectKind::Commit,
            "tree" => ObjectKind::Tree,
            "blob" => ObjectKind::Blob,
            "tag" => ObjectKind::Tag,
            _ => return Err(broken("its answer cannot be read")),
        };
        let size = size.parse().map_err(|_| broken("its answer cannot be read"))?;
        self.unread = size + 1;
        Ok(Some(Header { id: id.to_owned(), kind, size }))
    }

    /// The next bytes of the object found last; empty at its end.
    pub(crate) async fn next_bytes(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let wanted = usize::try_from(self.unread.saturating_sub(1)).unwrap_or(usize::MAX).min(most);
        let mut bytes = vec![0; wanted];
        self.output.read_exact(&mut bytes).await.map_err(|error| broken(&error.to_string()))?;
        self.unread -= wanted as u64;
        Ok(bytes)
    }

    async fn skip(&mut self) -> Result<(), Failure> {
        while self.unread > 1 {
            self.next_bytes(64 << 10).await?;
        }
        if self.unread == 1 {
            self.output.read_u8().await.map_err(|error| broken(&error.to_string()))?;
            self.unread = 0;
        }
        Ok(())
    }

    /// A whole blob, or `None` when it is larger than `most`.
    pub(crate) async fn blob(&mut self, id: &str, most: u64) -> Result<Option<Vec<u8>>, Failure> {
        let header = self.find(id).await?.ok_or_else(|| broken(&format!("object {id} is missing")))?;
        if header.size > most {
            return Ok(None);
        }
        let size = usize::try_from(header.size).map_err(|_| broken("an object is larger than memory"))?;
        self.next_bytes(size).await.map(Some)
    }

    /// The entries of a tree, in git's order.
    pub(crate) async fn tree(&mut self, id: &str) -> Result<Vec<Entry>, Failure> {
        let content = self.blob(id, LARGEST_TREE).await?.ok_or_else(|| broken(&format!("tree {id} is too large")))?;
        entries(&content, id.len() / 2).ok_or_else(|| broken(&format!("tree {id} is malformed")))
    }

    /// The same, remembered for the next time: for folders that lie on the way to others.
    pub(crate) async fn remembered_tree(&mut self, id: &str) -> Result<Arc<Vec<Entry>>, Failure> {
        let id = id.to_owned();
        if let Some(entries) = self.trees.get(&id) {
            return Ok(entries);
        }
        let entries = Arc::new(self.tree(&id).await?);
        self.trees.insert(id, Arc::clone(&entries), entries.len() + 1);
        Ok(entries)
    }

    /// The id of a commit's tree; `None` when the mirror does not hold the commit.
    pub(crate) async fn tree_of(&mut self, commit: &str) -> Result<Option<String>, Failure> {
        let found = self.find(&format!("{commit}^{{tree}}")).await?;
        Ok(found.filter(|header| header.kind == ObjectKind::Tree).map(|header| header.id))
    }
}

fn entries(mut content: &[u8], id_length: usize) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !content.is_empty() {
        let space = content.iter().position(|byte| *byte == b' ')?;
        let end = space + 1 + content[space + 1..].iter().position(|byte| *byte == 0)?;
        let id = content.get(end + 1..end + 1 + id_length)?;
        let kind = match &content[..space] {
            b"40000" | b"040000" => EntryKind::Folder,
            b"120000" => EntryKind::Link,
            b"160000" => EntryKind::Submodule,
            mode if mode.starts_with(b"100") => EntryKind::File { executable: mode.get(3).is_some_and(|owner| owner & 1 == 1) },
            _ => return None,
        };
        let id = crate::context::hex(id);
        entries.push(Entry { kind, name: content[space + 1..end].to_vec(), id });
        content = &content[end + 1 + id_length..];
    }
    Some(entries)
}

fn broken(why: &str) -> Failure {
    Failure::retry(Code::Internal, format!("git's mirror cannot be read: {why}"))
        .with_hint("if it stays so, delete the repository's mirror in the data folder; it is fetched again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_tree_is_malformed_and_no_panic() {
        let mut content = b"100755 run\0".to_vec();
        content.extend([7; 20]);
        let read = entries(&content, 20).unwrap();
        assert_eq!((read[0].kind, read[0].name.as_slice()), (EntryKind::File { executable: true }, b"run".as_slice()));
        for end in 1..content.len() {
            assert_eq!(entries(&content[..end], 20), None, "{end}");
        }
    }
}
