//! What git's words on stderr mean.

use slipway_core::failure::{Code, Failure};
use slipway_ports::Credential;

use crate::source_url::redacted;

const MOST_LINES: usize = 20;

/// The failure of a fetch that git ended with these words.
pub(crate) fn of_fetch(url: &str, credential: Option<&Credential>, stderr: &str) -> Failure {
    let stderr = redacted(stderr);
    let has = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    let failure = if has(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "Permission denied (",
        "error: 401",
        "error: 403",
    ]) {
        unauthorized(url, credential)
    } else if has(&["Host key verification failed", "certificate", "SSL"]) {
        Failure::permanent(Code::RepositoryUnreachable, format!("the identity of {url} could not be verified"))
            .with_hint("check the host's certificate or key, and what the server trusts")
    } else if has(&[
        "' not found",
        "Repository not found",
        "does not appear to be a git repository",
        "not valid: is this a git repository",
        "does not exist",
    ]) {
        Failure::permanent(
            Code::RepositoryUnreachable,
            match credential {
                None => format!("there is no repository at {url}, or it may not be seen without a credential"),
                Some(used) => format!("there is no repository at {url}, or the credential `{}` may not see it", used.name),
            },
        )
        .with_hint("check the URL; for a private repository, set a credential that may read it: `slipway credential set --help`")
    } else if has(&["not allowed"]) {
        Failure::permanent(Code::RepositoryUnreachable, format!("the transport of {url} is not allowed on this server"))
    } else if has(&["No space left on device", "Disk quota exceeded"]) {
        Failure::retry(Code::Internal, format!("the disk is full: {url} could not be fetched"))
            .with_hint("free space in the data folder")
    } else {
        Failure::retry(Code::RepositoryUnreachable, format!("{url} could not be fetched: {}", reason(&stderr)))
            .with_hint("check that the host is reachable from the server; it is tried again")
    };
    failure.with_last_lines(last_lines(&stderr))
}

/// Whether the host does not have a commit, or gives none that no branch or tag reaches.
pub(crate) fn is_of_commit(stderr: &str) -> bool {
    ["not our ref", "unadvertised object", "find remote ref", "not valid", "no such remote ref"]
        .iter()
        .any(|word| stderr.contains(word))
}

fn unauthorized(url: &str, credential: Option<&Credential>) -> Failure {
    let failure = |message: String| Failure::permanent(Code::RepositoryUnauthorized, message);
    match credential {
        Some(used) => failure(format!("{url} does not let the credential `{}` read it", used.name)).with_hint(format!(
            "check that it has not expired and may read the repository; `slipway credential set {}` sets it anew",
            used.name
        )),
        None => failure(format!("{url} can not be read without a credential, and the project has none for it"))
            .with_hint("`slipway credential set NAME --git HOST` sets one"),
    }
}

/// The failure of a command that only reads the mirror.
pub(crate) fn of_mirror(what: &str, stderr: &str) -> Failure {
    Failure::retry(Code::Internal, format!("git could not {what}: {}", reason(stderr)))
        .with_hint("if it stays so, delete the repository's mirror in the data folder; it is fetched again")
        .with_last_lines(last_lines(stderr))
}

fn reason(stderr: &str) -> String {
    let line =
        stderr.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: ") || line.starts_with("ssh: "));
    let line = line.or_else(|| stderr.lines().next()).unwrap_or("it said nothing");
    let line = line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line);
    line.chars().take(300).collect()
}

fn last_lines(stderr: &str) -> Vec<String> {
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(MOST_LINES)..].iter().map(|line| line.chars().take(500).collect()).collect()
}

#[cfg(test)]
mod tests {
    use slipway_core::failure::FailureKind;

    use super::*;

    #[test]
    fn the_words_of_git_give_the_code() {
        let cases = [
            (
                "fatal: unable to access 'http://h/x/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server",
                Code::RepositoryUnreachable,
                FailureKind::Retry,
            ),
            ("fatal: unable to access 'http://h/x/': Could not resolve host: h", Code::RepositoryUnreachable, FailureKind::Retry),
            (
                "fatal: unable to access 'http://h/x/': The requested URL returned error: 502",
                Code::RepositoryUnreachable,
                FailureKind::Retry,
            ),
            (
                "ssh: connect to host 127.0.0.1 port 1: Connection refused\nfatal: Could not read from remote repository.",
                Code::RepositoryUnreachable,
                FailureKind::Retry,
            ),
            (
                "fatal: could not read Username for 'http://h': terminal prompts disabled",
                Code::RepositoryUnauthorized,
                FailureKind::Permanent,
            ),
            ("fatal: Authentication failed for 'http://h/x/'", Code::RepositoryUnauthorized, FailureKind::Permanent),
            ("git@h: Permission denied (publickey).", Code::RepositoryUnauthorized, FailureKind::Permanent),
            ("fatal: repository 'http://h/x/' not found", Code::RepositoryUnreachable, FailureKind::Permanent),
            ("fatal: '/nope' does not appear to be a git repository", Code::RepositoryUnreachable, FailureKind::Permanent),
            ("fatal: transport 'file' not allowed", Code::RepositoryUnreachable, FailureKind::Permanent),
            ("fatal: write error: No space left on device", Code::Internal, FailureKind::Retry),
        ];
        for (stderr, code, kind) in cases {
            let failure = of_fetch("http://h/x", None, stderr);
            assert_eq!((failure.code, failure.kind), (code, kind), "{stderr}");
            assert!(!failure.last_lines.is_empty());
        }
    }
}
