//! A `buildkitd` of our own, which outlives the server and is adopted by the next.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use slipway_core::failure::{Code, Failure};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::cgroup::Cgroups;
use crate::configuration::DaemonSettings;
use crate::programs::BuildKitPrograms;

const LONGEST_START: Duration = Duration::from_secs(40);
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
const LONGEST_STOP: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
/// A log that has grown beyond this begins anew when the daemon is started.
const LARGEST_LOG: u64 = 10 << 20;
/// More of what one step writes is left out, but for the end of a step that fails.
const LARGEST_STEP_LOG: usize = 8 << 20;
/// The kernel's bound for the path of a socket is 108 bytes.
const LONGEST_SOCKET_PATH: usize = 100;

/// One supervised daemon per server.
#[derive(Debug)]
pub struct LocalBuildkitd {
    folder: PathBuf,
    programs: BuildKitPrograms,
    /// Those of its builds; absent where the machine has none to give.
    cgroups: Option<Cgroups>,
    /// The daemon, if this server started it; an adopted one is somebody else's child.
    child: Mutex<Option<Child>>,
}

impl LocalBuildkitd {
    /// Writes the configuration below `folder`, adopts the daemon that answers there already, else starts one.
    pub async fn start(folder: &Path, settings: &DaemonSettings, programs: BuildKitPrograms) -> Result<Self, Failure> {
        programs.version().await?;
        let unlimited =
            |error: &io::Error| tracing::warn!(%error, "builds have no cgroup: their limits hold for each step by itself");
        let cgroups = Cgroups::of_the_machine().inspect_err(unlimited).ok();
        let daemon = Self { folder: folder.to_owned(), programs, cgroups, child: Mutex::new(None) };
        if daemon.socket().as_os_str().len() > LONGEST_SOCKET_PATH {
            return Err(unavailable(&format!("the path of its socket, {}, is too long", daemon.socket().display()))
                .with_hint("choose a shorter data folder: the path of a socket has at most 100 bytes"));
        }
        let not_written = |error: io::Error| {
            unavailable(&format!("its configuration could not be written below {}: {error}", folder.display()))
        };
        fs::create_dir_all(folder).map_err(not_written)?;
        if !settings.steps_are_isolated() {
            tracing::warn!(
                "no CNI plugins found: steps of a build share the machine's network (install containernetworking-plugins)"
            );
        }
        let text = settings.text(&folder.join("state"), &daemon.socket());
        let configuration = daemon.configuration();
        if fs::read_to_string(&configuration).ok().as_deref() != Some(&text) {
            daemon.stop().await?;
            let unfinished = folder.join(".buildkitd.toml");
            fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &configuration)).map_err(not_written)?;
        }
        daemon.ensure().await?;
        Ok(daemon)
    }

    /// The address that `buildctl` is given.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The programs that this daemon is run by.
    pub fn programs(&self) -> &BuildKitPrograms {
        &self.programs
    }

    /// The cgroups of its builds.
    pub(crate) fn cgroups(&self) -> Option<&Cgroups> {
        self.cgroups.as_ref()
    }

    /// Makes sure that the daemon answers: starts it again when it died, and replaces one that hangs.
    pub async fn ensure(&self) -> Result<(), Failure> {
        let mut child = self.child.lock().await;
        if self.answers().await {
            return Ok(());
        }
        if let Some(pid) = listener(&self.socket()).await {
            tracing::warn!(pid = pid.as_raw_nonzero().get(), "buildkitd does not answer and is replaced");
            end(pid, &mut child).await?;
        }
        // No build goes on without a daemon: what one that was killed has left running has nobody who waits for it.
        if let Some(cgroups) = &self.cgroups {
            cgroups.empty();
        }
        *child = Some(self.spawn()?);
        self.await_answer(&mut child).await
    }

    /// Ends the daemon, whoever started it; harmless when there is none.
    pub async fn stop(&self) -> Result<(), Failure> {
        let mut child = self.child.lock().await;
        match listener(&self.socket()).await {
            Some(pid) => end(pid, &mut child).await,
            None => Ok(()),
        }
    }

    /// Ends the daemon that a server which was killed has left below `folder`; harmless when there is none.
    pub async fn stop_left_behind(folder: &Path) -> Result<(), Failure> {
        match listener(&socket(folder)).await {
            Some(pid) => end(pid, &mut None).await,
            None => Ok(()),
        }
    }

    fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("buildkitd.toml")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("buildkitd.log")
    }

    async fn answers(&self) -> bool {
        if listener(&self.socket()).await.is_none() {
            return false;
        }
        let mut command = Command::new(&self.programs.buildctl);
        command.args(["--addr", &self.address(), "debug", "workers"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        matches!(timeout(LONGEST_ANSWER, command.status()).await, Ok(Ok(status)) if status.success())
    }

    fn spawn(&self) -> Result<Child, Failure> {
        let log = self
            .open_log()
            .map_err(|error| unavailable(&format!("its log {} cannot be written: {error}", self.log().display())))?;
        let errors = log.try_clone().map_err(|error| unavailable(&error.to_string()))?;
        tracing::info!(folder = %self.folder.display(), "starting buildkitd");
        Command::new(&self.programs.buildkitd)
            .arg("--config")
            .arg(self.configuration())
            // By itself all daemons of a machine have it at one place, and of two that start at once one fails.
            .arg("--otel-socket-path")
            .arg(self.folder.join("otel.sock"))
            // By itself it leaves lines out of every step that writes more than 200 KiB in a second, such as a compiler.
            .env("BUILDKIT_STEP_LOG_MAX_SPEED", "-1")
            .env("BUILDKIT_STEP_LOG_MAX_SIZE", LARGEST_STEP_LOG.to_string())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|error| unavailable(&format!("{} could not be started: {error}", self.programs.buildkitd.display())))
    }

    fn open_log(&self) -> io::Result<File> {
        let is_large = fs::metadata(self.log()).is_ok_and(|metadata| metadata.len() > LARGEST_LOG);
        OpenOptions::new().create(true).append(!is_large).write(true).truncate(is_large).open(self.log())
    }

    async fn await_answer(&self, child: &mut Option<Child>) -> Result<(), Failure> {
        let end = Instant::now() + LONGEST_START;
        loop {
            if self.answers().await {
                return Ok(());
            }
            if let Some(Ok(Some(status))) = child.as_mut().map(Child::try_wait) {
                *child = None;
                return Err(unavailable(&format!("buildkitd ended at once ({status})"))
                    .with_last_lines(self.last_lines())
                    .with_hint(format!(
                        "see {}; buildkitd needs root, and runc on PATH, and one daemon per data folder",
                        self.log().display()
                    )));
            }
            if Instant::now() > end {
                return Err(unavailable("buildkitd does not answer after its start").with_last_lines(self.last_lines()));
            }
            sleep(PAUSE).await;
        }
    }

    fn last_lines(&self) -> Vec<String> {
        let text = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(16 << 10)..]).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("buildkitd.sock")
}

/// The process that listens on a socket, as the kernel tells it: a file with its number could be out of date.
async fn listener(socket: &Path) -> Option<Pid> {
    let stream = UnixStream::connect(socket).await.ok()?;
    Pid::from_raw(stream.peer_cred().ok()?.pid()?)
}

async fn end(pid: Pid, child: &mut Option<Child>) -> Result<(), Failure> {
    for signal in [Signal::TERM, Signal::KILL] {
        let _gone_already = kill_process(pid, signal);
        let end = Instant::now() + LONGEST_STOP;
        while Instant::now() < end {
            // Our own child stays a zombie until it is waited for.
            if let Some(Ok(Some(_))) = child.as_mut().map(Child::try_wait) {
                *child = None;
            }
            if has_ended(pid) {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }
    Err(unavailable(&format!("buildkitd (process {}) does not end", pid.as_raw_nonzero())))
}

/// Gone, or a zombie that whoever started it has yet to wait for.
fn has_ended(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    test_kill_process(pid).is_err()
        || stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
}

fn unavailable(why: &str) -> Failure {
    Failure::retry(Code::BuilderUnavailable, format!("the builder is not available: {why}"))
}
