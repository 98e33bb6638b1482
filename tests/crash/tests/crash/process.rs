//! Server processes.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No story takes so long. What does is lost.
const BOUND: Duration = Duration::from_secs(60);

/// A server in a process of its own.
pub(crate) struct Server {
    process: Child,
    said: PathBuf,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It has told its story to the end.
    Told,
    /// It was killed.
    Killed,
    /// Another server took over.
    Followed,
    /// It ended otherwise, or not within its time.
    Lost,
}

impl Server {
    /// Starts the server that tells a story in a folder.
    pub(crate) fn start(folder: &Path, story: &str, part: &str, environment: &[(&str, &str)]) -> Self {
        let number = fs::read_dir(folder).map_or(0, Iterator::count);
        let said = folder.join(format!("said-{number}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_crash-server"));
        command.args([folder.as_os_str(), story.as_ref(), part.as_ref()]).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said).expect("the folder can be written"));
        Self { process: command.spawn().expect("the server is there"), said }
    }

    /// How it ends.
    pub(crate) fn end(&mut self) -> End {
        let since = Instant::now();
        loop {
            if let Some(end) = self.ended() {
                return end;
            }
            if since.elapsed() > BOUND {
                self.kill();
                return End::Lost;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<End> {
        let status = self.process.try_wait().expect("it is a child of ours")?;
        Some(match (status.code(), status.signal()) {
            (Some(0), _) => End::Told,
            (Some(3), _) => End::Followed,
            (_, Some(9)) => End::Killed,
            _ => End::Lost,
        })
    }

    /// SIGKILL; harmless when it has ended.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
    }

    /// SIGSTOP or SIGCONT.
    pub(crate) fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.process.id().to_string()]).status().expect("`kill` is there");
        assert!(done.success());
    }

    /// What it has said on standard error.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Waits until it says something.
    pub(crate) fn until_it_says(&self, words: &str) {
        eventually(|| self.said().contains(words), || format!("it never said `{words}`: {}", self.said()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = self.process.wait();
    }
}

/// Looks again until something is so.
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool, or: impl Fn() -> String) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < BOUND, "{}", or());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
