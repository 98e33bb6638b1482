//! The `git` program, and `ssh` for what git does not ask, run with an argument vector, a bare environment, a deadline and an end on request.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use slipway_core::failure::{Code, Failure};
use slipway_ports::CancellationToken;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// More than this of one stream is read and thrown away.
pub(crate) const MOST_OUTPUT: usize = 8 << 20;

/// How a host is asked over SSH with what the server's own user has.
pub(crate) const SSH_OPTIONS: [&str; 3] = ["-oBatchMode=yes", "-oStrictHostKeyChecking=accept-new", "-oConnectTimeout=15"];

/// Variables of the server that git may see; everything else could change what it does.
const PASSED_ON: [&str; 14] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "all_proxy",
];

/// How git is run.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) file_is_allowed: bool,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    /// What it ended with; absent: it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Why a command did not come to its own end.
#[derive(Debug)]
pub(crate) enum NotEnded {
    NotStarted(std::io::Error),
    TooSlow,
    Canceled,
    Lost(std::io::Error),
}

/// Kills the whole process group of a child, unless it was waited for: git's helpers are in it.
pub(crate) struct GroupGuard(Option<rustix::process::Pid>);

impl GroupGuard {
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    /// The leader has been reaped: its number may belong to somebody else soon.
    pub(crate) fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for GroupGuard {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _gone_already = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Program {
    /// A command in a mirror; what a user typed comes after `--` or `--end-of-options`, or by standard input.
    pub(crate) fn command(&self, mirror: &Path) -> Command {
        let mut command = bare("git");
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            // A constant, so no text of a user reaches the shell that git gives it to.
            .env("GIT_SSH_COMMAND", format!("ssh {}", SSH_OPTIONS.join(" ")));
        let file = if self.file_is_allowed { "protocol.file.allow=always" } else { "protocol.file.allow=never" };
        for setting in [
            "protocol.allow=never",
            "protocol.http.allow=always",
            "protocol.https.allow=always",
            "protocol.ssh.allow=always",
            "protocol.ext.allow=never",
            file,
            "core.hooksPath=/dev/null",
            "core.attributesFile=/dev/null",
            "core.fsmonitor=false",
            "gc.auto=0",
            "maintenance.auto=false",
            "http.lowSpeedLimit=100",
            "http.lowSpeedTime=60",
        ] {
            command.args(["-c", setting]);
        }
        command.arg("--git-dir").arg(mirror);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(
        &self,
        command: Command,
        what: &str,
        timeout: Duration,
        cancel: &CancellationToken,
    ) -> Result<Ended, Failure> {
        run(command, timeout, cancel).await.map_err(|why| match why {
            NotEnded::NotStarted(error) => not_started(&error),
            NotEnded::TooSlow => {
                let message = format!("git did not {what} within {} s", timeout.as_secs());
                Failure::retry(Code::RepositoryUnreachable, message).with_hint("the host answers too slowly; it is tried again")
            }
            NotEnded::Canceled => Failure::canceled(format!("canceled while git was to {what}")),
            NotEnded::Lost(error) => Failure::retry(Code::Internal, format!("git could not be waited for: {error}")),
        })
    }

    /// Runs a command that only reads the mirror; `None` when git says no.
    pub(crate) async fn ask<I, S>(&self, mirror: &Path, arguments: I, what: &str) -> Result<Ended, Failure>
    where
        I: IntoIterator<Item = S> + Send,
        S: AsRef<OsStr>,
    {
        let mut command = self.command(mirror);
        command.args(arguments);
        self.run(command, what, Duration::from_secs(60), &CancellationToken::new()).await
    }
}

/// A program with a bare environment, in a process group of its own.
pub(crate) fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C");
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
    command
}

/// Runs a command to its end; whoever stops waiting ends it and all that it has started.
pub(crate) async fn run(mut command: Command, timeout: Duration, cancel: &CancellationToken) -> Result<Ended, NotEnded> {
    let mut child = command.spawn().map_err(NotEnded::NotStarted)?;
    let group = GroupGuard::of(&child);
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let work = async { tokio::join!(bounded(stdout), bounded(stderr), child.wait()) };
    let (stdout, stderr, status) = tokio::select! {
        ended = work => ended,
        () = tokio::time::sleep(timeout) => return Err(NotEnded::TooSlow),
        () = cancel.cancelled() => return Err(NotEnded::Canceled),
    };
    group.ended();
    let status = status.map_err(NotEnded::Lost)?;
    Ok(Ended { success: status.success(), code: status.code(), stdout, stderr })
}

/// Git is missing, or the machine has no process left for it.
pub(crate) fn not_started(error: &std::io::Error) -> Failure {
    let failure = if error.kind() == std::io::ErrorKind::NotFound {
        Failure::permanent(Code::Internal, "the program `git` is not installed on the server")
    } else {
        Failure::retry(Code::Internal, format!("the program `git` could not be started: {error}"))
    };
    failure.with_hint("install git 2.31 or newer, so that it is on the server's PATH")
}

async fn bounded(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = MOST_OUTPUT - kept.len();
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
