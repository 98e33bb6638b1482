//! The cgroup of a build (C6): all its steps together stay within the CPU and the memory of the build.
//!
//! `BuildKit` runs each step in a cgroup of its own below the one that `--opt cgroup-parent` names; that one is made here, with the limits,
//! before the build, and emptied and removed after it. Its name is among what `BuildKit` caches a step by, so it is the same for every
//! build of a line, on every machine. Who locks its folder has it: a second build of the line at the same time, of whatever server, gets
//! another name, and caches by that.
//!
//! Both versions of cgroups are spoken: <https://docs.kernel.org/admin-guide/cgroup-v2.html>, and `cgroup-v1/memory.rst` and
//! `scheduler/sched-bwc.rst` of the kernel's documentation.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use slipway_core::model::{Bytes, Millicores};

/// Where the kernel's hierarchies are mounted.
const MOUNTED: &str = "/sys/fs/cgroup";
/// Microseconds over which CPU time is counted.
const PERIOD: u64 = 100_000;
/// Below each root.
const BASE: &str = "slipway";
/// As many builds of one line at once as have names; no machine runs so many.
const MOST_OF_A_LINE: usize = 1000;

/// The cgroups of the builds of a machine.
#[derive(Debug)]
pub(crate) enum Cgroups {
    /// A tree for each controller.
    V1 { memory: PathBuf, cpu: PathBuf, all: Vec<PathBuf> },
    /// One tree.
    V2(PathBuf),
}

impl Cgroups {
    /// Those of this machine.
    pub(crate) fn of_the_machine() -> io::Result<Self> {
        Self::below(Path::new(MOUNTED))
    }

    /// Makes the cgroup of a build of this line, with its limits.
    pub(crate) fn make(&self, line: &str, cpu: Millicores, memory: Bytes) -> io::Result<BuildCgroup> {
        let made = self.take(&line_name(line))?;
        // What an earlier one left; the folder itself is locked, and stays.
        for root in &made.roots {
            clear(&root.join(&made.name));
        }
        match self {
            Self::V1 { memory: memory_root, cpu: cpu_root, .. } => {
                limit_memory(&memory_root.join(&made.name), memory)?;
                limit_cpu(&cpu_root.join(&made.name), cpu)?;
            }
            Self::V2(root) => limit_both(root, &made.name, cpu, memory)?,
        }
        Ok(made)
    }

    /// Kills what runs in those that no build has any more, and removes them.
    pub(crate) fn empty(&self) {
        let left = fs::read_dir(self.locked().join(BASE)).into_iter().flatten().flatten();
        for name in left.filter_map(|entry| entry.file_name().into_string().ok()) {
            drop(self.lock(&format!("{BASE}/{name}")));
        }
    }

    /// A name of the line that no build has now.
    fn take(&self, line: &str) -> io::Result<BuildCgroup> {
        for number in 1..=MOST_OF_A_LINE {
            let name = if number == 1 { format!("{BASE}/{line}") } else { format!("{BASE}/{line}-{number}") };
            fs::create_dir_all(self.locked().join(&name))?;
            if let Some(taken) = self.lock(&name)? {
                return Ok(taken);
            }
        }
        Err(io::Error::other("too many builds of one service run at once"))
    }

    /// The cgroup of this name, unless a build has it.
    fn lock(&self, name: &str) -> io::Result<Option<BuildCgroup>> {
        let folder = self.locked().join(name);
        let opened = File::open(&folder)?;
        match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // Who had it may have removed it before it was locked.
        let is_the_same =
            fs::metadata(&folder).is_ok_and(|there| Some(there.ino()) == opened.metadata().ok().map(|ours| ours.ino()));
        Ok(is_the_same.then(|| BuildCgroup { name: name.to_owned(), roots: self.roots().to_vec(), _lock: opened }))
    }

    fn below(root: &Path) -> io::Result<Self> {
        if let Ok(controllers) = fs::read_to_string(root.join("cgroup.controllers")) {
            let has = |name| controllers.split_whitespace().any(|controller| controller == name);
            return if has("cpu") && has("memory") {
                Ok(Self::V2(root.to_owned()))
            } else {
                Err(io::Error::other("the kernel gives no cpu and memory controllers to this cgroup"))
            };
        }
        let mut all: Vec<PathBuf> = fs::read_dir(root)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        all.retain(|tree| tree.join("cgroup.procs").is_file());
        let with = |file: &str| all.iter().find(|tree| tree.join(file).is_file()).cloned();
        match (with("memory.limit_in_bytes"), with("cpu.cfs_quota_us")) {
            (Some(memory), Some(cpu)) => Ok(Self::V1 { memory, cpu, all }),
            _ => Err(io::Error::other(format!("{} has no trees of the memory and the cpu controller", root.display()))),
        }
    }

    /// The tree whose folders are locked.
    fn locked(&self) -> &Path {
        match self {
            Self::V1 { memory, .. } => memory,
            Self::V2(root) => root,
        }
    }

    fn roots(&self) -> &[PathBuf] {
        match self {
            Self::V1 { all, .. } => all,
            Self::V2(root) => std::slice::from_ref(root),
        }
    }
}

/// The cgroup of one build: what still runs in it when it is dropped is killed, for the build has ended.
#[derive(Debug)]
pub(crate) struct BuildCgroup {
    name: String,
    roots: Vec<PathBuf>,
    /// Of its folder; the kernel gives it back when this server dies.
    _lock: File,
}

impl BuildCgroup {
    /// As `BuildKit` is told it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for BuildCgroup {
    fn drop(&mut self) {
        for root in &self.roots {
            remove(&root.join(&self.name));
        }
    }
}

/// Kills what runs in a folder, and removes what can be. One whose processes are still ending stays until the next build of the line.
fn remove(folder: &Path) {
    clear(folder);
    let _in_use_or_gone = fs::remove_dir(folder);
}

fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&entry.path());
    }
    for process in fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default().lines() {
        if let Some(pid) = process.parse().ok().and_then(Pid::from_raw) {
            let _gone_already = kill_process(pid, Signal::KILL);
        }
    }
}

/// In a tree of the memory controller.
fn limit_memory(folder: &Path, memory: Bytes) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Memory and swap together are never less than memory alone. A kernel may count no swap.
    let with_swap = folder.join("memory.memsw.limit_in_bytes");
    if with_swap.exists() {
        fs::write(&with_swap, "-1")?;
    }
    fs::write(folder.join("memory.limit_in_bytes"), memory.0.to_string())?;
    if with_swap.exists() {
        fs::write(&with_swap, memory.0.to_string())?;
    }
    Ok(())
}

/// In a tree of the CPU controller.
fn limit_cpu(folder: &Path, cpu: Millicores) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("cpu.cfs_period_us"), PERIOD.to_string())?;
    fs::write(folder.join("cpu.cfs_quota_us"), quota(cpu).to_string())
}

/// In the one tree. A controller must be on in every folder above the one that it limits.
fn limit_both(root: &Path, name: &str, cpu: Millicores, memory: Bytes) -> io::Result<()> {
    fs::write(root.join("cgroup.subtree_control"), "+cpu +memory")?;
    fs::create_dir_all(root.join(BASE))?;
    fs::write(root.join(BASE).join("cgroup.subtree_control"), "+cpu +memory")?;
    let folder = root.join(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("memory.max"), memory.0.to_string())?;
    let swap = folder.join("memory.swap.max");
    if swap.exists() {
        fs::write(swap, "0")?;
    }
    fs::write(folder.join("cpu.max"), format!("{} {PERIOD}", quota(cpu)))
}

fn quota(cpu: Millicores) -> u64 {
    u64::from(cpu.0) * PERIOD / 1000
}

/// A name that every machine gives the line.
pub(crate) fn line_name(line: &str) -> String {
    Sha256::digest(line.as_bytes()).iter().take(8).fold(String::new(), |mut hex, byte| {
        let _writing_into_a_string_can_not_fail = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn c06_one_tree_gets_the_limits_of_the_whole_build() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpuset cpu io memory pids\n").unwrap();
        let cgroups = Cgroups::below(root.path()).unwrap();
        let made = cgroups.make("a line", Millicores(1500), Bytes::mebi(64)).unwrap();
        let at = root.path().join(made.name());
        assert_eq!(text(&at.join("memory.max")), (64 << 20).to_string());
        assert_eq!(text(&at.join("cpu.max")), "150000 100000");
        assert_eq!(text(&at.parent().unwrap().join("cgroup.subtree_control")), "+cpu +memory");
    }

    #[test]
    fn c06_each_tree_gets_the_limits_of_the_whole_build() {
        let root = tempfile::tempdir().unwrap();
        for (tree, file) in [("memory", "memory.limit_in_bytes"), ("cpu,cpuacct", "cpu.cfs_quota_us"), ("pids", "pids.max")] {
            fs::create_dir(root.path().join(tree)).unwrap();
            fs::write(root.path().join(tree).join("cgroup.procs"), "").unwrap();
            fs::write(root.path().join(tree).join(file), "").unwrap();
        }
        let cgroups = Cgroups::below(root.path()).unwrap();
        let made = cgroups.make("a line", Millicores(4000), Bytes::mebi(4096)).unwrap();
        assert_eq!(text(&root.path().join("memory").join(made.name()).join("memory.limit_in_bytes")), (4_u64 << 30).to_string());
        assert_eq!(text(&root.path().join("cpu,cpuacct").join(made.name()).join("cpu.cfs_quota_us")), "400000");
    }

    #[test]
    fn builds_of_a_line_share_a_name_one_after_the_other_and_never_at_once() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpu memory").unwrap();
        let cgroups = Cgroups::below(root.path()).unwrap();
        let make = |line| cgroups.make(line, Millicores(1000), Bytes::mebi(64)).unwrap();
        let first = make("a line");
        let name = first.name().to_owned();
        assert_ne!(make("another line").name(), name);
        assert_eq!(make("a line").name(), format!("{name}-2"));
        drop(first);
        assert_eq!(make("a line").name(), name);
    }

    #[test]
    fn a_machine_without_the_controllers_is_told() {
        let root = tempfile::tempdir().unwrap();
        assert!(Cgroups::below(root.path()).unwrap_err().to_string().contains("memory"));
        fs::write(root.path().join("cgroup.controllers"), "pids").unwrap();
        assert!(Cgroups::below(root.path()).unwrap_err().to_string().contains("controllers"));
    }
}
