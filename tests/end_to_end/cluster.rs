//! The development cluster, asked with `kubectl` and `helm`.

use std::path::PathBuf;

use crate::process::{Said, cache, command, run};

/// The kubeconfig of the cluster that the tests run on.
pub(crate) fn kubeconfig() -> PathBuf {
    let path = match std::env::var_os("SLIPWAY_TEST_KUBECONFIG") {
        Some(path) => path.into(),
        None => cache().join("cluster/kubeconfig"),
    };
    assert!(path.is_file(), "no cluster: {} is not there; `make cluster` brings one up", path.display());
    path
}

/// A program of the cache, else of PATH.
fn tool(prefix: &str, name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir(cache())
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

pub(crate) fn kubectl<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Said {
    run(command(tool("kubernetes-", "kubectl"), arguments).env("KUBECONFIG", kubeconfig()))
}

pub(crate) fn helm<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Said {
    run(command(tool("helm-v", "helm"), arguments).env("KUBECONFIG", kubeconfig()))
}

/// The namespace of an environment, found by its labels.
pub(crate) fn namespace(project: &str, environment: &str) -> Option<String> {
    let selector = format!("slipway.dev/project={project},slipway.dev/environment={environment}");
    let found =
        kubectl(["get", "namespace", "--selector", &selector, "--output", "jsonpath={.items[*].metadata.name}"]).expect_code(0);
    found.stdout.split_whitespace().next().map(str::to_owned)
}

/// A namespace that goes when the test ends.
pub(crate) struct Cleared(pub(crate) &'static str, pub(crate) &'static str);

impl Cleared {
    pub(crate) fn now(&self) {
        if let Some(namespace) = namespace(self.0, self.1) {
            kubectl(["delete", "namespace", &namespace, "--wait=true", "--timeout=90s"]);
        }
    }
}

impl Drop for Cleared {
    fn drop(&mut self) {
        self.now();
    }
}
