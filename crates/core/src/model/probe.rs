//! Probes of a workload, as Kubernetes has them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The three probes of a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probes {
    /// Whether requests may reach it; without one, a pod counts after three seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Probe>,
    /// Whether it must be started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Probe>,
    /// Whether it has started; the others wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
}

/// One probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// What is asked.
    pub check: ProbeCheck,
    /// Before the first one; whole seconds.
    pub initial_delay: Duration,
    /// Between two; whole seconds, at least 1.
    pub period: Duration,
    /// For an answer; whole seconds, at least 1.
    pub timeout: Duration,
    /// So many in a row are a failure, at least 1.
    pub failures: u32,
}

impl Probe {
    /// The time between two, where nothing else is said.
    pub const PERIOD: Duration = Duration::from_secs(10);
    /// The time for an answer, where nothing else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// So many in a row are a failure, where nothing else is said.
    pub const FAILURES: u32 = 9;
}

/// What a probe asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeCheck {
    /// A GET that answers 200 to 399.
    Http {
        /// Begins with `/`.
        path: String,
        /// Of the container.
        port: u16,
    },
    /// A connection.
    Tcp {
        /// Of the container.
        port: u16,
    },
    /// A command that exits with 0.
    Exec {
        /// The argument vector; not empty.
        command: Vec<String>,
    },
    /// The gRPC health protocol.
    Grpc {
        /// Of the container.
        port: u16,
    },
}
