//! The kinds of git hosts, and the headers that each sends.

use std::fmt;
use std::str::FromStr;

/// A kind of git host: whose headers and payloads are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// GitHub, also GitHub Enterprise Server.
    GitHub,
    /// GitLab, also of one's own.
    GitLab,
    /// Gitea, Forgejo, and Gogs, from which both come. The webhook's content type must be `application/json`: what they sign of a
    /// form is not what they send.
    Gitea,
    /// bitbucket.org.
    BitbucketCloud,
    /// Bitbucket Data Center, once Bitbucket Server.
    BitbucketDataCenter,
}

/// A name that is none of a kind of git host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no kind of git host: expected {}", Host::ALL.map(Host::as_str).join(", "))]
pub struct UnknownHost {
    /// The name that was refused.
    pub text: String,
}

/// A header that holds the signature of the body in hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HexSignature {
    pub(crate) header: &'static str,
    /// What stands before the digits.
    pub(crate) prefix: &'static str,
}

impl Host {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::GitHub, Self::GitLab, Self::Gitea, Self::BitbucketCloud, Self::BitbucketDataCenter];

    /// The word for it in the API and in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
            Self::BitbucketCloud => "bitbucket-cloud",
            Self::BitbucketDataCenter => "bitbucket-data-center",
        }
    }

    /// Where the body's signature stands; the first header that is there counts. GitLab has other ways.
    pub(crate) fn hex_signatures(self) -> &'static [HexSignature] {
        const fn of(header: &'static str, prefix: &'static str) -> HexSignature {
            HexSignature { header, prefix }
        }
        match self {
            Self::GitHub => const { &[of("x-hub-signature-256", "sha256=")] },
            Self::GitLab => &[],
            Self::Gitea => {
                const {
                    &[
                        of("x-gitea-signature", ""),
                        of("x-forgejo-signature", ""),
                        of("x-gogs-signature", ""),
                        of("x-hub-signature-256", "sha256="),
                    ]
                }
            }
            Self::BitbucketCloud | Self::BitbucketDataCenter => const { &[of("x-hub-signature", "sha256=")] },
        }
    }

    /// Where the name of the event stands.
    pub(crate) fn event_headers(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["x-github-event"],
            Self::GitLab => &["x-gitlab-event"],
            Self::Gitea => &["x-gitea-event", "x-forgejo-event", "x-gogs-event", "x-github-event"],
            Self::BitbucketCloud | Self::BitbucketDataCenter => &["x-event-key"],
        }
    }

    /// Where the id of the delivery stands. GitLab's `idempotency-key` is the one that stays when it posts again.
    pub(crate) fn delivery_headers(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["x-github-delivery"],
            Self::GitLab => &["webhook-id", "idempotency-key"],
            Self::Gitea => &["x-gitea-delivery", "x-forgejo-delivery", "x-gogs-delivery", "x-github-delivery"],
            Self::BitbucketCloud => &["x-request-uuid"],
            Self::BitbucketDataCenter => &["x-request-id"],
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Host {
    type Err = UnknownHost;

    fn from_str(text: &str) -> Result<Self, UnknownHost> {
        let found = Self::ALL.into_iter().find(|host| host.as_str() == text);
        found.ok_or_else(|| UnknownHost { text: text.chars().take(100).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_reads_back_from_its_word() {
        for host in Host::ALL {
            assert_eq!(host.as_str().parse::<Host>().unwrap(), host);
        }
        let refused = "GitHub".parse::<Host>().unwrap_err().to_string();
        assert_eq!(
            refused,
            "`GitHub` is no kind of git host: expected github, gitlab, gitea, bitbucket-cloud, bitbucket-data-center"
        );
    }
}
