//! The files between two commits of a mirror.

use std::path::Path;

use slipway_core::auto_deploy::Changed;
use slipway_core::failure::Failure;

use crate::objects::{ObjectKind, Objects};
use crate::program::Program;
use crate::refusal;
use crate::revision::is_commit_id;

/// More files are not told apart.
const MOST_PATHS: usize = 10_000;
/// Nor are more bytes of their names.
const MOST_BYTES: usize = 1 << 20;

/// The files that differ between two commits. A renamed file is there with both names, a submodule with its path.
pub(crate) async fn between(program: &Program, mirror: &Path, from: &str, to: &str) -> Result<Changed, Failure> {
    let mut objects = Objects::open(program, mirror)?;
    for commit in [from, to] {
        let found = if is_commit_id(commit) { objects.find(commit).await? } else { None };
        if found.is_none_or(|header| header.kind != ObjectKind::Commit) {
            let shown: String = commit.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect();
            return Ok(Changed::Unknown(format!("the commit `{shown}` is not in the history that the server has")));
        }
    }
    let arguments =
        ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--ignore-submodules=none", from, to];
    let ended = program.ask(mirror, arguments, "compare two commits").await?;
    if !ended.success {
        return Err(refusal::of_mirror("compare two commits", &ended.stderr));
    }
    let paths: Vec<&str> = ended.stdout.split_terminator('\0').collect();
    if paths.len() > MOST_PATHS || ended.stdout.len() > MOST_BYTES {
        return Ok(Changed::Unknown(format!("more than {MOST_PATHS} files changed, or their names are longer than 1 MiB")));
    }
    Ok(Changed::Paths(paths.into_iter().map(str::to_owned).collect()))
}
