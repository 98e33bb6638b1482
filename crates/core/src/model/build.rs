//! Where the source of a build is, and how it is built.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bytes, Millicores, VariableName};

/// A folder of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitSource {
    /// An `http`, `https`, `ssh` or scp-like URL; `file` only where the server allows it. Never begins with `-`.
    pub url: String,
    /// What to check out.
    pub revision: GitRevision,
    /// The folder of the build context, relative to the repository, `/` between parts; empty for the whole repository.
    #[serde(default)]
    pub root: String,
    /// The name of the credential that reads the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// What of a repository is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GitRevision {
    /// The newest commit of a branch.
    Branch(String),
    /// This commit: 40 hex digits.
    Commit(String),
    /// What the remote's HEAD names.
    DefaultBranch,
    /// What a person names for one deployment: a tag, a branch, or a commit by at least its first seven hex digits.
    Named(String),
}

/// How an image is built from a [`GitSource`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildSettings {
    /// The Dockerfile, relative to the repository's root folder of the service; ignored when `dockerfile_inline` is there.
    pub dockerfile: String,
    /// The text of the Dockerfile, instead of one in the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile_inline: Option<String>,
    /// The stage of the Dockerfile to build; absent: the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Values of build arguments; they override variables of the same name.
    #[serde(default)]
    pub args: BTreeMap<VariableName, String>,
    /// Secrets that `RUN --mount=type=secret` may read, by id.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// CPU of the build (C6).
    pub cpu: Millicores,
    /// Memory of the build (C6).
    pub memory: Bytes,
    /// The longest the build may take.
    pub timeout: Duration,
    /// OCI platforms such as `linux/amd64`; empty: the builder's own.
    #[serde(default)]
    pub platforms: Vec<String>,
}

impl Default for BuildSettings {
    fn default() -> Self {
        Self {
            dockerfile: "Dockerfile".to_owned(),
            dockerfile_inline: None,
            target: None,
            args: BTreeMap::new(),
            secrets: Vec::new(),
            cpu: Millicores(4000),
            memory: Bytes::gibi(4),
            timeout: Duration::from_secs(30 * 60),
            platforms: Vec::new(),
        }
    }
}

/// Which changed files concern a service (globs).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathFilter {
    /// Empty: every file.
    #[serde(default)]
    pub matches: Vec<String>,
    /// Taken away from the matches.
    #[serde(default)]
    pub excludes: Vec<String>,
}

impl PathFilter {
    /// Whether every file concerns the service.
    pub fn is_everything(&self) -> bool {
        self.matches.is_empty() && self.excludes.is_empty()
    }
}
