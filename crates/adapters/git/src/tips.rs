//! What a host says of its branches, with nothing fetched.

use std::time::Duration;

use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, Credential, Tips};
use tokio::process::Command;

use crate::program::{MOST_OUTPUT, Program};
use crate::refusal;
use crate::revision::is_commit_id;

/// The longest that a host may take; it only lists names.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Where branches are.
const BRANCHES: &str = "refs/heads/";

/// Asks the host of a repository. The command is one of git that shows who asks.
pub(crate) async fn ask(
    program: &Program,
    mut command: Command,
    shown: &str,
    credential: Option<&Credential>,
    cancel: &CancellationToken,
) -> Result<Tips, Failure> {
    // The patterns match the ends of names, so more may come back; hosts with version 2 of the protocol send little else.
    command.args(["ls-remote", "--symref", "--", shown, "HEAD", "refs/heads/*"]);
    let ended = program.run(command, &format!("list the branches of {shown}"), TIMEOUT, cancel).await?;
    if !ended.success {
        return Err(refusal::of_fetch(shown, credential, &ended.stderr));
    }
    let tips = read(&ended.stdout);
    if ended.stdout.len() >= MOST_OUTPUT || tips.branches.len() > Tips::MOST {
        let message = format!("{shown} has more than {} branches", Tips::MOST);
        return Err(Failure::permanent(Code::RepositoryUnreachable, message).with_hint("delete the branches that nobody needs"));
    }
    Ok(tips)
}

/// Reads lines of `<commit>\t<name>`, and of `ref: <name>\tHEAD`.
fn read(text: &str) -> Tips {
    let mut tips = Tips::default();
    let mut head = None;
    for (value, name) in text.lines().filter_map(|line| line.split_once('\t')) {
        if let Some(target) = value.strip_prefix("ref: ") {
            head = target.strip_prefix(BRANCHES).filter(|_| name == "HEAD").or(head);
        } else if let Some(branch) = name.strip_prefix(BRANCHES)
            && is_commit_id(value)
        {
            tips.branches.insert(branch.to_owned(), value.to_owned());
        }
    }
    tips.default_branch = head.filter(|branch| tips.branches.contains_key(*branch)).map(str::to_owned);
    tips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_branches_and_the_head_of_the_repository_are_read() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let text = format!(
            "ref: refs/heads/main\tHEAD\n{one}\tHEAD\n{two}\trefs/heads/feature/a\n{one}\trefs/heads/main\n\
             ref: refs/heads/feature/a\trefs/remotes/origin/HEAD\n{two}\trefs/remotes/origin/HEAD\n\
             {two}\trefs/pull/refs/heads/evil\nno commit\trefs/heads/broken\nnothing\n\t\n"
        );
        let tips = read(&text);
        assert_eq!(tips.default_branch.as_deref(), Some("main"));
        assert_eq!(tips.branches.into_iter().collect::<Vec<_>>(), [("feature/a".to_owned(), two), ("main".to_owned(), one)]);
    }

    #[test]
    fn a_head_that_names_no_branch_is_no_default() {
        let commit = "1".repeat(40);
        for text in
            [format!("{commit}\tHEAD\n{commit}\trefs/heads/main\n"), "ref: refs/heads/gone\tHEAD\n".to_owned(), String::new()]
        {
            assert_eq!(read(&text).default_branch, None, "{text}");
        }
    }
}
