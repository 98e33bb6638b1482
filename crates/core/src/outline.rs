//! The pipeline that a first deployment would execute, as `slipway plan --offline` prints it.

use serde::{Deserialize, Serialize};

use crate::model::{Environment, Name, PipelineMode, Service, ServiceType, StageName};

/// The stages of an environment and what is done in each, in execution order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The environment's name.
    pub environment: Name,
    /// How its pipeline is executed.
    pub mode: PipelineMode,
    /// All stages, empty ones too.
    pub stages: Vec<StageOutline>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageOutline {
    /// Its place, from 0.
    pub order: usize,
    /// Its name.
    pub name: StageName,
    /// The type whose default stage it is.
    pub default_for: Option<ServiceType>,
    /// Its services, in file order.
    pub services: Vec<ServiceOutline>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOutline {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: ServiceType,
    /// Whether it is left out of what is done to the whole environment.
    pub skipped: bool,
    /// What is built for it, if anything.
    pub build: Option<BuildOutline>,
    /// How it is released.
    pub release: ReleaseOutline,
}

/// What is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildOutline {
    /// The URL of the git repository.
    pub repository: String,
    /// The folder of the build context; empty: the whole repository.
    pub root: String,
    /// The Dockerfile in that folder; absent when the file holds its text.
    pub dockerfile: Option<String>,
    /// The stage of the Dockerfile; absent: the last.
    pub target: Option<String>,
    /// The names in `build.args`, sorted.
    pub args: Vec<String>,
}

/// How a service is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseOutline {
    /// Whose Helm chart it is.
    pub chart: ChartOrigin,
}

/// Whose a Helm chart is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartOrigin {
    /// Slipway makes it.
    Generated,
    /// The user brings it.
    User,
}

/// The outline of an environment.
pub fn outline(environment: &Environment) -> Outline {
    let stages = environment.pipeline.stages.iter().enumerate();
    let stages = stages.map(|(order, stage)| StageOutline {
        order,
        name: stage.name.clone(),
        default_for: stage.default_for,
        services: environment.services_of(&stage.name).map(service_outline).collect(),
    });
    Outline { environment: environment.name.clone(), mode: environment.pipeline.mode, stages: stages.collect() }
}

fn service_outline(service: &Service) -> ServiceOutline {
    let kind = service.service_type();
    let build = service.build().map(|(git, build)| BuildOutline {
        repository: git.url.clone(),
        root: git.root.clone(),
        dockerfile: build.dockerfile_inline.is_none().then(|| build.dockerfile.clone()),
        target: build.target.clone(),
        args: build.args.keys().map(ToString::to_string).collect(),
    });
    let chart = match kind {
        ServiceType::Helm => ChartOrigin::User,
        ServiceType::Application | ServiceType::Container | ServiceType::Database | ServiceType::Job => ChartOrigin::Generated,
    };
    ServiceOutline { name: service.name.clone(), kind, skipped: service.skipped, build, release: ReleaseOutline { chart } }
}
