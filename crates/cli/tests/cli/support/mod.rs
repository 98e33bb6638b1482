//! A server of a test's own, in the background.

use std::path::Path;
use std::process::{Command, Output};

/// A server that a failed test must not leave behind.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One whose server is up and has the environment of a file, which lies in the folder of the home.
    pub(crate) fn with(file: &str) -> Self {
        let home = Self::new();
        std::fs::write(home.path().join("slipway.yaml"), file).unwrap();
        for (code, _, said) in [home.up(), home.slipway(&["apply"])] {
            assert_eq!(code, 0, "{said}");
        }
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn slipway(&self, arguments: &[&str]) -> (i32, String, String) {
        self.slipway_with(arguments, None)
    }

    /// With programs of a folder before all others.
    pub(crate) fn slipway_with(&self, arguments: &[&str], programs: Option<&Path>) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        if let Some(programs) = programs {
            let others = std::env::var_os("PATH").unwrap_or_default();
            let all = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&others));
            command.env("PATH", std::env::join_paths(all).unwrap());
        }
        command.args(arguments).current_dir(self.path()).env("SLIPWAY_HOME", self.path().join("home")).env("HOME", self.path());
        command.env_remove("KUBECONFIG").env_remove("SLIPWAY_ENVIRONMENT");
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    pub(crate) fn up(&self) -> (i32, String, String) {
        self.up_with(&[])
    }

    pub(crate) fn up_with(&self, more: &[&str]) -> (i32, String, String) {
        self.slipway(&[&["up", "--listen", "127.0.0.1:0", "--registry-listen", "127.0.0.1:0"], more].concat())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.slipway(&["down"]);
    }
}
