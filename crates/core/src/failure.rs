//! A failure of something outside: its kind says what to do, its code names it, its text tells a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What may be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The same attempt may succeed later: the other side is away, busy or was interrupted.
    Retry,
    /// The same attempt will fail again until somebody changes something.
    Permanent,
    /// Somebody asked for the end.
    Canceled,
}

/// The stable name of a failure; each has a page `docs/errors/<code>.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Something in Slipway itself is wrong.
    Internal,
    /// The deployment, or this service of it, was canceled.
    Canceled,
    /// The git repository does not answer, or refuses.
    RepositoryUnreachable,
    /// The repository answers, and wants credentials that it was not given.
    RepositoryUnauthorized,
    /// The branch, tag or commit does not exist in the repository.
    RevisionNotFound,
    /// The root path of the service does not exist in the commit.
    ContextNotFound,
    /// A submodule has no usable entry in `.gitmodules`, or its repository does not hold its commit.
    SubmoduleInvalid,
    /// A file in Git LFS could not be had.
    LfsUnavailable,
    /// The Dockerfile does not exist in the commit.
    DockerfileNotFound,
    /// The Dockerfile exists and does not parse.
    DockerfileInvalid,
    /// A step of the build exited with an error.
    BuildFailed,
    /// The build did not end within its time.
    BuildTimeout,
    /// The build needed more memory than its limit.
    BuildOutOfMemory,
    /// The builder ended without an image.
    BuildWithoutImage,
    /// The build runs programs of a platform that the builder's machine can not run.
    EmulationMissing,
    /// The builder does not answer, or died.
    BuilderUnavailable,
    /// The registry does not answer.
    RegistryUnavailable,
    /// The registry refuses the credentials.
    RegistryUnauthorized,
    /// The image does not exist in its registry.
    ImageNotFound,
    /// What the registry sent is not what its digest says.
    DigestMismatch,
    /// A variable is not defined, or refers to itself.
    VariableInvalid,
    /// What a job wrote to `/slipway-output/output.json` is not what is expected there.
    OutputInvalid,
    /// A service takes from an output that no job has written.
    OutputMissing,
    /// A secret that the environment declares has no value.
    SecretMissing,
    /// A service names a credential that is not there, or that is for another place.
    CredentialUnusable,
    /// The cluster does not answer.
    ClusterUnreachable,
    /// The cluster refuses the request.
    ClusterRefused,
    /// Helm could not render or apply the chart.
    ReleaseFailed,
    /// There is no such chart, or not in this version.
    ChartNotFound,
    /// A chart is broken, holds what no chart may hold, or lacks its dependencies.
    ChartInvalid,
    /// The values of a chart can not be merged, or the chart's schema refuses them.
    ValuesInvalid,
    /// A chart makes objects outside the namespace of its environment.
    ClusterWideRefused,
    /// The record of a release would not fit into a Secret.
    ReleaseTooLarge,
    /// A hook of a chart failed.
    HookFailed,
    /// The Helm worker died or did not answer within its time.
    HelmUnavailable,
    /// A pod cannot pull its image.
    ImagePullFailed,
    /// A container starts and ends again and again.
    CrashLoop,
    /// A container cannot be made from its configuration.
    ContainerConfigInvalid,
    /// A pod fits on no node.
    Unschedulable,
    /// A volume cannot be mounted or bound.
    VolumeUnavailable,
    /// A quota or an admission rule refuses the pods.
    AdmissionRefused,
    /// A probe never succeeded within the time of the rollout.
    ProbeFailed,
    /// The rollout did not become ready within its time.
    RolloutTimeout,
    /// A job ended with an error.
    JobFailed,
    /// A job did not end within its time.
    JobTimeout,
    /// No pod of the service can be reached: there is none, or not the one that is meant.
    PodUnavailable,
    /// A command can not be started in a container.
    ExecFailed,
    /// A URL leads where this server may not be sent.
    AddressRefused,
    /// What is asked for is nothing that Slipway, or its target, can do.
    NotSupported,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 49] = [
        Self::Internal,
        Self::Canceled,
        Self::RepositoryUnreachable,
        Self::RepositoryUnauthorized,
        Self::RevisionNotFound,
        Self::ContextNotFound,
        Self::SubmoduleInvalid,
        Self::LfsUnavailable,
        Self::DockerfileNotFound,
        Self::DockerfileInvalid,
        Self::BuildFailed,
        Self::BuildTimeout,
        Self::BuildOutOfMemory,
        Self::BuildWithoutImage,
        Self::EmulationMissing,
        Self::BuilderUnavailable,
        Self::RegistryUnavailable,
        Self::RegistryUnauthorized,
        Self::ImageNotFound,
        Self::DigestMismatch,
        Self::VariableInvalid,
        Self::OutputInvalid,
        Self::OutputMissing,
        Self::SecretMissing,
        Self::CredentialUnusable,
        Self::ClusterUnreachable,
        Self::ClusterRefused,
        Self::ReleaseFailed,
        Self::ChartNotFound,
        Self::ChartInvalid,
        Self::ValuesInvalid,
        Self::ClusterWideRefused,
        Self::ReleaseTooLarge,
        Self::HookFailed,
        Self::HelmUnavailable,
        Self::ImagePullFailed,
        Self::CrashLoop,
        Self::ContainerConfigInvalid,
        Self::Unschedulable,
        Self::VolumeUnavailable,
        Self::AdmissionRefused,
        Self::ProbeFailed,
        Self::RolloutTimeout,
        Self::JobFailed,
        Self::JobTimeout,
        Self::PodUnavailable,
        Self::ExecFailed,
        Self::AddressRefused,
        Self::NotSupported,
    ];

    /// The code as it is written: lower case, words joined by `-`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Canceled => "canceled",
            Self::RepositoryUnreachable => "repository-unreachable",
            Self::RepositoryUnauthorized => "repository-unauthorized",
            Self::RevisionNotFound => "revision-not-found",
            Self::ContextNotFound => "context-not-found",
            Self::SubmoduleInvalid => "submodule-invalid",
            Self::LfsUnavailable => "lfs-unavailable",
            Self::DockerfileNotFound => "dockerfile-not-found",
            Self::DockerfileInvalid => "dockerfile-invalid",
            Self::BuildFailed => "build-failed",
            Self::BuildTimeout => "build-timeout",
            Self::BuildOutOfMemory => "build-out-of-memory",
            Self::BuildWithoutImage => "build-without-image",
            Self::EmulationMissing => "emulation-missing",
            Self::BuilderUnavailable => "builder-unavailable",
            Self::RegistryUnavailable => "registry-unavailable",
            Self::RegistryUnauthorized => "registry-unauthorized",
            Self::ImageNotFound => "image-not-found",
            Self::DigestMismatch => "digest-mismatch",
            Self::VariableInvalid => "variable-invalid",
            Self::OutputInvalid => "output-invalid",
            Self::OutputMissing => "output-missing",
            Self::SecretMissing => "secret-missing",
            Self::CredentialUnusable => "credential-unusable",
            Self::ClusterUnreachable => "cluster-unreachable",
            Self::ClusterRefused => "cluster-refused",
            Self::ReleaseFailed => "release-failed",
            Self::ChartNotFound => "chart-not-found",
            Self::ChartInvalid => "chart-invalid",
            Self::ValuesInvalid => "values-invalid",
            Self::ClusterWideRefused => "cluster-wide-refused",
            Self::ReleaseTooLarge => "release-too-large",
            Self::HookFailed => "hook-failed",
            Self::HelmUnavailable => "helm-unavailable",
            Self::ImagePullFailed => "image-pull-failed",
            Self::CrashLoop => "crash-loop",
            Self::ContainerConfigInvalid => "container-config-invalid",
            Self::Unschedulable => "unschedulable",
            Self::VolumeUnavailable => "volume-unavailable",
            Self::AdmissionRefused => "admission-refused",
            Self::ProbeFailed => "probe-failed",
            Self::RolloutTimeout => "rollout-timeout",
            Self::JobFailed => "job-failed",
            Self::JobTimeout => "job-timeout",
            Self::PodUnavailable => "pod-unavailable",
            Self::ExecFailed => "exec-failed",
            Self::AddressRefused => "address-refused",
            Self::NotSupported => "not-supported",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failure, as it is stored, shown and decided upon. It carries no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What may be done.
    pub kind: FailureKind,
    /// Which failure it is.
    pub code: Code,
    /// What is wrong, and where: one sentence without a full stop.
    pub message: String,
    /// What to do next, if anything is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The last lines that the failing thing said, oldest first; at most some twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
}

impl Failure {
    /// A failure that a later attempt may not have.
    pub fn retry(code: Code, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Retry, code, message)
    }

    /// A failure that stays until somebody changes something.
    pub fn permanent(code: Code, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Permanent, code, message)
    }

    /// The end that somebody asked for.
    pub fn canceled(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Canceled, Code::Canceled, message)
    }

    fn new(kind: FailureKind, code: Code, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), hint: None, last_lines: Vec::new() }
    }

    /// The same failure with what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with the last lines of its log.
    #[must_use]
    pub fn with_last_lines(mut self, lines: Vec<String>) -> Self {
        self.last_lines = lines;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_stored_as_it_is_shown() {
        for code in Code::ALL {
            let stored = serde_json::to_value(code).unwrap();
            assert_eq!(stored, serde_json::Value::String(code.to_string()));
        }
    }
}
