//! What application, container and job have in common: how their containers run.

use serde::{Deserialize, Serialize};

use super::{Bytes, Millicores, Port, Probes, Variable};

/// How the containers of a service run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Replaces the image's entrypoint (`command` in Kubernetes); empty: the image's own.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// The command: replaces the image's CMD (`args` in Kubernetes); empty: the image's own.
    #[serde(default)]
    pub command: Vec<String>,
    /// Appended to `command`.
    #[serde(default)]
    pub args: Vec<String>,
    /// The CPU limit.
    pub cpu: Millicores,
    /// The memory limit.
    pub memory: Bytes,
    /// How many pods.
    pub instances: Instances,
    /// Where it listens.
    #[serde(default)]
    pub ports: Vec<Port>,
    /// How it is known to be well.
    #[serde(default)]
    pub probes: Probes,
    /// Volumes; with any, the service is a StatefulSet.
    #[serde(default)]
    pub storage: Vec<Storage>,
    /// Variables of this service alone.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Secrets of the environment that this service sees as variables of the same name.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Texts that are mounted as files.
    #[serde(default)]
    pub files: Vec<MountedFile>,
    /// How pods are replaced.
    pub rollout: Rollout,
    /// Further host names of the public http port.
    #[serde(default)]
    pub domains: Vec<String>,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            entrypoint: Vec::new(),
            command: Vec::new(),
            args: Vec::new(),
            cpu: Millicores(500),
            memory: Bytes::mebi(512),
            instances: Instances { min: 1, max: 1 },
            ports: Vec::new(),
            probes: Probes::default(),
            storage: Vec::new(),
            variables: Vec::new(),
            secrets: Vec::new(),
            files: Vec::new(),
            rollout: Rollout::RollingUpdate,
            domains: Vec::new(),
        }
    }
}

/// How many pods; an autoscaler keeps them between the two when they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instances {
    /// At least 1.
    pub min: u32,
    /// At least `min`.
    pub max: u32,
}

/// A text that is mounted as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountedFile {
    /// The absolute path in the container.
    pub mount: String,
    /// The content, in which `{{NAME}}` stands for a variable.
    pub content: String,
}

/// A volume of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// The absolute path in the container.
    pub mount: String,
    /// Its size.
    pub size: Bytes,
}

/// How pods are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rollout {
    /// New pods are ready before old ones go.
    RollingUpdate,
    /// Old pods go first.
    Recreate,
}
