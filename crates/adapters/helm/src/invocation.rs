//! Running the `helm` program: an argument vector, a bounded time, an environment without surprises.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use slipway_core::failure::{Code, Failure};
use slipway_ports::CancellationToken;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::failure::from_words;

/// What `helm` may see of this process's environment: none of the `HELM_*` variables that would change what it does.
const PASSED_ON: [&str; 10] = [
    "PATH",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// The `helm` program, and the folder that it gets for a home.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) home: PathBuf,
}

/// The arguments of one run, and what it reads.
#[derive(Debug, Default)]
pub(crate) struct Invocation {
    arguments: Vec<OsString>,
    pub(crate) stdin: Option<Vec<u8>>,
}

impl Invocation {
    pub(crate) fn new<Argument: AsRef<OsStr>>(arguments: impl IntoIterator<Item = Argument>) -> Self {
        let mut invocation = Self::default();
        invocation.arguments(arguments);
        invocation
    }

    pub(crate) fn argument(&mut self, argument: impl AsRef<OsStr>) {
        self.arguments.push(argument.as_ref().to_owned());
    }

    pub(crate) fn arguments<Argument: AsRef<OsStr>>(&mut self, arguments: impl IntoIterator<Item = Argument>) {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
    }
}

impl Program {
    /// Runs it and gives what it said on stdout. It is killed at the end of its time, and when it is canceled.
    pub(crate) async fn run(
        &self,
        subject: &str,
        invocation: Invocation,
        time: Duration,
        cancel: &CancellationToken,
    ) -> Result<String, Failure> {
        if cancel.is_cancelled() {
            return Err(Failure::canceled(format!("{subject}: canceled")));
        }
        let running = self.output(invocation);
        tokio::select! {
            output = running => {
                let output = output.map_err(|error| self.unavailable(subject, &error))?;
                if output.status.success() {
                    return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
                }
                let stderr = String::from_utf8_lossy(&output.stderr);
                let last_lines: Vec<String> = stderr.lines().rev().take(20).map(str::to_owned).collect();
                Err(from_words(subject, &stderr).with_last_lines(last_lines.into_iter().rev().collect()))
            }
            () = cancel.cancelled() => Err(Failure::canceled(format!("{subject}: canceled"))),
            () = tokio::time::sleep(time) => Err(Failure::retry(
                Code::HelmUnavailable,
                format!("{subject}: `helm` did not end within {time:?} and was killed"),
            )),
        }
    }

    async fn output(&self, invocation: Invocation) -> std::io::Result<std::process::Output> {
        let mut child = Command::new(&self.path)
            .args(&invocation.arguments)
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))))
            .env("HOME", &self.home)
            .stdin(if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let feed = async {
            if let (Some(mut stdin), Some(content)) = (stdin, invocation.stdin) {
                // A program that ends without reading says why on stderr.
                let _ = stdin.write_all(&content).await;
            }
        };
        let ((), output) = tokio::join!(feed, child.wait_with_output());
        output
    }

    fn unavailable(&self, subject: &str, error: &std::io::Error) -> Failure {
        Failure::retry(Code::HelmUnavailable, format!("{subject}: {} cannot be run: {error}", self.path.display()))
            .with_hint("Install Helm 3 or 4, or build the Helm worker with helm-worker/build.")
    }
}
