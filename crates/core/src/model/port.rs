//! Ports of a workload.

use serde::{Deserialize, Serialize};

/// A port that a workload listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// The port of the container, 1 to 65535.
    pub internal: u16,
    /// The port of its Service; the internal one unless the file says otherwise.
    pub external: u16,
    /// What is spoken there.
    pub protocol: PortProtocol,
    /// Whether the outside reaches it.
    #[serde(default)]
    pub public: bool,
    /// The path prefix of the outside; `/` unless the file says otherwise.
    pub path: String,
    /// The host name of the outside; absent: made from the target's domain pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortProtocol {
    /// HTTP/1.1 or HTTP/2.
    Http,
    /// gRPC.
    Grpc,
    /// Any stream.
    Tcp,
    /// Datagrams.
    Udp,
}

impl PortProtocol {
    /// The name as the environment file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}
