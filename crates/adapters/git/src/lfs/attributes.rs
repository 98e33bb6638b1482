//! Which files `.gitattributes` gives to LFS.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use slipway_core::failure::{Code, Failure};
use slipway_ports::CancellationToken;

use crate::program::{Ended, Program};
use crate::refusal;

/// Bytes of all paths in one command; systems take 128 KiB and more.
const MOST_ARGUMENTS: usize = 64 << 10;

/// Those of the paths that a checkout of a tree would give to LFS. Git itself says so: it reads the tree into an index of its own.
pub(crate) async fn with_lfs(
    program: &Program,
    mirror: &Path,
    tree: &str,
    paths: &[&str],
    cancel: &CancellationToken,
) -> Result<BTreeSet<String>, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::retry(Code::Internal, format!("there is no temporary folder for an index of git: {error}")))?;
    let index = folder.path().join("index");
    let run = async |arguments: &[&str], what: &str| -> Result<Ended, Failure> {
        let mut command = program.command(mirror);
        command.env("GIT_INDEX_FILE", &index).args(arguments);
        let ended = program.run(command, what, Duration::from_secs(120), cancel).await?;
        if ended.success { Ok(ended) } else { Err(refusal::of_mirror(what, &ended.stderr)) }
    };
    run(&["read-tree", "--", tree], "read a tree").await?;
    let mut with_lfs = BTreeSet::new();
    let mut rest = paths;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take_while(|path| {
            bytes += path.len() + 1;
            bytes <= MOST_ARGUMENTS
        });
        let (some, others) = rest.split_at(fitting.count().max(1));
        rest = others;
        let arguments = [&["check-attr", "--cached", "-z", "filter", "--"], some].concat();
        let ended = run(&arguments, "read the attributes of files").await?;
        let words: Vec<&str> = ended.stdout.split('\0').collect();
        with_lfs.extend(words.chunks_exact(3).filter(|words| words[2] == "lfs").map(|words| words[0].to_owned()));
    }
    Ok(with_lfs)
}

/// The lines of a `.gitattributes` that may decide about filters, for an image key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EffectiveLines {
    /// Whether the repository defines attributes of its own, which may stand for a filter.
    any_line: bool,
}

impl EffectiveLines {
    /// How to read a repository's files, by the one at its top: only there attributes can be defined.
    pub(crate) fn of_repository(top: &[u8]) -> Self {
        Self { any_line: lines(top).any(|line| line.starts_with(b"[attr]")) }
    }

    /// Whether every line matters.
    pub(crate) fn any_line(self) -> bool {
        self.any_line
    }

    /// The lines of one file that matter.
    pub(crate) fn of(self, file: &[u8]) -> Vec<&[u8]> {
        lines(file).filter(|line| self.any_line || line.windows(6).any(|word| word == b"filter")).collect()
    }
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty() && !line.starts_with(b"#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_about_filters_matter_unless_attributes_are_defined() {
        let file = b"# filter=lfs\n*.png filter=lfs diff=lfs\r\n*.txt text\n\n*.raw large\n";
        let effective = |top: &[u8]| EffectiveLines::of_repository(top).of(file).len();
        assert_eq!(effective(file), 1);
        assert_eq!(effective(b"[attr]large filter=lfs\n"), 3);
    }
}
