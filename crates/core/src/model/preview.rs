//! Environments that are made for pull requests.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Name;

/// How an environment makes previews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previews {
    /// Whether pull requests make some at all.
    pub enabled: bool,
    /// Which requests do.
    #[serde(default)]
    pub when: PreviewWhen,
    /// Whether a request from a fork makes one without somebody asking for it who may write to the repository.
    #[serde(default)]
    pub forks: bool,
    /// How long one lives after it was last deployed.
    #[serde(default)]
    pub time_to_live: Option<Duration>,
}

/// Which requests make a preview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreviewWhen {
    /// Each that is opened.
    #[default]
    Opened,
    /// Those for which a comment asks.
    Asked,
}

impl PreviewWhen {
    /// The word of the environment file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Asked => "asked",
        }
    }
}

/// What a preview was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The environment that it was made after, in its project.
    pub of: Name,
    /// The kind of git host, such as `github`.
    pub host: String,
    /// The URL by which that environment names the repository that the request goes into.
    pub repository: String,
    /// The repository as a person knows it: `owner/name`.
    pub repository_name: String,
    /// The request's number in the repository.
    pub number: u64,
    /// The branch that the request brings.
    pub branch: String,
    /// The repository that the branch lies in, if it is another one: a fork gets no secrets and writes no shared cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<String>,
    /// The title of the request when the preview was made.
    pub title: String,
    /// The request's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// How long it lives after it was last deployed; absent: until the request is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_live: Option<Duration>,
    /// Why it is being deleted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

impl Preview {
    /// The request as a person names it: `acme/shop #7`.
    pub fn request(&self) -> String {
        format!("{} #{}", self.repository_name, self.number)
    }

    /// The repository that the branch lies in.
    pub fn head_repository(&self) -> &str {
        self.fork.as_deref().unwrap_or(&self.repository)
    }
}
