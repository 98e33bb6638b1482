//! The cgroup of a build (C6): all its steps together stay within the CPU and the memory of the build.
//!
//! `BuildKit` runs each step in a cgroup of its own below the one that `--opt cgroup-parent` names; that one is made here, with the limits,
//! before the build, and emptied and removed after it. Its name is among what `BuildKit` caches a step by, so it is the same for every
//! build of a line; a second build of the line at the same time gets another name, and caches by that.
//!
//! Both versions of cgroups are spoken: <https://docs.kernel.org/admin-guide/cgroup-v2.html>, and `cgroup-v1/memory.rst` and
//! `scheduler/sched-bwc.rst` of the kernel's documentation.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use slipway_core::model::{Bytes, Millicores};

/// Where the kernel's hierarchies are mounted.
const MOUNTED: &str = "/sys/fs/cgroup";
/// Microseconds over which CPU time is counted.
const PERIOD: u64 = 100_000;
/// As many builds of one line at once as have names; no server runs so many.
const MOST_OF_A_LINE: usize = 1000;

/// The cgroups of a builder's builds.
#[derive(Debug)]
pub(crate) struct Cgroups {
    kind: Kind,
    /// The folder of this builder, below each root: two builders on one machine do not meet.
    base: String,
    taken: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Debug)]
enum Kind {
    /// A tree for each controller.
    V1 { memory: PathBuf, cpu: PathBuf, all: Vec<PathBuf> },
    /// One tree.
    V2(PathBuf),
}

impl Cgroups {
    /// Those of the machine, for the builder that keeps its things in `folder`.
    pub(crate) fn of_the_machine(folder: &Path) -> io::Result<Self> {
        Self::below(Path::new(MOUNTED), folder)
    }

    fn below(root: &Path, folder: &Path) -> io::Result<Self> {
        let base = format!("slipway-{}", &hash(folder.as_os_str().as_encoded_bytes())[..8]);
        Ok(Self { kind: Kind::at(root)?, base, taken: Arc::default() })
    }

    /// Makes the cgroup of a build of this line, with its limits.
    pub(crate) fn make(&self, line: &str, cpu: Millicores, memory: Bytes) -> io::Result<BuildCgroup> {
        let line = &hash(line.as_bytes())[..16];
        let made = BuildCgroup { name: self.take(line)?, roots: self.kind.roots().to_vec(), taken: self.taken.clone() };
        made.empty();
        match &self.kind {
            Kind::V1 { memory: memory_root, cpu: cpu_root, .. } => {
                let (at, limit) = (memory_root.join(&made.name), memory.0.to_string());
                fs::create_dir_all(&at)?;
                // Memory and swap together are never less than memory alone. A kernel may count no swap.
                let with_swap = at.join("memory.memsw.limit_in_bytes");
                if with_swap.exists() {
                    fs::write(&with_swap, "-1")?;
                }
                fs::write(at.join("memory.limit_in_bytes"), &limit)?;
                if with_swap.exists() {
                    fs::write(&with_swap, &limit)?;
                }
                let at = cpu_root.join(&made.name);
                fs::create_dir_all(&at)?;
                fs::write(at.join("cpu.cfs_period_us"), PERIOD.to_string())?;
                fs::write(at.join("cpu.cfs_quota_us"), quota(cpu).to_string())?;
            }
            Kind::V2(root) => {
                // A controller must be on in every folder above the one that it limits.
                fs::write(root.join("cgroup.subtree_control"), "+cpu +memory")?;
                fs::create_dir_all(root.join(&self.base))?;
                fs::write(root.join(&self.base).join("cgroup.subtree_control"), "+cpu +memory")?;
                let at = root.join(&made.name);
                fs::create_dir_all(&at)?;
                fs::write(at.join("memory.max"), memory.0.to_string())?;
                let swap = at.join("memory.swap.max");
                if swap.exists() {
                    fs::write(swap, "0")?;
                }
                fs::write(at.join("cpu.max"), format!("{} {PERIOD}", quota(cpu)))?;
            }
        }
        Ok(made)
    }

    /// Kills what runs in any of them, and removes them.
    pub(crate) fn empty(&self) {
        for root in self.kind.roots() {
            remove(&root.join(&self.base));
        }
    }

    /// A name of the line that no build has now.
    fn take(&self, line: &str) -> io::Result<String> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        (1..=MOST_OF_A_LINE)
            .map(|number| if number == 1 { format!("{}/{line}", self.base) } else { format!("{}/{line}-{number}", self.base) })
            .find(|name| taken.insert(name.clone()))
            .ok_or_else(|| io::Error::other("too many builds of one service run at once"))
    }
}

impl Kind {
    fn at(root: &Path) -> io::Result<Self> {
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
    taken: Arc<Mutex<BTreeSet<String>>>,
}

impl BuildCgroup {
    /// As `BuildKit` is told it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Kills what runs in it, and removes what can be. A folder whose processes are still ending stays until the next build of the line.
    fn empty(&self) {
        for root in &self.roots {
            remove(&root.join(&self.name));
        }
    }
}

impl Drop for BuildCgroup {
    fn drop(&mut self) {
        self.empty();
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

fn remove(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&entry.path());
    }
    for process in fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default().lines() {
        if let Some(pid) = process.parse().ok().and_then(Pid::from_raw) {
            let _gone_already = kill_process(pid, Signal::KILL);
        }
    }
    let _in_use_or_gone = fs::remove_dir(folder);
}

fn quota(cpu: Millicores) -> u64 {
    u64::from(cpu.0) * PERIOD / 1000
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
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
        let cgroups = Cgroups::below(root.path(), Path::new("/data")).unwrap();
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
        let cgroups = Cgroups::below(root.path(), Path::new("/data")).unwrap();
        let made = cgroups.make("a line", Millicores(4000), Bytes::mebi(4096)).unwrap();
        assert_eq!(text(&root.path().join("memory").join(made.name()).join("memory.limit_in_bytes")), (4_u64 << 30).to_string());
        assert_eq!(text(&root.path().join("cpu,cpuacct").join(made.name()).join("cpu.cfs_quota_us")), "400000");
    }

    #[test]
    fn builds_of_a_line_share_a_name_one_after_the_other_and_never_at_once() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpu memory").unwrap();
        let cgroups = Cgroups::below(root.path(), Path::new("/data")).unwrap();
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
        assert!(Cgroups::below(root.path(), Path::new("/data")).unwrap_err().to_string().contains("memory"));
        fs::write(root.path().join("cgroup.controllers"), "pids").unwrap();
        assert!(Cgroups::below(root.path(), Path::new("/data")).unwrap_err().to_string().contains("controllers"));
    }
}
