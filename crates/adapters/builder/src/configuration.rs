//! The configuration of our own `buildkitd`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::frontend::Frontend;

/// What a daemon of ours is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSettings {
    /// `host:port` of the mirroring registry.
    pub registry: String,
    /// Whether that registry speaks plain HTTP.
    pub plain_http: bool,
    /// Where images of `docker.io` come from instead, as `host:port/prefix`.
    pub docker_io_mirrors: Vec<String>,
    /// The frontends that a Dockerfile may name, beside Docker's own.
    pub frontends: Vec<Frontend>,
    /// How many steps run at once, over all builds.
    pub most_parallel_steps: u32,
    /// The folder of CNI plugins; absent, or without `bridge`: steps share the machine's network.
    pub network_plugins: Option<PathBuf>,
}

impl DaemonSettings {
    /// The settings for a registry: four steps at once, Debian's CNI plugins where they are installed.
    pub fn new(registry: impl Into<String>, plain_http: bool) -> Self {
        let plugins = PathBuf::from("/usr/lib/cni");
        Self {
            registry: registry.into(),
            plain_http,
            docker_io_mirrors: Vec::new(),
            frontends: Vec::new(),
            most_parallel_steps: 4,
            network_plugins: plugins.join("bridge").is_file().then_some(plugins),
        }
    }

    /// Whether a step of a build gets a network of its own, from which the server's loopback can't be reached.
    pub fn steps_are_isolated(&self) -> bool {
        self.network_plugins.as_ref().is_some_and(|folder| folder.join("bridge").is_file())
    }

    /// The text of `buildkitd.toml`.
    pub(crate) fn text(&self, root: &Path, socket: &Path) -> String {
        let text = |path: &Path| Value::String(path.display().to_string());
        let mut worker = Table::new();
        worker.insert("enabled".into(), Value::Boolean(true));
        worker.insert("max-parallelism".into(), Value::Integer(self.most_parallel_steps.into()));
        match &self.network_plugins {
            Some(plugins) if self.steps_are_isolated() => {
                let number = network_number(root);
                worker.insert("networkMode".into(), Value::String("bridge".into()));
                worker.insert("cniBinaryPath".into(), text(plugins));
                worker.insert("bridgeName".into(), Value::String(format!("slipway-{number:02x}")));
                worker.insert("bridgeSubnet".into(), Value::String(format!("10.231.{number}.0/24")));
            }
            _ => {
                worker.insert("networkMode".into(), Value::String("host".into()));
            }
        }
        let docker = Frontend::docker();
        let mut registries = Table::new();
        let mirrors: Vec<Value> = self.docker_io_mirrors.iter().cloned().map(Value::String).collect();
        if !mirrors.is_empty() {
            registries.insert("docker.io".into(), table([("mirrors", Value::Array(mirrors))]));
        }
        if self.plain_http {
            registries.insert(self.registry.clone(), table([("http", Value::Boolean(true))]));
        }
        let frontends: BTreeSet<&Frontend> = self.frontends.iter().chain([&docker]).collect();
        let frontends = Value::Array(frontends.into_iter().map(|frontend| Value::String(frontend.to_string())).collect());
        let gateway = table([("enabled", Value::Boolean(true)), ("allowedRepositories", frontends)]);
        let address = Value::Array(vec![Value::String(format!("unix://{}", socket.display()))]);
        let whole = table([
            ("root", text(root)),
            ("grpc", table([("address", address)])),
            ("cdi", table([("disabled", Value::Boolean(true))])),
            ("history", table([("maxEntries", Value::Integer(0))])),
            ("worker", table([("oci", Value::Table(worker)), ("containerd", table([("enabled", Value::Boolean(false))]))])),
            ("registry", Value::Table(registries)),
            ("frontend", table([("gateway.v0", gateway)])),
        ]);
        toml::to_string(&whole).expect("a table of strings, numbers and tables can always be written")
    }
}

/// Two daemons on one machine need different bridges: the number is a hash of where the daemon keeps its state.
fn network_number(root: &Path) -> u8 {
    root.as_os_str().as_encoded_bytes().iter().fold(7_u8, |hash, byte| hash.wrapping_mul(31).wrapping_add(*byte))
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_valid_and_says_what_the_settings_say() {
        let settings = DaemonSettings {
            docker_io_mirrors: vec!["127.0.0.1:5000/hub".to_owned()],
            network_plugins: None,
            frontends: vec![Frontend::parse("ghcr.io/example/frontend").unwrap()],
            ..DaemonSettings::new("127.0.0.1:5000", true)
        };
        let read: Table = settings.text(Path::new("/data/build\"kit"), Path::new("/data/s.sock")).parse().unwrap();
        assert_eq!(read["root"].as_str(), Some("/data/build\"kit"));
        assert_eq!(read["grpc"]["address"][0].as_str(), Some("unix:///data/s.sock"));
        assert_eq!(read["registry"]["127.0.0.1:5000"]["http"].as_bool(), Some(true));
        assert_eq!(read["registry"]["docker.io"]["mirrors"][0].as_str(), Some("127.0.0.1:5000/hub"));
        assert_eq!(read["worker"]["oci"]["networkMode"].as_str(), Some("host"));
        assert_eq!(read["worker"]["oci"]["max-parallelism"].as_integer(), Some(4));
        assert_eq!(read["frontend"]["gateway.v0"]["allowedRepositories"].as_array().map(Vec::len), Some(2));
    }
}
