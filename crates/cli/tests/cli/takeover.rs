//! Two servers and one home: the second takes over from one that was stopped, and from no other.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Whatever is waited for takes a few seconds at most.
const BOUND: Duration = Duration::from_secs(60);

/// `slipway serve`, and what it says on standard error.
struct Server {
    process: Child,
    said: std::path::PathBuf,
}

impl Server {
    fn serve(home: &Path, name: &str) -> Self {
        let said = home.join(name);
        let process = slipway(home)
            .args(["serve", "--listen", "127.0.0.1:0", "--registry-listen", "127.0.0.1:0", "--lease", "1s"])
            .stderr(std::fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        Self { process, said }
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    fn end(&mut self) -> ExitStatus {
        let process = &mut self.process;
        eventually("the server ends", || process.try_wait().unwrap())
    }

    /// Whether it has said where it is reached, which it does once it answers.
    fn answers(&mut self, home: &Path) -> bool {
        let ended = self.process.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {}", self.said());
        let record = std::fs::read_to_string(home.join("home/server.json")).unwrap_or_default();
        record.contains(&format!("\"pid\": {}", self.process.id()))
    }

    fn until_it_answers(&mut self, home: &Path) {
        eventually("the server answers", || self.answers(home).then_some(()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn slipway(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.current_dir(home).env("SLIPWAY_HOME", home.join("home")).env("HOME", home).stdin(Stdio::null());
    command.env_remove("KUBECONFIG").env_remove("SLIPWAY_ENVIRONMENT").stdout(Stdio::null());
    command
}

fn lists_targets(home: &Path) -> bool {
    slipway(home).args(["target", "list"]).stderr(Stdio::null()).status().unwrap().success()
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < BOUND, "not within {BOUND:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Stops a server, and starts another that takes over from it.
fn followed(home: &Path, first: &Server) -> Server {
    loop {
        first.signal("-STOP");
        let since = Instant::now();
        let mut second = Server::serve(home, "second");
        let hit_a_write = eventually("the second takes over", || {
            let hit_a_write = second.said().contains("the database takes no write");
            (hit_a_write || second.answers(home)).then_some(hit_a_write)
        });
        if !hit_a_write {
            assert!(since.elapsed() >= Duration::from_secs(2), "before the lease was over and a second: {:?}", since.elapsed());
            return second;
        }
        // It was stopped while it held SQLite's lock for writing: nobody can take over from that. It goes on, and is seen to live.
        first.signal("-CONT");
        assert_eq!(second.end().code(), Some(1), "{}", second.said());
        assert!(second.said().contains("another server owns"), "{}", second.said());
    }
}

#[test]
fn b06_a_stopped_server_is_followed_after_its_lease_and_ends_when_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let mut first = Server::serve(home, "first");
    first.until_it_answers(home);
    let _second = followed(home, &first);
    assert!(lists_targets(home));

    // A third one finds that the second lives, although the first is silent.
    let mut third = Server::serve(home, "third");
    assert_eq!(third.end().code(), Some(1), "{}", third.said());
    assert!(third.said().contains("another server owns"), "{}", third.said());

    first.signal("-CONT");
    assert_eq!(first.end().code(), Some(1), "{}", first.said());
    let said = first.said();
    assert!(said.contains("this server ends") && said.contains("another server has taken over"), "{said}");

    // The end of the first proves nothing about the second.
    let mut fourth = Server::serve(home, "fourth");
    assert_eq!(fourth.end().code(), Some(1), "{}", fourth.said());
    assert!(lists_targets(home));
}

#[test]
fn b06_the_next_server_follows_a_killed_one_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for name in ["first", "second", "third"] {
        let mut server = Server::serve(home, name);
        server.until_it_answers(home);
        assert!(!server.said().contains("waiting"), "{}", server.said());
        server.process.kill().unwrap();
        server.end();
    }
}
