//! How the program ends: every error carries its exit code, and what to do next.

use std::fmt;
use std::process::ExitCode;

use slipway_ports::api::{DeploymentView, FileProblem, ProblemDetails, State};

/// The exit codes, as `slipway --help` documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It is done.
    Done,
    /// Something in Slipway itself is wrong.
    Internal,
    /// The request, the file or the command line is refused.
    Refused,
    /// A build failed; it beats `DeployFailed`.
    BuildFailed,
    /// A release failed.
    DeployFailed,
    /// Somebody canceled the deployment.
    Canceled,
    /// What was named does not exist.
    NotFound,
    /// The server, or what it needs, does not answer.
    Unreachable,
    /// Ctrl-C: the program stopped looking; the deployment goes on.
    Interrupted,
    /// A command in a container has ended, with this code.
    OfCommand(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Internal => 1,
            Exit::Refused => 2,
            Exit::BuildFailed => 3,
            Exit::DeployFailed => 4,
            Exit::Canceled => 5,
            Exit::NotFound => 6,
            Exit::Unreachable => 7,
            Exit::Interrupted => 130,
            Exit::OfCommand(code) => code,
        })
    }
}

impl Exit {
    /// How a deployment that has ended ends the program.
    pub(crate) fn of_deployment(deployment: &DeploymentView) -> Self {
        match deployment.head.state {
            State::Succeeded | State::Skipped => Self::Done,
            State::Canceled | State::Canceling => Self::Canceled,
            State::Queued | State::Running => Self::Internal,
            State::Failed => {
                let build_failed = |state: Option<State>| state == Some(State::Failed);
                let any = deployment.services().any(|service| build_failed(service.build.as_ref().map(|build| build.state)));
                if any { Self::BuildFailed } else { Self::DeployFailed }
            }
        }
    }
}

/// Why the program stops early.
#[derive(Debug)]
pub(crate) struct Stop {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What is wrong, and where; empty when all has been said.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// The stable word for the search engine.
    pub(crate) code: Option<String>,
    /// The problems of an environment file.
    pub(crate) problems: Vec<FileProblem>,
}

impl Stop {
    /// An end with a message.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, code: None, problems: Vec::new() }
    }

    /// An end of which all has been said.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// The same with what to do next.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file that could not be read or written.
    pub(crate) fn file(path: &std::path::Path, what: &str, error: &std::io::Error) -> Self {
        let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Refused };
        Self::new(exit, format!("{} cannot be {what}: {error}", path.display()))
    }
}

impl From<ProblemDetails> for Stop {
    fn from(problem: ProblemDetails) -> Self {
        let exit = match problem.status {
            _ if matches!(problem.code.as_str(), "job-failed" | "job-timeout") => Exit::DeployFailed,
            _ if problem.code == "pod-unavailable" => Exit::NotFound,
            404 => Exit::NotFound,
            400..=499 => Exit::Refused,
            502..=504 => Exit::Unreachable,
            _ => Exit::Internal,
        };
        Self { exit, message: problem.detail, hint: problem.hint, code: Some(problem.code), problems: problem.problems }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
