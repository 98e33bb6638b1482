//! What a deployment will do, sealed when it is accepted: configuration and versions do not change any more.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::image_key::ImageKey;
use crate::model::{Bytes, Environment, ImageReference, Millicores, Name, ServiceType, Stage};

mod action;
mod build_reason;
mod chart;
mod request;
mod settled;

pub use action::Action;
pub use build_reason::{BuildDifference, BuildElsewhere, shared_with, why_built};
pub use chart::{DependencyOrigin, PinnedChart, PinnedDependency, PinnedOrigin};
pub use request::{Request, Selection};
pub use settled::{Drift, ObjectRef, Observed, Settled, SettledObject};

/// A sealed deployment: the environment as it was, and each service that takes part with its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What is done.
    pub action: Action,
    /// What was asked for.
    #[serde(default)]
    pub request: Request,
    /// The configuration at the moment of acceptance. What takes part in a stop, restart or delete is as it was released.
    pub environment: Environment,
    /// Who takes part, in execution order: by stage, then in file order.
    pub services: Vec<PlannedService>,
    /// The deployed versions of services that take no part, short; variables are named after them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_versions: BTreeMap<Name, String>,
}

/// One service of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedService {
    /// Its name.
    pub name: Name,
    /// The place of its stage in the order of execution, from 0.
    pub stage: usize,
    /// What will be released.
    pub version: Version,
    /// What will be built for it, if anything.
    pub build: Option<BuildPlan>,
    /// What was released of it before, as far as the action goes by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Released>,
    /// The type of a service that has left the environment: its release is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<ServiceType>,
}

/// What a release used, beside its configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Released {
    /// The image in the mirroring registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ReleasedImage>,
    /// The Secret of its variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<VariablesSecret>,
}

/// An image in the mirroring registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleasedImage {
    /// The repository, without the registry's address.
    pub repository: String,
    /// `sha256:…`
    pub digest: String,
}

/// The immutable Secret that the containers of a service take their variables from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariablesSecret {
    /// `<service>-<hash>`.
    pub name: String,
    /// Mount path of a file to the key that holds its content.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// Whether a build can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "one per service; a box would buy nothing")]
pub enum BuildPlan {
    /// It can, from these inputs.
    Image(PlannedBuild),
    /// It can not: the step fails with this when its turn comes.
    Impossible(Failure),
}

impl BuildPlan {
    /// The content address of the build, if it can be done.
    pub fn key(&self) -> Option<&ImageKey> {
        match self {
            Self::Image(build) => Some(&build.key),
            Self::Impossible(_) => None,
        }
    }

    /// The image that the build makes, if it can be done: its repository and its key. Equal keys in two repositories are two images.
    pub fn image(&self) -> Option<(&str, &ImageKey)> {
        match self {
            Self::Image(build) => Some((&build.repository, &build.key)),
            Self::Impossible(_) => None,
        }
    }
}

impl PlannedBuild {
    /// What stays the same from one build of a service to the next: where its source is, and what of it is built.
    pub fn line(&self) -> String {
        let dockerfile = self.dockerfile.as_deref().unwrap_or_default();
        [&self.repository, &self.root, dockerfile, self.target.as_deref().unwrap_or_default()].join("\n")
    }
}

/// What of a service will be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Version {
    /// This commit, 40 hex digits.
    Commit(String),
    /// This image, pinned to its digest.
    Image(ImageReference),
    /// This chart of the user's own, with its files of values.
    Chart(PinnedChart),
    /// It could not be found out; the service fails with this when its turn comes.
    Unresolved(Failure),
}

impl Version {
    /// As short as a person wants it: seven digits of the commit, the chart's version, the tag or the digest's first twelve.
    pub fn short(&self) -> String {
        match self {
            Self::Commit(commit) => short_commit(commit),
            Self::Chart(chart) => match &chart.origin {
                PinnedOrigin::Commit(commit) => short_commit(commit),
                PinnedOrigin::Archive { version, .. } => version.clone(),
            },
            Self::Image(image) => match (image.tag(), image.digest()) {
                (Some(tag), _) => tag.to_owned(),
                (None, Some(digest)) => digest.trim_start_matches("sha256:").chars().take(12).collect(),
                (None, None) => "latest".to_owned(),
            },
            Self::Unresolved(_) => "?".to_owned(),
        }
    }
}

fn short_commit(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// One image to build, or to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedBuild {
    /// The content address of the build.
    pub key: ImageKey,
    /// The repository of the image in the mirroring registry, `builds/<git host>/<path>`.
    pub repository: String,
    /// The URL of the source.
    pub url: String,
    /// The commit, 40 hex digits.
    pub commit: String,
    /// The folder of the build context; empty: the whole repository.
    pub root: String,
    /// What stands for the content of the context in the key.
    pub context_tree: String,
    /// The path of the Dockerfile relative to `root`; absent when it is inline.
    pub dockerfile: Option<String>,
    /// The text of an inline Dockerfile.
    pub dockerfile_inline: Option<String>,
    /// The stage of the Dockerfile; absent: the last.
    pub target: Option<String>,
    /// The declared build arguments that have a value.
    pub args: BTreeMap<String, String>,
    /// The names of the secrets that its steps may read; no part of the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// OCI platforms; empty: the builder's own.
    pub platforms: Vec<String>,
    /// CPU of the build.
    pub cpu: Millicores,
    /// Memory of the build.
    pub memory: Bytes,
    /// The longest it may take.
    pub timeout: Duration,
    /// The digest under the key when a rebuild was asked for: an image counts as built only when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

impl Plan {
    /// How many stages the pipeline has.
    pub fn stage_count(&self) -> usize {
        self.environment.pipeline.stages.len()
    }

    /// The stages in the order of execution: a stop or delete goes from the last to the first.
    pub fn stages(&self) -> Vec<&Stage> {
        let stages = self.environment.pipeline.stages.iter();
        if self.action.is_reverse() { stages.rev().collect() } else { stages.collect() }
    }

    /// Whether somebody must approve before a stage, by its place in the order of execution.
    pub fn needs_approval(&self, order: usize) -> bool {
        let stages = &self.environment.pipeline.stages;
        self.action.releases() && stages.get(order).is_some_and(|stage| stage.approval_required)
    }

    /// A service that takes part.
    pub fn service(&self, name: &Name) -> Option<&PlannedService> {
        self.services.iter().find(|service| service.name == *name)
    }
}
