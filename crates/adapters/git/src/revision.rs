//! Which commit a revision names.

use std::path::Path;

use slipway_core::failure::{Code, Failure};
use slipway_core::model::GitRevision;

use crate::objects::{ObjectKind, Objects};
use crate::program::Program;
use crate::refusal;

/// Where a fetch leaves what the remote's HEAD names.
pub(crate) const DEFAULT_BRANCH: &str = "refs/slipway/default";

/// The commit that a revision names in a mirror.
pub(crate) async fn resolve(program: &Program, mirror: &Path, url: &str, revision: &GitRevision) -> Result<String, Failure> {
    match revision {
        GitRevision::Commit(commit) => {
            let found = if is_commit_id(commit) { Objects::open(program, mirror)?.find(commit).await? } else { None };
            match found {
                Some(header) if header.kind == ObjectKind::Commit => Ok(header.id),
                _ => Err(Failure::permanent(Code::RevisionNotFound, format!("there is no commit `{commit}` in {url}"))
                    .with_hint("expected 40 hex digits of a commit that a branch or tag of the repository reaches")),
            }
        }
        GitRevision::Branch(branch) => match show_ref(program, mirror, &format!("refs/heads/{branch}")).await? {
            Some(commit) => Ok(commit),
            None => Err(no_branch(url, branch, &branches(program, mirror).await?)),
        },
        GitRevision::Named(name) => named(program, mirror, url, name).await,
        GitRevision::DefaultBranch => show_ref(program, mirror, DEFAULT_BRANCH).await?.ok_or_else(|| {
            Failure::permanent(
                Code::RevisionNotFound,
                format!("{url} has no default branch: it is empty, or its HEAD names no branch"),
            )
            .with_hint("name a branch, or push a first commit")
        }),
    }
}

/// A tag, a branch, or a commit by its first digits, in this order; git's own is the same.
async fn named(program: &Program, mirror: &Path, url: &str, name: &str) -> Result<String, Failure> {
    let tag = format!("refs/tags/{name}");
    // The name exists as it is before it is read as a revision, so it holds nothing that a revision could mean.
    if show_ref(program, mirror, &tag).await?.is_some() {
        return match parse(program, mirror, &tag).await? {
            Some(commit) => Ok(commit),
            None => Err(Failure::permanent(Code::RevisionNotFound, format!("the tag `{name}` in {url} is not of a commit"))),
        };
    }
    if let Some(commit) = show_ref(program, mirror, &format!("refs/heads/{name}")).await? {
        return Ok(commit);
    }
    let is_commit = (7..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit && let Some(commit) = parse(program, mirror, name).await? {
        return Ok(commit);
    }
    let shown: String = name.chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect();
    Err(Failure::permanent(Code::RevisionNotFound, format!("there is no tag, branch or single commit `{shown}` in {url}"))
        .with_hint("name a tag, a branch, or at least seven digits of a commit that a branch or tag reaches"))
}

/// The commit that a revision comes to; `None` when it comes to none, or to several.
async fn parse(program: &Program, mirror: &Path, revision: &str) -> Result<Option<String>, Failure> {
    let wanted = format!("{revision}^{{commit}}");
    let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
    let ended = program.ask(mirror, arguments, "look up a revision").await?;
    let commit = ended.stdout.trim();
    Ok((ended.success && is_commit_id(commit)).then(|| commit.to_owned()))
}

/// 40 lower-case hex digits.
pub(crate) fn is_commit_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

async fn show_ref(program: &Program, mirror: &Path, name: &str) -> Result<Option<String>, Failure> {
    if name.chars().any(char::is_control) {
        return Ok(None);
    }
    let ended = program.ask(mirror, ["show-ref", "--verify", "--hash", "--", name], "look up a branch").await?;
    if ended.success {
        return Ok(Some(ended.stdout.trim().to_owned()));
    }
    if ended.stderr.contains("not a valid ref") {
        return Ok(None);
    }
    Err(refusal::of_mirror("look up a branch", &ended.stderr))
}

async fn branches(program: &Program, mirror: &Path) -> Result<Vec<String>, Failure> {
    let arguments = ["for-each-ref", "--count=5000", "--sort=-committerdate", "--format=%(refname:strip=2)", "refs/heads/"];
    let ended = program.ask(mirror, arguments, "list the branches").await?;
    if !ended.success {
        return Err(refusal::of_mirror("list the branches", &ended.stderr));
    }
    Ok(ended.stdout.lines().map(str::to_owned).collect())
}

fn no_branch(url: &str, wanted: &str, branches: &[String]) -> Failure {
    let shown: String = wanted.chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect();
    let mut alike: Vec<(usize, &String)> = branches.iter().map(|branch| (distance(wanted, branch), branch)).collect();
    alike.sort_by_key(|(distance, _)| *distance);
    let names: Vec<String> = alike.iter().take(3).map(|(_, branch)| format!("`{branch}`")).collect();
    let failure = |message: String| Failure::permanent(Code::RevisionNotFound, message);
    if names.is_empty() {
        return failure(format!("there is no branch `{shown}` in {url}; it has no branch at all"))
            .with_hint("push a first commit");
    }
    failure(format!("there is no branch `{shown}` in {url}; it has {}", names.join(", ")))
        .with_hint("correct the name of the branch, or push it")
}

/// Edits between two names; a name that holds the other is close whatever its length.
fn distance(one: &str, other: &str) -> usize {
    if one.contains(other) || other.contains(one) {
        return 1;
    }
    let other: Vec<char> = other.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, character) in one.chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, candidate) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(character != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branches_that_look_alike_come_first() {
        let branches = ["develop", "release/1.0", "main", "mainline"].map(str::to_owned);
        let failure = no_branch("http://h/x", "mian", &branches);
        assert!(failure.message.contains("it has `main`"), "{}", failure.message);
    }
}
