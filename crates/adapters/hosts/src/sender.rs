//! Who tells of something: a git host, a pipeline or a registry.

use std::fmt;
use std::str::FromStr;

use slipway_core::auto_deploy::Teller;
use slipway_ports::SecretText;

use crate::{Host, Received, Refusal, image, receive};

/// Who a webhook is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A git host, which tells of repositories.
    Host(Host),
    /// Who tells of images.
    Image(Teller),
}

/// A word that is none of a sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` tells of nothing: expected {}, pipeline or registry", Host::ALL.map(Host::as_str).join(", "))]
pub struct UnknownSender {
    /// The word that was refused.
    pub text: String,
}

impl Sender {
    /// The word for it in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host(host) => host.as_str(),
            Self::Image(Teller::Pipeline) => "pipeline",
            Self::Image(Teller::Registry) => "registry",
        }
    }

    /// Reads what it posted; see [`receive`]. `unique` is the id of a call that has none of its own.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn receive<'h>(
        self,
        secret: &SecretText,
        headers: &(dyn Fn(&str) -> Option<&'h str> + 'h),
        body: &[u8],
        unique: &str,
    ) -> Result<Received, Refusal> {
        match self {
            Self::Host(host) => receive(host, secret, headers, body),
            Self::Image(teller) => image::receive(teller, secret, headers, body, unique),
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Sender {
    type Err = UnknownSender;

    fn from_str(text: &str) -> Result<Self, UnknownSender> {
        match text {
            "pipeline" => Ok(Self::Image(Teller::Pipeline)),
            "registry" => Ok(Self::Image(Teller::Registry)),
            other => other.parse().map(Self::Host).map_err(|_| UnknownSender { text: text.chars().take(100).collect() }),
        }
    }
}
