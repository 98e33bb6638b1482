//! What went wrong between us and the API server: away, or refusing.

use std::error::Error as _;
use std::time::Duration;

use kube::core::Status;
use slipway_core::failure::{Code, Failure};

use crate::text::clause;

/// Why a request has no answer that is of use.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server could not be asked, or is busy: the same request may succeed later.
    Away {
        /// In words.
        reason: String,
        /// How long the server asks to wait.
        wait: Option<Duration>,
    },
    /// The server answered, and the answer will stay the same.
    Refused(Box<Status>),
    /// The request cannot be made at all.
    Unusable(String),
}

impl Trouble {
    /// The server could not be asked.
    pub(crate) fn away(reason: impl Into<String>) -> Self {
        Self::Away { reason: reason.into(), wait: None }
    }

    /// How long the server asks to wait before the next attempt.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Away { wait, .. } => *wait,
            Self::Refused(_) | Self::Unusable(_) => None,
        }
    }

    /// Whether the server says that there is no such object.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 404)
    }

    /// Whether the server says that the object is there already.
    pub(crate) fn is_already_there(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 409 && status.reason == "AlreadyExists")
    }

    /// Whether the object was changed by somebody else since it was read.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 409 && status.reason != "AlreadyExists")
    }

    /// Whether what was seen last is too old to go on from.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 410)
    }

    /// The failure of doing `what`, such as `list the pods of namespace shop`.
    pub(crate) fn failure(&self, what: &str) -> Failure {
        match self {
            Self::Away { reason, .. } => Failure::retry(Code::ClusterUnreachable, format!("could not {what}: {reason}"))
                .with_hint("check that the API server of the target runs and is reached from here: slipway doctor"),
            Self::Unusable(reason) => Failure::permanent(Code::ClusterRefused, format!("cannot {what}: {reason}"))
                .with_hint("correct the kubeconfig of the target, then add the target again"),
            Self::Refused(status) => {
                let message = if status.message.is_empty() { &status.reason } else { &status.message };
                let failure = Failure::permanent(
                    Code::ClusterRefused,
                    format!("the cluster refused to {what}: {} (HTTP {})", clause(message), status.code),
                );
                match status.code {
                    401 => failure.with_hint("the credentials of the kubeconfig are not valid (any more): renew them"),
                    403 => failure.with_hint("give the user of the kubeconfig the missing permission (RBAC)"),
                    _ => failure,
                }
            }
        }
    }
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from(status),
            kube::Error::BuildRequest(error) => Self::Unusable(clause(&error.to_string())),
            kube::Error::Auth(error) => Self::Unusable(format!("the credentials are not usable: {}", clause(&error.to_string()))),
            kube::Error::RustlsTls(error) => Self::Unusable(clause(&error.to_string())),
            error => match refused_certificate(&error) {
                Some(reason) => Self::Unusable(reason),
                None => Self::Away { reason: clause(&chain(&error)), wait: None },
            },
        }
    }
}

impl From<Box<Status>> for Trouble {
    fn from(status: Box<Status>) -> Self {
        match status.code {
            // Without a code it is no answer of an API server, whatever else stands there.
            0 | 408 | 429 | 500..=599 => Self::Away {
                reason: format!("the API server answers {}: {}", status.code, clause(&status.message)),
                wait: status
                    .details
                    .as_ref()
                    .filter(|details| details.retry_after_seconds > 0)
                    .map(|details| Duration::from_secs(u64::from(details.retry_after_seconds))),
            },
            _ => Self::Refused(status),
        }
    }
}

/// The innermost reason; the outer ones only name layers of the client.
fn chain(error: &kube::Error) -> String {
    let mut innermost = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        innermost = error.to_string();
        source = error.source();
    }
    innermost
}

/// A certificate that is not trusted stays so.
fn refused_certificate(error: &kube::Error) -> Option<String> {
    let mut source = error.source();
    while let Some(error) = source {
        let inner = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let refused = [error.downcast_ref::<rustls::Error>(), inner.and_then(|error| error.downcast_ref::<rustls::Error>())];
        if let Some(rustls::Error::InvalidCertificate(reason)) = refused.into_iter().flatten().next() {
            return Some(format!("the certificate of the API server is not trusted: {reason}"));
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_core::failure::FailureKind;

    fn trouble(code: u16, reason: &str) -> Trouble {
        Trouble::from(kube::Error::Api(Status::failure("words of the server", reason).with_code(code).boxed()))
    }

    #[test]
    fn a_busy_or_broken_server_is_away_and_a_refusal_is_permanent() {
        for code in [408, 429, 500, 502, 503, 504] {
            let failure = trouble(code, "").failure("list pods");
            assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::ClusterUnreachable), "{code}");
        }
        for code in [400, 401, 403, 404, 422] {
            let failure = trouble(code, "").failure("list pods");
            assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ClusterRefused), "{code}");
            assert!(failure.message.contains("words of the server"), "{failure}");
        }
    }

    #[test]
    fn an_object_that_is_there_is_not_a_conflict() {
        assert!(trouble(409, "AlreadyExists").is_already_there() && !trouble(409, "AlreadyExists").is_conflict());
        assert!(trouble(409, "Conflict").is_conflict() && !trouble(409, "Conflict").is_already_there());
    }
}
